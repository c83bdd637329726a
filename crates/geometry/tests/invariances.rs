//! What must not change the answer, or must change it in a known way.

mod common;

use barrow_geometry::{
    Backend, Cost, Measure, PointCloud, Sinkhorn, SinkhornDivergence, Sliced, TransportPlan,
    TransportProblem, chamfer, voxel_downsample,
};
use common::{assert_close, cube};
use nalgebra::{Isometry3, Point3, Vector3};
use proptest::prelude::*;

fn moved(points: &[Point3<f64>], motion: impl Fn(&Point3<f64>) -> Point3<f64>) -> Vec<Point3<f64>> {
    points.iter().map(motion).collect()
}

fn problem<'a>(
    x: &'a [Point3<f64>],
    y: &'a [Point3<f64>],
    blur: f64,
    reach: Option<f64>,
) -> TransportProblem<'a> {
    let (source, target) = (Measure::uniform(x).unwrap(), Measure::uniform(y).unwrap());
    TransportProblem { reach, ..TransportProblem::new(source, target, blur) }
}

fn solve<'a>(problem: &TransportProblem<'a>, tolerance: f64) -> TransportPlan<'a> {
    let solver = Sinkhorn { tolerance, max_iterations: 20_000, ..Default::default() };
    let plan = solver.solve(problem, &Backend::Cpu).unwrap();
    assert!(plan.convergence().converged(), "{:?}", plan.convergence());
    plan
}

#[test]
fn an_offset_of_ten_thousand_kilometres_changes_no_digit() {
    let (x, y) = (cube(400, 1), cube(300, 2));
    let offset = Vector3::new(1e7, -1e7, 5e6);
    let far = |points: &[Point3<f64>]| moved(points, |point| point + offset);
    let (far_x, far_y) = (far(&x), far(&y));
    for reach in [None, Some(0.5)] {
        let (near, away) = (problem(&x, &y, 0.1, reach), problem(&far_x, &far_y, 0.1, reach));
        // Both precisions: one tolerance lets single precision in, the other does not.
        for tolerance in [1e-3, 1e-9] {
            let (near, away) = (solve(&near, tolerance), solve(&away, tolerance));
            assert_eq!(near.potentials(), away.potentials());
            assert_eq!(near.value(), away.value());
            for (near, away) in near.row_means().iter().zip(away.row_means()) {
                assert!((away.position - near.position - offset).norm() < 4e-9);
                assert_eq!((near.mass, near.spread), (away.mass, away.spread));
            }
        }
    }
    let sliced = Sliced::default();
    let near = sliced.distance(&Measure::uniform(&x).unwrap(), &Measure::uniform(&y).unwrap()).unwrap();
    let away =
        sliced.distance(&Measure::uniform(&far_x).unwrap(), &Measure::uniform(&far_y).unwrap()).unwrap();
    assert_eq!(near, away);
}

#[test]
fn source_and_target_may_swap() {
    let (x, y) = (cube(300, 1), moved(&cube(200, 2), |point| point * 1.3));
    for reach in [None, Some(0.3)] {
        let forward = solve(&problem(&x, &y, 0.1, reach), 1e-9);
        let backward = solve(&problem(&y, &x, 0.1, reach), 1e-9);
        assert_close(forward.value(), backward.value(), 1e-8);
        assert_close(forward.transport_cost(), backward.transport_cost(), 1e-7);
        let difference = forward.dense().unwrap() - backward.dense().unwrap().transpose();
        assert!(difference.abs().sum() < 1e-7);
    }
    let sliced = |x, y| {
        Sliced::default()
            .distance(&Measure::uniform(x).unwrap(), &Measure::uniform(y).unwrap())
            .unwrap()
            .value
    };
    assert_close(sliced(&x, &y), sliced(&y, &x), 1e-13);
}

#[test]
fn rotation_changes_nothing_and_scale_squares() {
    let (x, y) = (cube(300, 1), cube(300, 2));
    let rotation = Isometry3::new(Vector3::new(3.0, -2.0, 1.0), Vector3::new(0.4, 1.1, -0.3));
    let plain = solve(&problem(&x, &y, 0.1, Some(0.5)), 1e-9);
    let (rx, ry) = (moved(&x, |point| rotation * point), moved(&y, |point| rotation * point));
    assert_close(solve(&problem(&rx, &ry, 0.1, Some(0.5)), 1e-9).value(), plain.value(), 1e-9);
    for scale in [1e-9, 3.7, 1e6] {
        let (sx, sy) = (moved(&x, |point| point * scale), moved(&y, |point| point * scale));
        let scaled = solve(&problem(&sx, &sy, 0.1 * scale, Some(0.5 * scale)), 1e-9);
        assert_close(scaled.value() / (scale * scale), plain.value(), 1e-9);
        assert_close(scaled.mass(), plain.mass(), 1e-9);
    }
    // A power of two shifts exponents and nothing else.
    let (sx, sy) = (moved(&x, |point| point * 1024.0), moved(&y, |point| point * 1024.0));
    let scaled = solve(&problem(&sx, &sy, 0.1 * 1024.0, Some(0.5 * 1024.0)), 1e-9);
    assert_eq!(scaled.value(), plain.value() * 1024.0 * 1024.0);
}

#[test]
fn the_order_of_points_does_not_matter() {
    let (x, y) = (cube(500, 1), cube(400, 2));
    let order: Vec<usize> = (0..500).map(|i| (i * 171 + 5) % 500).collect();
    let shuffled: Vec<_> = order.iter().map(|&i| x[i]).collect();
    let plain = solve(&problem(&x, &y, 0.1, Some(0.4)), 1e-9);
    let other = solve(&problem(&shuffled, &y, 0.1, Some(0.4)), 1e-9);
    for (position, &index) in order.iter().enumerate() {
        assert_close(other.potentials().source[position], plain.potentials().source[index], 1e-9);
        let (a, b) = (other.row_means()[position], plain.row_means()[index]);
        assert!((a.position - b.position).norm() < 1e-8);
    }
}

#[test]
fn one_thread_and_two_give_the_same_bits() {
    let (x, y) = (cube(1500, 1), moved(&cube(1300, 2), |point| point * 1.1));
    let answer = || {
        let plan = Sinkhorn::default().solve(&problem(&x, &y, 0.05, Some(0.3)), &Backend::Cpu).unwrap();
        let euclidean = TransportProblem { cost: Cost::Euclidean, ..problem(&x, &y, 0.05, None) };
        let divergence = SinkhornDivergence::solve(&Sinkhorn::default(), &euclidean, &Backend::Cpu).unwrap();
        let sliced = Sliced::default()
            .distance(&Measure::uniform(&x).unwrap(), &Measure::uniform(&y).unwrap())
            .unwrap();
        let (source, target) = (PointCloud::new(x.clone()).unwrap(), PointCloud::new(y.clone()).unwrap());
        let coarse = voxel_downsample(&source, 0.2).unwrap();
        (
            plan.potentials().clone(),
            (plan.row_means(), plan.arcs(1e-3).unwrap(), plan.value(), plan.marginals()),
            divergence,
            sliced,
            chamfer(&source, &target).unwrap(),
            (coarse, source.centroid(), source.bounds()),
        )
    };
    let with =
        |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(answer);
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(3));
}

#[test]
fn a_measure_is_at_no_distance_from_itself() {
    let x = cube(300, 1);
    for (blur, reach) in [(0.02, None), (0.1, None), (0.1, Some(0.3))] {
        let solver = Sinkhorn { tolerance: 1e-8, max_iterations: 20_000, ..Default::default() };
        let divergence =
            SinkhornDivergence::solve(&solver, &problem(&x, &x, blur, reach), &Backend::Cpu).unwrap();
        assert_close(divergence.value, 0.0, 1e-9);
    }
}

#[test]
fn unequal_masses_at_equal_places_cost_the_same_either_way() {
    let x = cube(200, 1);
    let (one, two) = (vec![1.0 / 200.0; 200], vec![2.0 / 200.0; 200]);
    let (a, b) = (Measure::weighted(&x, &one).unwrap(), Measure::weighted(&x, &two).unwrap());
    let solver = Sinkhorn { tolerance: 1e-9, max_iterations: 20_000, ..Default::default() };
    let solve = |a, b| {
        let problem = TransportProblem { reach: Some(0.5), ..TransportProblem::new(a, b, 0.1) };
        SinkhornDivergence::solve(&solver, &problem, &Backend::Cpu).unwrap()
    };
    let (forward, backward) = (solve(a, b), solve(b, a));
    assert_close(forward.value, backward.value, 1e-8);
    assert!(forward.value > 0.0 && forward.mass_term > 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the clouds, weights, blur and reach: finite numbers, a plan that is a coupling, S ≥ 0.
    #[test]
    fn any_problem_has_an_honest_answer(
        seed in 0u64..1000,
        rows in 1usize..150,
        columns in 1usize..150,
        blur in 0.02f64..3.0,
        reach in proptest::option::of(0.05f64..5.0),
        euclidean: bool,
    ) {
        let (x, y) = (cube(rows, seed), cube(columns, seed + 1));
        let weights: Vec<f64> = (0..columns).map(|i| 1.0 + (i % 3) as f64).collect();
        let total: f64 = weights.iter().sum();
        let weights: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
        let cost = if euclidean { Cost::Euclidean } else { Cost::SquaredEuclidean };
        let (source, target) = (Measure::uniform(&x).unwrap(), Measure::weighted(&y, &weights).unwrap());
        let problem = TransportProblem { cost, reach, ..TransportProblem::new(source, target, blur) };
        let solver = Sinkhorn { max_iterations: 300, ..Default::default() };
        let plan = solver.solve(&problem, &Backend::Cpu).unwrap();
        prop_assert!(plan.value().is_finite() && plan.transport_cost() >= 0.0);
        prop_assert!((plan.marginal_error().target - plan.convergence().residual).abs() < 2e-3);
        prop_assert!(plan.marginal_error().source < 2e-3);
        prop_assert!(plan.mass() <= 1.0 + 2e-3);
        let divergence = SinkhornDivergence::solve(&solver, &problem, &Backend::Cpu).unwrap();
        prop_assert!(divergence.value > -2e-3 * problem.epsilon().max(1e-3), "{divergence:?}");
    }
}
