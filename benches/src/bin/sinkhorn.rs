//! How long does a Sinkhorn divergence take, and how exact is it?
//!
//! ```text
//! sinkhorn --pair cube|sphere-torus|street|clusters --points N (--blur-spacings F | --blur F)
//!          [--tolerance T] [--reach R] [--euclidean] [--threads N] [--save DIR] [--trace]
//! sinkhorn --source A.npy --target B.npy ...
//! ```
//!
//! Prints one line of JSON: the seconds of the three problems (loading and making the clouds is not counted), the
//! value, how far the marginals are off, the iterations and the peak of memory. `--save` writes the clouds as
//! arrays of NumPy for a peer to read, and solves nothing; `--trace` writes every step to standard error.
//!
//! The spacing is the median distance of a target point to its nearest neighbour in the target.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use barrow::geometry::{
    Backend, BatchSearch, Cost, KdTree, Measure, PointCloud, Sinkhorn, SinkhornDivergence, TransportProblem,
};
use barrow::io::{ReadOptions, WriteOptions, read, write};
use barrow_benches::{made, median, peak_rss_mb};
use serde::Serialize;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Options that stand alone.
const FLAGS: [&str; 2] = ["euclidean", "trace"];

#[derive(Serialize)]
struct Answer {
    pair: String,
    source_points: usize,
    target_points: usize,
    spacing: f64,
    blur: f64,
    tolerance: f64,
    threads: usize,
    seconds: f64,
    value: f64,
    /// OT(a, b), OT(a, a), OT(b, b).
    terms: [f64; 3],
    iterations: [usize; 3],
    converged: bool,
    /// Misplaced mass of the three plans, the larger of both sides.
    marginal_errors: [f64; 3],
    /// Most memory that this process has held, clouds included, in units of 10⁶ bytes; where the system tells.
    peak_rss_mb: Option<f64>,
}

fn main() -> Result<()> {
    let options = options()?;
    let threads = number(&options, "threads")?.unwrap_or(2);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let (pair, source, target) = clouds(&options)?;
    if let Some(folder) = options.get("save") {
        std::fs::create_dir_all(folder)?;
        for (name, cloud) in [("source", &source), ("target", &target)] {
            write(Path::new(folder).join(format!("{name}.npy")), cloud, &WriteOptions::default())?;
        }
    }
    let spacing = spacing(&target);
    let blur = match (number::<f64>(&options, "blur-spacings")?, number(&options, "blur")?) {
        (Some(factor), None) => factor * spacing,
        (None, Some(blur)) => blur,
        (None, None) if options.contains_key("save") => return Ok(()),
        _ => return Err("one of --blur-spacings and --blur is needed".into()),
    };
    let default = Sinkhorn::default();
    let solver = Sinkhorn {
        tolerance: number(&options, "tolerance")?.unwrap_or(default.tolerance),
        scaling: number(&options, "scaling")?.unwrap_or(default.scaling),
        max_iterations: number(&options, "iterations")?.unwrap_or(default.max_iterations),
        ..default
    };
    let problem = TransportProblem {
        cost: if options.contains_key("euclidean") { Cost::Euclidean } else { Cost::SquaredEuclidean },
        reach: number(&options, "reach")?,
        ..TransportProblem::new(
            Measure::uniform(source.positions())?,
            Measure::uniform(target.positions())?,
            blur,
        )
    };
    let trace = options.contains_key("trace");
    let start = Instant::now();
    let divergence = SinkhornDivergence::solve_with(&solver, &problem, &Backend::Cpu, |step| {
        if trace {
            eprintln!("{:8.3} s  {step:?}", start.elapsed().as_secs_f64());
        }
        ControlFlow::Continue(())
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let terms = [divergence.cross, divergence.source, divergence.target];
    let answer = Answer {
        pair,
        source_points: source.positions().len(),
        target_points: target.positions().len(),
        spacing,
        blur,
        tolerance: solver.tolerance,
        threads,
        seconds,
        value: divergence.value,
        terms: terms.map(|term| term.value),
        iterations: terms.map(|term| term.convergence.iterations),
        converged: terms.iter().all(|term| term.convergence.converged()),
        marginal_errors: terms.map(|term| term.marginal_error.source.max(term.marginal_error.target)),
        peak_rss_mb: peak_rss_mb(),
    };
    println!("{}", serde_json::to_string(&answer)?);
    Ok(())
}

/// The command line as names and values.
fn options() -> Result<HashMap<String, String>> {
    let mut options = HashMap::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let name = argument.strip_prefix("--").ok_or_else(|| format!("{argument} is no option"))?;
        let value = if FLAGS.contains(&name) { Some(String::new()) } else { arguments.next() };
        options.insert(name.to_string(), value.ok_or_else(|| format!("--{name} needs a value"))?);
    }
    Ok(options)
}

fn number<T: std::str::FromStr>(options: &HashMap<String, String>, name: &str) -> Result<Option<T>> {
    match options.get(name).map(|value| value.parse()) {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value)),
        Some(Err(_)) => Err(format!("--{name} is no number").into()),
    }
}

/// The name of the pair, source and target.
fn clouds(options: &HashMap<String, String>) -> Result<(String, PointCloud, PointCloud)> {
    if let (Some(source), Some(target)) = (options.get("source"), options.get("target")) {
        let load = |path: &String| -> Result<_> { Ok(read(path, &ReadOptions::default())?.cloud) };
        return Ok((format!("{source} {target}"), load(source)?, load(target)?));
    }
    let pair = options.get("pair").ok_or("--pair is needed")?;
    let points = number(options, "points")?.ok_or("--points is needed")?;
    let [source, target] = made(pair, points)?;
    Ok((pair.clone(), source, target))
}

/// Median distance to the nearest neighbour within a cloud, of every hundredth point of a large one.
fn spacing(cloud: &PointCloud) -> f64 {
    let every = (cloud.positions().len() / 10_000).max(1);
    let queries: Vec<_> = cloud.positions().iter().step_by(every).copied().collect();
    let found = KdTree::new(cloud.positions()).nearest_k_all(&queries, 2, &BatchSearch::default());
    let distances: Vec<f64> = found
        .iter()
        .filter_map(|neighbors| neighbors.last())
        .map(|neighbor| neighbor.distance_squared.sqrt())
        .collect();
    if distances.is_empty() { 0.0 } else { median(distances) }
}
