//! How does the time of the cloud metrics grow with the clouds, with their shapes, and with what is asked?
//!
//! `cargo run --release -p barrow-benches --bin neighbors` prints a table of ratios of barrow's own times, and the memory of
//! ten million points. What is divided takes turns, so that a machine busy with other things slows both. Other libraries are
//! asked by `benches/compare/compare.py`.

use std::hint::black_box;
use std::time::Instant;

use barrow::geometry::{NearestDistances, PointCloud};
use barrow_benches::{MemoryOfCall, made, median};
use nalgebra::{Point3, Vector3};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const ROUNDS: usize = 5;
const HUNDRED_THOUSAND: usize = 100_000;
const MILLION: usize = 1_000_000;

/// What is timed: building both trees and comparing the clouds.
#[derive(Clone, Copy)]
enum Work {
    Chamfer,
    /// All that the library makes of nearest distances.
    AllMetrics,
}

/// A ratio of two times, and the most that it may be.
struct Row {
    name: &'static str,
    this: (Work, &'static str, usize),
    other: (Work, &'static str, usize),
    wanted: f64,
}

const fn against(
    name: &'static str,
    this: (&'static str, usize),
    other: (&'static str, usize),
    wanted: f64,
) -> Row {
    Row { name, this: (Work::Chamfer, this.0, this.1), other: (Work::Chamfer, other.0, other.1), wanted }
}

const ROWS: [Row; 6] = [
    against(
        "sphere and torus against cube, 100k",
        ("sphere-torus", HUNDRED_THOUSAND),
        ("cube", HUNDRED_THOUSAND),
        4.0,
    ),
    against("sphere and torus against cube, 1M", ("sphere-torus", MILLION), ("cube", MILLION), 4.0),
    against("growth from 100k to 1M, cube", ("cube", MILLION), ("cube", HUNDRED_THOUSAND), 13.0),
    against("growth from 100k to 1M, street", ("street", MILLION), ("street", HUNDRED_THOUSAND), 13.0),
    against(
        "growth from 100k to 1M, sphere and torus",
        ("sphere-torus", MILLION),
        ("sphere-torus", HUNDRED_THOUSAND),
        13.0,
    ),
    Row {
        name: "all metrics against Chamfer, cube, 1M",
        this: (Work::AllMetrics, "cube", MILLION),
        other: (Work::Chamfer, "cube", MILLION),
        wanted: 1.15,
    },
];

fn main() -> Result<()> {
    println!("| work | ratio | wanted | times |\n|---|---:|---:|---|");
    for row in ROWS {
        let (this, other) = (Timed::new(row.this)?, Timed::new(row.other)?);
        let (mut these, mut others) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            let (one, two) = (this.run()?, other.run()?);
            // The first round warms caches and allocators.
            if round > 0 {
                these.push(one);
                others.push(two);
            }
        }
        let (this, other) = (median(these), median(others));
        println!("| {} | {:.2} | ≤ {} | {this:.3} s, {other:.3} s |", row.name, this / other, row.wanted);
    }
    let [source, target] = made("cube", 10 * MILLION)?;
    let memory = MemoryOfCall::begin();
    let start = Instant::now();
    black_box(NearestDistances::between(&source, &target)?.mean());
    let seconds = start.elapsed().as_secs_f64();
    let gigabytes = memory.end().map_or("–".into(), |megabytes| format!("{:.2} GB", megabytes / 1e3));
    println!("| memory of Chamfer beside the clouds, cube, 10M | {gigabytes} | ≤ 3 GB | {seconds:.1} s |");
    Ok(())
}

struct Timed {
    work: Work,
    clouds: [PointCloud; 2],
}

impl Timed {
    fn new((work, kind, points): (Work, &str, usize)) -> Result<Self> {
        let [source, target] = made(kind, points)?;
        Ok(Self { work, clouds: [with_normals(source)?, with_normals(target)?] })
    }

    /// Seconds of one run.
    fn run(&self) -> Result<f64> {
        let [source, target] = &self.clouds;
        let start = Instant::now();
        let nearest = NearestDistances::between(source, target)?;
        black_box(match self.work {
            Work::Chamfer => nearest.mean(),
            Work::AllMetrics => {
                black_box(nearest.hausdorff());
                black_box(nearest.f_scores(&[0.005, 0.01, 0.02])?);
                black_box(nearest.normal_consistency(source, target)?);
                black_box(nearest.density_aware(1000.0)?);
                nearest.chamfer().value
            }
        });
        Ok(start.elapsed().as_secs_f64())
    }
}

/// With the directions from the origin as normals: what they are does not change the time.
fn with_normals(cloud: PointCloud) -> Result<PointCloud> {
    let direction = |point: &Point3<f64>| point.coords.try_normalize(0.0).unwrap_or_else(Vector3::z);
    let normals = cloud.positions().iter().map(direction).collect();
    Ok(cloud.with_normals(normals)?)
}
