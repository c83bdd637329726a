//! How good is a reconstruction? Accuracy and completeness against the truth, at the radii that matter.
//!
//! `cargo run --release -p barrow-examples --example evaluate -- RECONSTRUCTION TRUTH`; without files, of a made sphere.

use barrow::geometry::{NearestDistances, PointCloud};
use barrow::io::{ReadOptions, read};
use nalgebra::{Point3, Vector3};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let (reconstruction, truth) = match paths.as_slice() {
        [] => (sphere(3_000, 0.02, 0.5)?, sphere(20_000, 0.0, 1.0)?),
        [reconstruction, truth] => {
            let read = |path| read(path, &ReadOptions::default()).map(|loaded| loaded.cloud);
            (read(reconstruction)?, read(truth)?)
        }
        _ => return Err("usage: evaluate [RECONSTRUCTION TRUTH]".into()),
    };

    let near = NearestDistances::between(&reconstruction, &truth)?;
    // Accuracy: how far off is what was built? Completeness: how far away is it from what should have been?
    let (accuracy, completeness) = (near.source_to_target(), near.target_to_source());
    println!(
        "accuracy      median {:.4} m, 95 % within {:.4} m",
        accuracy.quantile(0.5)?,
        accuracy.quantile(0.95)?
    );
    println!(
        "completeness  median {:.4} m, 95 % within {:.4} m",
        completeness.quantile(0.5)?,
        completeness.quantile(0.95)?
    );
    println!("chamfer {:.4} m, hausdorff {:.4} m", near.chamfer().value, near.hausdorff().value);
    for score in near.f_scores(&[0.02, 0.05, 0.1])? {
        println!(
            "within {:.2} m: precision {:.3}, recall {:.3}, F {:.3}",
            score.radius, score.precision, score.recall, score.f_score
        );
    }
    Ok(())
}

/// A unit sphere whose radius is off by up to `noise`, built from below to a share of its height.
fn sphere(points: usize, noise: f64, built: f64) -> barrow::geometry::Result<PointCloud> {
    let point = |index: usize| {
        let turns = 0.618_033_988_75 * index as f64;
        let z = 2.0 * built * (index as f64 + 0.5) / points as f64 - 1.0;
        let (sin, cos) = (std::f64::consts::TAU * turns).sin_cos();
        let radius = 1.0 + noise * (97.0 * turns).sin();
        Point3::from(radius * Vector3::new((1.0 - z * z).sqrt() * cos, (1.0 - z * z).sqrt() * sin, z))
    };
    PointCloud::new((0..points).map(point).collect())
}
