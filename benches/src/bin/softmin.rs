//! How many pairs of points a core weighs per second in a Sinkhorn half-step, against a plain loop.
//!
//! `cargo run --release -p barrow-benches --bin softmin [-- POINTS]`
//!
//! Both run on one thread, interleaved, on the same points and blur; the ratio is the median over rounds.
//! The blur is wide, so that no pair is skipped and the number is that of the inner loop.

use std::hint::black_box;
use std::time::Instant;

use barrow::geometry::{Backend, Measure, Potentials, Sinkhorn, TransportProblem};
use barrow_benches::median;
use nalgebra::Point3;

const ROUNDS: usize = 9;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count = std::env::args().nth(1).map_or(Ok(8192), |argument| argument.parse())?;
    // Points of a Weyl sequence: evenly spread, the same on every machine.
    let cloud = |shift: f64| -> Vec<Point3<f64>> {
        let coordinate = |i: usize, step: f64| (shift + i as f64 * step).fract();
        (0..count)
            .map(|i| {
                Point3::new(
                    coordinate(i, 0.8191725134),
                    coordinate(i, 0.6710436067),
                    coordinate(i, 0.5497004779),
                )
            })
            .collect()
    };
    let (source, target) = (cloud(0.1), cloud(0.6));
    rayon::ThreadPoolBuilder::new().num_threads(1).build()?.install(|| measure(&source, &target))?;
    Ok(())
}

fn measure(source: &[Point3<f64>], target: &[Point3<f64>]) -> barrow::geometry::Result<()> {
    println!(
        "{:>10} {:>22} {:>22} {:>22} {:>8}",
        "points", "f32 [pairs/s/core]", "f64 [pairs/s/core]", "plain f32 loop", "ratio"
    );
    let blur = 0.3;
    let problem = TransportProblem::new(Measure::uniform(source)?, Measure::uniform(target)?, blur);
    // The tolerance decides the precision. Every round measures the first step of a new run, which potentials to start
    // from keep on the points.
    let start = |tolerance| {
        let zero = Potentials { source: vec![0.0; source.len()], target: vec![0.0; target.len()] };
        let solver = Sinkhorn { tolerance, initial: Some(zero), ..Default::default() };
        solver.start(&problem, &Backend::Cpu)
    };
    let pairs = (source.len() * target.len()) as f64;
    let mut potential = vec![0.0f32; target.len()];
    let (mut rates, mut ratios) = ([Vec::new(), Vec::new(), Vec::new()], Vec::new());
    for _ in 0..ROUNDS {
        let (mut single, mut double) = (start(1e-3)?, start(1e-12)?);
        let narrow = rate(2.0 * pairs, || {
            black_box(single.step()).ok();
        });
        let wide = rate(2.0 * pairs, || {
            black_box(double.step()).ok();
        });
        let plain =
            rate(pairs, || potential = plain_softmin(source, target, &potential, (2.0 * blur * blur) as f32));
        rates[0].push(narrow);
        rates[1].push(wide);
        rates[2].push(plain);
        ratios.push(narrow / plain);
    }
    let [narrow, wide, plain] = rates.map(median);
    println!("{:>10} {narrow:>22.3e} {wide:>22.3e} {plain:>22.3e} {:>8.1}", source.len(), median(ratios));
    Ok(())
}

/// Things per second.
fn rate(things: f64, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    things / start.elapsed().as_secs_f64()
}

/// The formula as it reads: largest score first, then the sum of exponentials.
fn plain_softmin(rows: &[Point3<f64>], columns: &[Point3<f64>], potential: &[f32], epsilon: f32) -> Vec<f32> {
    let narrow = |points: &[Point3<f64>]| -> Vec<[f32; 3]> {
        points.iter().map(|point| point.coords.map(|value| value as f32).into()).collect()
    };
    let (rows, columns) = (narrow(rows), narrow(columns));
    let weight = (1.0 / columns.len() as f32).ln();
    rows.iter()
        .map(|x| {
            let score = |(y, g): (&[f32; 3], &f32)| {
                let cost: f32 = x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum();
                weight + (g - cost) / epsilon
            };
            let scores = || columns.iter().zip(potential).map(score);
            let largest = scores().fold(f32::NEG_INFINITY, f32::max);
            -epsilon * (largest + scores().map(|score| (score - largest).exp()).sum::<f32>().ln())
        })
        .collect()
}
