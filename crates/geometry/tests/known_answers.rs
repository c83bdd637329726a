//! Questions whose answers are known in closed form.

mod common;

use std::ops::ControlFlow;

use barrow_geometry::{
    Backend, Cost, Error, Measure, PointCloud, Sinkhorn, SinkhornDivergence, Sliced, Status, TransportPlan,
    TransportProblem, chamfer,
};
use common::{assert_close, cube, lattice, sphere};
use nalgebra::{Point3, Vector3};

fn fine() -> Sinkhorn {
    Sinkhorn { tolerance: 1e-10, max_iterations: 20_000, ..Default::default() }
}

fn solve<'a>(solver: &Sinkhorn, problem: &TransportProblem<'a>) -> TransportPlan<'a> {
    let plan = solver.solve(problem, &Backend::Cpu).unwrap();
    assert_eq!(plan.convergence().status, Status::Converged, "{:?}", plan.convergence());
    plan
}

fn shifted(points: &[Point3<f64>], shift: Vector3<f64>) -> Vec<Point3<f64>> {
    points.iter().map(|point| point + shift).collect()
}

fn mean(points: &[Point3<f64>]) -> Vector3<f64> {
    points.iter().map(|point| point.coords).sum::<Vector3<f64>>() / points.len() as f64
}

#[test]
fn two_diracs_cost_their_distance() {
    let (x, y) = ([Point3::new(1.0, 2.0, 3.0)], [Point3::new(4.0, 6.0, 3.0)]);
    let (source, target) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    for (cost, wanted) in [(Cost::SquaredEuclidean, 25.0), (Cost::Euclidean, 5.0)] {
        for blur in [1e-3, 1.0, 1e3] {
            let problem = TransportProblem { cost, ..TransportProblem::new(source, target, blur) };
            let plan = solve(&Sinkhorn { max_iterations: 1, initial_blur: Some(blur), ..fine() }, &problem);
            assert_close(plan.value(), wanted, 1e-12 * wanted * blur.max(1.0).powi(2));
            assert_close(plan.transport_cost(), wanted, 1e-12 * wanted);
            assert_close(plan.mass(), 1.0, 1e-12);
        }
    }
}

#[test]
fn a_dirac_spreads_over_a_cloud_as_the_cloud_weighs() {
    let x = [Point3::new(2.0, 0.0, 0.0)];
    let y = cube(200, 1);
    let weights: Vec<f64> = (0..200).map(|i| (1 + i % 7) as f64).collect();
    let total: f64 = weights.iter().sum();
    let source = [total];
    let problem = TransportProblem::new(
        Measure::weighted(&x, &source).unwrap(),
        Measure::weighted(&y, &weights).unwrap(),
        0.05,
    );
    let plan = solve(&fine(), &problem);
    let wanted: f64 = y.iter().zip(&weights).map(|(y, b)| b * (x[0] - y).norm_squared()).sum();
    assert_close(plan.transport_cost(), wanted, 1e-10 * wanted);
    let dense = plan.dense().unwrap();
    assert!(dense.iter().zip(&weights).all(|(entry, weight)| (entry - weight).abs() < 1e-9));
    let row = plan.row_means()[0];
    let mean = y.iter().zip(&weights).map(|(y, b)| y.coords * *b).sum::<Vector3<f64>>() / total;
    assert!((row.position.coords - mean).norm() < 1e-12);
    let spread: f64 = y.iter().zip(&weights).map(|(y, b)| b / total * (y.coords - mean).norm_squared()).sum();
    assert_close(row.spread, spread, 1e-10);
    assert_close(row.mass, total, 1e-8);
}

#[test]
fn pot_two_by_two() {
    // M = [[0, 1], [1, 0]], reg = 1 of the documentation of POT: off the diagonal ½ / (1 + e).
    let points = [Point3::origin(), Point3::new(1.0, 0.0, 0.0)];
    let measure = Measure::uniform(&points).unwrap();
    let plan = solve(&fine(), &TransportProblem::new(measure, measure, 0.5f64.sqrt()));
    assert_close(plan.transport_cost(), 0.26894142136999516, 1e-12);
    let dense = plan.dense().unwrap();
    assert_close(dense[(0, 0)], 0.36552929, 1e-8);
    assert_close(dense[(0, 1)], 0.5 / (1.0 + 1f64.exp()), 1e-12);
}

#[test]
fn two_points_by_hand() {
    // The marginals leave one number free, and the odds ratio fixes it: p₁₁p₂₂ / (p₁₂p₂₁) = exp(−Δc/ε).
    let (x, y) = (
        [Point3::origin(), Point3::new(1.0, 0.0, 0.0)],
        [Point3::new(0.0, 0.5, 0.0), Point3::new(2.0, 0.0, 0.0)],
    );
    let problem = TransportProblem::new(
        Measure::weighted(&x, &[0.3, 0.7]).unwrap(),
        Measure::weighted(&y, &[0.6, 0.4]).unwrap(),
        0.8,
    );
    let plan = solve(&fine(), &problem);
    let dense = plan.dense().unwrap();
    let difference = 0.25 + 1.0 - 4.0 - 1.25;
    let odds = dense[(0, 0)] * dense[(1, 1)] / (dense[(0, 1)] * dense[(1, 0)]);
    assert_close(odds, (-difference / problem.epsilon()).exp(), 1e-9 * odds);
    assert_close(dense.row(0).sum(), 0.3, 1e-9);
    assert_close(dense.column(0).sum(), 0.6, 1e-9);
    let marginals = plan.marginals();
    assert_close(marginals.source[1], dense.row(1).sum(), 1e-12);
    assert_close(marginals.target[1], dense.column(1).sum(), 1e-12);
}

#[test]
fn translation_costs_its_square_for_every_blur() {
    let source = cube(300, 1);
    let shift = Vector3::new(0.3, -0.2, 0.5);
    let target = shifted(&source, shift);
    let (a, b) = (Measure::uniform(&source).unwrap(), Measure::uniform(&target).unwrap());
    for blur in [0.05, 0.2, 1.0, 10.0] {
        let solver = Sinkhorn { tolerance: 1e-8, max_iterations: 5000, ..Default::default() };
        let divergence =
            SinkhornDivergence::solve(&solver, &TransportProblem::new(a, b, blur), &Backend::Cpu).unwrap();
        assert!(
            [divergence.cross, divergence.source, divergence.target]
                .iter()
                .all(|t| t.convergence.converged())
        );
        assert_close(divergence.value, shift.norm_squared(), 1e-7);
        assert_eq!(divergence.mass_term, 0.0);
    }
}

#[test]
fn entropic_gaussians_in_closed_form() {
    // Janati et al., Entropic optimal transport between unbalanced Gaussian measures, 2020, theorem 1.
    let grid: Vec<Point3<f64>> =
        (0..400).map(|i| Point3::new(-1.0 + 3.0 * f64::from(i) / 399.0, 0.0, 0.0)).collect();
    let gaussian = |mean: f64, variance: f64| -> Vec<f64> {
        let density: Vec<f64> =
            grid.iter().map(|x| (-(x.x - mean).powi(2) / (2.0 * variance)).exp()).collect();
        let total: f64 = density.iter().sum();
        density.iter().map(|value| value / total).collect()
    };
    for (means, variances, blur, wanted) in [
        ([0.2, 0.6], [0.03, 0.01], 0.2, 0.1930713235490681),
        ([0.3, 0.3], [0.02, 0.02], 0.1, 0.0181750801648955),
    ] {
        let (a, b) = (gaussian(means[0], variances[0]), gaussian(means[1], variances[1]));
        let (a, b) = (Measure::weighted(&grid, &a).unwrap(), Measure::weighted(&grid, &b).unwrap());
        assert_close(solve(&fine(), &TransportProblem::new(a, b, blur)).value(), wanted, 1e-9);
        // The default tolerance already gives four digits: the dual value errs in second order.
        let rough = solve(&Sinkhorn::default(), &TransportProblem::new(a, b, blur)).value();
        assert_close(rough, wanted, 1e-4 * wanted);
    }
}

#[test]
fn a_wide_blur_couples_everything_with_everything() {
    let (x, y) = (cube(150, 1), shifted(&cube(120, 2), Vector3::new(0.4, 0.0, 0.1)));
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    let variance = |points: &[Point3<f64>]| {
        points.iter().map(|point| (point.coords - mean(points)).norm_squared()).sum::<f64>()
            / points.len() as f64
    };
    let problem = TransportProblem::new(a, b, 1e4);
    let plan = solve(&fine(), &problem);
    let between = (mean(&x) - mean(&y)).norm_squared();
    assert_close(plan.transport_cost(), between + variance(&x) + variance(&y), 1e-6);
    let row = plan.row_means()[17];
    assert!((row.position.coords - mean(&y)).norm() < 1e-6);
    assert_close(row.spread, variance(&y), 1e-6);
    let divergence = SinkhornDivergence::solve(&fine(), &problem, &Backend::Cpu).unwrap();
    assert_close(divergence.value, between, 1e-6);
    // For the distance itself: half the energy distance.
    let expected = |x: &[Point3<f64>], y: &[Point3<f64>]| {
        x.iter().flat_map(|x| y.iter().map(move |y| (x - y).norm())).sum::<f64>() / (x.len() * y.len()) as f64
    };
    let problem = TransportProblem { cost: Cost::Euclidean, ..TransportProblem::new(a, b, 1e5) };
    let divergence = SinkhornDivergence::solve(&fine(), &problem, &Backend::Cpu).unwrap();
    assert_close(divergence.value, expected(&x, &y) - 0.5 * expected(&x, &x) - 0.5 * expected(&y, &y), 1e-6);
}

#[test]
fn unbalanced_diracs_in_closed_form() {
    let (x, y) = ([Point3::origin()], [Point3::new(0.0, 0.9, 0.0)]);
    for (source, target, blur, reach) in [(1.0, 1.0, 0.1, 0.5), (2.0, 0.5, 0.3, 1.0), (3.0, 3.0, 0.01, 0.2)] {
        let (a, b) = ([source], [target]);
        let (a, b) = (Measure::weighted(&x, &a).unwrap(), Measure::weighted(&y, &b).unwrap());
        let problem = TransportProblem { reach: Some(reach), ..TransportProblem::new(a, b, blur) };
        let plan = solve(&fine(), &problem);
        let (epsilon, rho, cost) = (problem.epsilon(), problem.rho(), 0.81);
        // Stationarity of p c + ε KL(p | ab) + ρ KL(p | a) + ρ KL(p | b) in p.
        let mass = (((epsilon + rho) * f64::ln(source * target) - cost) / (epsilon + 2.0 * rho)).exp();
        assert_close(plan.mass(), mass, 1e-9);
        let divergence = |p: f64, q: f64| p * (p / q).ln() - p + q;
        let value = mass * cost
            + epsilon * divergence(mass, source * target)
            + rho * (divergence(mass, source) + divergence(mass, target));
        assert_close(plan.value(), value, 1e-9);
        let error = plan.marginal_error();
        assert!(error.source < 1e-9 && error.target < 1e-9, "{error:?}");
    }
}

#[test]
fn a_far_reach_is_balanced_and_a_short_one_drops_what_is_far() {
    let x = cube(200, 1);
    let y =
        [shifted(&cube(200, 2), Vector3::new(0.1, 0.0, 0.0)), vec![Point3::new(9.0, 0.0, 0.0); 20]].concat();
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    let solver = Sinkhorn { tolerance: 1e-7, max_iterations: 5000, ..Default::default() };
    let balanced = solve(&solver, &TransportProblem::new(a, b, 0.2));
    let far = solve(&solver, &TransportProblem { reach: Some(1e4), ..TransportProblem::new(a, b, 0.2) });
    assert_close(far.value(), balanced.value(), 1e-5);
    let short = solve(&solver, &TransportProblem { reach: Some(0.5), ..TransportProblem::new(a, b, 0.2) });
    let arrived = short.marginals().target;
    assert!(arrived[200..].iter().all(|&mass| mass < 1e-20), "outliers got {:e}", arrived[200]);
    let kept: f64 = arrived[..200].iter().sum();
    assert!(kept > 0.5, "{kept}");
}

#[test]
fn a_narrow_blur_finds_the_permutation() {
    let source = lattice(6);
    let order: Vec<usize> = (0..216).map(|i| (i * 65 + 11) % 216).collect();
    let shift = Vector3::new(0.2, 0.1, -0.3);
    let target: Vec<_> = order.iter().map(|&i| source[i] + shift).collect();
    let (a, b) = (Measure::uniform(&source).unwrap(), Measure::uniform(&target).unwrap());
    let plan = solve(&Sinkhorn::default(), &TransportProblem::new(a, b, 0.1));
    let arcs = plan.arcs(0.5).unwrap();
    assert_eq!(arcs.len(), 216);
    for arc in arcs {
        assert_eq!(order[arc.target], arc.source);
        assert_close(arc.mass, 1.0 / 216.0, 1e-5);
        assert_close(arc.cost, shift.norm_squared(), 1e-12);
    }
}

#[test]
fn a_lattice_onto_one_eight_times_coarser() {
    let fine_lattice = lattice(8);
    let coarse: Vec<_> = lattice(4).iter().map(|point| point * 2.0 + Vector3::repeat(0.5)).collect();
    let (a, b) = (Measure::uniform(&fine_lattice).unwrap(), Measure::uniform(&coarse).unwrap());
    let plan = solve(&Sinkhorn::default(), &TransportProblem::new(a, b, 0.15));
    assert_close(plan.transport_cost(), 0.75, 1e-3);
}

#[test]
fn points_without_weight_change_nothing() {
    let (x, y) = (cube(150, 1), cube(150, 2));
    let with_ghosts = [y.clone(), vec![Point3::new(5.0, 5.0, 5.0); 140]].concat();
    let weights: Vec<f64> = (0..290).map(|i| if i < 150 { 1.0 / 150.0 } else { 0.0 }).collect();
    let a = Measure::uniform(&x).unwrap();
    let plain = solve(&fine(), &TransportProblem::new(a, Measure::uniform(&y).unwrap(), 0.1));
    let ghosts = Measure::weighted(&with_ghosts, &weights).unwrap();
    let forward = solve(&fine(), &TransportProblem::new(a, ghosts, 0.1));
    let backward = solve(&fine(), &TransportProblem::new(ghosts, a, 0.1));
    for plan in [&forward, &backward] {
        assert_close(plan.value(), plain.value(), 1e-9);
        let potentials = plan.potentials();
        assert!(potentials.source.iter().chain(&potentials.target).all(|value| value.is_finite()));
    }
    assert!(forward.marginals().target[150..].iter().all(|&mass| mass == 0.0));
    assert!(
        backward.row_means()[150..].iter().all(|row| row.mass == 0.0 && row.position.coords.norm() < 2.0)
    );
    assert!(forward.arcs(1e-9).unwrap().iter().all(|arc| arc.target < 150));
    assert!(backward.arcs(1e-9).unwrap().iter().all(|arc| arc.source < 150));
}

#[test]
fn why_a_run_stopped_is_part_of_the_answer() {
    let (x, y) = (cube(200, 1), cube(200, 2));
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    let problem = TransportProblem::new(a, b, 0.05);
    let short = Sinkhorn { max_iterations: 5, ..fine() }.solve(&problem, &Backend::Cpu).unwrap();
    assert_eq!((short.convergence().status, short.convergence().iterations), (Status::MaxIterations, 5));
    let mut steps = Vec::new();
    let stopped = fine()
        .solve_with(&problem, &Backend::Cpu, |step| {
            steps.push(*step);
            if step.iteration == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!((stopped.convergence().status, stopped.convergence().iterations), (Status::Stopped, 10));
    // The residual is that of the very plan returned; its source side is exact.
    for plan in [short, stopped] {
        let error = plan.marginal_error();
        assert_close(error.target, plan.convergence().residual, 1e-9);
        assert!(error.source < 1e-10);
        assert_close(plan.mass(), 1.0, 1e-9);
    }
    assert!(steps.windows(2).all(|pair| pair[1].blur <= pair[0].blur));
    assert!(steps[0].annealing && steps[0].blur > 1.0);
    // Stopped while annealing: the plan says of which blur it is.
    let early = fine().solve_with(&problem, &Backend::Cpu, |_| ControlFlow::Break(())).unwrap();
    assert!(early.blur() > 1.0 && early.convergence().iterations == 1);
    assert_close(early.mass(), 1.0, 1e-9);
}

#[test]
fn a_warm_start_from_the_answer_is_done_at_once() {
    let (x, y) = (cube(300, 1), cube(250, 2));
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    for reach in [None, Some(0.4)] {
        let problem = TransportProblem { reach, ..TransportProblem::new(a, b, 0.08) };
        let cold = solve(&Sinkhorn::default(), &problem);
        let warm = Sinkhorn { initial: Some(cold.potentials().clone()), ..Default::default() };
        let again = solve(&warm, &problem);
        assert!(again.convergence().iterations <= 2, "{:?}", again.convergence());
        assert_close(again.value(), cold.value(), 1e-4 * cold.value());
    }
    let wrong = Sinkhorn { initial: Some(Default::default()), ..Default::default() };
    let refused = wrong.solve(&TransportProblem::new(a, b, 0.08), &Backend::Cpu).err();
    assert!(matches!(refused, Some(Error::ColumnLength { expected: 300, got: 0, .. })), "{refused:?}");
}

#[test]
fn sliced_sees_a_third_of_a_squared_translation() {
    let source = cube(300, 1);
    let shift = Vector3::new(0.3, -0.4, 1.2);
    let target = shifted(&source, shift);
    let (a, b) = (Measure::uniform(&source).unwrap(), Measure::uniform(&target).unwrap());
    // The integrand |cos| has a kink, cos² has none.
    for (p, wanted, relative) in [(1.0, 0.65, 3e-3), (2.0, 1.3 / 3f64.sqrt(), 5e-4)] {
        let distance = Sliced { p, ..Default::default() }.distance(&a, &b).unwrap();
        assert_close(distance.value, wanted, relative * wanted);
        assert!(distance.standard_error < relative * wanted);
    }
    assert_eq!(Sliced::default().distance(&a, &a).unwrap().value, 0.0);
}

#[test]
fn sliced_matches_quantiles_of_unequal_sizes() {
    // On a line the distance is that of the quantiles, seen at the angle of the direction: E|cos| = ½.
    let on_axis = |values: &[f64]| values.iter().map(|&z| Point3::new(0.0, 0.0, z)).collect::<Vec<_>>();
    let (x, y) = (on_axis(&[0.0, 1.0]), on_axis(&[5.0, 3.0]));
    let measure = |points| Measure::uniform(points).unwrap();
    let first_order = Sliced { p: 1.0, ..Default::default() };
    assert_close(first_order.distance(&measure(&x), &measure(&y)).unwrap().value, 1.75, 1e-3);
    // Doubling points or weights is the same measure.
    let doubled = on_axis(&[5.0, 3.0, 5.0, 3.0, 3.0, 3.0]);
    let weighted = Measure::weighted(&y, &[1.0, 2.0]).unwrap();
    for p in [1.0, 2.0] {
        let sliced = Sliced { p, ..Default::default() };
        let a = sliced.distance(&measure(&x), &measure(&doubled)).unwrap().value;
        let b = sliced.distance(&measure(&x), &weighted).unwrap().value;
        assert_close(a, b, 1e-12);
    }
    // {0, 1} against ⅔ at 3 and ⅓ at 5: ½·3 + ⅙·2 + ⅓·4 = 19/6.
    assert_close(first_order.distance(&measure(&x), &weighted).unwrap().value, 19.0 / 12.0, 1e-3);
}

#[test]
fn sliced_spheres_differ_by_their_radii() {
    // Projections of a sphere are uniform on [−r, r]: W₂² = (R − r)² / 3.
    let (x, y) = (sphere(4000, 1.0), sphere(3000, 1.5));
    let distance =
        Sliced::default().distance(&Measure::uniform(&x).unwrap(), &Measure::uniform(&y).unwrap()).unwrap();
    assert_close(distance.value, 0.5 / 3f64.sqrt(), 1e-3);
}

#[test]
fn chamfer_of_a_shifted_lattice_is_the_shift() {
    let source = PointCloud::new(lattice(6)).unwrap();
    let shift = Vector3::new(0.2, -0.1, 0.2);
    let target = PointCloud::new(shifted(source.positions(), shift)).unwrap();
    let distance = chamfer(&source, &target).unwrap();
    assert_close(distance.value, 0.3, 1e-12);
    for directed in [distance.source_to_target, distance.target_to_source] {
        for value in [directed.mean, directed.rms, directed.median, directed.percentile_95, directed.maximum]
        {
            assert_close(value, 0.3, 1e-12);
        }
        assert_close(directed.mean_of_squares, 0.09, 1e-12);
    }
}

#[test]
fn chamfer_statistics_by_hand() {
    let on_axis =
        |values: &[f64]| PointCloud::new(values.iter().map(|&x| Point3::new(x, 0.0, 0.0)).collect()).unwrap();
    let distance = chamfer(&on_axis(&[0.0, 1.0, 3.0, 10.0]), &on_axis(&[0.0])).unwrap();
    let forward = distance.source_to_target;
    assert_eq!((forward.mean, forward.mean_of_squares, forward.median), (3.5, 27.5, 1.0));
    assert_eq!(
        (forward.percentile_95, forward.maximum, forward.maximum_from, forward.maximum_to),
        (10.0, 10.0, 3, 0)
    );
    assert_eq!((distance.target_to_source.mean, distance.value), (0.0, 1.75));
    let far = chamfer(&on_axis(&[1e7]), &on_axis(&[1e7 + 1e-3])).unwrap().value;
    assert_close(far, 1e-3, 2e-9);
}

#[test]
fn chamfer_of_concentric_spheres_is_the_gap() {
    let cloud = |radius| PointCloud::new(sphere(20_000, radius)).unwrap();
    let distance = chamfer(&cloud(1.0), &cloud(1.5)).unwrap();
    assert_close(distance.value, 0.5, 1e-3);
    assert_close(distance.source_to_target.maximum, 0.5, 1e-3);
}
