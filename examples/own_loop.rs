//! Drives a registration step by step, as a viewer does between its frames.
//!
//! `cargo run --release -p barrow-examples --example own_loop -- SOURCE TARGET`

use barrow::io::{ReadOptions, read};
use barrow::registration::{Aligner, Method};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [source, target] = paths.as_slice() else {
        return Err("usage: own_loop SOURCE TARGET".into());
    };
    let source = read(source, &ReadOptions::default())?.cloud;
    let target = read(target, &ReadOptions::default())?.cloud;

    let mut run = Aligner { method: Method::Transport, ..Aligner::default() }.start(&source, &target)?;
    while let Some(step) = run.step()? {
        println!(
            "{:>14} {:>3}  {:>6} pairs  rmse {:.4} m  moved {:.5} m",
            step.stage, step.iteration, step.correspondences, step.rmse, step.motion
        );
    }
    println!("{:?}", run.finish()?.convergence);
    Ok(())
}
