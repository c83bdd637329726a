//! Cells, tilted bounds, guesses and extrapolation change how soon, never what.

mod common;

use std::ops::ControlFlow;

use barrow_geometry::{
    Backend, Cost, Measure, Potentials, Sinkhorn, SinkhornDivergence, SinkhornStep, TransportPlan,
    TransportProblem,
};
use common::{assert_close, cube, sphere};
use nalgebra::{Point3, Vector3};

fn solve<'a>(solver: &Sinkhorn, problem: &TransportProblem<'a>) -> (TransportPlan<'a>, Vec<SinkhornStep>) {
    let mut steps = Vec::new();
    let plan = solver
        .solve_with(problem, &Backend::Cpu, |step| {
            steps.push(*step);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(plan.convergence().converged(), "{:?}", plan.convergence());
    (plan, steps)
}

fn moved(points: &[Point3<f64>], motion: impl Fn(&Point3<f64>) -> Point3<f64>) -> Vec<Point3<f64>> {
    points.iter().map(motion).collect()
}

/// Two clusters a hundred of their sizes apart, one with a tenth of the points.
fn clusters(seed: u64) -> Vec<Point3<f64>> {
    let far = |point: &Point3<f64>| point + Vector3::new(100.0, 30.0, 0.0);
    [cube(1000, seed), moved(&cube(100, seed + 10), far)].concat()
}

#[test]
fn cells_lead_to_the_potentials_of_the_points() {
    let pairs = [
        ("cube", cube(1100, 1), cube(1000, 2), 0.12),
        ("sphere", sphere(1100, 1.0), moved(&sphere(1000, 0.6), |p| Point3::new(p.x, 1.2 * p.y, p.z)), 0.12),
        ("clusters", clusters(1), clusters(2), 0.4),
        ("twice", [cube(550, 3), cube(550, 3)].concat(), cube(1000, 4), 0.12),
    ];
    for (name, x, y, blur) in &pairs {
        let weights: Vec<f64> = (0..y.len()).map(|i| (i % 4) as f64).collect();
        let total: f64 = weights.iter().sum();
        let weights: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
        let (source, target) = (Measure::uniform(x).unwrap(), Measure::weighted(y, &weights).unwrap());
        for (cost, reach) in
            [(Cost::SquaredEuclidean, None), (Cost::Euclidean, None), (Cost::SquaredEuclidean, Some(0.5))]
        {
            let problem = TransportProblem { cost, reach, ..TransportProblem::new(source, target, *blur) };
            let solver = Sinkhorn { tolerance: 1e-7, max_iterations: 5000, ..Default::default() };
            let (plan, steps) = solve(&solver, &problem);
            assert!(steps[0].level > 0 && steps[steps.len() - 1].level == 0, "{name}");
            assert!(steps.windows(2).all(|pair| pair[1].level <= pair[0].level), "{name}");
            // Potentials to start from, be they zero, keep a run on the points.
            let zero = Potentials { source: vec![0.0; x.len()], target: vec![0.0; y.len()] };
            let alone = Sinkhorn { initial: Some(zero), initial_blur: Some(4.0 * blur), ..solver.clone() };
            let (wanted, steps) = solve(&alone, &problem);
            assert!(steps.iter().all(|step| step.level == 0), "{name}");
            assert_close(plan.value(), wanted.value(), 1e-6 * wanted.value().abs());
            if *name == "clusters" {
                // Of equal masses: nothing ties the potentials of one to those of the other.
                continue;
            }
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            let shift = mean(&plan.potentials().source) - mean(&wanted.potentials().source);
            let pairs = [
                (&plan.potentials().source, &wanted.potentials().source, shift),
                (&plan.potentials().target, &wanted.potentials().target, -shift),
            ];
            for (got, wanted, shift) in pairs {
                for (got, wanted) in got.iter().zip(wanted) {
                    assert_close(*got, wanted + shift, 1e-2 * problem.epsilon());
                }
            }
        }
    }
}

#[test]
fn one_thread_and_two_give_the_same_bits_on_cells() {
    let (x, y) = (sphere(2500, 1.0), cube(2400, 2));
    let answer = || {
        let problem =
            TransportProblem::new(Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap(), 0.05);
        let (plan, steps) = solve(&Sinkhorn::default(), &problem);
        assert!(steps[0].level > 0);
        let divergence = SinkhornDivergence::solve(&Sinkhorn::default(), &problem, &Backend::Cpu).unwrap();
        (plan.potentials().clone(), plan.value(), plan.arcs(1e-2).unwrap(), steps, divergence)
    };
    let with =
        |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(answer);
    assert_eq!(with(1), with(2));
}

#[test]
fn a_translate_costs_its_square_however_far_it_is() {
    // Far compared with blur and tiles: bounds without a tilt would skip nothing, single precision without a
    // focus would see nothing.
    let x = cube(3000, 5);
    let shift = Vector3::new(3.0, -2.0, 1.0);
    let y = moved(&x, |point| point + shift);
    let problem = TransportProblem::new(Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap(), 0.04);
    let divergence = SinkhornDivergence::solve(&Sinkhorn::default(), &problem, &Backend::Cpu).unwrap();
    assert_close(divergence.value, 14.0, 1e-4);
}

#[test]
fn a_run_that_ends_on_cells_answers_for_the_points() {
    let (x, y) = (cube(2000, 1), cube(2000, 2));
    let problem = TransportProblem::new(Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap(), 0.05);
    let plan = Sinkhorn::default().solve_with(&problem, &Backend::Cpu, |_| ControlFlow::Break(())).unwrap();
    assert_eq!((plan.potentials().source.len(), plan.blur()), (2000, 0.05));
    let error = plan.marginal_error();
    assert_close(error.target, plan.convergence().residual, 1e-12);
    assert!(error.source < 1e-12 && (plan.mass() - 1.0).abs() < 1e-9);
}

#[test]
fn a_blur_of_a_ten_thousandth_of_the_box_is_exact() {
    // A jittered lattice: everyone's match is near, and the value is the matching's up to ε times an entropy.
    let x = cube(600, 7);
    let y = moved(&x, |point| point + Vector3::new(1e-4, -2e-4, 5e-5));
    let problem = TransportProblem::new(Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap(), 2e-4);
    let (plan, _) = solve(&Sinkhorn { tolerance: 1e-6, ..Default::default() }, &problem);
    assert_close(plan.transport_cost(), 1e-8 + 4e-8 + 2.5e-9, 1e-11);
}

/// A dense cluster, for which plans are remembered by patches, and lone points with few others to draw from, among them
/// those of the last tile, which is not full.
#[test]
fn tiles_that_are_not_full_have_no_part_in_a_plan() {
    for lone in [33, 65, 125] {
        let scattered = |shift: f64| -> Vec<Point3<f64>> {
            (0..lone).map(|i| Point3::new(3.0 + 0.4 * i as f64 + shift, 0.0, 0.0)).collect()
        };
        let source = [cube(2048, 1), scattered(0.0)].concat();
        let target = [cube(2048, 2), scattered(0.1)].concat();
        let (a, b) = (Measure::uniform(&source).unwrap(), Measure::uniform(&target).unwrap());
        for blur in [0.15, 0.3] {
            let solver = Sinkhorn { tolerance: 1e-4, ..Default::default() };
            let (plan, _) = solve(&solver, &TransportProblem::new(a, b, blur));
            assert_close(plan.mass(), 1.0, 1e-9);
        }
    }
}
