//! How close, and how soon, does a smooth deformation lay one cloud onto another?
//!
//! `deformation SOURCE TARGET [--init T.txt] [--rounds 1] [--max-points N] [--keep-scale] [--out MOVED.xyz]` prints
//! one line of JSON. Files are text, two or three numbers a line; where both have as many lines, each belongs to the
//! same line of the other, and the error is the root mean square over the lines of |T(x) − y| over the root mean
//! square radius of the target. `benches/registration/deformation.py` drives it.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use barrow::geometry::{NearestDistances, PointCloud};
use barrow::registration::Deformer;
use barrow_benches::{median, peak_rss_mb};
use nalgebra::Point3;
use serde::Serialize;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(Serialize)]
struct Row {
    source_points: usize,
    target_points: usize,
    threads: usize,
    /// Median of the rounds; reading is not in it.
    seconds: f64,
    /// Root mean square over the lines of |T(x) − y| over the target's radius, if lines belong together.
    error: Option<f64>,
    /// Root mean square of both directed nearest distances over the target's radius.
    chamfer: f64,
    scale: f64,
    transported_mass: f64,
    max_gradient: f64,
    jacobian: [f64; 2],
    folded: f64,
    anchors: usize,
    iterations: usize,
    status: String,
    /// Most memory that this process has held, in units of 10⁶ bytes.
    peak_rss_mb: Option<f64>,
}

fn read(path: &str) -> Result<PointCloud> {
    if Path::new(path).extension().is_some_and(|extension| extension == "vtk") {
        return Ok(barrow::io::read(path, &barrow::io::ReadOptions::default())?.cloud);
    }
    let text = std::fs::read_to_string(path)?;
    let mut points = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let numbers =
            line.split_whitespace().map(str::parse).collect::<std::result::Result<Vec<f64>, _>>()?;
        let [x, y] = numbers[..2] else { return Err(format!("two numbers at least, got {line}").into()) };
        points.push(Point3::new(x, y, numbers.get(2).copied().unwrap_or(0.0)));
    }
    Ok(PointCloud::new(points)?)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [source, target, options @ ..] = arguments.as_slice() else {
        return Err("usage: deformation SOURCE TARGET".into());
    };
    let value = |name: &str| {
        let place = options.iter().position(|option| option == name)?;
        options.get(place + 1)
    };
    let (source, target) = (read(source)?, read(target)?);
    let mut deformer =
        Deformer { scale: !options.iter().any(|o| o == "--keep-scale"), ..Deformer::default() };
    if let Some(path) = value("--init") {
        deformer.initial = Some(barrow::io::read_transform(path)?);
    }
    if let Some(points) = value("--max-points") {
        deformer.max_points = points.parse()?;
    }
    let rounds: usize = value("--rounds").map_or(Ok(1), |text| text.parse())?;
    let mut seconds = Vec::new();
    let mut found = None;
    for _ in 0..rounds.max(1) {
        let start = Instant::now();
        found = Some(deformer.deform(&source, &target)?);
        seconds.push(start.elapsed().as_secs_f64());
    }
    let Some(found) = found else { return Err("no round".into()) };
    let moved = found.apply(&source)?;
    let middle = target.centroid().unwrap_or_default();
    let squares: f64 = target.positions().iter().map(|point| (point - middle).norm_squared()).sum();
    let radius = (squares / target.len() as f64).sqrt();
    let error = (source.len() == target.len()).then(|| {
        let pairs = moved.positions().iter().zip(target.positions());
        (pairs.map(|(x, y)| (x - y).norm_squared()).sum::<f64>() / squares).sqrt()
    });
    let nearest = NearestDistances::between(&moved, &target)?;
    let mean_square = |distances: &[f64]| {
        distances.iter().map(|distance| distance * distance).sum::<f64>() / distances.len() as f64
    };
    let both = mean_square(nearest.source_to_target().distances())
        + mean_square(nearest.target_to_source().distances());
    if let Some(path) = value("--out") {
        let mut text = String::new();
        for point in moved.positions() {
            writeln!(text, "{} {} {}", point.x, point.y, point.z)?;
        }
        std::fs::write(path, text)?;
    }
    let row = Row {
        source_points: source.len(),
        target_points: target.len(),
        threads: rayon::current_num_threads(),
        seconds: median(seconds),
        error,
        chamfer: (both / 2.0).sqrt() / radius,
        scale: found.scale(),
        transported_mass: found.transported_mass,
        max_gradient: found.smoothness.max_gradient,
        jacobian: found.smoothness.jacobian,
        folded: found.smoothness.folded,
        anchors: found.anchors,
        iterations: found.convergence.iterations,
        status: found.convergence.status.to_string(),
        peak_rss_mb: peak_rss_mb(),
    };
    println!("{}", serde_json::to_string(&row)?);
    Ok(())
}
