//! Hundreds of registrations and distances in one process: memory comes back.
#![cfg(target_os = "linux")]

use barrow::geometry::{
    Backend, Measure, Sinkhorn, SinkhornDivergence, Sliced, TransportProblem, Wasserstein,
    WassersteinProblem, chamfer,
};
use barrow::registration::Aligner;
use barrow_datasets::Object;

/// Rounds until every pool, thread and table has found its size, and those that are watched then.
const BEFORE: usize = 60;
const WATCHED: usize = 240;

/// What memory may grow by over all that are watched \[byte\]: less than a cloud of one round for each of them.
const MOST: i64 = 8 << 20;

/// Memory of this process that is in use \[byte\].
fn resident() -> i64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    4096 * pages.split_whitespace().nth(1).unwrap().parse::<i64>().unwrap()
}

/// Other clouds every time, so that nothing can be kept that is not kept for all.
fn round(seed: u64) {
    let scene = Object { points: 250, seed: seed % 16, overlap: 0.8, ..Default::default() }.make().unwrap();
    let view = |name| &scene.cloud(name).unwrap().points;
    let (source, target) = (view("source"), view("target"));
    let found = Aligner::default().align(source, target).unwrap();
    let moved = source.transformed(&found.target_from_source);
    chamfer(&moved, target).unwrap();
    let measures = [&moved, target].map(|cloud| Measure::uniform(cloud.positions()).unwrap());
    let [a, b] = measures;
    Wasserstein::default().solve(&WassersteinProblem::new(a, b)).unwrap();
    Sliced { projections: 32, ..Default::default() }.distance(&a, &b).unwrap();
    let problem = TransportProblem::new(a, b, 0.1 * target.bounds().unwrap().diagonal());
    SinkhornDivergence::solve(&Sinkhorn::default(), &problem, &Backend::Cpu).unwrap();
}

#[test]
fn memory_stays_flat_over_hundreds_of_rounds() {
    (0..BEFORE as u64).for_each(round);
    let before = resident();
    (0..WATCHED as u64).for_each(round);
    let grown = resident() - before;
    println!("{WATCHED} rounds: {before} bytes before, {grown} more after");
    assert!(grown < MOST, "{grown} bytes more after {WATCHED} rounds");
}
