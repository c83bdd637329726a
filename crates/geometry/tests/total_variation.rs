//! The penalty that cuts: mass moves where that costs less than dropping it on both sides.

mod common;

use barrow_geometry::{
    Backend, Balance, Cost, MarginalPenalty, Measure, Sinkhorn, SinkhornDivergence, Status, TransportPlan,
    TransportProblem,
};
use common::{assert_close, cube};
use nalgebra::{Point3, Vector3};
use proptest::prelude::*;

fn fine() -> Sinkhorn {
    Sinkhorn { tolerance: 1e-9, max_iterations: 20_000, ..Default::default() }
}

fn cut<'a>(source: Measure<'a>, target: Measure<'a>, blur: f64, reach: f64) -> TransportProblem<'a> {
    let penalty = MarginalPenalty::TotalVariation;
    TransportProblem { reach: Some(reach), penalty, ..TransportProblem::new(source, target, blur) }
}

fn solve<'a>(problem: &TransportProblem<'a>) -> TransportPlan<'a> {
    let plan = fine().solve(problem, &Backend::Cpu).unwrap();
    assert_eq!(plan.convergence().status, Status::Converged, "{:?}", plan.convergence());
    plan
}

#[test]
fn two_diracs_move_or_drop() {
    let (x, y) = ([Point3::origin()], [Point3::new(0.0, 0.6, 0.8)]);
    for cost in [Cost::SquaredEuclidean, Cost::Euclidean] {
        for (a, b) in [(1.0, 1.0), (2.0, 0.5), (0.3, 1.7)] {
            for reach in [0.5, 0.9, 1.1, 3.0] {
                let (one, other) = ([a], [b]);
                let source = Measure::weighted(&x, &one).unwrap();
                let target = Measure::weighted(&y, &other).unwrap();
                let blur = if cost == Cost::Euclidean { 1e-4 } else { 1e-2 };
                let problem = TransportProblem { cost, ..cut(source, target, blur, reach) };
                let plan = solve(&problem);
                let rho = problem.rho();
                assert_close(2.0 * rho, if cost == Cost::Euclidean { reach } else { reach * reach }, 1e-15);
                // Both costs of going from x to y are 1.
                let wanted = f64::min(1.0, 2.0 * rho) * a.min(b) + rho * (a - b).abs();
                assert_close(plan.value(), wanted, 1e-3);
                assert_close(plan.mass(), if reach > 1.0 { a.min(b) } else { 0.0 }, 1e-9);
                assert_close(plan.primal_value().unwrap(), plan.value(), 1e-9);
                // Also from where nothing moves and nothing is known: no mass out of place is not yet the answer.
                let cold = Sinkhorn { initial_blur: Some(blur), ..fine() };
                let cold = cold.solve(&problem, &Backend::Cpu).unwrap();
                assert!(cold.convergence().converged());
                assert_close(cold.value(), plan.value(), 1e-6);
            }
        }
    }
}

#[test]
fn a_far_reach_is_balanced() {
    let (x, y) = (cube(150, 1), cube(120, 2));
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    let balanced = solve(&TransportProblem::new(a, b, 0.1));
    for reach in [3.0, 1e3, 1e6] {
        let plan = solve(&cut(a, b, 0.1, reach));
        assert_close(plan.value(), balanced.value(), 1e-8);
        assert!((plan.dense().unwrap() - balanced.dense().unwrap()).abs().sum() < 1e-6);
        let error = plan.marginal_error();
        assert!(error.source < 1e-8 && error.target < 1e-8, "{error:?}");
    }
}

#[test]
fn outliers_are_dropped_and_the_rest_moves_whole() {
    let x = [cube(100, 1), vec![Point3::new(9.0, 0.0, 0.0); 7]].concat();
    let shift = Vector3::new(0.01, 0.0, 0.0);
    let y: Vec<_> = cube(100, 1).iter().map(|p| p + shift).chain([Point3::new(0.0, -8.0, 0.0); 5]).collect();
    let (ones, others) = (vec![1.0; 107], vec![1.0; 105]);
    let (a, b) = (Measure::weighted(&x, &ones).unwrap(), Measure::weighted(&y, &others).unwrap());
    // So far apart, potentials round to 1e-8 of ε.
    let solver = Sinkhorn { tolerance: 1e-7, ..fine() };
    let plan = solver.solve(&cut(a, b, 0.01, 1.0), &Backend::Cpu).unwrap();
    assert!(plan.convergence().converged());
    let marginals = plan.marginals();
    for (column, kept) in [(&marginals.source, 100), (&marginals.target, 100)] {
        assert!(column[..kept].iter().all(|&mass| (mass - 1.0).abs() < 1e-4));
        assert!(column[kept..].iter().all(|&mass| mass < 1e-100));
    }
    // A unit dropped on one side costs ρ = ½.
    assert_close(plan.primal_value().unwrap(), plan.value(), 1e-5);
    let entropy = plan.value() - plan.transport_cost() - 0.5 * 12.0;
    // ε KL(P | a ⊗ b), with hardly any blur between the points: P is near the unit matrix.
    let wanted = 2e-4 * (107.0 * 105.0 - 100.0);
    assert!((entropy - wanted).abs() < 1e-2 * wanted, "{entropy} {wanted}");
}

#[test]
fn source_and_target_may_swap_and_equal_measures_are_at_no_distance() {
    let (x, y) = (cube(80, 1), cube(60, 2));
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    for reach in [0.15, 0.4] {
        let (forward, backward) = (solve(&cut(a, b, 0.05, reach)), solve(&cut(b, a, 0.05, reach)));
        assert_close(forward.value(), backward.value(), 1e-8);
        assert!((forward.dense().unwrap() - backward.dense().unwrap().transpose()).abs().sum() < 1e-6);
        let own = SinkhornDivergence::solve(&fine(), &cut(a, a, 0.05, reach), &Backend::Cpu).unwrap();
        assert_close(own.value, 0.0, 1e-9);
        let other = SinkhornDivergence::solve(&fine(), &cut(a, b, 0.05, reach), &Backend::Cpu).unwrap();
        assert!(other.value > 1e-4);
    }
}

#[test]
fn a_problem_says_which_rule_its_marginals_follow() {
    let x = cube(3, 1);
    let a = Measure::uniform(&x).unwrap();
    let problem = TransportProblem { reach: Some(2.0), ..TransportProblem::new(a, a, 0.1) };
    assert_eq!(problem.balance(), Balance::KullbackLeibler { rho: 4.0 });
    assert_eq!(cut(a, a, 0.1, 2.0).balance(), Balance::TotalVariation { rho: 2.0 });
    assert_eq!(TransportProblem { reach: None, ..problem }.balance(), Balance::Exact);
    assert_eq!(solve(&TransportProblem { reach: None, ..problem }).primal_value(), None);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let (x, y) = (cube(600, 1), cube(500, 2));
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::weighted(&y, &[0.001; 500]).unwrap());
    let answer = || {
        let plan = Sinkhorn::default().solve(&cut(a, b, 0.05, 0.3), &Backend::Cpu).unwrap();
        (plan.potentials().clone(), plan.value(), plan.primal_value(), plan.convergence().iterations)
    };
    let with = |count| rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap().install(answer);
    assert_eq!(with(1), with(3));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// The dual value is below the primal one at any time, and they meet; the plan keeps within what pays.
    #[test]
    fn primal_and_dual_enclose_the_optimum(
        seed in 0u64..1000,
        rows in 1usize..60,
        columns in 1usize..60,
        blur in 0.03f64..0.5,
        reach in 0.1f64..3.0,
        ratio in 0.2f64..5.0,
        euclidean: bool,
        cutting: bool,
    ) {
        let (x, y) = (cube(rows, seed), cube(columns, seed + 1));
        let weights: Vec<f64> = (0..columns).map(|i| ratio * (1.0 + (i % 3) as f64) / columns as f64).collect();
        let (a, b) = (Measure::uniform(&x).unwrap(), Measure::weighted(&y, &weights).unwrap());
        let cost = if euclidean { Cost::Euclidean } else { Cost::SquaredEuclidean };
        let penalty =
            if cutting { MarginalPenalty::TotalVariation } else { MarginalPenalty::KullbackLeibler };
        let problem = TransportProblem { cost, penalty, ..cut(a, b, blur, reach) };
        for max_iterations in [1, 5, 20_000] {
            let solver = Sinkhorn { max_iterations, initial_blur: Some(blur), ..fine() };
            let plan = solver.solve(&problem, &Backend::Cpu).unwrap();
            let (dual, primal) = (plan.value(), plan.primal_value().unwrap());
            prop_assert!(dual <= primal + 1e-9 * primal.abs().max(1.0), "{dual} {primal}");
            if max_iterations == 20_000 {
                prop_assert!(plan.convergence().converged(), "{:?}", plan.convergence());
                prop_assert!((primal - dual).abs() <= 1e-6 * primal.abs().max(1.0), "{dual} {primal}");
                prop_assert!(plan.convergence().iterations < 2000, "{:?}", plan.convergence());
            }
            // Nothing is worth more than it costs to drop everything.
            let everything = problem.rho() * (a.total() + b.total()) + problem.epsilon() * a.total() * b.total();
            prop_assert!(dual <= everything + 1e-9);
        }
    }
}
