//! Where was the sensor at every scan of a folder? Scan after scan, with a word where it was lost.
//!
//! `cargo run --release -p barrow-examples --example odometry -- FOLDER POSES.txt`; without them, on a made drive.

use barrow::geometry::PointCloud;
use barrow::io::{ReadOptions, Trajectory, TrajectoryFormat, read, write_trajectory};
use barrow::registration::{Odometry, OdometryRun, absolute_error};
use barrow_datasets::Street;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut run = Odometry::default().start()?;
    match arguments.as_slice() {
        [] => made(&mut run)?,
        [folder, poses] => {
            let mut paths = std::fs::read_dir(folder)?
                .map(|entry| Ok(entry?.path()))
                .collect::<std::io::Result<Vec<_>>>()?;
            paths.sort();
            for path in &paths {
                follow(&mut run, &read(path, &ReadOptions::default())?.cloud);
            }
            let trajectory = Trajectory { poses: run.finish().poses(), times: None };
            write_trajectory(poses, &trajectory, TrajectoryFormat::Kitti)?;
        }
        _ => return Err("usage: odometry [FOLDER POSES.txt]".into()),
    }
    Ok(())
}

/// One scan is held at a time, however long the drive.
fn follow(run: &mut OdometryRun, scan: &PointCloud) {
    let step = run.push(scan);
    let at = step.world_from_scan.translation.vector;
    println!("scan {:>3} {}: {:8.3} {:8.3} {:8.3} m", step.scan, step.tracking, at.x, at.y, at.z);
}

fn made(run: &mut OdometryRun) -> Result<(), Box<dyn std::error::Error>> {
    let scene = Street { points: 4_000, scans: 12, ..Default::default() }.make()?;
    let mut truth = Vec::new();
    for scan in &scene.clouds {
        follow(run, &scan.points);
        truth.push(scan.world_from_cloud);
    }
    let poses: Vec<_> = run.steps().iter().map(|step| step.world_from_scan).collect();
    println!("off by {:.3} m (root mean square)", absolute_error(&poses, &truth)?.translation.rmse);
    Ok(())
}
