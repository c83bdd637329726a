//! Pairs of clouds that several benchmarks are asked about.

use std::path::Path;

use barrow::geometry::PointCloud;
use barrow::io::{WriteOptions, write};
use barrow_datasets::{Clusters, Cube, Scene, SphereTorus, Street};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Source and target with exactly as many points as asked.
///
/// `cube` is two samples of one density, `sphere-torus` two shapes, `street` two scans from a car, each in the frame of its
/// sensor, `clusters` two samples of separate heaps.
///
/// # Errors
/// For another name, or more points than can be made.
pub fn made(pair: &str, points: usize) -> Result<[PointCloud; 2]> {
    let scene: Scene = match pair {
        "cube" => Cube { points, seed: 3 }.make()?,
        "sphere-torus" => SphereTorus { points, seed: 3, noise: 0.0 }.make()?,
        "clusters" => Clusters { points, seed: 3, ..Default::default() }.make()?,
        "street" => {
            let beams = if points > 300_000 { 128 } else { 64 };
            Street { points: points + points / 20, seed: 3, beams, ..Default::default() }.make()?
        }
        _ => return Err(format!("{pair} is none of cube, sphere-torus, street, clusters").into()),
    };
    let thinned = |name: &str| -> Result<PointCloud> {
        let positions = scene.cloud(name).ok_or("no such cloud")?.points.positions();
        if positions.len() < points {
            return Err(format!("{pair}: {} points of {points}", positions.len()).into());
        }
        // Those that are too many go here and there, which keeps the order of the sensor.
        let kept = (0..points).map(|index| positions[index * positions.len() / points]).collect();
        Ok(PointCloud::new(kept)?)
    };
    Ok([thinned("source")?, thinned("target")?])
}

/// Writes `PAIR-POINTS-source.npy` and `PAIR-POINTS-target.npy`.
///
/// # Errors
/// If a file cannot be written.
pub fn save(folder: &Path, pair: &str, clouds: &[PointCloud; 2]) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for (role, cloud) in ["source", "target"].iter().zip(clouds) {
        write(folder.join(format!("{pair}-{}-{role}.npy", cloud.len())), cloud, &WriteOptions::default())?;
    }
    Ok(())
}
