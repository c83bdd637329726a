//! Does `register` with default options find the pose of every real pair?
//!
//! Reads `pairs.json` in the folder named by `BARROW_DATA` (default `../shared/data`), registers every
//! pair from the identity, and prints id, rotation error, translation error, fitness and seconds as a
//! table; `--json FILE` writes the same as JSON, `--reverse` registers target onto source, an argument
//! selects the pairs whose id contains it.
//!
//! The translation error is |t − t_truth|, as the peers' test suites have it. Where clouds lie far from
//! their origin it contains a share of the rotation error.
//!
//! `cargo run --release -p barrow-benches --bin pairs -- --json pairs.json`

use std::path::{Path, PathBuf};
use std::time::Instant;

use barrow::io::{ReadOptions, read, read_transform};
use barrow::registration::Aligner;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Pair {
    id: String,
    dir: String,
    source: String,
    target: String,
    gt_file: String,
    unit: String,
}

#[derive(Serialize)]
struct Row {
    id: String,
    rotation_error_deg: f64,
    translation_error: f64,
    unit: String,
    fitness: f64,
    overlap: f64,
    converged: bool,
    iterations: usize,
    read_seconds: f64,
    seconds: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (mut json, mut reverse, mut filter) = (None, false, String::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => json = Some(arguments.next().ok_or("--json needs a file")?),
            "--reverse" => reverse = true,
            _ => filter = argument,
        }
    }
    let folder = PathBuf::from(std::env::var("BARROW_DATA").unwrap_or_else(|_| "../shared/data".into()));
    let list = folder.join("pairs.json");
    let pairs = std::fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
    let pairs: Vec<Pair> = serde_json::from_str(&pairs)?;

    println!("| pair | rotation error [deg] | translation error | fitness | overlap | stopped | seconds |");
    println!("|---|---:|---:|---:|---:|---|---:|");
    let mut rows = Vec::new();
    for pair in pairs.iter().filter(|pair| pair.id.contains(&filter)) {
        match run(&folder, pair, reverse) {
            Ok(row) => {
                println!(
                    "| {} | {:.3} | {:.4} {} | {:.2} | {:.2} | {} | {:.2} |",
                    row.id,
                    row.rotation_error_deg,
                    row.translation_error,
                    row.unit,
                    row.fitness,
                    row.overlap,
                    if row.converged { "converged" } else { "iterations" },
                    row.seconds,
                );
                rows.push(row);
            }
            Err(error) => println!("| {} | {error} |", pair.id),
        }
    }
    if let Some(file) = json {
        std::fs::write(file, serde_json::to_string_pretty(&rows)?)?;
    }
    Ok(())
}

fn run(folder: &Path, pair: &Pair, reverse: bool) -> Result<Row, Box<dyn std::error::Error>> {
    let at = |name: &str| folder.join(&pair.dir).join(name);
    let started = Instant::now();
    let mut truth = read_transform(folder.join(&pair.gt_file))?;
    let mut source = read(at(&pair.source), &ReadOptions::default())?.cloud;
    let mut target = read(at(&pair.target), &ReadOptions::default())?.cloud;
    let read_seconds = started.elapsed().as_secs_f64();
    if reverse {
        std::mem::swap(&mut source, &mut target);
        truth = truth.inverse();
    }
    let started = Instant::now();
    let found = Aligner::default().align(&source, &target)?;
    let seconds = started.elapsed().as_secs_f64();
    let pose = found.target_from_source;
    Ok(Row {
        id: pair.id.clone(),
        rotation_error_deg: (pose.inverse() * truth).rotation.angle().to_degrees(),
        translation_error: (pose.translation.vector - truth.translation.vector).norm(),
        unit: pair.unit.clone(),
        fitness: found.fitness,
        overlap: found.overlap,
        converged: found.convergence.converged(),
        iterations: found.convergence.iterations,
        read_seconds,
        seconds,
    })
}
