//! How many frames a second does the viewer draw of a million points? Of so few as it draws while a hand moves on a device in
//! software?
//!
//! `cargo run --release -p barrow-viewer --example frames`: each row is the mean over pictures of a scene that turns, two frames and the
//! way back from the device for each of them.

use std::ops::ControlFlow;
use std::time::Instant;

use barrow_geometry::PointCloud;
use barrow_viewer::{ColorBy, Controls, Look, Scene, Viewer};
use nalgebra::Point3;

const PICTURES: usize = 12;
const SIZE: [u32; 2] = [1280, 800];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("| points | edge of a point, pixels | frames a second |\n|---:|---:|---:|");
    for count in [60_000, 1_000_000, 4_000_000] {
        let source = PointCloud::new((0..count).map(spread).collect())?;
        for point_size in [1.0, 2.0] {
            let look = Look { color: ColorBy::Height, point_size, ..Look::default() };
            let mut viewer = Viewer::new(Scene { source: source.clone(), ..Scene::default() }, look)?;
            viewer.eye.size = SIZE.map(f64::from);
            viewer.refit();
            let mut started = None;
            let turn = |viewer: &mut Viewer, _: usize| {
                viewer.eye.turn(10.0, 0.0);
                Ok(())
            };
            // The first picture brings the points to the device.
            let take = |_: usize, _| {
                started.get_or_insert_with(Instant::now);
                ControlFlow::Continue(())
            };
            viewer.pictures(SIZE, Controls::Hidden, PICTURES + 1, turn, take)?;
            let seconds = started.map_or(f64::NAN, |started| started.elapsed().as_secs_f64());
            println!("| {count} | {point_size} | {:.1} |", 2.0 * PICTURES as f64 / seconds);
        }
    }
    Ok(())
}

/// Evenly over a hilly square, by the additive recurrence of the golden section.
fn spread(index: usize) -> Point3<f64> {
    let x = (0.754_877_666_246_693 * index as f64).fract() * 100.0;
    let y = (0.569_840_290_998_053 * index as f64).fract() * 100.0;
    Point3::new(x, y, 4.0 * (0.1 * x).sin() * (0.13 * y).cos())
}
