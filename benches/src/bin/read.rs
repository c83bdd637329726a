//! How fast are files read, compared with the libraries that people use?
//!
//! `read make DIR [POINTS]` writes a street of a million points, made from a seed, in every format that
//! the comparison needs. `read serve` answers every line of standard input, a path, with a line of JSON:
//! seconds, points and the sum of all coordinates. `benches/read/compare.py` drives both and reads the
//! same files with Open3D and laspy in between, so that all see the same load of the machine.
//!
//! `cargo build --release -p barrow-benches --bin read && python benches/read/compare.py`

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use barrow::geometry::PointCloud;
use barrow::io::{ReadOptions, WriteOptions, read, write};
use barrow_datasets::Street;
use nalgebra::{Point3, Vector3};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["make", folder] => make(Path::new(folder), 1_000_000),
        ["make", folder, points] => make(Path::new(folder), points.parse()?),
        ["serve"] => serve(),
        _ => Err("usage: read make DIR [POINTS] | read serve".into()),
    }
}

/// Writes the files. Names tell what is in them: `bare` is positions, `full` has attributes, `digits` has
/// coordinates of all digits where the others are tenths of a millimetre.
fn make(folder: &Path, points: usize) -> Outcome {
    std::fs::create_dir_all(folder)?;
    let digits = street(points)?;
    let tenths = |value: f64| (value * 1e4).round() / 1e4;
    let bare = PointCloud::new(digits.positions().iter().map(|point| point.map(tenths)).collect())?;
    let normals =
        digits.positions().iter().map(|point| point.coords.try_normalize(0.0).unwrap_or_else(Vector3::z));
    let shade = |value: f64| (value.abs() * 10.0) as u16 % 256 * 257;
    let colors = digits.positions().iter().map(|point| [shade(point.x), shade(point.y), shade(point.z)]);
    let colors: Vec<_> = colors.collect();
    let full = bare.clone().with_normals(normals.collect())?.with_colors(colors.clone())?;
    let times = (0..points).map(|index| 1e5 + index as f64 * 1e-6).collect();
    let intensities = digits.positions().iter().map(|point| (point.coords.norm() * 100.0).round()).collect();
    let survey = bare.clone().with_colors(colors)?.with_times(times)?.with_intensities(intensities)?;
    for (name, cloud, ascii) in [
        ("bare.ply", &bare, false),
        ("full.ply", &full, false),
        ("bare.pcd", &single(&bare)?, false),
        ("full.pcd", &single(&full)?, false),
        ("bare-ascii.ply", &bare, true),
        ("digits-ascii.ply", &digits, true),
        ("full-ascii.ply", &full, true),
        ("bare-ascii.pcd", &bare, true),
        ("digits-ascii.pcd", &digits, true),
        ("bare.xyz", &bare, true),
        ("digits.xyz", &digits, true),
        ("survey.las", &survey, false),
        ("survey.laz", &survey, false),
    ] {
        write(folder.join(name), cloud, &WriteOptions { ascii, ..Default::default() })?;
    }
    Ok(())
}

/// The cloud with coordinates and normals that a float holds: Open3D reads no others from PCD.
fn single(cloud: &PointCloud) -> Result<PointCloud, Box<dyn std::error::Error>> {
    let round = |value: f64| f64::from(value as f32);
    let mut rounded = PointCloud::new(cloud.positions().iter().map(|point| point.map(round)).collect())?;
    if let Some(normals) = cloud.normals() {
        rounded = rounded.with_normals(normals.iter().map(|normal| normal.map(round)).collect())?;
    }
    if let Some(colors) = cloud.colors() {
        rounded = rounded.with_colors(colors.to_vec())?;
    }
    Ok(rounded)
}

/// Scans of a drive in one frame, in the order of the sensor.
fn street(points: usize) -> Result<PointCloud, Box<dyn std::error::Error>> {
    const SCAN: usize = 60_000;
    let scene = Street { points: SCAN, scans: points / (SCAN / 2) + 1, ..Default::default() }.make()?;
    let in_one_frame = |scan: &barrow_datasets::SceneCloud| -> Vec<Point3<f64>> {
        scan.points.positions().iter().map(|point| scan.world_from_cloud * point).collect()
    };
    let mut positions: Vec<Point3<f64>> = scene.clouds.iter().flat_map(in_one_frame).collect();
    if positions.len() < points {
        return Err(format!("the street has {} points of {points}", positions.len()).into());
    }
    positions.truncate(points);
    Ok(PointCloud::new(positions)?)
}

fn serve() -> Outcome {
    for path in std::io::stdin().lock().lines() {
        let path = path?;
        let start = Instant::now();
        let loaded = read(&path, &ReadOptions::default())?;
        let seconds = start.elapsed().as_secs_f64();
        let sum: f64 = loaded.cloud.positions().iter().map(|point| point.coords.sum()).sum();
        let mut output = std::io::stdout().lock();
        let points = loaded.cloud.len();
        writeln!(output, "{}", serde_json::json!({ "seconds": seconds, "points": points, "sum": sum }))?;
        output.flush()?;
    }
    Ok(())
}
