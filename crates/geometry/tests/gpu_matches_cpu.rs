//! Whole solves on a graphics device against the processor, which is the specification.
#![cfg(feature = "gpu")]

mod common;

use std::ops::ControlFlow;

use barrow_geometry::{
    Backend, Cost, DivergencePlans, Error, Gpu, MarginalPenalty, Measure, Sinkhorn, SinkhornDivergence,
    Status, TransportPlan, TransportProblem,
};
use common::{awkward, cube, device, sphere};
use nalgebra::{Point3, Vector3};

/// What potentials and values may be off by, as a part of the cost across both clouds and of the value.
const TOLERANCE: f64 = 1e-5;

fn moved(points: &[Point3<f64>], way: Vector3<f64>) -> Vec<Point3<f64>> {
    points.iter().map(|point| point + way).collect()
}

fn moved_by(points: &[Point3<f64>], scale: f64, way: Vector3<f64>) -> Vec<Point3<f64>> {
    points.iter().map(|point| Point3::from(point.coords * scale + way)).collect()
}

/// The cost across both clouds.
fn largest_cost(problem: &TransportProblem) -> f64 {
    let both = || problem.source.positions().iter().chain(problem.target.positions());
    let first = both().next().unwrap();
    let (min, max) = both().fold((first.coords, first.coords), |(min, max), point| {
        (min.inf(&point.coords), max.sup(&point.coords))
    });
    problem.cost.between(&min.into(), &max.into())
}

/// Largest difference of potentials once the constant that they may differ by is taken out.
fn apart(a: &TransportPlan, b: &TransportPlan) -> f64 {
    let (one, other) = (a.potentials(), b.potentials());
    let count = one.source.len() as f64;
    let shift = match a.problem().reach {
        None => one.source.iter().zip(&other.source).map(|(a, b)| a - b).sum::<f64>() / count,
        Some(_) => 0.0,
    };
    let source = one.source.iter().zip(&other.source).map(|(a, b)| (a - b - shift).abs());
    let target = one.target.iter().zip(&other.target).map(|(a, b)| (a - b + shift).abs());
    source.chain(target).fold(0.0, f64::max)
}

/// Whether potentials can be compared: not where parts of the clouds are so far from each other, in blurs, that nothing
/// ties their potentials together.
#[derive(Clone, Copy, PartialEq)]
enum Potentials {
    Compared,
    Loose,
}

#[track_caller]
fn assert_same(gpu: &Gpu, solver: &Sinkhorn, problem: &TransportProblem, name: &str, potentials: Potentials) {
    let exact = Sinkhorn { tolerance: 1e-8, ..solver.clone() };
    let expected = exact.solve(problem, &Backend::Cpu).unwrap();
    let plan = solver.solve(problem, &Backend::Gpu(gpu.clone())).unwrap();
    assert!(plan.convergence().converged(), "{name}: {:?}", plan.convergence());
    let scale = largest_cost(problem).max(1e-300);
    let length = if problem.cost == Cost::SquaredEuclidean { scale.sqrt() } else { scale };
    // The processor finds of the same potentials that they are as good as the device says.
    let check = Sinkhorn { initial: Some(plan.potentials().clone()), max_iterations: 1, ..solver.clone() };
    let residual = check.solve(problem, &Backend::Cpu).unwrap().convergence().residual;
    assert!(residual <= 2.0 * solver.tolerance, "{name}: {residual:e} is misplaced");
    // What the residual leaves: plans that misplace so little are about so far from the optimum.
    let left = 30.0 * solver.tolerance * problem.epsilon();
    if potentials == Potentials::Compared {
        let apart = apart(&plan, &expected);
        assert!(apart <= TOLERANCE * scale + left, "{name}: potentials are {:.1e} apart", apart / scale);
    }
    let (got, wanted) = (plan.value(), expected.value());
    assert!((got - wanted).abs() <= TOLERANCE * wanted.abs() + left, "{name}: {got} for {wanted}");
    let (got, wanted) = (plan.transport_cost(), expected.transport_cost());
    let loose = 100.0 * TOLERANCE * wanted.abs().max(problem.epsilon());
    assert!((got - wanted).abs() <= loose, "{name}: cost {got} for {wanted}");
    for (got, wanted) in plan.row_means().iter().zip(expected.row_means()) {
        let near = 30.0 * solver.tolerance * problem.blur + TOLERANCE * length;
        assert!((got.position - wanted.position).norm() < near, "{name}: {got:?} for {wanted:?}");
        assert!((got.mass - wanted.mass).abs() <= 1e-3 * wanted.mass.max(1e-6), "{name}");
    }
}

const SOLVER: fn() -> Sinkhorn = || Sinkhorn { tolerance: 5e-5, max_iterations: 3000, ..Sinkhorn::default() };

#[test]
fn sizes_around_tiles_and_groups() {
    let Some(gpu) = device() else { return };
    for (n, m) in [(1, 1), (1, 33), (31, 32), (33, 31), (64, 65), (255, 257), (256, 256)] {
        let (source, target) = (cube(n, 1), moved(&cube(m, 2), Vector3::new(0.3, 0.0, -0.1)));
        let (a, b) = (Measure::uniform(&source).unwrap(), Measure::uniform(&target).unwrap());
        assert_same(
            &gpu,
            &SOLVER(),
            &TransportProblem::new(a, b, 0.1),
            &format!("{n} x {m}"),
            Potentials::Compared,
        );
    }
}

#[test]
fn costs_penalties_and_weights() {
    let Some(gpu) = device() else { return };
    let (source, target) = (sphere(190, 0.4), cube(220, 3));
    // Every seventh point weighs nothing.
    let weights = |count: usize| -> Vec<f64> { (0..count).map(|i| (i % 7) as f64 / 100.0).collect() };
    let (a, b) = (weights(source.len()), weights(target.len()));
    let scaled: Vec<f64> = b.iter().map(|w| w * a.iter().sum::<f64>() / b.iter().sum::<f64>()).collect();
    for cost in [Cost::SquaredEuclidean, Cost::Euclidean] {
        for (reach, penalty) in [
            (None, MarginalPenalty::KullbackLeibler),
            (Some(0.5), MarginalPenalty::KullbackLeibler),
            (Some(0.7), MarginalPenalty::TotalVariation),
        ] {
            let b = if reach.is_some() { &b } else { &scaled };
            let (from, to) =
                (Measure::weighted(&source, &a).unwrap(), Measure::weighted(&target, b).unwrap());
            let problem = TransportProblem { cost, reach, penalty, ..TransportProblem::new(from, to, 0.15) };
            assert_same(
                &gpu,
                &SOLVER(),
                &problem,
                &format!("{cost:?} {reach:?} {penalty:?}"),
                Potentials::Compared,
            );
        }
    }
}

/// Clouds twenty reaches apart: hardly anything is moved, and what is kept of it leaves the range of single precision.
#[test]
fn clouds_beyond_each_others_reach() {
    let Some(gpu) = device() else { return };
    let (source, target) = (cube(60, 1), moved(&cube(70, 2), Vector3::new(20.0, 0.0, 0.0)));
    let (a, b) = (Measure::uniform(&source).unwrap(), Measure::uniform(&target).unwrap());
    for penalty in [MarginalPenalty::KullbackLeibler, MarginalPenalty::TotalVariation] {
        let problem = TransportProblem { reach: Some(1.0), penalty, ..TransportProblem::new(a, b, 0.5) };
        let wanted = SOLVER().solve(&problem, &Backend::Cpu).unwrap();
        let got = SOLVER().solve(&problem, &Backend::Gpu(gpu.clone())).unwrap();
        assert!(got.convergence().converged(), "{penalty:?}: {:?}", got.convergence());
        assert!((got.value() / wanted.value() - 1.0).abs() < TOLERANCE, "{penalty:?}: {}", got.value());
        assert!(got.mass() <= 1e-6, "{penalty:?}: {}", got.mass());
    }
}

#[test]
fn awkward_clouds() {
    let Some(gpu) = device() else { return };
    for (name, points) in awkward() {
        let points = &points[..points.len().min(150)];
        let extent = points.iter().map(|point| (point - points[0]).norm()).fold(0.0, f64::max);
        let length = if extent > 0.0 { extent } else { 1.0 };
        let target = moved(points, Vector3::new(0.2, 0.1, 0.0) * length);
        let (a, b) = (Measure::uniform(points).unwrap(), Measure::uniform(&target).unwrap());
        let potentials = if name == "outlier" { Potentials::Loose } else { Potentials::Compared };
        assert_same(&gpu, &SOLVER(), &TransportProblem::new(a, b, 0.1 * length), name, potentials);
    }
}

/// Blur 10⁻⁴ of the box: what single precision alone does not resolve by far.
#[test]
fn a_blur_of_a_ten_thousandth_of_the_box() {
    let Some(gpu) = device() else { return };
    // Clusters of points two blurs apart in the corners of the box, which go to where others are.
    let clusters = |seed: u64, corners: [[f64; 3]; 2]| -> Vec<Point3<f64>> {
        let cluster = |corner: [f64; 3], seed| moved_by(&cube(100, seed), 2e-3, corner.into());
        [cluster(corners[0], seed), cluster(corners[1], seed + 1)].concat()
    };
    let source = clusters(5, [[0.0; 3], [1.0; 3]]);
    let target = clusters(7, [[0.9, 0.1, 0.2], [0.3, 0.4, 1.0]]);
    for offset in [0.0, 1e7] {
        let way = Vector3::new(offset, 0.0, -offset);
        let (source, target) = (moved(&source, way), moved(&target, way));
        let (a, b) = (Measure::uniform(&source).unwrap(), Measure::uniform(&target).unwrap());
        let problem = TransportProblem::new(a, b, 1.8e-4);
        let solver = Sinkhorn { tolerance: 1e-3, ..SOLVER() };
        assert_same(&gpu, &solver, &problem, &format!("offset {offset}"), Potentials::Loose);
    }
}

#[test]
fn offsets_change_nothing() {
    let Some(gpu) = device() else { return };
    let (source, target) = (cube(120, 1), cube(100, 2));
    let value = |offset: f64| {
        let way = Vector3::repeat(offset);
        let (source, target) = (moved(&source, way), moved(&target, way));
        let (a, b) = (Measure::uniform(&source).unwrap(), Measure::uniform(&target).unwrap());
        SOLVER().solve(&TransportProblem::new(a, b, 0.05), &Backend::Gpu(gpu.clone())).unwrap().value()
    };
    assert_eq!(value(0.0).to_bits(), value(f64::from(1 << 23)).to_bits());
}

#[test]
fn the_same_bits_again_and_the_same_answer_in_small_buffers() {
    let Some(gpu) = device() else { return };
    let Ok(small) = Gpu::open_limited(1 << 16) else { return };
    // Five parts of 4096 points at most, which is what 64 KiB hold.
    let (source, target) = (cube(4500, 1), moved(&cube(300, 2), Vector3::new(0.2, 0.0, 0.0)));
    let (a, b) = (Measure::uniform(&source).unwrap(), Measure::uniform(&target).unwrap());
    let problem = TransportProblem::new(a, b, 0.2);
    let solver = Sinkhorn { tolerance: 1e-3, ..SOLVER() };
    let solve = |gpu: &Gpu| solver.solve(&problem, &Backend::Gpu(gpu.clone())).unwrap();
    let (once, again, parts) = (solve(&gpu), solve(&gpu), solve(&small));
    assert!(once.potentials() == again.potentials());
    assert_eq!(once.transport_cost().to_bits(), again.transport_cost().to_bits());
    let expected = solver.solve(&problem, &Backend::Cpu).unwrap();
    for plan in [once, parts] {
        assert!((plan.value() / expected.value() - 1.0).abs() < TOLERANCE);
        assert!((plan.transport_cost() / expected.transport_cost() - 1.0).abs() < 1e-3);
    }
}

#[test]
fn divergences_and_their_gradients() {
    let Some(gpu) = device() else { return };
    let (source, target) = (cube(150, 1), sphere(130, 0.5));
    let (a, b) = (Measure::uniform(&source).unwrap(), Measure::uniform(&target).unwrap());
    for reach in [None, Some(0.6)] {
        let problem = TransportProblem { reach, ..TransportProblem::new(a, b, 0.1) };
        let solve = |backend: Backend| DivergencePlans::solve(&SOLVER(), &problem, &backend).unwrap();
        let (got, wanted) = (solve(Backend::Gpu(gpu.clone())), solve(Backend::Cpu));
        let values = (got.divergence().value, wanted.divergence().value);
        assert!((values.0 - values.1).abs() < 1e-5 * wanted.cross().value(), "{values:?}");
        let (got, wanted) = (got.gradient(), wanted.gradient());
        for (got, wanted) in got.source.positions.iter().zip(&wanted.source.positions) {
            assert!((got - wanted).norm() < 2e-3 / 150.0, "{got} for {wanted}");
        }
    }
}

#[test]
fn what_a_device_cannot_do_is_refused_and_stopping_is_an_answer() {
    let Some(gpu) = device() else { return };
    let backend = Backend::Gpu(gpu);
    let (source, target) = (cube(100, 1), cube(100, 2));
    let (a, b) = (Measure::uniform(&source).unwrap(), Measure::uniform(&target).unwrap());
    let refusal =
        |solver: Sinkhorn, blur: f64| match solver.solve(&TransportProblem::new(a, b, blur), &backend) {
            Err(Error::InvalidOption { name, .. }) => name,
            other => panic!("{:?}", other.err()),
        };
    assert_eq!(refusal(Sinkhorn::default(), 1e-5), "blur");
    assert_eq!(refusal(Sinkhorn { tolerance: 1e-6, ..Sinkhorn::default() }, 0.1), "tolerance");
    let problem = TransportProblem::new(a, b, 0.05);
    let stopped = SOLVER().solve_with(&problem, &backend, |_| ControlFlow::Break(())).unwrap();
    assert_eq!(stopped.convergence().status, Status::Stopped);
    assert!(stopped.value().is_finite() && stopped.blur() > 0.05);
    let few = Sinkhorn { max_iterations: 3, ..SOLVER() };
    let few = few.solve(&problem, &backend).unwrap();
    assert_eq!((few.convergence().status, few.convergence().iterations), (Status::MaxIterations, 3));
    // Warm potentials are as good as where they came from.
    let first = SOLVER().solve(&problem, &backend).unwrap();
    let warm = Sinkhorn { initial: Some(first.potentials().clone()), ..SOLVER() };
    assert!(warm.solve(&problem, &backend).unwrap().convergence().iterations <= 4);
    assert!(SinkhornDivergence::solve(&SOLVER(), &problem, &backend).unwrap().value.is_finite());
}
