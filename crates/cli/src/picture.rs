//! A picture of a registration: before on the left, after on the right.
//!
//! Points are seen along the direction in which the target extends least: from above for a LiDAR scan.
//! Light adds up, so that orange source and blue target turn white where they agree.

use std::path::Path;

use anyhow::{Context, Result};
use barrow::geometry::PointCloud;
use nalgebra::{Isometry3, Matrix3, Point2, Point3, Unit, Vector3};

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
    output::write_whole(path, &picture.plate(0)?.png)
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
        picture.plate(STRIP - MARGIN)
    };
    sources.iter().map(plate).collect()
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

/// An orthographic view.
struct View {
    center: Point3<f64>,
    right: Vector3<f64>,
    up: Vector3<f64>,
}

impl View {
    fn along_least_extent(target: &PointCloud) -> Option<Self> {
        let center = target.centroid()?;
        let spread: Matrix3<f64> =
            target.positions().iter().map(|point| (point - center) * (point - center).transpose()).sum();
        // Coordinates whose squares are out of range have no directions that could be compared.
        if !spread.iter().all(|entry| entry.is_finite()) {
            return None;
        }
        let eigen = (spread / spread.amax().max(f64::MIN_POSITIVE)).symmetric_eigen();
        // An eigenvector has no sign of its own: its largest component shall be positive, and so a scan
        // is seen from above.
        let axis = |index: usize| {
            let axis = eigen.eigenvectors.column(index).into_owned();
            if axis[axis.iamax()] < 0.0 { -axis } else { axis }
        };
        let towards_viewer = Unit::try_new(axis(eigen.eigenvalues.imin()), 0.0)?;
        let along = axis(eigen.eigenvalues.imax());
        let right = (along - towards_viewer.into_inner() * along.dot(&towards_viewer)).try_normalize(1e-6);
        let right = right.unwrap_or_else(|| towards_viewer.cross(&Vector3::y()).normalize());
        Some(Self { center, right, up: towards_viewer.cross(&right) })
    }

    fn project(&self, point: &Point3<f64>) -> Point2<f64> {
        let offset = point - self.center;
        Point2::new(offset.dot(&self.right), offset.dot(&self.up))
    }
}

/// The part of the view that is drawn, at the same scale on both axes.
struct Frame {
    center: Point2<f64>,
    pixels_per_metre: f64,
    height: usize,
}

impl Frame {
    fn around(clouds: &[&Vec<Point2<f64>>]) -> Self {
        let range = |axis: usize| {
            let mut low = f64::INFINITY;
            let mut high = f64::NEG_INFINITY;
            for cloud in clouds.iter().filter(|cloud| !cloud.is_empty()) {
                let mut values: Vec<f64> = cloud.iter().map(|point| point[axis]).collect();
                let stray = (STRAY * values.len() as f64) as usize;
                let last = values.len() - 1 - stray;
                low = low.min(*values.select_nth_unstable_by(stray, f64::total_cmp).1);
                high = high.max(*values.select_nth_unstable_by(last, f64::total_cmp).1);
            }
            (low, high)
        };
        let ((left, right), (bottom, top)) = (range(0), range(1));
        let extent = (right - left).max(top - bottom);
        // A line or a single point still has a panel.
        let least = if extent > 0.0 { 1e-3 * extent } else { 1.0 };
        let (width, height) = ((right - left).max(least), (top - bottom).max(least));
        let inner = (WIDTH - 2 * MARGIN) as f64;
        let inner_height = inner * (height / width).clamp(0.6, 1.15);
        Self {
            center: Point2::new((left + right) / 2.0, (bottom + top) / 2.0),
            pixels_per_metre: (inner / width).min(inner_height / height),
            height: STRIP + inner_height as usize + MARGIN,
        }
    }

    /// Where a point falls in a panel [pixel].
    fn place(&self, point: &Point2<f64>) -> (f64, f64) {
        let offset = (point - self.center) * self.pixels_per_metre;
        let middle = (STRIP + self.height - MARGIN) as f64 / 2.0;
        (WIDTH as f64 / 2.0 + offset.x, middle - offset.y)
    }
}

/// Light per pixel and channel.
struct Picture {
    width: usize,
    height: usize,
    light: Vec<[f32; 3]>,
}

impl Picture {
    fn new(width: usize, height: usize) -> Self {
        let mut light = vec![BACKGROUND; width * height];
        for row in light.chunks_mut(width) {
            row.iter_mut().skip(WIDTH).take(GAP).for_each(|pixel| *pixel = [0.0; 3]);
        }
        Self { width, height, light }
    }

    /// Adds a cloud to the panel that starts at column `left`.
    fn add_layer(&mut self, left: usize, frame: &Frame, points: &[Point2<f64>], color: [f32; 3]) {
        let mut density = splat(frame, points);
        for _ in 0..2 {
            density = blurred(&density, WIDTH);
        }
        // A pixel as dense as the median of those that are hit is half lit; ten times that is bright.
        let mut lit: Vec<f32> = density.iter().copied().filter(|&value| value > 1e-3).collect();
        if lit.is_empty() {
            return;
        }
        let middle = lit.len() / 2;
        let typical = *lit.select_nth_unstable_by(middle, f32::total_cmp).1;
        for (index, value) in density.into_iter().enumerate() {
            let brightness = 1.0 - (-0.6 * (value / typical).powf(0.7)).exp();
            let pixel = &mut self.light[index / WIDTH * self.width + left + index % WIDTH];
            for (channel, strength) in pixel.iter_mut().zip(color) {
                *channel += brightness * strength;
            }
        }
    }

    /// Writes a word with its top left corner at a pixel.
    fn write(&mut self, left: usize, top: usize, word: &str, color: [f32; 3]) {
        for (column, row) in lettering::pixels(word) {
            let (column, row) = (left + column, top + row);
            if column < self.width && row < self.height {
                self.light[row * self.width + column] = color;
            }
        }
    }

    /// The rows from one on as a PNG.
    fn plate(&self, top: usize) -> Result<Plate> {
        let (width, height) = (self.width, self.height - top);
        // Linear light to sRGB, by its power approximation.
        let encode = |value: f32| (255.0 * value.clamp(0.0, 1.0).powf(1.0 / 2.2) + 0.5) as u8;
        let bytes: Vec<u8> = self.light[top * width..].iter().flatten().map(|&value| encode(value)).collect();
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, width as u32, height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        encoder.write_header()?.write_image_data(&bytes)?;
        Ok(Plate { png, width, height })
    }
}

/// Points per pixel of one panel, each point spread over the four pixels around it.
fn splat(frame: &Frame, points: &[Point2<f64>]) -> Vec<f32> {
    let mut density = vec![0.0; WIDTH * frame.height];
    for point in points {
        let (x, y) = frame.place(point);
        let (x, y) = (x - 0.5, y - 0.5);
        let (column, row) = (x.floor(), y.floor());
        let inside = column >= 0.0 && row >= STRIP as f64;
        if !inside || column + 1.0 >= WIDTH as f64 || row + 1.0 >= frame.height as f64 {
            continue;
        }
        let (right, down) = ((x - column) as f32, (y - row) as f32);
        let corner = row as usize * WIDTH + column as usize;
        density[corner] += (1.0 - right) * (1.0 - down);
        density[corner + 1] += right * (1.0 - down);
        density[corner + WIDTH] += (1.0 - right) * down;
        density[corner + WIDTH + 1] += right * down;
    }
    density
}

/// One pass of the binomial filter 1 2 1 along both axes.
fn blurred(density: &[f32], width: usize) -> Vec<f32> {
    let pass = |values: &[f32], stride: usize| -> Vec<f32> {
        let at = |index: usize| values.get(index).copied().unwrap_or(0.0);
        (0..values.len())
            .map(|index| {
                0.5 * at(index) + 0.25 * (at(index.wrapping_sub(stride)) + at(index.wrapping_add(stride)))
            })
            .collect()
    };
    pass(&pass(density, 1), width)
}
