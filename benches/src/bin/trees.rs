//! Is our tree faster than kiddo's, on clouds of every kind?
//!
//! `cargo run --release -p barrow-benches --bin trees [-- POINTS]`
//!
//! Both run in one process, in turn, on the same points and queries; a number is the ratio of the medians over
//! rounds, kiddo's time divided by ours. Queries are another sample of the same kind, in no order. `build`,
//! `all nearest` and `all 10 nearest` use every thread, `nearest` asks one query after the other on one.
//! Sums of the distances must agree.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Instant;

use barrow::geometry::{BatchSearch, KdTree};
use barrow_benches::median;
use barrow_datasets::{Clusters, Cube, Object, Scene, SphereTorus, Street};
use kiddo::{ImmutableKdTree, SquaredEuclidean};
use nalgebra::{Point3, Vector3};

const ROUNDS: usize = 5;
const K: NonZeroUsize = NonZeroUsize::new(10).expect("ten is not zero");

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
type Points = Vec<Point3<f64>>;

fn main() -> Result<()> {
    let count = std::env::args().nth(1).map_or(Ok(200_000), |argument| argument.parse())?;
    println!("| cloud | points | build | nearest | all nearest | all {K} nearest |");
    println!("|---|---:|---:|---:|---:|---:|");
    for (name, points, queries) in clouds(count)? {
        let cells = measure(&points, &scattered(&queries))?.map(|ratio| format!("{ratio:.2}"));
        println!("| {name} | {} | {} |", points.len(), cells.join(" | "));
    }
    Ok(())
}

/// Name, points of the tree and queries.
fn clouds(count: usize) -> Result<Vec<(&'static str, Points, Points)>> {
    let cube = Cube { points: count, ..Default::default() }.make()?;
    let object = Object { points: count, ..Default::default() }.make()?;
    let street = Street { points: count, beams: 64, ..Default::default() }.make()?;
    let surfaces = SphereTorus { points: count, ..Default::default() }.make()?;
    // Both clouds of the maker have centres of their own: two samples of one mixture are the halves of one.
    let clusters = Clusters { points: 2 * count, ..Default::default() }.make()?;
    let mixture = in_world(&clusters, 0);
    let line = |points: Points| points.iter().map(|point| Point3::origin() + point.x * DIRECTION).collect();
    let hundredfold = |points: Points| (0..count).map(|index| points[index % count.div_ceil(100)]).collect();
    Ok(vec![
        ("uniform", in_world(&cube, 1), in_world(&cube, 0)),
        ("surface of an object", in_world(&object, 1), in_world(&object, 0)),
        ("LiDAR rings", in_world(&street, 1), in_world(&street, 0)),
        ("clusters", mixture[..count].to_vec(), mixture[count..].to_vec()),
        ("lattice, queries at the centres of its cells", lattice(count, 0.0), lattice(count, 0.5)),
        ("line", line(in_world(&cube, 1)), line(in_world(&cube, 0))),
        ("every point a hundred times", hundredfold(in_world(&cube, 1)), in_world(&cube, 0)),
        ("torus, queries on a sphere around it", in_world(&surfaces, 1), in_world(&surfaces, 0)),
    ])
}

/// Along no axis.
const DIRECTION: Vector3<f64> = Vector3::new(1.0, 2.0, 3.0);

fn in_world(scene: &Scene, index: usize) -> Points {
    let cloud = &scene.clouds[index];
    cloud.points.positions().iter().map(|point| cloud.world_from_cloud * point).collect()
}

/// The points of a cubic lattice of step 1, all moved by `shift` along every axis.
fn lattice(count: usize, shift: f64) -> Points {
    let side = (count as f64).cbrt().round() as usize;
    let axis = |index: usize| index as f64 + shift;
    let point = |i: usize| Point3::new(axis(i % side), axis(i / side % side), axis(i / side / side));
    (0..side.pow(3)).map(point).collect()
}

/// The points in steps of a prime, which leaves no two neighbours side by side.
fn scattered(points: &[Point3<f64>]) -> Points {
    const PRIME: usize = 1_000_003;
    (0..points.len()).map(|index| points[index * PRIME % points.len()]).collect()
}

/// Kiddo's time divided by ours: build, nearest, all nearest, all K nearest.
fn measure(points: &[Point3<f64>], queries: &[Point3<f64>]) -> Result<[f64; 4]> {
    let rows: Vec<[f64; 3]> = points.iter().map(|point| point.coords.into()).collect();
    let query_rows: Vec<[f64; 3]> = queries.iter().map(|query| query.coords.into()).collect();
    let ours = KdTree::new(points);
    let kiddo = ImmutableKdTree::<f64, 3>::new_from_slice_parallel(&rows)?;
    Ok([
        ratio(
            || black_box(ImmutableKdTree::<f64, 3>::new_from_slice_parallel(&rows)).map_or(f64::NAN, |_| 0.0),
            || {
                black_box(KdTree::new(points));
                0.0
            },
        )?,
        ratio(
            || {
                let nearest = |query| kiddo.query(query).nearest_one::<SquaredEuclidean<f64>>().execute();
                query_rows.iter().map(|query| nearest(query).distance).sum()
            },
            || queries.iter().flat_map(|query| ours.nearest(query)).map(|found| found.distance_squared).sum(),
        )?,
        ratio(
            || {
                let found = kiddo.query_batch(&query_rows).nearest_one::<SquaredEuclidean<f64>>().execute();
                found.iter().map(|found| found.distance).sum()
            },
            || {
                let found = ours.nearest_all(queries, &BatchSearch::default());
                found.iter().flatten().map(|found| found.distance_squared).sum()
            },
        )?,
        ratio(
            || {
                let found = kiddo.query_batch(&query_rows).nearest_n::<SquaredEuclidean<f64>>(K).execute();
                found.iter().flatten().map(|found| found.distance).sum()
            },
            || {
                let found = ours.nearest_k_all(queries, K.get(), &BatchSearch::default());
                found.iter().flatten().map(|found| found.distance_squared).sum()
            },
        )?,
    ])
}

/// The ratio of the medians of both times. Each side returns what must agree, to rounding.
fn ratio(mut theirs: impl FnMut() -> f64, mut ours: impl FnMut() -> f64) -> Result<f64> {
    let (mut their_seconds, mut our_seconds) = (Vec::new(), Vec::new());
    // The first round warms the caches and the allocator.
    for round in 0..=ROUNDS {
        let (their_time, their_value) = timed(&mut theirs);
        let (our_time, our_value) = timed(&mut ours);
        let difference = (their_value - our_value).abs();
        // Not a number agrees with nothing.
        if difference.is_nan() || difference > 1e-9 * our_value.abs() {
            return Err(format!("kiddo's distances add up to {their_value}, ours to {our_value}").into());
        }
        if round > 0 {
            their_seconds.push(their_time);
            our_seconds.push(our_time);
        }
    }
    Ok(median(their_seconds) / median(our_seconds))
}

fn timed(work: &mut impl FnMut() -> f64) -> (f64, f64) {
    let start = Instant::now();
    let value = work();
    (start.elapsed().as_secs_f64(), value)
}
