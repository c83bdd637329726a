//! Two views that share only a part: a pose, how far it is to be believed, and what to do if it is not.
//!
//! `cargo run --release -p barrow-examples --example overlap`

use barrow::registration::{Aligner, Method, Verdict};
use barrow_datasets::Object;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A depth camera sees an object from two sides that have sixty percent in common.
    let scene = Object { points: 4_000, overlap: 0.6, seed: 3, ..Default::default() }.make()?;
    let view = |name| scene.cloud(name).map(|view| &view.points).ok_or("two views were made");
    let (source, target) = (view("source")?, view("target")?);

    let mut found = Aligner::default().align(source, target)?;
    if found.verdict != Verdict::Accepted {
        // Another way of finding partners may see what the first one did not.
        found = Aligner { method: Method::Transport, ..Default::default() }.align(source, target)?;
    }

    println!("{}: overlap {:.2}, fitness {:.2}", found.verdict, found.overlap, found.fitness);
    if let Some(covariance) = &found.covariance {
        let deviation = |index: usize| covariance[(index, index)].sqrt();
        let degrees = (0..3).map(deviation).fold(0.0, f64::max).to_degrees();
        let metres = (3..6).map(deviation).fold(0.0, f64::max);
        println!("standard deviation at most {degrees:.3} degrees and {metres:.4} m");
    }
    if let Some(truth) = scene.target_from_source() {
        let off = truth.inverse() * found.target_from_source;
        println!(
            "truly off by {:.3} degrees, {:.4} m",
            off.rotation.angle().to_degrees(),
            off.translation.vector.norm()
        );
    }
    Ok(())
}
