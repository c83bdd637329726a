//! Places three scans and more in the frame of the first, pair after pair.
//!
//! `cargo run --release -p barrow-examples --example multiway -- SCAN SCAN SCAN...`

use std::ops::ControlFlow;

use barrow::io::{ReadOptions, read};
use barrow::registration::Multiway;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let read = |path| read(path, &ReadOptions::default()).map(|loaded| loaded.cloud);
    let clouds = paths.iter().map(read).collect::<Result<Vec<_>, _>>()?;

    let arrangement = Multiway::default().arrange_with(&clouds, |step| {
        println!(
            "{:>3} of {}: {} onto {}, {}",
            step.done, step.planned, step.source, step.target, step.verdict
        );
        ControlFlow::Continue(())
    })?;

    for (path, pose) in paths.iter().zip(&arrangement.world_from_cloud) {
        match pose {
            Some(pose) => println!("{path}{:.6}", pose.to_homogeneous()),
            None => println!("{path} is not placed: nothing sure joins it with the first"),
        }
    }
    Ok(())
}
