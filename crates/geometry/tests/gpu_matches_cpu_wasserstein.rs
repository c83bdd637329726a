//! Exact and certified transport with its searches on a device against all on the processor: the same to the last bit.
#![cfg(feature = "gpu")]

mod common;

use std::ops::ControlFlow;

use barrow_geometry::{Backend, Gpu, Measure, Moved, Wasserstein, WassersteinPlan, WassersteinProblem};
use common::{awkward, cube, device, lattice, sphere};
use nalgebra::Point3;

const EXACT: Wasserstein = Wasserstein { gap: 0.0, max_iterations: 1_000_000, max_seconds: None };
const NEAR: Wasserstein = Wasserstein { gap: 0.02, ..EXACT };

/// The answer of both, step by step.
#[track_caller]
fn same(solver: &Wasserstein, problem: &WassersteinProblem, gpu: &Gpu, name: &str) -> WassersteinPlan {
    let [(here, before), (there, after)] = [Backend::Cpu, Backend::Gpu(gpu.clone())].map(|backend| {
        let mut steps = Vec::new();
        let observe = |step: &_| {
            steps.push(*step);
            ControlFlow::Continue(())
        };
        (solver.solve_with_on(problem, &backend, observe).unwrap(), steps)
    });
    assert!(before == after, "{name}: {} and {} steps", before.len(), after.len());
    assert!(here == there, "{name}: {:?} and {:?}", here.certificate, there.certificate);
    there
}

fn weights(count: usize) -> Vec<f64> {
    (0..count).map(|index| (index * index % 5) as f64).collect()
}

/// Mass on another scale, so that totals agree.
fn scaled(weights: &[f64], total: f64) -> Vec<f64> {
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum * total).collect()
}

#[test]
fn intervals_hold_the_truth_and_are_those_of_the_processor() {
    let Some(gpu) = device() else { return };
    let squeezed = |points: Vec<Point3<f64>>| -> Vec<Point3<f64>> {
        points.iter().map(|p| Point3::new(p.x * p.x + 0.5, 0.3 * p.y, p.z - 0.4)).collect()
    };
    let pairs = [
        ("small", cube(300, 1), squeezed(cube(300, 2))),
        ("ball and box", sphere(2000, 0.7), squeezed(cube(1500, 3))),
    ];
    for (name, x, y) in &pairs {
        let (a, b) = (weights(x.len()), vec![1.0; y.len()]);
        let b = scaled(&b, a.iter().sum());
        let (a, b) = (Measure::weighted(x, &a).unwrap(), Measure::weighted(y, &b).unwrap());
        let half = 0.5 * a.total();
        for (p, moved) in
            [(1.0, Moved::All), (2.0, Moved::All), (2.0, Moved::Within(0.5)), (1.0, Moved::Mass(half))]
        {
            let name = format!("{name}, p = {p}, {moved:?}");
            let problem = WassersteinProblem { p, moved, ..WassersteinProblem::new(a, b) };
            let near = same(&NEAR, &problem, &gpu, &name);
            let exact = EXACT.solve(&problem).unwrap();
            assert!(near.certificate.lower <= exact.certificate.upper, "{name}");
            assert!(near.certificate.upper >= exact.certificate.lower, "{name}");
            assert!(near.certificate.relative_gap() <= NEAR.gap, "{name}");
        }
    }
}

#[test]
fn optima_are_those_of_the_processor() {
    let Some(gpu) = device() else { return };
    let (x, y, z) = (cube(700, 4), sphere(600, 1.0), lattice(8));
    for (name, x, y) in [("cube and ball", &x, &y), ("lattice and ball", &z, &y), ("one", &x, &x)] {
        for p in [1.0, 2.0] {
            let (a, b) = (Measure::uniform(x).unwrap(), Measure::uniform(y).unwrap());
            let problem = WassersteinProblem { p, ..WassersteinProblem::new(a, b) };
            same(&EXACT, &problem, &gpu, name);
        }
    }
}

#[test]
fn clouds_on_which_spatial_code_goes_wrong_are_no_exception() {
    let Some(gpu) = device() else { return };
    let others = sphere(200, 1.0);
    for (name, points) in awkward() {
        let (a, b) = (Measure::uniform(&points).unwrap(), Measure::uniform(&others).unwrap());
        same(&NEAR, &WassersteinProblem::new(a, b), &gpu, name);
    }
}

#[test]
fn other_exponents_do_not_need_a_device() {
    let Some(gpu) = device() else { return };
    let (x, y) = (cube(60, 5), sphere(50, 1.0));
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    same(&EXACT, &WassersteinProblem { p: 1.5, ..WassersteinProblem::new(a, b) }, &gpu, "p = 1.5");
}
