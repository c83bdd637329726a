//! Potentials at points that the plan has not seen.

mod common;

use barrow_geometry::{
    Backend, Balance, Cost, Error, MarginalPenalty, Measure, Sinkhorn, TransportPlan, TransportProblem,
};
use common::{assert_close, awkward, cube};
use nalgebra::{Point3, Vector3};

fn problems<'a>(a: Measure<'a>, b: Measure<'a>, blur: f64) -> Vec<TransportProblem<'a>> {
    let mut problems = Vec::new();
    for cost in [Cost::SquaredEuclidean, Cost::Euclidean] {
        let plain = TransportProblem { cost, ..TransportProblem::new(a, b, blur) };
        let reach = Some(0.6);
        problems.push(plain);
        problems.push(TransportProblem { reach, ..plain });
        problems.push(TransportProblem { reach, penalty: MarginalPenalty::TotalVariation, ..plain });
    }
    problems
}

fn solve<'a>(problem: &TransportProblem<'a>) -> TransportPlan<'a> {
    let solver = Sinkhorn { tolerance: 1e-10, max_iterations: 20_000, ..Default::default() };
    let plan = solver.solve(problem, &Backend::Cpu).unwrap();
    assert!(plan.convergence().converged(), "{:?}", plan.convergence());
    plan
}

/// The formula as it stands.
fn by_formula(problem: &TransportProblem, measure: &Measure, potential: &[f64], x: &Point3<f64>) -> f64 {
    let epsilon = problem.epsilon();
    let terms: Vec<f64> = (measure.positions().iter().enumerate())
        .map(|(j, y)| measure.weight(j).ln() + (potential[j] - problem.cost.between(x, y)) / epsilon)
        .collect();
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let softmin = -epsilon * (largest + terms.iter().map(|term| (term - largest).exp()).sum::<f64>().ln());
    match problem.balance() {
        Balance::KullbackLeibler { rho } => softmin / (1.0 + epsilon / rho),
        Balance::TotalVariation { rho } => softmin.clamp(-rho, rho),
        _ => softmin,
    }
}

#[test]
fn they_follow_the_formula_near_and_far() {
    let (x, y) = (cube(150, 1), cube(130, 2));
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    let mut points = cube(300, 3);
    points.extend([Point3::new(50.0, -20.0, 3.0), Point3::new(1e6, 0.0, 0.0), Point3::new(0.0, -1e9, 0.0)]);
    for problem in problems(a, b, 0.1) {
        let plan = solve(&problem);
        let source = plan.source_potential_at(&points).unwrap();
        let target = plan.target_potential_at(&points).unwrap();
        for (index, point) in points.iter().enumerate() {
            let wanted = by_formula(&problem, &b, &plan.potentials().target, point);
            assert_close(source[index], wanted, 1e-10 * wanted.abs().max(1.0));
            let wanted = by_formula(&problem, &a, &plan.potentials().source, point);
            assert_close(target[index], wanted, 1e-10 * wanted.abs().max(1.0));
        }
    }
}

#[test]
fn measures_that_are_one_point_have_potentials_elsewhere() {
    let place = Point3::new(7.0, -2.0, 1e6);
    let (x, y) = ([place; 3], [place; 2]);
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    let points = [place, place + Vector3::new(0.0, 3.0, 4.0), place + Vector3::new(1e-3, 0.0, 0.0)];
    for problem in problems(a, b, 2.0) {
        let plan = solve(&problem);
        let potentials = plan.source_potential_at(&points).unwrap();
        for (point, potential) in points.iter().zip(potentials) {
            let wanted = by_formula(&problem, &b, &plan.potentials().target, point);
            assert_close(potential, wanted, 1e-9);
        }
    }
}

#[test]
fn at_the_points_of_the_problem_they_are_its_potentials() {
    let (x, y) = (cube(200, 1), cube(150, 2));
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    for problem in problems(a, b, 0.05) {
        let plan = solve(&problem);
        let source = plan.source_potential_at(&x).unwrap();
        let target = plan.target_potential_at(&y).unwrap();
        for (got, wanted) in source.iter().zip(&plan.potentials().source) {
            assert_close(*got, *wanted, 1e-8);
        }
        for (got, wanted) in target.iter().zip(&plan.potentials().target) {
            assert_close(*got, *wanted, 1e-7);
        }
    }
}

#[test]
fn their_slope_is_twice_the_way_to_the_mean_target() {
    let (x, y) = (cube(100, 1), cube(90, 2));
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    let plan = solve(&TransportProblem::new(a, b, 0.1));
    let step = 1e-4;
    for (row, mean) in plan.row_means().iter().enumerate().step_by(13) {
        for axis in 0..3 {
            let mut ways = [x[row]; 2];
            ways[0][axis] += step;
            ways[1][axis] -= step;
            let values = plan.source_potential_at(&ways).unwrap();
            let slope = (values[0] - values[1]) / (2.0 * step);
            assert_close(slope, 2.0 * (x[row] - mean.position)[axis], 1e-6);
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let (x, y) = (cube(900, 1), cube(700, 2));
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    let points = cube(1000, 5);
    let answer = || {
        let plan = Sinkhorn::default().solve(&TransportProblem::new(a, b, 0.1), &Backend::Cpu).unwrap();
        (plan.source_potential_at(&points).unwrap(), plan.target_potential_at(&points).unwrap())
    };
    let with = |count| rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap().install(answer);
    assert_eq!(with(1), with(3));
}

#[test]
fn odd_points_get_an_answer_and_bad_ones_an_error() {
    let x = cube(50, 1);
    let a = Measure::uniform(&x).unwrap();
    let plan = solve(&TransportProblem::new(a, a, 0.2));
    assert_eq!(plan.source_potential_at(&[]), Ok(Vec::new()));
    for (name, points) in awkward() {
        let values = plan.source_potential_at(&points).unwrap();
        assert!(values.len() == points.len() && values.iter().all(|value| value.is_finite()), "{name}");
    }
    let bad = [Point3::origin(), Point3::from(Vector3::new(0.0, f64::NAN, 0.0))];
    assert!(matches!(plan.target_potential_at(&bad), Err(Error::NonFinite { index: 1, .. })));
    let far = [Point3::new(1e120, 0.0, 0.0)];
    assert!(matches!(plan.source_potential_at(&far), Err(Error::InvalidOption { name: "point", .. })));
}
