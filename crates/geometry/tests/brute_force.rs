//! Everything spatial against the formula as it reads, on clouds where shortcuts go wrong.

mod common;

use barrow_geometry::{
    Backend, BatchSearch, Cost, KdTree, Measure, PointCloud, Sinkhorn, TransportPlan, TransportProblem,
    chamfer,
};
use common::{assert_close, awkward, cube};
use nalgebra::{Point3, Vector3};

/// Size of a cloud: what its lengths are compared with.
fn extent(points: &[Point3<f64>]) -> f64 {
    let first = points[0];
    let (min, max) =
        points.iter().fold((Vector3::zeros(), Vector3::zeros()), |(min, max): (Vector3<f64>, _), point| {
            (min.inf(&(point - first)), max.sup(&(point - first)))
        });
    let extent = (max - min).norm();
    if extent > 0.0 { extent } else { 1.0 }
}

/// −ε log Σ_j b_j exp((g_j − c_ij)/ε), in f64, term by term.
fn softmin(x: &Point3<f64>, columns: &Measure, potential: &[f64], cost: Cost, epsilon: f64) -> f64 {
    let scores: Vec<f64> = (0..columns.len())
        .map(|j| columns.weight(j).ln() + (potential[j] - cost.between(x, &columns.positions()[j])) / epsilon)
        .collect();
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    -epsilon * (largest + scores.iter().map(|score| (score - largest).exp()).sum::<f64>().ln())
}

/// Largest error of the source potential, in units of the squared (or plain) extent.
fn worst_potential(plan: &TransportPlan, size: f64) -> f64 {
    let problem = plan.problem();
    let epsilon = problem.cost.between(&Point3::origin(), &Point3::new(plan.blur(), 0.0, 0.0))
        * if problem.cost == Cost::Euclidean { 1.0 } else { 2.0 };
    let damping = 1.0 / (1.0 + epsilon / problem.rho());
    let unit = if problem.cost == Cost::Euclidean { size } else { size * size };
    let potentials = plan.potentials();
    (0..problem.source.len())
        .map(|i| {
            let x = &problem.source.positions()[i];
            let wanted = damping * softmin(x, &problem.target, &potentials.target, problem.cost, epsilon);
            (potentials.source[i] - wanted).abs() / unit
        })
        .fold(0.0, f64::max)
}

#[test]
fn potentials_are_soft_minima() {
    for (name, x) in awkward() {
        let size = extent(&x);
        let shift = Vector3::new(0.21, -0.13, 0.08) * size;
        let y: Vec<_> = x.iter().rev().step_by(2).map(|point| point + shift).collect();
        let weights: Vec<f64> = (0..y.len()).map(|i| (1 + i % 5) as f64).collect();
        let total: f64 = weights.iter().sum();
        let weights: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
        let (source, target) = (Measure::uniform(&x).unwrap(), Measure::weighted(&y, &weights).unwrap());
        for cost in [Cost::SquaredEuclidean, Cost::Euclidean] {
            for (blur, reach) in [(0.5, None), (0.05, None), (0.05, Some(0.2)), (0.004, None)] {
                let (blur, reach) = (blur * size, reach.map(|reach: f64| reach * size));
                let problem = TransportProblem { cost, reach, ..TransportProblem::new(source, target, blur) };
                // A tolerance near 1 lets single precision in wherever the bound allows it at all.
                for (tolerance, allowed) in [(0.9, 1e-5f64), (1e-3, 1e-6), (1e-12, 1e-12)] {
                    let solver = Sinkhorn { tolerance, max_iterations: 12, ..Default::default() };
                    let plan = solver.solve(&problem, &Backend::Cpu).unwrap();
                    // Coordinates far away are themselves rounded; so is the reference.
                    let allowed =
                        if name == "far away" || name == "huge" { allowed.max(1e-8) } else { allowed };
                    let worst = worst_potential(&plan, size);
                    assert!(
                        worst <= allowed,
                        "{name}, {cost:?}, blur {blur}, tolerance {tolerance:e}: {worst:e}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_streamed_is_what_the_matrix_holds() {
    let (x, y) = (cube(300, 1), cube(270, 2));
    let (source, target) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    for cost in [Cost::SquaredEuclidean, Cost::Euclidean] {
        for (blur, reach) in [(0.3, None), (0.03, None), (0.05, Some(0.2))] {
            let problem = TransportProblem { cost, reach, ..TransportProblem::new(source, target, blur) };
            let solver = Sinkhorn { tolerance: 1e-10, max_iterations: 60, ..Default::default() };
            let plan = solver.solve(&problem, &Backend::Cpu).unwrap();
            let dense = plan.dense().unwrap();
            assert_close(plan.mass(), dense.sum(), 1e-9);
            let mut transport = 0.0;
            let (rows, marginals) = (plan.row_means(), plan.marginals());
            for i in 0..x.len() {
                let mass = dense.row(i).sum();
                assert_close(rows[i].mass, mass, 1e-10);
                assert_close(marginals.source[i], mass, 1e-10);
                let mean = (0..y.len()).map(|j| y[j].coords * dense[(i, j)]).sum::<Vector3<f64>>() / mass;
                assert!((rows[i].position.coords - mean).norm() < 1e-8);
                let spread: f64 =
                    (0..y.len()).map(|j| (y[j].coords - mean).norm_squared() * dense[(i, j)]).sum::<f64>()
                        / mass;
                assert_close(rows[i].spread, spread, 1e-8);
                transport += (0..y.len()).map(|j| dense[(i, j)] * cost.between(&x[i], &y[j])).sum::<f64>();
            }
            assert_close(plan.transport_cost(), transport, 1e-9);
            for j in 0..y.len() {
                assert_close(marginals.target[j], dense.column(j).sum(), 1e-10);
            }
            let arcs = plan.arcs(0.01).unwrap();
            let wanted = (0..x.len())
                .map(|i| (0..y.len()).filter(|&j| dense[(i, j)] >= 0.01 * rows[i].mass).count())
                .sum::<usize>();
            assert_eq!(arcs.len(), wanted);
            for arc in &arcs {
                assert_close(arc.mass, dense[(arc.source, arc.target)], 1e-12);
                assert_close(arc.cost, cost.between(&x[arc.source], &y[arc.target]), 1e-12);
            }
            assert!(
                arcs.windows(2)
                    .all(|pair| (pair[0].source, -pair[0].mass) <= (pair[1].source, -pair[1].mass))
            );
        }
    }
}

#[test]
fn skipping_tiles_loses_nothing() {
    // Two thousand points and a narrow blur: most tiles are skipped, in either precision.
    let (x, y) = (cube(2000, 1), cube(2000, 2));
    let (source, target) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    for reach in [None, Some(0.1)] {
        let problem = TransportProblem { reach, ..TransportProblem::new(source, target, 0.02) };
        for (tolerance, allowed) in [(1e-3, 1e-6), (1e-12, 1e-12)] {
            let solver =
                Sinkhorn { tolerance, max_iterations: 6, initial_blur: Some(0.02), ..Default::default() };
            let plan = solver.solve(&problem, &Backend::Cpu).unwrap();
            let worst = worst_potential(&plan, 1.0);
            assert!(worst <= allowed, "reach {reach:?}, tolerance {tolerance:e}: {worst:e}");
        }
    }
}

#[test]
fn the_tree_finds_what_a_scan_finds() {
    for (name, points) in awkward() {
        let tree = KdTree::new(&points);
        let size = extent(&points);
        let queries: Vec<Point3<f64>> = points
            .iter()
            .take(60)
            .copied()
            .chain(cube(60, 9).iter().map(|q| points[0] + (q.coords - Vector3::repeat(0.5)) * (1.5 * size)))
            .collect();
        let found = tree.nearest_all(&queries, &BatchSearch::default());
        for (query, found) in queries.iter().zip(found) {
            let mut distances: Vec<f64> = points.iter().map(|point| (point - query).norm_squared()).collect();
            let found = found.unwrap();
            // Coordinates far away carry rounding that either order of summation may show.
            let slack = 1e-12 * size * size;
            assert_close(found.distance_squared, (points[found.index] - query).norm_squared(), slack);
            distances.sort_unstable_by(f64::total_cmp);
            assert!(found.distance_squared <= distances[0] + slack, "{name}");
            let nearest = tree.nearest_k(query, 9);
            assert_eq!(nearest.len(), points.len().min(9), "{name}");
            for (neighbor, wanted) in nearest.iter().zip(&distances) {
                assert_close(neighbor.distance_squared, *wanted, slack);
            }
            let mut indices: Vec<usize> = nearest.iter().map(|neighbor| neighbor.index).collect();
            indices.sort_unstable();
            indices.dedup();
            assert_eq!(indices.len(), nearest.len(), "{name}: a neighbour came twice");
            let radius = 0.3 * size;
            let within = tree.within(query, radius);
            let sure = |limit: f64| distances.iter().filter(|&&d| d <= limit).count();
            assert!(
                within.len() >= sure(radius * radius - slack)
                    && within.len() <= sure(radius * radius + slack)
            );
            assert!(within.windows(2).all(|pair| pair[0].distance_squared <= pair[1].distance_squared));
        }
    }
}

#[test]
fn chamfer_is_the_mean_of_nearest_distances() {
    for (name, x) in awkward() {
        let size = extent(&x);
        let y: Vec<_> = x.iter().step_by(3).map(|p| p + Vector3::new(0.01, 0.02, -0.03) * size).collect();
        let directed = |from: &[Point3<f64>], to: &[Point3<f64>]| -> Vec<f64> {
            from.iter().map(|a| to.iter().map(|b| (a - b).norm()).fold(f64::INFINITY, f64::min)).collect()
        };
        let (forward, backward) = (directed(&x, &y), directed(&y, &x));
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let got =
            chamfer(&PointCloud::new(x.clone()).unwrap(), &PointCloud::new(y.clone()).unwrap()).unwrap();
        let slack = 1e-9 * size;
        assert_close(got.value, 0.5 * (mean(&forward) + mean(&backward)), slack);
        let mut sorted = forward.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        assert_close(got.source_to_target.maximum, sorted[sorted.len() - 1], slack);
        assert_close(got.source_to_target.median, sorted[sorted.len().div_ceil(2) - 1], slack);
        let (from, to) = (got.source_to_target.maximum_from, got.source_to_target.maximum_to);
        assert_close((x[from] - y[to]).norm(), got.source_to_target.maximum, slack);
        assert!(got.value > 0.0, "{name}");
    }
}
