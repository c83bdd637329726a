//! Reduced costs and what they prove with a device against those without: the same to the last bit.
#![cfg(feature = "gpu")]

mod common;

use barrow_geometry::{Backend, Cost, Error, Gpu, KdTree, Measure, dual_bound, dual_bound_on};
use common::{awkward, cube, device, lattice, sphere};
use nalgebra::{Isometry3, Point3, Vector3};

const COSTS: [Cost; 2] = [Cost::SquaredEuclidean, Cost::Euclidean];

#[track_caller]
fn assert_same(
    queries: &[Point3<f64>],
    points: &[Point3<f64>],
    weights: &[f64],
    (cost, k): (Cost, usize),
    gpu: &Gpu,
    name: &str,
) {
    let tree = KdTree::new(points);
    let weighted = tree.weighted(weights, cost).unwrap();
    let queries = KdTree::new(queries);
    let there = weighted.lowest_k_all_on(&queries, k, &Backend::Gpu(gpu.clone())).unwrap();
    assert!(there == weighted.lowest_k_all(&queries, k), "{name}, {cost:?}, {k}");
}

/// Name and weights: smooth, rough, steep, partly or wholly absent, beyond all measure.
fn weights(points: &[Point3<f64>]) -> Vec<(&'static str, Vec<f64>)> {
    let start = points[0];
    let size = points.iter().map(|p| (p - start).amax()).fold(0.0, f64::max).max(1e-200);
    let all = |weight: &dyn Fn(Vector3<f64>, usize) -> f64| -> Vec<f64> {
        points.iter().enumerate().map(|(i, p)| weight((p - start) / size, i) * size * size).collect()
    };
    let linear = |y: Vector3<f64>| y.dot(&Vector3::new(0.8, -0.5, 0.3));
    let rough = |i: usize| (37.0 * i as f64).sin();
    let mut few = all(&|y, _| linear(y));
    few.iter_mut().skip(1).step_by(3).for_each(|weight| *weight = f64::NEG_INFINITY);
    let mut high = all(&|y, _| linear(y));
    high[points.len() / 2] = 1e9 * size * size;
    let mut low = all(&|y, _| linear(y));
    low.iter_mut().step_by(7).for_each(|weight| *weight = -1e300);
    vec![
        ("zero", vec![0.0; points.len()]),
        ("linear", all(&|y, _| linear(y))),
        ("steep", all(&|y, _| 60.0 * linear(y))),
        ("quadratic", all(&|y, _| linear(y) + 0.7 * y.x * y.x - 1.3 * y.y * y.y + 0.4 * y.x * y.z)),
        ("rough", all(&|_, i| 0.01 * rough(i))),
        ("very rough", all(&|_, i| 10.0 * rough(i))),
        ("steep and rough", all(&|y, i| 60.0 * linear(y) + 1e-3 * rough(i))),
        ("of few points", few),
        ("with one far above", high),
        ("with some far below", low),
        ("far from zero", all(&|y, _| linear(y) + 1e12)),
        ("of one point", all(&|y, _| if y == Vector3::zeros() { 0.0 } else { f64::NEG_INFINITY })),
        ("of no point", vec![f64::NEG_INFINITY; points.len()]),
        (
            "beyond all measure",
            points.iter().map(|p| if p.x > start.x { 1.7e308 } else { -1.7e308 }).collect(),
        ),
    ]
}

#[test]
fn whatever_the_weights() {
    let Some(gpu) = device() else { return };
    let turned = |points: Vec<Point3<f64>>, scale: f64, offset: f64| -> Vec<Point3<f64>> {
        let turn = Isometry3::new(Vector3::repeat(offset), Vector3::new(0.4, -0.7, 1.1));
        points.iter().map(|p| turn * (p * scale)).collect()
    };
    let mut clouds = awkward();
    clouds.push(("sphere", sphere(500, 2.0)));
    clouds.push(("sphere far away", turned(sphere(500, 2.0), 1.0, 1e7)));
    clouds.push(("slanted lattice", turned(lattice(7), 1.0, 0.0)));
    clouds.push(("microscopic", cube(300, 67).iter().map(|p| p * 1e-160).collect()));
    for (round, (name, points)) in clouds.iter().enumerate() {
        let size = points.iter().map(|p| (p - points[0]).amax()).fold(0.0, f64::max);
        let own = points.iter().step_by(3).copied();
        let away = points.iter().step_by(3).map(|p| p - Vector3::new(0.4, -0.25, 0.15) * size);
        let far = points.iter().step_by(5).map(|p| p - Vector3::new(24.0, -15.0, 9.0) * size);
        let queries: Vec<_> = own.chain(away).chain(far).collect();
        for (step, (kind, weights)) in weights(points).into_iter().enumerate() {
            // All of both, without trying all of them together.
            let (cost, k) = (COSTS[(round + step) % 2], [1, 2, 6, 16, 17][(round + step / 2) % 5]);
            assert!(weights.iter().all(|weight| weight.is_finite() || *weight == f64::NEG_INFINITY));
            assert_same(&queries, points, &weights, (cost, k), &gpu, &format!("{name}, {kind}"));
        }
    }
}

#[test]
fn at_every_border_between_tiles_and_parts() {
    let Some(gpu) = device() else { return };
    let small = Gpu::open_limited(1 << 16).unwrap();
    for count in [1, 31, 32, 33, 255, 256, 257, 5000] {
        let points = cube(count, 3);
        let weights: Vec<f64> = points.iter().map(|p| p.x * p.y + 0.3 * p.z).collect();
        for (cost, k) in [(Cost::SquaredEuclidean, 3), (Cost::Euclidean, 12)] {
            assert_same(&cube(300, 4), &points, &weights, (cost, k), &gpu, "small cloud");
            assert_same(&points, &points, &weights, (cost, k), &small, "small buffers");
        }
    }
}

#[test]
fn bounds_prove_the_same() {
    let Some(gpu) = device() else { return };
    let backend = Backend::Gpu(gpu);
    let (x, y) = (sphere(3000, 1.0), cube(2500, 5));
    let weights: Vec<f64> = (0..y.len()).map(|i| (i % 4) as f64).collect();
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::weighted(&y, &weights).unwrap());
    for cost in COSTS {
        let potential: Vec<f64> = y.iter().map(|p| 0.3 * p.x - 0.2 * p.y * p.z).collect();
        let here = dual_bound(&a, &b, cost, &potential).unwrap();
        let there = || dual_bound_on(&a, &b, cost, &potential, &backend).unwrap();
        assert!(there() == here);
        assert!(there() == here);
    }
    let refused = dual_bound_on(&a, &b, Cost::Euclidean, &[0.0], &backend);
    assert!(matches!(refused, Err(Error::ColumnLength { .. })));
}
