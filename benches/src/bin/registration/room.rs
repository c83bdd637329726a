//! Rooms with boxes in them, points drawn evenly by area.

use barrow::geometry::PointCloud;
use nalgebra::{Point3, Rotation3, Vector3};

use crate::Result;
use crate::draws::Draws;

/// Points of a scan.
const POINTS: usize = 60_000;

const BOXES: usize = 5;

/// A rectangle by a corner and two edges.
type Wall = [Vector3<f64>; 3];

/// A scan of the room of this seed; scans of other names have other points.
///
/// # Errors
/// None in practice: all coordinates are finite.
pub fn scan(seed: u64, name: &str) -> Result<PointCloud> {
    let walls = walls(seed);
    let areas: Vec<f64> = walls.iter().map(|[_, a, b]| a.cross(b).norm()).collect();
    let total: f64 = areas.iter().sum();
    let mut draws = Draws::of(&format!("room {seed} {name}"));
    let point = |_| {
        let mut left = draws.uniform() * total;
        let found = areas.iter().position(|area| {
            left -= area;
            left < 0.0
        });
        let [corner, a, b] = walls[found.unwrap_or(walls.len() - 1)];
        Point3::from(corner + a * draws.uniform() + b * draws.uniform())
    };
    Ok(PointCloud::new((0..POINTS).map(point).collect())?)
}

fn walls(seed: u64) -> Vec<Wall> {
    let mut draws = Draws::of(&format!("room {seed}"));
    let mut between = |low: f64, high: f64| low + (high - low) * draws.uniform();
    let size = Vector3::new(between(5.0, 7.0), between(4.0, 5.0), 2.6);
    let mut walls = sides(Vector3::zeros(), size, 0.0);
    for _ in 0..BOXES {
        let size = Vector3::new(between(0.4, 1.4), between(0.4, 1.0), between(0.4, 1.3));
        let corner = Vector3::new(between(0.8, 3.8), between(0.8, 2.8), 0.0);
        walls.extend(sides(corner, size, between(0.0, std::f64::consts::TAU)));
    }
    walls
}

/// The six sides of a box that is turned about the vertical through its corner.
fn sides(corner: Vector3<f64>, size: Vector3<f64>, yaw: f64) -> Vec<Wall> {
    let turn = Rotation3::from_axis_angle(&Vector3::z_axis(), yaw);
    let edge = |axis: usize| turn * Vector3::ith(axis, size[axis]);
    (0..3)
        .flat_map(|axis| {
            let (a, b) = (edge((axis + 1) % 3), edge((axis + 2) % 3));
            [[corner, a, b], [corner + edge(axis), a, b]]
        })
        .collect()
}
