//! barrow's side of `benches/compare/compare.py`, which asks other libraries the same.
//!
//! `compare REQUEST` answers a request, a line of JSON, in a process of its own: seconds (the median of as many calls as fit
//! `patience`, five at most), the memory of a call beyond what was held before it, and what came out. Clouds are read
//! before the clock runs.
//!
//! `compare make DIR PAIR POINTS` writes the clouds of a pair as arrays of NumPy (see `made`), `compare files DIR POINTS` one
//! street in every format.
//!
//! A request: `{"job": "chamfer", "source": "a.npy", "target": "b.npy", "patience": 3}`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use barrow::geometry::{
    Backend, BatchSearch, Directions, KdTree, Measure, Moved, NearestDistances, PointCloud, Sinkhorn,
    SinkhornDivergence, Sliced, TransportProblem, Wasserstein, WassersteinProblem,
};
use barrow::io::{ReadOptions, read};
use barrow_benches::{MemoryOfCall, made, median, save, write_formats};
use serde::{Deserialize, Serialize};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Calls that count, at most.
const CALLS: usize = 5;

#[derive(Deserialize)]
struct Request {
    #[serde(flatten)]
    job: Job,
    source: PathBuf,
    #[serde(default)]
    target: Option<PathBuf>,
    /// No further call is begun after so many seconds.
    #[serde(default)]
    patience: f64,
}

/// What to do with a file or two clouds, all weights equal.
#[derive(Clone, Copy, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
enum Job {
    /// Read a file; the sum of all coordinates and the number of points.
    Read,
    /// Mean of the two directed mean distances.
    Chamfer,
    Hausdorff,
    /// For every source point the `k` nearest of the target; the mean distance to the last of them.
    Knn {
        k: usize,
    },
    /// The cost of the plan, to a gap: W_2^2, or what moving a part of the mass costs, if one is given.
    Wasserstein {
        gap: f64,
        mass: Option<f64>,
    },
    /// SW_2.
    Sliced {
        projections: usize,
        rotations: usize,
        seed: u64,
    },
    /// The debiased Sinkhorn divergence.
    Divergence {
        blur: f64,
        reach: Option<f64>,
        tolerance: f64,
        max_iterations: usize,
    },
}

#[derive(Serialize)]
struct Answer {
    seconds: f64,
    /// In units of 10⁶ bytes; where the system tells.
    memory_mb: Option<f64>,
    #[serde(flatten)]
    found: BTreeMap<&'static str, f64>,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make", folder, pair, points] => save(Path::new(folder), pair, &made(pair, points.parse()?)?),
        ["files", folder, points] => write_formats(Path::new(folder), points.parse()?),
        [request] => {
            println!("{}", serde_json::to_string(&answer(&serde_json::from_str(request)?)?)?);
            Ok(())
        }
        _ => Err("usage: compare REQUEST | compare make DIR PAIR POINTS | compare files DIR POINTS".into()),
    }
}

fn answer(request: &Request) -> Result<Answer> {
    let load = |path: &Path| -> Result<PointCloud> { Ok(read(path, &ReadOptions::default())?.cloud) };
    let clouds = match &request.target {
        Some(target) => Some((load(&request.source)?, load(target)?)),
        None => None,
    };
    let call = || match (&clouds, request.job) {
        (None, Job::Read) => {
            let cloud = load(&request.source)?;
            let sum = cloud.positions().iter().map(|point| point.coords.sum()).sum();
            Ok(BTreeMap::from([("value", sum), ("points", cloud.len() as f64)]))
        }
        (Some((source, target)), job) => job.between(source, target),
        (None, _) => Err("a target is needed".into()),
    };
    let (mut seconds, mut found) = (Vec::new(), BTreeMap::new());
    let memory = MemoryOfCall::begin();
    let start = Instant::now();
    while seconds.len() < CALLS && (seconds.is_empty() || start.elapsed().as_secs_f64() < request.patience) {
        let called = Instant::now();
        found = call()?;
        seconds.push(called.elapsed().as_secs_f64());
    }
    Ok(Answer { seconds: median(seconds), memory_mb: memory.end(), found })
}

impl Job {
    fn between(self, source: &PointCloud, target: &PointCloud) -> Result<BTreeMap<&'static str, f64>> {
        let [a, b] = [Measure::uniform(source.positions())?, Measure::uniform(target.positions())?];
        match self {
            Self::Read => Err("one file is read".into()),
            Self::Chamfer => Ok(value(NearestDistances::between(source, target)?.mean())),
            Self::Hausdorff => Ok(value(NearestDistances::between(source, target)?.hausdorff().value)),
            Self::Knn { k } => {
                let tree = KdTree::new(target.positions());
                let found = tree.nearest_k_all(source.positions(), k, &BatchSearch::default());
                let last = found.iter().filter_map(|neighbors| neighbors.last());
                let sum: f64 = last.map(|neighbor| neighbor.distance_squared.sqrt()).sum();
                Ok(value(sum / source.len() as f64))
            }
            Self::Wasserstein { gap, mass } => {
                let moved = mass.map_or(Moved::All, Moved::Mass);
                let problem = WassersteinProblem { moved, ..WassersteinProblem::new(a, b) };
                // The gap of a distance is half of that of its square.
                let answer = Wasserstein { gap: gap / 2.0, ..Wasserstein::default() }.solve(&problem)?;
                // W_2 is the mean over the mass that is moved.
                let cost = |distance: f64| distance * distance * mass.unwrap_or(1.0);
                Ok(BTreeMap::from([
                    ("value", cost(answer.value)),
                    ("lower", cost(answer.certificate.lower)),
                    ("upper", cost(answer.certificate.upper)),
                ]))
            }
            Self::Sliced { projections, rotations, seed } => {
                let directions = Directions::Lattice { rotations };
                let sliced = Sliced { projections, directions, seed, ..Sliced::default() };
                Ok(value(sliced.distance(&a, &b)?.value))
            }
            Self::Divergence { blur, reach, tolerance, max_iterations } => {
                let problem = TransportProblem { reach, ..TransportProblem::new(a, b, blur) };
                let solver = Sinkhorn { tolerance, max_iterations, ..Sinkhorn::default() };
                let found = SinkhornDivergence::solve(&solver, &problem, &Backend::Cpu)?;
                let terms = [&found.cross, &found.source, &found.target];
                if let Some(term) = terms.iter().find(|term| !term.convergence.converged()) {
                    return Err(format!("not converged: {}", term.convergence.status).into());
                }
                Ok(value(found.value))
            }
        }
    }
}

fn value(value: f64) -> BTreeMap<&'static str, f64> {
    BTreeMap::from([("value", value)])
}
