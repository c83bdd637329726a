//! Makes the committed pair of scans anew: `cargo run -p barrow-datasets --example make_ready`.
//!
//! Another folder than `datasets/ready` may be given as the only argument.

use std::error::Error;
use std::path::PathBuf;

use barrow_datasets::Street;
use barrow_geometry::PointCloud;
use barrow_io::WriteOptions;

/// The pair in binary PLY, with the pose beside it.
fn main() -> Result<(), Box<dyn Error>> {
    let default = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/ready"));
    let folder = std::env::args_os().nth(1).map_or(default, PathBuf::from);
    std::fs::create_dir_all(&folder)?;
    let scene = Street::ready().make()?;
    for cloud in &scene.clouds {
        let path = folder.join(format!("{}.ply", cloud.name));
        barrow_io::write(path, &rounded(&cloud.points)?, &WriteOptions::default())?;
    }
    let pose = scene.target_from_source().ok_or("the scene is no pair")?;
    barrow_io::write_transform(folder.join("target_from_source.txt"), &pose)?;
    Ok(())
}

/// Positions alone, to a tenth of a millimetre: finer than any scanner measures, and coarse enough that
/// the last bit of a platform's sine does not change the file.
fn rounded(cloud: &PointCloud) -> Result<PointCloud, barrow_geometry::Error> {
    let round = |value: f64| (value * 1e4).round() / 1e4;
    PointCloud::new(cloud.positions().iter().map(|point| point.map(round)).collect())
}
