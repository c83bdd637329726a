//! The lower bound never exceeds the cost of the best plan, and reaches it where the potentials are good.

mod common;

use barrow_geometry::{Backend, Cost, Error, Measure, Sinkhorn, TransportProblem, dual_bound};
use common::{awkward, cube};
use nalgebra::{Point3, Vector3};

const COSTS: [Cost; 2] = [Cost::SquaredEuclidean, Cost::Euclidean];

/// The cheapest of all permutations.
fn best(x: &[Point3<f64>], y: &[Point3<f64>], cost: Cost) -> f64 {
    fn extend(x: &[Point3<f64>], y: &[Point3<f64>], cost: Cost, used: u32, sum: f64, least: &mut f64) {
        let row = used.count_ones() as usize;
        if row == x.len() {
            *least = least.min(sum);
        }
        for column in (0..y.len()).filter(|column| row < x.len() && used & (1 << column) == 0) {
            extend(x, y, cost, used | 1 << column, sum + cost.between(&x[row], &y[column]), least);
        }
    }
    let mut least = f64::INFINITY;
    extend(x, y, cost, 0, 0.0, &mut least);
    least / x.len() as f64
}

#[test]
fn no_potential_proves_too_much() {
    for round in 0..60 {
        let (x, y) = (cube(6, 2 * round), cube(6, 2 * round + 1));
        let offset = Vector3::repeat([0.0, 1e7, 0.0][round as usize % 3]);
        let scale = [1.0, 1.0, 1e-9][round as usize % 3];
        let place =
            |points: &[Point3<f64>]| -> Vec<_> { points.iter().map(|p| p * scale + offset).collect() };
        let (x, y) = (place(&x), place(&y));
        for cost in COSTS {
            let exact = best(&x, &y, cost);
            for (index, size) in [0.0, 0.3, 1e3].into_iter().enumerate() {
                let draws = cube(6, 1000 + 3 * round + index as u64);
                let potential: Vec<f64> = draws.iter().map(|draw| size * scale * (draw.x - 0.5)).collect();
                let (a, b) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
                let bound = dual_bound(&a, &b, cost, &potential).unwrap();
                // The reference itself is rounded.
                assert!(bound.lower <= exact * (1.0 + 1e-14), "{} above {exact}", bound.lower);
                for (i, f) in bound.potentials.source.iter().enumerate() {
                    for (j, g) in bound.potentials.target.iter().enumerate() {
                        assert!(f + g <= cost.between(&x[i], &y[j]));
                    }
                }
            }
        }
    }
}

#[test]
fn good_potentials_prove_nearly_all() {
    for (name, x) in awkward() {
        let size = x.iter().map(|p| (p - x[0]).norm()).fold(0.0, f64::max).max(1e-3);
        let y: Vec<_> = x.iter().step_by(2).map(|p| p + Vector3::new(0.2, -0.1, 0.3) * size).collect();
        let weights: Vec<f64> = (0..y.len()).map(|i| (i % 4) as f64 + f64::from(y.len() < 4)).collect();
        let total: f64 = weights.iter().sum();
        let weights: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
        let (a, b) = (Measure::uniform(&x).unwrap(), Measure::weighted(&y, &weights).unwrap());
        for cost in COSTS {
            let problem = TransportProblem { cost, ..TransportProblem::new(a, b, 0.01 * size) };
            let plan =
                Sinkhorn { tolerance: 1e-6, ..Default::default() }.solve(&problem, &Backend::Cpu).unwrap();
            let bound = dual_bound(&a, &b, cost, &plan.potentials().target).unwrap();
            let upper = plan.transport_cost();
            assert!(bound.lower <= upper * (1.0 + 1e-5), "{name}: {} above {upper}", bound.lower);
            assert!(bound.lower >= 0.95 * upper, "{name}: {} far below {upper}", bound.lower);
        }
    }
}

#[test]
fn the_scale_of_the_weights_does_not_matter() {
    let (x, y) = (cube(40, 7), cube(30, 8));
    let heavy = vec![7.0; 30];
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    let potential: Vec<f64> = y.iter().map(|p| 0.1 * p.x).collect();
    let bound = |b: &Measure| dual_bound(&a, b, Cost::Euclidean, &potential).unwrap().lower;
    let (one, other) = (bound(&b), bound(&Measure::weighted(&y, &heavy).unwrap()));
    assert!((one - other).abs() < 1e-13);
}

#[test]
fn potentials_must_be_numbers_one_per_point() {
    let x = cube(3, 1);
    let measure = Measure::uniform(&x).unwrap();
    let ask = |potential: &[f64]| dual_bound(&measure, &measure, Cost::Euclidean, potential);
    assert!(matches!(ask(&[0.0; 2]), Err(Error::ColumnLength { expected: 3, got: 2, .. })));
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(matches!(ask(&[0.0, bad, 0.0]), Err(Error::InvalidPotential { index: 1, .. })));
    }
}
