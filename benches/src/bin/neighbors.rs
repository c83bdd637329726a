//! How fast are neighbours found and clouds compared, beside the libraries that people use?
//!
//! `neighbors make DIR KIND POINTS` writes a pair of clouds, made from a seed, as arrays of NumPy; KIND is
//! `uniform`, `lidar` or `sphere-torus`. `neighbors serve` answers every line of standard input, a request,
//! with a line of JSON: seconds, a value to compare and the peak of memory. `neighbors once REQUEST` answers
//! one in a process of its own, whose peak of memory is that of this request.
//! `benches/neighbors/compare.py` drives all three and asks other libraries in between, so that all see the
//! same load of the machine.
//!
//! A request: `{"op": "chamfer", "source": "a.npy", "target": "b.npy"}`, with `"k": 10` for `knn`.

use std::collections::HashMap;
use std::hint::black_box;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use barrow::geometry::{BatchSearch, KdTree, NearestDistances, PointCloud};
use barrow::io::{ReadOptions, WriteOptions, read, write};
use barrow_benches::peak_rss_mb;
use barrow_datasets::{Cube, Scene, SphereTorus, Street};
use nalgebra::{Point3, Vector3};
use serde::{Deserialize, Serialize};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What to do with two clouds, in a word. Building the trees is part of it, loading the files is not.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Operation {
    /// The Chamfer distance and nothing else.
    Chamfer,
    /// Everything that the library makes of nearest distances, of which the value is Chamfer's. Needs normals.
    AllMetrics,
    /// For every source point the `k` nearest of the target; the mean distance to the last of them.
    Knn,
    /// For every source point the nearest of the target; the mean distance.
    Nearest,
}

/// The calls that are timed.
impl Operation {
    fn run(self, source: &PointCloud, target: &PointCloud, k: usize) -> Result<f64> {
        let queries = source.positions();
        match self {
            Self::Chamfer => Ok(NearestDistances::between(source, target)?.mean()),
            Self::AllMetrics => {
                let nearest = NearestDistances::between(source, target)?;
                black_box(nearest.hausdorff());
                black_box(nearest.f_scores(&[0.005, 0.01, 0.02])?);
                black_box(nearest.normal_consistency(source, target)?);
                black_box(nearest.density_aware(1000.0)?);
                Ok(nearest.chamfer().value)
            }
            Self::Knn => {
                let tree = KdTree::new(target.positions());
                let found = tree.nearest_k_all(queries, k, &BatchSearch::default());
                Ok(mean(
                    found
                        .iter()
                        .filter_map(|neighbors| neighbors.last())
                        .map(|neighbor| neighbor.distance_squared),
                ))
            }
            Self::Nearest => {
                let found = KdTree::new(target.positions()).nearest_all(queries, &BatchSearch::default());
                Ok(mean(found.iter().flatten().map(|neighbor| neighbor.distance_squared)))
            }
        }
    }
}

/// Mean of the distances.
fn mean(distances_squared: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) =
        distances_squared.fold((0.0, 0_usize), |(sum, count), square| (sum + square.sqrt(), count + 1));
    sum / count as f64
}

#[derive(Deserialize)]
struct Request {
    op: Operation,
    source: PathBuf,
    target: PathBuf,
    #[serde(default = "one")]
    k: usize,
}

fn one() -> usize {
    1
}

#[derive(Serialize)]
struct Answer {
    seconds: f64,
    value: f64,
    /// Most memory that this process has held so far, in units of 10⁶ bytes; where the system tells.
    peak_rss_mb: Option<f64>,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["make", folder, kind, points] => make(Path::new(folder), kind, points.parse()?),
        ["serve"] => serve(),
        ["once", request] => {
            println!("{}", Loaded::default().answer(request)?);
            Ok(())
        }
        _ => Err("usage: neighbors make DIR KIND POINTS | neighbors serve | neighbors once REQUEST".into()),
    }
}

/// Writes `KIND-POINTS-source.npy` and `KIND-POINTS-target.npy`.
fn make(folder: &Path, kind: &str, points: usize) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let scene = match kind {
        "uniform" => Cube { points, seed: 3 }.make()?,
        "lidar" => lidar(points)?,
        "sphere-torus" => SphereTorus { points, seed: 3, noise: 0.0 }.make()?,
        _ => return Err(format!("{kind} is none of uniform, lidar, sphere-torus").into()),
    };
    for cloud in &scene.clouds {
        let positions = cloud.points.positions();
        let total = positions.len();
        if total < points {
            return Err(format!("{kind}: {} has {total} points of {points}", cloud.name).into());
        }
        // Drops the points that are too many here and there, and so keeps the order of the sensor.
        let kept = (0..points).map(|index| positions[index * total / points]).collect();
        let path = folder.join(format!("{kind}-{points}-{}.npy", cloud.name));
        write(path, &PointCloud::new(kept)?, &WriteOptions::default())?;
    }
    Ok(())
}

/// Two scans in a row, each in the frame of its sensor, with a few more points than asked.
fn lidar(points: usize) -> Result<Scene> {
    let beams = if points > 300_000 { 128 } else { 64 };
    Ok(Street { points: points + points / 20, seed: 3, beams, ..Default::default() }.make()?)
}

fn serve() -> Result<()> {
    let mut loaded = Loaded::default();
    for request in std::io::stdin().lock().lines() {
        let mut output = std::io::stdout().lock();
        writeln!(output, "{}", loaded.answer(&request?)?)?;
        output.flush()?;
    }
    Ok(())
}

/// The clouds of the last request, because the next one often asks for the same.
#[derive(Default)]
struct Loaded(HashMap<PathBuf, PointCloud>);

impl Loaded {
    fn answer(&mut self, request: &str) -> Result<String> {
        let request: Request = serde_json::from_str(request)?;
        let paths = [&request.source, &request.target];
        self.0.retain(|path, _| paths.contains(&path));
        for path in paths {
            if !self.0.contains_key(path) {
                self.0.insert(path.clone(), read(path, &ReadOptions::default())?.cloud);
            }
            if matches!(request.op, Operation::AllMetrics)
                && let Some(cloud) = self.0.remove(path)
            {
                self.0.insert(path.clone(), with_normals(cloud)?);
            }
        }
        let (source, target) = (&self.0[&request.source], &self.0[&request.target]);
        let start = Instant::now();
        let value = request.op.run(source, target, request.k)?;
        let seconds = start.elapsed().as_secs_f64();
        Ok(serde_json::to_string(&Answer { seconds, value, peak_rss_mb: peak_rss_mb() })?)
    }
}

/// With the directions from the origin as normals: what they are does not change the time.
fn with_normals(cloud: PointCloud) -> Result<PointCloud> {
    let direction = |point: &Point3<f64>| point.coords.try_normalize(0.0).unwrap_or_else(Vector3::z);
    let normals = cloud.positions().iter().map(direction).collect();
    Ok(cloud.with_normals(normals)?)
}
