//! Does a simulated LiDAR see what the real one sees? Shape, density and reflectance are asked one by one.
//!
//! `cargo run --release -p barrow-examples --example simulated`

use barrow::geometry::{LineMeasure, Measure, NearestDistances, PointCloud, Sliced, wasserstein_1d};
use barrow_datasets::Street;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // What stands for the real sensor loses returns, is noisy, and shows less contrast.
    let ideal = Street { points: 8_000, noise: 0.0, dropout: 0.0, moving_cars: 0, ..Default::default() };
    let (simulated, simulated_reflectance) = scan(&ideal)?;
    let (real, mut real_reflectance) = scan(&Street { noise: 0.03, dropout: 0.15, ..ideal })?;
    real_reflectance.iter_mut().for_each(|value| *value = 0.1 + 0.7 * *value);

    // Shape: does every real return lie on something that was simulated?
    let near = NearestDistances::between(&real, &simulated)?;
    println!("shape: 95 % of real returns within {:.3} m", near.source_to_target().quantile(0.95)?);

    // Density: are there as many returns where there should be? Chamfer cannot tell, transport does.
    let distance = Sliced::default().distance(&uniform(&real)?, &uniform(&simulated)?)?;
    println!("density: mass is {:.3} ± {:.3} m apart (sliced)", distance.value, distance.standard_error);

    // Reflectance: how far must values be shifted to be distributed alike?
    let (real, simulated) =
        (LineMeasure::uniform(&real_reflectance)?, LineMeasure::uniform(&simulated_reflectance)?);
    println!("reflectance: shifted by {:.3} on the mean", wasserstein_1d(&real, &simulated, 1.0)?.value);
    Ok(())
}

fn uniform(cloud: &PointCloud) -> barrow::geometry::Result<Measure<'_>> {
    Measure::uniform(cloud.positions())
}

/// The first scan of a drive, and the reflectance of its returns.
fn scan(street: &Street) -> Result<(PointCloud, Vec<f64>), Box<dyn std::error::Error>> {
    let scene = Street { scans: 1, ..*street }.make()?;
    let cloud = scene.clouds.into_iter().next().ok_or("one scan was made")?.points;
    let reflectance = cloud.intensities().ok_or("made scans have intensities")?.to_vec();
    Ok((cloud, reflectance))
}
