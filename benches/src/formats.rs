//! One street in every format that reading is compared in.

use std::path::Path;

use barrow::geometry::PointCloud;
use barrow::io::{WriteOptions, write};
use barrow_datasets::Street;
use nalgebra::{Point3, Vector3};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Writes the files. Names tell what is in them: `bare` is positions, `full` has attributes, `digits` has
/// coordinates of all digits where the others are tenths of a millimetre.
///
/// # Errors
/// If a file cannot be written.
pub fn write_formats(folder: &Path, points: usize) -> Result<()> {
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
fn single(cloud: &PointCloud) -> Result<PointCloud> {
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
fn street(points: usize) -> Result<PointCloud> {
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
