//! Weighted searches where weights vary far more than distances, against a scan with the same formula, to the last bit.

mod common;

use barrow_geometry::{Cost, KdTree, ReducedCost};
use common::{awkward, cube, lattice, sphere};
use nalgebra::{Isometry3, Point3, Vector3};

/// Squared distance in the order of operations that the tree documents.
fn squared(a: &Point3<f64>, b: &Point3<f64>) -> f64 {
    let [x, y, z]: [f64; 3] = (a - b).into();
    x * x + y * y + z * z
}

/// What a scan finds, by increasing value, then index.
fn scan(points: &[Point3<f64>], weights: &[f64], query: &Point3<f64>, count: usize) -> Vec<(usize, f64)> {
    let values = points.iter().zip(weights).map(|(point, weight)| squared(point, query) - weight);
    let mut all: Vec<(usize, f64)> = values.enumerate().filter(|(_, value)| value.is_finite()).collect();
    all.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    all.truncate(count);
    all
}

fn pairs(found: &[ReducedCost]) -> Vec<(usize, f64)> {
    found.iter().map(|found| (found.index, found.value)).collect()
}

fn moved(points: &[Point3<f64>], scale: f64, offset: f64) -> Vec<Point3<f64>> {
    let turn = Isometry3::new(Vector3::repeat(offset), Vector3::new(0.4, -0.7, 1.1));
    points.iter().map(|p| turn * (p * scale)).collect()
}

/// Name and points: slanted, flat, straight, in one place, far away, tiny.
fn clouds() -> Vec<(String, Vec<Point3<f64>>)> {
    let flattened = |points: Vec<Point3<f64>>, y: f64, z: f64| -> Vec<Point3<f64>> {
        points.iter().map(|p| Point3::new(p.x, y * p.y, z * p.z)).collect()
    };
    let mut all: Vec<(String, Vec<Point3<f64>>)> =
        awkward().into_iter().map(|(name, points)| (name.into(), points)).collect();
    all.push(("sphere".into(), sphere(2000, 2.0)));
    all.push(("sphere far away".into(), moved(&sphere(2000, 2.0), 1.0, 1e7)));
    all.push(("tiny sphere".into(), moved(&sphere(1500, 2.0), 1e-9, 0.0)));
    all.push(("tiny sphere far away".into(), moved(&sphere(500, 2.0), 1e-9, 1e3)));
    all.push(("collinear".into(), flattened(cube(600, 61), 0.0, 0.0)));
    all.push(("collinear and slanted".into(), moved(&flattened(cube(600, 62), 0.0, 0.0), 3.0, 0.0)));
    all.push(("coplanar".into(), flattened(cube(900, 63), 1.0, 0.0)));
    all.push(("coplanar and slanted".into(), moved(&flattened(cube(900, 64), 1.0, 0.0), 1.0, 0.0)));
    all.push(("slanted slab far away".into(), moved(&flattened(cube(900, 65), 1.0, 1e-3), 1.0, -1e7)));
    all.push(("sheet of duplicates".into(), vec![flattened(cube(90, 66), 1.0, 0.0); 8].concat()));
    all.push(("slanted lattice".into(), moved(&lattice(10), 1.0, 0.0)));
    all.push(("microscopic".into(), cube(400, 67).iter().map(|p| p * 1e-160).collect()));
    all.push(("astronomic".into(), cube(400, 68).iter().map(|p| p * 1e148).collect()));
    for count in [1, 2, 15, 17, 129] {
        all.push((format!("{count} points"), moved(&cube(count, 69), 1.0, 0.5)));
    }
    all
}

/// Name and weights: those that a displacement by `far` times the size of the cloud brings about, and worse.
fn weights(points: &[Point3<f64>], size: f64, far: f64) -> Vec<(&'static str, Vec<f64>)> {
    let start = points[0].coords;
    let linear = |p: &Point3<f64>| (p.coords - start).dot(&Vector3::new(0.8, -0.5, 0.3)) * 2.0 * far * size;
    let quadratic = |p: &Point3<f64>| {
        let y = p.coords - start;
        linear(p) + 0.7 * y.x * y.x - 1.3 * y.y * y.y + 0.4 * y.x * y.z
    };
    // The cost of the best of a few sources elsewhere, the dual variable of transport from them.
    let sources: Vec<_> = sphere(40, size * (0.5 + far)).iter().map(|p| p.coords + start).collect();
    let displaced = |p: &Point3<f64>| {
        let cost = |(i, x): (usize, &Vector3<f64>)| {
            (p.coords - x).norm_squared() - 0.1 * size * size * (i as f64).sin()
        };
        sources.iter().enumerate().map(cost).fold(f64::INFINITY, f64::min)
    };
    let all = |weight: &dyn Fn(&Point3<f64>) -> f64| -> Vec<f64> { points.iter().map(weight).collect() };
    let some = |weights: Vec<f64>, other: f64, every: usize| -> Vec<f64> {
        weights.into_iter().enumerate().map(|(i, g)| if i % every == 0 { other } else { g }).collect()
    };
    let rough = |i: usize, p: &Point3<f64>| linear(p) + 1e-3 * size * size * (37.0 * i as f64).sin();
    vec![
        ("linear", all(&linear)),
        ("quadratic", all(&quadratic)),
        ("displaced", all(&displaced)),
        ("rough", points.iter().enumerate().map(|(i, p)| rough(i, p)).collect()),
        ("with points taken out", some(all(&displaced), f64::NEG_INFINITY, 3)),
        ("of few points", all(&|p| if p.x > start.x { linear(p) } else { f64::NEG_INFINITY })),
        ("of no point", vec![f64::NEG_INFINITY; points.len()]),
        ("with one far above", some(all(&linear), 1e9 * size * size, points.len())),
        ("with some far below", some(all(&linear), -1e300, 7)),
        ("far from zero", all(&|p| linear(p) + 1e12 * size * size)),
        ("beyond all measure", all(&|p| if p.x > start.x { 1.7e308 } else { -1.7e308 })),
    ]
}

#[test]
fn steep_weights_change_no_answer() {
    for (name, points) in clouds() {
        let start = points[0].coords;
        let size = points.iter().map(|p| (p.coords - start).amax()).fold(0.0, f64::max).max(1e-200);
        for far in [0.3, 30.0] {
            // Where transport takes the points from, around there, and among the points.
            let shift = Vector3::new(0.8, -0.5, 0.3) * (far * size);
            let from = points.iter().step_by(1 + points.len() / 20).map(|p| p - shift);
            let around =
                cube(20, 71).into_iter().map(|p| Point3::from(start - shift + p.coords * (2.0 * size)));
            let own = points.iter().step_by(1 + points.len() / 12).copied();
            let queries: Vec<_> = from.chain(around).chain(own).collect();
            let tree = KdTree::new(&points);
            for (kind, mut weights) in weights(&points, size, far) {
                // What overflows is no weight.
                weights.iter_mut().filter(|g| g.is_nan() || **g == f64::INFINITY).for_each(|g| *g = 1.7e308);
                let weighted = tree.weighted(&weights, Cost::SquaredEuclidean).unwrap();
                let (all, six) = (weighted.lowest_all(&queries, None), weighted.lowest_k_all(&queries, 6));
                let guesses: Vec<usize> = (0..queries.len()).map(|i| i * 31 % points.len()).collect();
                assert_eq!(weighted.lowest_all(&queries, Some(&guesses)), all, "{name}, {kind}, {far}");
                for (index, query) in queries.iter().enumerate() {
                    let wanted = scan(&points, &weights, query, 6);
                    let first = &wanted[..wanted.len().min(1)];
                    assert_eq!(pairs(all[index].as_slice()), first, "{name}, {kind}, {far}");
                    assert_eq!(pairs(weighted.lowest(query).as_slice()), first, "{name}, {kind}, {far}");
                    assert_eq!(pairs(six.of(index)), wanted, "{name}, {kind}, {far}");
                    assert_eq!(pairs(&weighted.lowest_k(query, 6)), wanted, "{name}, {kind}, {far}");
                }
            }
        }
    }
}

/// Every point of a cloud has the same score for a query where the cloud came from: the worst for rounding.
#[test]
fn level_scores_are_told_apart_by_their_last_bits() {
    for (scale, offset) in [(1.0, 0.0), (1.0, 1e7), (1e-9, 0.0), (1e6, -1e6)] {
        let points = moved(&sphere(3000, 1.0), scale, offset);
        let tree = KdTree::new(&points);
        let queries: Vec<_> = cube(40, 72)
            .iter()
            .map(|p| Point3::from(points[0].coords + (p.coords + Vector3::new(5.0, -3.0, 2.0)) * scale))
            .collect();
        for query in &queries {
            let weights: Vec<f64> = points.iter().map(|point| squared(point, query)).collect();
            let weighted = tree.weighted(&weights, Cost::SquaredEuclidean).unwrap();
            assert_eq!(pairs(&weighted.lowest_k(query, 3)), [(0, 0.0), (1, 0.0), (2, 0.0)]);
            let found = weighted.lowest_all(&queries, None);
            for (query, found) in queries.iter().zip(found).step_by(13) {
                assert_eq!(pairs(found.as_slice()), scan(&points, &weights, query, 1));
            }
        }
    }
}

/// Too many points for a scan: weights that undo a translation, against a search without either.
#[test]
fn weights_of_a_translation_answer_as_if_nothing_moved() {
    let points = sphere(200_000, 1.0);
    let shift = Vector3::new(30.0, -20.0, 10.0);
    let queries: Vec<_> = sphere(20_000, 1.0).iter().map(|point| point - shift).collect();
    // |x + shift − y|² but for what depends on x alone.
    let weights: Vec<f64> = points.iter().map(|point| 2.0 * shift.dot(&point.coords)).collect();
    let tree = KdTree::new(&points);
    let weighted = tree.weighted(&weights, Cost::SquaredEuclidean).unwrap();
    let near =
        tree.nearest_all(&queries.iter().map(|query| query + shift).collect::<Vec<_>>(), &Default::default());
    for (query, (found, near)) in queries.iter().zip(weighted.lowest_all(&queries, None).iter().zip(near)) {
        let (found, near) = (found.unwrap(), near.unwrap());
        assert!(squared(query, &points[near.index]) - weights[near.index] >= found.value);
        assert!((squared(&(query + shift), &points[found.index]) - near.distance_squared).abs() < 1e-10);
    }
}
