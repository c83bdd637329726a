//! What does a neighbour by distance minus a weight cost, where the weights are those of optimal transport?
//!
//! `cargo run --release -p barrow-benches --bin weighted [-- POINTS [CLOUDS]]`
//!
//! The weights are the target potential of a narrow [`Sinkhorn`] plan between 2000 points of each cloud, at every
//! point of the target: steep where mass moves far. Queries are the source. Times are those of all cores together, the
//! best of the rounds, per query; `flat` is the same search without weights. A million points if nothing is said, and all pairs of clouds.

use std::hint::black_box;

use barrow::geometry::{
    Backend, BatchSearch, Cost, KdTree, Measure, Sinkhorn, TransportProblem, WeightedKdTree,
};
use barrow_benches::cpu_seconds;
use barrow_datasets::{Cube, Scene, SphereTorus, Street};
use nalgebra::Point3;

const ROUNDS: usize = 3;
/// Points of each cloud that the potential is made from.
const KNOWN: usize = 2000;
/// Blur as a part of the diagonal of both clouds together.
const BLUR: f64 = 0.03;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let count = std::env::args().nth(1).map_or(Ok(1_000_000), |argument| argument.parse())?;
    let scenes = [
        ("cube/cube", Cube { points: count, ..Default::default() }.make()?),
        ("sphere/torus", SphereTorus { points: count, ..Default::default() }.make()?),
        ("street/street", Street { points: count, beams: 64, ..Default::default() }.make()?),
    ];
    println!(
        "| clouds | points | weigh [ns] | flat [µs] | lowest [µs] | guessed [µs] | lowest 8 [µs] | flat 8 [µs] |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    let wanted = std::env::args().nth(2).unwrap_or_default();
    for (name, scene) in scenes.iter().filter(|(name, _)| name.contains(&wanted)) {
        let (source, target) = (in_world(scene, 0), in_world(scene, 1));
        let potential = potential(&source, &target)?;
        let cells = measure(&source, &target, &potential)?.map(|cell| format!("{cell:.3}"));
        println!("| {name} | {} | {} |", target.len(), cells.join(" | "));
    }
    Ok(())
}

fn in_world(scene: &Scene, index: usize) -> Vec<Point3<f64>> {
    let cloud = &scene.clouds[index];
    cloud.points.positions().iter().map(|point| cloud.world_from_cloud * point).collect()
}

/// The potential on all of the target.
fn potential(source: &[Point3<f64>], target: &[Point3<f64>]) -> Result<Vec<f64>> {
    let some = |points: &[Point3<f64>]| -> Vec<Point3<f64>> {
        points.iter().step_by(points.len().div_ceil(KNOWN)).copied().collect()
    };
    let (few_source, few_target) = (some(source), some(target));
    let all = || source.iter().chain(target);
    let min = all().fold(source[0].coords, |min, point| min.inf(&point.coords));
    let max = all().fold(source[0].coords, |max, point| max.sup(&point.coords));
    let (a, b) = (Measure::uniform(&few_source)?, Measure::uniform(&few_target)?);
    let problem = TransportProblem::new(a, b, BLUR * (max - min).norm());
    let plan = Sinkhorn { tolerance: 1e-3, ..Default::default() }.solve(&problem, &Backend::Cpu)?;
    Ok(plan.target_potential_at(target)?)
}

/// Nanoseconds a point to weigh the tree; microseconds a query: flat, lowest, lowest with guesses, lowest 8, flat 8.
fn measure(source: &[Point3<f64>], target: &[Point3<f64>], weights: &[f64]) -> Result<[f64; 6]> {
    let (queries, tree) = (KdTree::new(source), KdTree::new(target));
    let weigh = || tree.weighted(weights, Cost::SquaredEuclidean);
    let weighted: WeightedKdTree = weigh()?;
    let found = weighted.lowest_all(&queries, None);
    let guesses: Vec<usize> =
        found.iter().map(|found| found.map_or(usize::MAX, |found| found.index)).collect();
    let search = BatchSearch::default();
    let each = 1e6 / source.len() as f64;
    Ok([
        1e9 / target.len() as f64 * best(|| drop(black_box(weigh()))),
        each * best(|| drop(black_box(tree.nearest_all(&queries, &search)))),
        each * best(|| drop(black_box(weighted.lowest_all(&queries, None)))),
        each * best(|| drop(black_box(weighted.lowest_all(&queries, Some(&guesses))))),
        each * best(|| drop(black_box(weighted.lowest_k_all(&queries, 8)))),
        each * best(|| drop(black_box(tree.nearest_k_all(&queries, 8, &search)))),
    ])
}

/// Shortest time on the processor \[s\].
fn best(work: impl Fn()) -> f64 {
    let once = || {
        let start = cpu_seconds();
        work();
        cpu_seconds() - start
    };
    (0..ROUNDS).map(|_| once()).fold(f64::INFINITY, f64::min)
}
