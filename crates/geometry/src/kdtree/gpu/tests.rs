//! What crosses the border between device and host: scores, what they promise, and how often the promise is enough.

use nalgebra::{Point3, Vector3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::frame::{Frame, Raised};
use super::tiles::{Points, QueryTiles};
use super::{Found, Sought, ask, kept, lowest_k, twin, upload};
use crate::kdtree::Queries;
use crate::{Cost, Gpu, KdTree, WeightedKdTree};

/// The device to test on; says loudly if there is none, and fails where that must not be.
fn device() -> Option<Gpu> {
    match Gpu::open() {
        Ok(gpu) => Some(gpu),
        Err(error) => {
            assert!(std::env::var_os("BARROW_REQUIRE_GPU").is_none(), "{error}");
            eprintln!("SKIPPED, nothing was tested: {error}");
            None
        }
    }
}

fn cube(count: usize, seed: u64) -> Vec<Point3<f64>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| Point3::from([0; 3].map(|_| random.random::<f64>()))).collect()
}

fn sphere(count: usize) -> Vec<Point3<f64>> {
    cube(count, 99).iter().map(|p| Point3::from((p.coords.add_scalar(-0.5)).normalize())).collect()
}

fn nearest(source: &[Point3<f64>], target: &[Point3<f64>], k: usize, gpu: &Gpu) -> Found {
    let tree = KdTree::new(target);
    lowest_k(Sought { tree: &tree, weighted: None }, &Queries::from(source), k, gpu).unwrap().unwrap()
}

#[test]
fn hardly_a_query_is_left_to_the_tree() {
    let Some(gpu) = device() else { return };
    let (points, ball) = (cube(6000, 1), sphere(6000));
    let far: Vec<Point3<f64>> = ball.iter().map(|p| p * 3.0 + Vector3::repeat(1e7)).collect();
    let clusters: Vec<Point3<f64>> = (0..6)
        .flat_map(|k| {
            cube(1000, k as u64).into_iter().map(move |p| p * 10f64.powi(-k) + Vector3::x() * f64::from(k))
        })
        .collect();
    let pairs = [
        (&points, &ball),
        (&ball, &points),
        (&points, &points),
        (&far, &far),
        (&clusters, &points),
        (&points, &clusters),
        (&clusters, &clusters),
    ];
    for (index, (source, target)) in pairs.into_iter().enumerate() {
        for k in [1, 16] {
            let left = nearest(source, target, k, &gpu).left;
            assert!(left * 20 <= source.len(), "pair {index}, {k}: {left} left");
        }
    }
}

/// What a search brings to the device.
struct Brought {
    points: Points,
    queries: QueryTiles,
    frame: Frame,
    raised: Raised,
}

impl Brought {
    fn new(sought: &Sought, queries: &Queries) -> Self {
        let frame = Frame::around(sought, &queries.leaves).unwrap();
        let raised = match sought.weighted {
            None => Raised::none(sought.tree),
            Some(weighted) => Raised::new(weighted, &frame).unwrap(),
        };
        let points = Points::new(sought.tree, sought.weighted, &frame, &raised);
        let queries = QueryTiles::new(sought, &queries.leaves, &frame, &raised, &points);
        Self { points, queries, frame, raised }
    }
}

#[test]
fn the_kernel_keeps_what_its_twin_keeps() {
    let Some(gpu) = device() else { return };
    let (x, y) = (cube(700, 5), cube(900, 6));
    let queries = Queries::from(&x);
    let tree = KdTree::new(&y);
    let weights: Vec<f64> = y.iter().map(|p| 3.0 * p.x - p.y * p.y + 0.01 * (50.0 * p.z).sin()).collect();
    let weighted = |cost| tree.weighted(&weights, cost).unwrap();
    let both: [WeightedKdTree; 2] = [weighted(Cost::SquaredEuclidean), weighted(Cost::Euclidean)];
    for weighted in [None, Some(&both[0]), Some(&both[1])] {
        let sought = Sought { tree: &tree, weighted };
        let brought = Brought::new(&sought, &queries);
        let Brought { points, queries, frame, raised } = &brought;
        for k in [1, 3, 7, 16] {
            let parts = upload(points, &gpu).unwrap();
            let (values, places) = ask(queries, &parts, frame, raised, k, sought.cost(), &gpu).unwrap();
            let rows = values.as_flattened().chunks(kept(k)).zip(places.as_flattened().chunks(kept(k)));
            let twin = twin::lowest(points, queries, frame, raised, sought.cost(), kept(k));
            for ((values, places), wanted) in rows.zip(&twin).take(x.len()) {
                for ((value, place), (wanted, at)) in values.iter().zip(places).zip(wanted) {
                    // Different orders of operations; where two scores are that close, either may come first.
                    assert!((value - wanted).abs() < 3e-7, "{value} instead of {wanted}");
                    let close = values.iter().filter(|v| (*v - wanted).abs() < 6e-7).count() > 1;
                    assert!(place == at || close, "{place} instead of {at}");
                }
            }
        }
    }
}

/// No score that the device computes is above the one in exact arithmetic, and none is far below.
#[test]
fn scores_are_lowered_by_a_little_more_than_rounding() {
    let Some(gpu) = device() else { return };
    for (scale, offset) in [(1.0, 0.0), (1e-3, 1e7), (1e9, 0.0)] {
        let placed = |points: Vec<Point3<f64>>| -> Vec<_> {
            points.iter().map(|p| (p * scale).map(|value| value + offset)).collect()
        };
        let (x, y) = (placed(sphere(3000)), placed(cube(4000, 8)));
        let (queries, tree) = (Queries::from(&x), KdTree::new(&y));
        let weights: Vec<f64> = y.iter().map(|p| (p - y[0]).norm_squared() * 0.4).collect();
        let weighted = tree.weighted(&weights, Cost::SquaredEuclidean).unwrap();
        for weighted in [None, Some(&weighted)] {
            let sought = Sought { tree: &tree, weighted };
            let Brought { points, queries: asked, frame, raised } = &Brought::new(&sought, &queries);
            let parts = upload(points, &gpu).unwrap();
            let (values, places) = ask(asked, &parts, frame, raised, 5, sought.cost(), &gpu).unwrap();
            for (place, (values, places)) in values.chunks(3).zip(places.chunks(3)).enumerate() {
                let leaf = &queries.leaves[place / 16];
                if place % 16 >= leaf.len() {
                    continue;
                }
                let query = leaf.point(place % 16);
                for (&value, &found) in values.as_flattened().iter().zip(places.as_flattened()) {
                    let exact = sought.score(&query, points.places[found as usize] as usize).0;
                    let lowered = frame.floor(raised, asked.tiles[place / 64].highest, &query).of(value);
                    assert!(lowered <= exact, "{lowered} above {exact}");
                    assert!(exact - lowered < 4e-5 * frame.unit, "{lowered} far below {exact}");
                }
            }
        }
    }
}

#[test]
fn smooth_weights_leave_hardly_a_query() {
    let Some(gpu) = device() else { return };
    let (x, y) = (sphere(6000), cube(6000, 12));
    let tree = KdTree::new(&y);
    let shift = Vector3::new(30.0, -20.0, 10.0);
    // Weights of a transport: what it costs to reach a point from the best of a few others.
    let sites = sphere(40);
    let reached =
        |p: &Point3<f64>| sites.iter().map(|s| (s - p).norm_squared()).fold(f64::INFINITY, f64::min);
    type Weight<'a> = &'a dyn Fn(&Point3<f64>) -> f64;
    let kinds: [(&str, Weight, Vector3<f64>); 5] = [
        ("zero", &|_| 0.0, Vector3::zeros()),
        ("quadratic", &|p| p.x * p.x - 0.4 * p.y * p.z, Vector3::zeros()),
        ("reached", &reached, Vector3::zeros()),
        ("translated", &|p| 2.0 * shift.dot(&p.coords), shift),
        ("translated and reached", &|p| 2.0 * shift.dot(&p.coords) + reached(p), shift),
    ];
    for (name, weight, shift) in kinds {
        let weights: Vec<f64> = y.iter().map(weight).collect();
        let weighted = tree.weighted(&weights, Cost::SquaredEuclidean).unwrap();
        let queries: Vec<Point3<f64>> = x.iter().map(|p| p - shift).collect();
        for k in [1, 4, 8, 16] {
            let sought = Sought { tree: &tree, weighted: Some(&weighted) };
            let found = lowest_k(sought, &Queries::from(&queries), k, &gpu).unwrap().unwrap();
            assert!(found.left * 50 <= x.len(), "{name}, {k}: {} left", found.left);
        }
    }
}

/// Two scans of one object from different sides, written with two decimals: many are equally near.
#[test]
fn scans_are_answered_by_the_device() {
    let Some(gpu) = device() else { return };
    let manifest = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let data =
        std::env::var_os("BARROW_DATA").map_or_else(|| manifest.join("../../../shared/data"), Into::into);
    let read = |name: &str| -> Option<Vec<Point3<f64>>> {
        let text = std::fs::read_to_string(data.join("simpleicp_bunny_partial").join(name)).ok()?;
        let numbers: Vec<f64> = text.split_whitespace().map(|word| word.parse().unwrap()).collect();
        Some(numbers.chunks_exact(3).map(|p| Point3::new(p[0], p[1], p[2])).collect())
    };
    let Some((source, target)) = read("bunny_part1.xyz").zip(read("bunny_part2.xyz")) else {
        eprintln!("skipped: no shared data");
        return;
    };
    let (sources, targets) = (KdTree::new(&source), KdTree::new(&target));
    let queries = Queries::from(&sources);
    let found = lowest_k(Sought { tree: &targets, weighted: None }, &queries, 1, &gpu).unwrap().unwrap();
    let answers = queries.places.iter().map(|&place| found.rows[place as usize]);
    let (squares, nearest) = targets.nearest_columns(&sources);
    assert!(answers.eq(squares.into_iter().zip(nearest)));
    assert!(found.left * 50 <= source.len(), "{} of {} left", found.left, source.len());
    // The weights of a transport to a place elsewhere.
    let shift = Vector3::new(40.0, -10.0, 5.0);
    let weights: Vec<f64> =
        target.iter().map(|p| 2.0 * shift.dot(&p.coords) + 0.1 * (p.x + p.y * p.z).sin()).collect();
    let weighted = targets.weighted(&weights, Cost::SquaredEuclidean).unwrap();
    let moved: Vec<Point3<f64>> = source.iter().map(|p| p - shift).collect();
    let queries = Queries::from(&moved);
    let found =
        lowest_k(Sought { tree: &targets, weighted: Some(&weighted) }, &queries, 6, &gpu).unwrap().unwrap();
    assert!(found.left * 50 <= source.len(), "{} of {} left", found.left, source.len());
    let lists = found.into_lists(queries, 6, |row| row);
    let wanted = weighted.lowest_k_all(&moved, 6);
    assert!(lists.iter().zip(wanted.iter()).all(|(list, wanted)| {
        list.iter().copied().eq(wanted.iter().map(|found| (found.value, found.index as u32)))
    }));
}
