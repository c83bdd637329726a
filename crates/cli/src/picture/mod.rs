//! A picture of a registration: before on the left, after on the right.
//!
//! Points are seen along the direction in which the target extends least: from above for a LiDAR scan.
//! Light adds up, so that orange source and blue target turn white where they agree.

mod light;
mod view;

use std::path::Path;

use anyhow::{Context, Result};
use barrow::geometry::PointCloud;
use nalgebra::{Isometry3, Point2};

use self::light::Picture;
pub use self::light::color_of;
use self::view::{Frame, View};
use crate::lettering;
use crate::output;

const SOURCE: [f32; 3] = [1.0, 0.37, 0.02];
const TARGET: [f32; 3] = [0.03, 0.42, 1.0];
const BACKGROUND: [f32; 3] = [0.005, 0.006, 0.010];
const INK: [f32; 3] = [0.72, 0.75, 0.80];

/// Width of a panel [pixel]; its height follows the data.
const WIDTH: usize = 900;
/// Free space around the points [pixel].
const MARGIN: usize = 40;
/// Height of the strip that the words stand in [pixel].
const STRIP: usize = 56;
/// Space between the two panels [pixel].
const GAP: usize = 12;
/// Steps of a channel where a picture is to be small: hardly seen in what points look like.
const STEP: u8 = 8;
/// Share of points on either side of each axis that may fall outside: far stray returns would
/// shrink everything else to a dot.
const STRAY: f64 = 0.01;

/// A picture as the bytes of a PNG, and its size.
pub struct Plate {
    /// The file.
    pub png: Vec<u8>,
    /// Its width \[px\].
    pub width: usize,
    /// Its height \[px\].
    pub height: usize,
}

/// Writes a PNG of source and target before and after the pose, side by side.
///
/// # Errors
/// If the points are too far apart to be seen together, or the file cannot be written.
///
/// # Determinism
/// The same clouds and pose give the same bytes.
pub fn write(
    path: &Path,
    source: &PointCloud,
    target: &PointCloud,
    target_from_source: &Isometry3<f64>,
) -> Result<()> {
    let scene = Scene::new(source, target, &[Isometry3::identity(), *target_from_source]);
    let Scene { frame, target, sources } =
        scene.context("--picture: these points cannot be seen together")?;
    let mut picture = Picture::new(2 * WIDTH + GAP, frame.height);
    for (panel, (moving, label)) in sources.iter().zip(["before", "after"]).enumerate() {
        let left = panel * (WIDTH + GAP);
        picture.add_layer(left, &frame, &target, TARGET);
        picture.add_layer(left, &frame, moving, SOURCE);
        picture.write(left + MARGIN / 2, MARGIN / 2, label, INK);
    }
    let right = WIDTH - MARGIN / 2 - lettering::width("target");
    picture.write(right, MARGIN / 2, "target", TARGET);
    picture.write(right - lettering::width("source "), MARGIN / 2, "source", SOURCE);
    output::write_whole(path, &picture.plate(0, 1)?.png)
}

/// A picture of both clouds for each of some poses of the source, all of the same part of space and without words.
/// None if the points are too far apart to be seen together.
///
/// # Errors
/// If a picture cannot be encoded.
///
/// # Determinism
/// The same clouds and poses give the same bytes.
pub fn plates(source: &PointCloud, target: &PointCloud, poses: &[Isometry3<f64>]) -> Result<Vec<Plate>> {
    let Some(Scene { frame, target, sources }) = Scene::new(source, target, poses) else {
        return Ok(Vec::new());
    };
    let plate = |moving: &Vec<Point2<f64>>| {
        let mut picture = Picture::new(WIDTH, frame.height);
        picture.add_layer(0, &frame, &target, TARGET);
        picture.add_layer(0, &frame, moving, SOURCE);
        // Without words, no strip to hold them.
        picture.plate(STRIP - MARGIN, STEP)
    };
    sources.iter().map(plate).collect()
}

/// A picture of the source where it is, with its points coloured by parts of a whole; it shows what [`plates`] shows.
/// None if the points are too far apart to be seen together.
///
/// # Errors
/// If a picture cannot be encoded.
pub fn colored(source: &PointCloud, target: &PointCloud, parts: &[f64]) -> Result<Option<Plate>> {
    let Some(Scene { frame, sources, .. }) = Scene::new(source, target, &[Isometry3::identity()]) else {
        return Ok(None);
    };
    let mut picture = Picture::new(WIDTH, frame.height);
    sources.iter().for_each(|points| picture.add_colored_layer(&frame, points, parts));
    picture.plate(STRIP - MARGIN, STEP).map(Some)
}

/// Both clouds as they are seen, the source in several poses.
struct Scene {
    frame: Frame,
    target: Vec<Point2<f64>>,
    sources: Vec<Vec<Point2<f64>>>,
}

impl Scene {
    fn new(source: &PointCloud, target: &PointCloud, poses: &[Isometry3<f64>]) -> Option<Self> {
        let view = View::along_least_extent(target)?;
        let still = target.positions().iter().map(|point| view.project(point)).collect();
        let moved = |pose: &Isometry3<f64>| -> Vec<_> {
            source.positions().iter().map(|point| view.project(&(pose * point))).collect()
        };
        let sources: Vec<_> = poses.iter().map(moved).collect();
        let frame = Frame::around(&sources.iter().chain([&still]).collect::<Vec<_>>());
        let is_seen = frame.pixels_per_metre.is_finite() && frame.pixels_per_metre > 0.0;
        is_seen.then_some(Self { frame, target: still, sources })
    }
}
