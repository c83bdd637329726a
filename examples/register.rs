//! Registers one scan onto another and writes the moved scan.
//!
//! `cargo run --release -p barrow-examples --example register -- SOURCE TARGET ALIGNED.ply`

use barrow::io::{ReadOptions, WriteOptions, read, write};
use barrow::registration::Aligner;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [source, target, aligned] = paths.as_slice() else {
        return Err("usage: register SOURCE TARGET ALIGNED.ply".into());
    };
    let source = read(source, &ReadOptions::default())?.cloud;
    let target = read(target, &ReadOptions::default())?.cloud;

    let registration = Aligner::default().align(&source, &target)?;

    println!("T_target_source{:.6}", registration.target_from_source.to_homogeneous());
    println!("fitness {:.3}, {:?}", registration.fitness, registration.convergence);
    write(aligned, &source.transformed(&registration.target_from_source), &WriteOptions::default())?;
    Ok(())
}
