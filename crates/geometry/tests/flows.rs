//! Points that flow down the divergence: where they end, how they get there.

mod common;

use std::ops::ControlFlow;

use barrow_geometry::{
    Backend, Cost, Error, Flow, GradientFlow, MarginalPenalty, Measure, Sinkhorn, SinkhornDivergence, Status,
    TransportProblem,
};
use common::{assert_close, cube, sphere};
use nalgebra::{Point3, Vector3};

fn problem<'a>(x: &'a [Point3<f64>], y: &'a [Point3<f64>], blur: f64) -> TransportProblem<'a> {
    TransportProblem::new(Measure::uniform(x).unwrap(), Measure::uniform(y).unwrap(), blur)
}

fn solve(problem: &TransportProblem) -> Flow {
    GradientFlow::default().solve(problem, &Backend::Cpu).unwrap()
}

#[test]
fn a_translate_is_reached_in_one_step_at_any_blur() {
    let x = cube(100, 1);
    let shift = Vector3::new(3.0, -0.5, 1.0);
    let y: Vec<_> = x.iter().map(|point| point + shift).collect();
    for blur in [0.02, 0.3, 10.0] {
        let solver = Sinkhorn { tolerance: 1e-8, max_iterations: 5000, ..Default::default() };
        let flow = GradientFlow { solver, ..Default::default() };
        let flow = flow.solve(&problem(&x, &y, blur), &Backend::Cpu).unwrap();
        assert_eq!((flow.convergence.status, flow.convergence.iterations), (Status::Converged, 1));
        assert_close(flow.initial_divergence, shift.norm_squared(), 1e-5);
        assert_close(flow.divergence, 0.0, 1e-6);
        assert!(flow.positions.iter().zip(&y).all(|(x, y)| (x - y).norm() < 1e-5 * blur.max(1.0)));
    }
}

#[test]
fn with_the_euclidean_cost_a_point_goes_a_blur_at_a_time() {
    let (x, y) = ([Point3::origin()], [Point3::new(0.0, 3.0, 4.0)]);
    let problem = TransportProblem { cost: Cost::Euclidean, ..problem(&x, &y, 0.5) };
    let mut run = GradientFlow::default().start(&problem, &Backend::Cpu).unwrap();
    for step in 1..=9 {
        let seen = run.step().unwrap().unwrap();
        assert_close(seen.movement, 0.5, 1e-4);
        assert_close(seen.divergence, 5.0 - 0.5 * f64::from(step), 1e-4);
    }
    while run.step().unwrap().is_some() {}
    assert!((run.positions()[0] - y[0]).norm() < 1e-2);
}

#[test]
fn a_cube_becomes_a_sphere_and_never_looks_back() {
    let (x, y) = (cube(150, 1), sphere(200, 1.0));
    let problem = problem(&x, &y, 0.1);
    let mut divergences = Vec::new();
    let flow = GradientFlow::default()
        .solve_with(&problem, &Backend::Cpu, |step| {
            divergences.push(step.divergence);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(divergences.windows(2).all(|pair| pair[1] <= pair[0] + 1e-5), "{divergences:?}");
    assert_eq!(Some(&flow.divergence), divergences.last());
    assert!(flow.divergence < 5e-3 * flow.initial_divergence, "{}", flow.divergence);
    let radii: Vec<f64> = flow.positions.iter().map(|point| point.coords.norm()).collect();
    let mean = radii.iter().sum::<f64>() / 150.0;
    assert_close(mean, 1.0, 0.02);
    // The reported divergence is that of the positions.
    let source = Measure::uniform(&flow.positions).unwrap();
    let again = TransportProblem { source, ..problem };
    let solver = Sinkhorn { tolerance: 1e-7, max_iterations: 5000, ..Default::default() };
    let again = SinkhornDivergence::solve(&solver, &again, &Backend::Cpu).unwrap();
    assert_close(again.value, flow.divergence, 1e-5);
}

#[test]
fn what_is_beyond_the_reach_stays() {
    let mut x = cube(40, 1);
    let y: Vec<_> = x.iter().map(|point| point + Vector3::new(0.2, 0.0, 0.0)).collect();
    let far = Point3::new(30.0, 0.0, 0.0);
    x.push(far);
    for penalty in [MarginalPenalty::KullbackLeibler, MarginalPenalty::TotalVariation] {
        let problem = TransportProblem { reach: Some(1.0), penalty, ..problem(&x, &y, 0.1) };
        let flow = solve(&problem);
        assert!((flow.positions[40] - far).norm() < 1e-12);
        assert!(flow.divergence < flow.initial_divergence);
        let moved = flow.positions[..40].iter().zip(&y).map(|(x, y)| (x - y).norm()).sum::<f64>() / 40.0;
        assert!(moved < 0.06, "{moved}");
    }
}

#[test]
fn points_without_weight_stay() {
    let x = [cube(20, 1), vec![Point3::new(0.5, 0.5, 0.5)]].concat();
    let y: Vec<_> = cube(20, 1).iter().map(|point| point + Vector3::new(1.0, 0.0, 0.0)).collect();
    let weights: Vec<f64> = (0..21).map(|i| if i < 20 { 0.05 } else { 0.0 }).collect();
    let source = Measure::weighted(&x, &weights).unwrap();
    let flow = solve(&TransportProblem { source, ..problem(&x, &y, 0.2) });
    assert_eq!(flow.positions[20], x[20]);
    assert!(flow.positions.iter().zip(&y).all(|(x, y)| (x - y).norm() < 1e-2));
}

#[test]
fn why_a_flow_stopped_is_part_of_the_answer() {
    let (x, y) = (cube(30, 1), sphere(30, 1.0));
    let problem = problem(&x, &y, 0.3);
    let short = GradientFlow { max_iterations: 2, ..Default::default() };
    let short = short.solve(&problem, &Backend::Cpu).unwrap();
    assert_eq!((short.convergence.status, short.convergence.iterations), (Status::MaxIterations, 2));
    let stopped =
        GradientFlow::default().solve_with(&problem, &Backend::Cpu, |_| ControlFlow::Break(())).unwrap();
    assert_eq!((stopped.convergence.status, stopped.convergence.iterations), (Status::Stopped, 1));
    let unmoved = GradientFlow::default().start(&problem, &Backend::Cpu).unwrap().finish().unwrap();
    assert_eq!(unmoved.positions, x);
    assert_eq!(unmoved.divergence, unmoved.initial_divergence);
    assert_eq!(unmoved.convergence.status, Status::Stopped);
    // Already there.
    let same = TransportProblem { target: problem.source, ..problem };
    let rest = solve(&same);
    assert_eq!((rest.convergence.status, rest.convergence.iterations), (Status::Converged, 0));
    assert_eq!(rest.positions, x);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let (x, y) = (cube(300, 1), sphere(250, 1.0));
    let short = GradientFlow { max_iterations: 4, ..Default::default() };
    let answer = || short.solve(&problem(&x, &y, 0.1), &Backend::Cpu).unwrap();
    let with = |count| rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap().install(answer);
    assert_eq!(with(1), with(3));
}

#[test]
fn bad_questions_are_refused_by_name() {
    let (x, y) = (cube(5, 1), cube(6, 2));
    let plain = problem(&x, &y, 0.1);
    let refusal = |flow: GradientFlow, problem: &TransportProblem| match flow.solve(problem, &Backend::Cpu) {
        Err(Error::InvalidOption { name, .. }) => name,
        other => panic!("{other:?}"),
    };
    for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let flow = GradientFlow { step_size: value, ..Default::default() };
        assert_eq!(refusal(flow, &plain), "step_size");
        assert_eq!(refusal(GradientFlow { tolerance: value, ..Default::default() }, &plain), "tolerance");
        let blurred = TransportProblem { blur: value, ..plain };
        assert_eq!(refusal(GradientFlow::default(), &blurred), "blur");
    }
    assert_eq!(refusal(GradientFlow { max_iterations: 0, ..Default::default() }, &plain), "max_iterations");
    let solver = Sinkhorn { scaling: 2.0, ..Default::default() };
    assert_eq!(refusal(GradientFlow { solver, ..Default::default() }, &plain), "scaling");
    let twice = [2.0; 6];
    let unequal = TransportProblem { target: Measure::weighted(&y, &twice).unwrap(), ..plain };
    let refused = GradientFlow::default().solve(&unequal, &Backend::Cpu);
    assert!(matches!(refused, Err(Error::UnequalTotals { .. })));
}
