//! What others print in their documentation and check in their tests, and what formulas say: every value that asks for something
//! barrow computes, through the public interface. Numbers were derived anew from a formula or a solver in double precision, so that a
//! mistake of a library is not copied; where one prints something else, it is said.
//!
//! Left out, because barrow has no such problem: a squared penalty on marginals (POT's `mm_unbalanced` with `l2`),
//! Gromov-Wasserstein, and the distance between two normal distributions as such.
//!
//! Inputs that were drawn by NumPy are files of `published`.

use std::path::PathBuf;

use barrow::geometry::{
    Backend, Balance, Error, LineMeasure, MatrixPlan, MatrixSinkhorn, MatrixTransport, Measure, Moved,
    NearestDistances, PointCloud, Sinkhorn, SinkhornDivergence, Sliced, TransportPlan, TransportProblem,
    Wasserstein, WassersteinPlan, WassersteinProblem, hausdorff, wasserstein_1d, wasserstein_of_matrix,
};
use nalgebra::{DMatrix, Point3, Vector3};

type Points = Vec<Point3<f64>>;

const SHIFT: Vector3<f64> = Vector3::new(0.3, -1.1, 2.0);

#[track_caller]
fn assert_close(got: f64, wanted: f64, tolerance: f64) {
    assert!((got - wanted).abs() <= tolerance, "{got} is not within {tolerance:e} of {wanted}");
}

#[track_caller]
fn assert_plan(got: &DMatrix<f64>, wanted: &[&[f64]], tolerance: f64) {
    for (i, row) in wanted.iter().enumerate() {
        for (j, &mass) in row.iter().enumerate() {
            assert_close(got[(i, j)], mass, tolerance);
        }
    }
}

fn matrix(rows: &[&[f64]]) -> DMatrix<f64> {
    DMatrix::from_row_slice(rows.len(), rows[0].len(), &rows.concat())
}

fn dense(plan: &WassersteinPlan) -> DMatrix<f64> {
    let mut matrix = DMatrix::zeros(plan.plan.source_len(), plan.plan.target_len());
    for arc in plan.plan.arcs() {
        matrix[(arc.source, arc.target)] += arc.mass;
    }
    matrix
}

fn drawn(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/published").join(name)
}

fn points(name: &str) -> Points {
    barrow::io::read(drawn(name), &barrow::io::ReadOptions::default()).unwrap().cloud.positions().to_vec()
}

fn on_line(numbers: &[f64]) -> Points {
    numbers.iter().map(|&x| Point3::new(x, 0.0, 0.0)).collect()
}

fn in_plane(pairs: &[[f64; 2]]) -> Points {
    pairs.iter().map(|&[x, y]| Point3::new(x, y, 0.0)).collect()
}

fn shifted(points: &Points) -> Points {
    points.iter().map(|point| point + SHIFT).collect()
}

fn sharing(weights: &[f64]) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / total).collect()
}

fn uniform(points: &Points) -> Measure<'_> {
    Measure::uniform(points).unwrap()
}

fn optimum(problem: &WassersteinProblem) -> WassersteinPlan {
    let answer = Wasserstein { gap: 0.0, ..Default::default() }.solve(problem).unwrap();
    let (lower, upper) = (answer.certificate.lower, answer.certificate.upper);
    let slack = 1e-9 * upper;
    assert!(
        lower - slack <= answer.value && answer.value <= upper + slack,
        "{lower} {} {upper}",
        answer.value
    );
    answer
}

/// ε = 2 blur².
fn blur(epsilon: f64) -> f64 {
    (epsilon / 2.0).sqrt()
}

fn fine() -> Sinkhorn {
    Sinkhorn { tolerance: 1e-9, max_iterations: 50_000, ..Default::default() }
}

fn sinkhorn<'a>(source: Measure<'a>, target: Measure<'a>, epsilon: f64) -> TransportPlan<'a> {
    fine().solve(&TransportProblem::new(source, target, blur(epsilon)), &Backend::Cpu).unwrap()
}

fn divergence(source: Measure, target: Measure, epsilon: f64) -> f64 {
    let problem = TransportProblem::new(source, target, blur(epsilon));
    SinkhornDivergence::solve(&fine(), &problem, &Backend::Cpu).unwrap().value
}

fn of_matrix(problem: &MatrixTransport) -> MatrixPlan {
    MatrixSinkhorn { tolerance: 1e-12, ..Default::default() }.solve(problem).unwrap()
}

// Transport without entropy.

#[test]
fn matrices_of_documentations_have_their_optimal_plans() {
    let half = [0.5, 0.5];
    // POT, `emd`.
    let crossed = matrix(&[&[0.0, 1.0], &[1.0, 0.0]]);
    let found = wasserstein_of_matrix(&crossed, &half, &half, Balance::Exact).unwrap();
    assert_eq!((found.value, found.plan.arcs().len()), (0.0, 2));
    // SciPy, `linear_sum_assignment`: columns 1, 0, 2.
    let workers = matrix(&[&[4.0, 1.0, 3.0], &[2.0, 0.0, 5.0], &[3.0, 2.0, 2.0]]);
    let found = wasserstein_of_matrix(&workers, &[1.0; 3], &[1.0; 3], Balance::Exact).unwrap();
    let columns: Vec<usize> = found.plan.arcs().iter().map(|arc| arc.target).collect();
    assert_eq!((found.value, columns), (5.0, vec![1, 0, 2]));
    // GeomLoss, `solve`.
    let costs = matrix(&[&[0.0, 1.0, 4.0], &[2.0, 1.0, 0.0]]);
    let found = wasserstein_of_matrix(&costs, &[2.0, 2.0], &[1.0, 1.0, 2.0], Balance::Exact).unwrap();
    let masses: Vec<_> = found.plan.arcs().iter().map(|arc| (arc.source, arc.target, arc.mass)).collect();
    assert_eq!((found.value, masses), (1.0, vec![(0, 0, 1.0), (0, 1, 1.0), (1, 2, 2.0)]));
    // POT's tests: one entry of 100 against uniform weights.
    let mut heavy = vec![0.1; 10];
    heavy[0] = 100.0;
    let found = wasserstein_of_matrix(&DMatrix::zeros(10, 10), &heavy, &[0.1; 10], Balance::Exact);
    assert!(matches!(found, Err(Error::UnequalTotals { .. })), "{found:?}");
}

#[test]
fn measures_on_a_line_are_as_far_apart_as_documentations_say() {
    let uniform = |numbers: &'static [f64]| LineMeasure::uniform(numbers).unwrap();
    let weighted =
        |numbers: &'static [f64], weights: &'static [f64]| LineMeasure::weighted(numbers, weights).unwrap();
    let distance = |source, target, p| wasserstein_1d(&source, &target, p).unwrap();
    // POT, `emd2_1d`: a cost of ½, on crossing arcs.
    let found = distance(uniform(&[2.0, 0.0]), uniform(&[0.0, 3.0]), 2.0);
    let arcs: Vec<_> = found.arcs.iter().map(|arc| (arc.source, arc.target, arc.mass)).collect();
    assert_eq!((found.cost, arcs), (0.5, vec![(1, 0, 0.5), (0, 1, 0.5)]));
    // SciPy, `wasserstein_distance`; weights are shares.
    assert_close(distance(uniform(&[0.0, 1.0, 3.0]), uniform(&[5.0, 6.0, 8.0]), 1.0).value, 5.0, 1e-14);
    let found = distance(weighted(&[0.0, 1.0], &[3.0, 1.0]), weighted(&[0.0, 1.0], &[2.0, 2.0]), 1.0);
    assert_close(found.value, 0.25, 1e-14);
    let source = weighted(&[3.4, 3.9, 7.5, 7.8], &[1.4, 0.9, 3.1, 7.2]);
    let found = distance(source, weighted(&[4.5, 1.4], &[3.2, 3.5]), 1.0);
    assert_close(found.value, 4.078133143804786, 1e-13);
    // The crates `emd` (of two points of mass 1 the mean is 3.5 as well) and `wass`.
    assert_close(distance(uniform(&[0.0, 1.0]), uniform(&[5.0, 3.0]), 1.0).value, 3.5, 1e-14);
    let found = distance(
        weighted(&[0.0, 1.0, 2.0], &[0.0, 0.5, 0.5]),
        weighted(&[0.0, 1.0, 2.0], &[0.5, 0.5, 0.0]),
        1.0,
    );
    assert_close(found.value, 1.0, 1e-14);
}

#[test]
fn clouds_are_as_far_apart_as_documentations_say() {
    let first = |source, target| WassersteinProblem { p: 1.0, ..WassersteinProblem::new(source, target) };
    // SciPy, `wasserstein_distance_nd`.
    let source = vec![Point3::new(0.0, 2.0, 3.0), Point3::new(1.0, 2.0, 5.0)];
    let target = vec![Point3::new(3.0, 2.0, 3.0), Point3::new(4.0, 2.0, 5.0)];
    assert_close(optimum(&first(uniform(&source), uniform(&target))).value, 3.0, 1e-12);
    let source = in_plane(&[[0.0, 2.75], [2.0, 209.3], [0.0, 0.0]]);
    let target = in_plane(&[[0.2, 0.322], [4.5, 25.1808]]);
    let [a, b] = [sharing(&[0.4, 5.2, 0.114]), sharing(&[0.8, 1.5])];
    let problem = first(Measure::weighted(&source, &a).unwrap(), Measure::weighted(&target, &b).unwrap());
    assert_close(optimum(&problem).value, 174.15840245217169, 1e-10);
}

#[test]
fn gradients_of_convex_functions_are_optimal() {
    let cloud = points("cube-50.xyz");
    let problem = |target| WassersteinProblem::new(uniform(&cloud), target);
    let stays = |plan: &WassersteinPlan| plan.plan.arcs().iter().all(|arc| arc.source == arc.target);
    let itself = optimum(&problem(uniform(&cloud)));
    assert!(itself.value == 0.0 && stays(&itself));
    // Any shift is one, and so is growing about the origin.
    let moved = shifted(&cloud);
    let answer = optimum(&problem(uniform(&moved)));
    assert!(stays(&answer));
    assert_close(answer.value.powi(2), SHIFT.norm_squared(), 1e-12);
    let grown = cloud.iter().map(|point| point * 1.7).collect();
    let answer = optimum(&problem(uniform(&grown)));
    assert!(stays(&answer));
    assert_close(answer.value.powi(2), 0.478979476512802, 1e-12);
    // POT's test of its bisections: twice as large and one to the side.
    let aside = cloud.iter().map(|point| point * 2.0 + Vector3::x()).collect();
    assert!(stays(&optimum(&problem(uniform(&aside)))));
    // A sum of distances, as in GeomLoss's tests, with unequal weights.
    let source: Points = (0..12).map(|i| Point3::new(f64::from(i) / 12.0, 0.5, 0.5)).collect();
    let weights: Vec<f64> = (0..12).map(|i| f64::from(1 + i % 3) / 24.0).collect();
    let target = points("convex-gradient.xyz");
    let [a, b] = [&source, &target].map(|points| Measure::weighted(points, &weights).unwrap());
    let answer = optimum(&WassersteinProblem::new(a, b));
    assert!(stays(&answer));
    assert_close(answer.value.powi(2), 2.890388017567026, 1e-12);
}

/// N(0.3, 0.15²) and N(0.8, 0.2²) on 301 places from -1 to 2.
fn bells() -> (Points, [Vec<f64>; 2]) {
    let places: Vec<f64> = (0..301).map(|i| -1.0 + f64::from(i) * 0.01).collect();
    let bell = |mean: f64, deviation: f64| {
        let density = |x: &f64| (-0.5 * ((x - mean) / deviation).powi(2)).exp();
        sharing(&places.iter().map(density).collect::<Vec<_>>())
    };
    (on_line(&places), [bell(0.3, 0.15), bell(0.8, 0.2)])
}

#[test]
fn normal_distributions_are_as_far_apart_as_their_formulas_say() {
    let (places, weights) = bells();
    let [a, b] = [&weights[0], &weights[1]].map(|weights| Measure::weighted(&places, weights).unwrap());
    // Without entropy (m₁ − m₂)² + (σ₁ − σ₂)², and the grid adds 2e-5 of it.
    let answer = optimum(&WassersteinProblem::new(a, b));
    assert_close(answer.value.powi(2), 0.25251805, 1e-8);
    // Janati et al., "Entropic optimal transport between unbalanced Gaussian measures has a closed form", 2020, theorem 1.
    for (epsilon, value) in
        [(0.02, 0.2743175430863919), (0.18, 0.3029870453117902), (2.0, 0.3116004045148184)]
    {
        assert_close(sinkhorn(a, b, epsilon).value(), value, 1e-7);
    }
    for (epsilon, value) in [(0.02, 0.2524660227449295), (0.5, 0.2505942529659399)] {
        assert_close(divergence(a, b, epsilon), value, 1e-7);
    }
}

// With entropy.

#[test]
fn the_smallest_entropic_plan_is_that_of_its_closed_form() {
    let (costs, half) = (matrix(&[&[0.0, 1.0], &[1.0, 0.0]]), [0.5, 0.5]);
    // POT, `sinkhorn`, whose value is the cost alone, 1/(1 + e).
    let found = of_matrix(&MatrixTransport::new(&costs, &half, &half, 1.0));
    let (stays, goes) = (0.36552928931500245, 0.13447071068499755);
    assert_plan(&found.plan, &[&[stays, goes], &[goes, stays]], 1e-12);
    assert_close(found.transport_cost, 1.0 / (1.0 + 1_f64.exp()), 1e-12);
    assert_close(found.value, -((1.0 + (-1_f64).exp()) / 2.0).ln(), 1e-12);
    // POT, `empirical_sinkhorn`: the same of points.
    let line = on_line(&[0.0, 1.0]);
    let found = sinkhorn(uniform(&line), uniform(&line), 0.1);
    let (stays, goes) = (0.4999773010656488, 2.26989343512172e-5);
    assert_plan(&found.dense().unwrap(), &[&[stays, goes], &[goes, stays]], 1e-12);
    assert_close(found.transport_cost(), 1.0 / (1.0 + 10_f64.exp()), 1e-12);
}

#[test]
fn entropic_plans_of_points_are_as_documentations_say() {
    // GeomLoss, `solve_sample`, which prints 4.501.
    let source = in_plane(&[[0.0, 0.0], [0.0, 2.0]]);
    let target = in_plane(&[[2.0, 1.0], [2.0, 2.0]]);
    let found = sinkhorn(uniform(&source), uniform(&target), 1e-3);
    assert_close(found.value(), 4.5 + 1e-3 * 2_f64.ln(), 1e-9);
    assert_plan(&found.dense().unwrap(), &[&[0.5, 0.0], &[0.0, 0.5]], 1e-9);
    // One point each, at any blur.
    let (source, target) = (vec![Point3::new(1.0, 2.0, 3.0)], vec![Point3::new(4.0, 6.0, 3.0)]);
    for epsilon in [1e-3, 1.0, 1e3] {
        let found = sinkhorn(uniform(&source), uniform(&target), epsilon);
        assert_close(found.value(), 25.0, 1e-10);
        assert_close(found.potentials().source[0] + found.potentials().target[0], 25.0, 1e-10);
    }
    // Drawn points: a solver in double precision, and with infinite entropy the mean cost.
    let (source, target) = (points("cube-30.xyz"), points("cube-40.xyz"));
    let found = sinkhorn(uniform(&source), uniform(&target), 0.05);
    assert_close(found.value(), 0.17702065971390274, 1e-9);
    assert_close(found.transport_cost(), 0.09415990204160851, 1e-8);
    let found = sinkhorn(uniform(&source), uniform(&target), 1e6);
    assert_close(found.value(), 0.47202349825830975, 1e-5);
}

#[test]
fn divergences_are_zero_or_the_shift_or_what_the_definition_says() {
    let cloud = points("cube-30.xyz");
    let moved = shifted(&cloud);
    for epsilon in [1e-3, 0.1, 10.0] {
        assert_close(divergence(uniform(&cloud), uniform(&cloud), epsilon), 0.0, 1e-9);
        assert_close(divergence(uniform(&cloud), uniform(&moved), epsilon), SHIFT.norm_squared(), 1e-8);
    }
    // POT prints 1.499887176049052: it leaves the entropy out of the three terms, and stops early.
    let (source, target) = (on_line(&[0.0, 1.0]), on_line(&[0.0, 1.0, 2.0, 3.0]));
    assert_close(divergence(uniform(&source), uniform(&target), 0.1), 1.4653460458367384, 1e-9);
}

// A part of the mass.

#[test]
fn unbalanced_plans_are_those_of_their_closed_forms() {
    // POT, `sinkhorn_unbalanced`, entropy relative to a ⊗ b: P = ¼ exp(2t − C), t = −log((1 + 1/e) / 2) / 3.
    let (costs, half) = (matrix(&[&[0.0, 1.0], &[1.0, 0.0]]), [0.5, 0.5]);
    let balance = Balance::KullbackLeibler { rho: 1.0 };
    let found = of_matrix(&MatrixTransport { balance, ..MatrixTransport::new(&costs, &half, &half, 1.0) });
    let (stays, goes) = (0.3220535748490717, 0.11847688914274176);
    assert_plan(&found.plan, &[&[stays, goes], &[goes, stays]], 1e-12);
    // POT, `mm_unbalanced` with KL and no entropy, ½ exp(−c / 2ρ) on the diagonal: the limit of small entropies.
    let (source, target) = (on_line(&[0.0, 4.0]), on_line(&[1.0, 6.0]));
    let problem = TransportProblem {
        reach: Some(5_f64.sqrt()),
        ..TransportProblem::new(uniform(&source), uniform(&target), blur(1e-3))
    };
    let found = fine().solve(&problem, &Backend::Cpu).unwrap().dense().unwrap();
    assert_plan(&found, &[&[0.45241870901797976, 0.0], &[0.0, 0.33516002301781966]], 2e-4);
}

#[test]
fn partial_plans_are_as_documentations_say() {
    // POT, `partial_wasserstein`.
    let (costs, a, b) = (matrix(&[&[0.0, 1.0], &[2.0, 3.0]]), [0.1, 0.2], [0.1, 0.1]);
    for (mass, cost, arcs) in [(0.2, 0.3, 2), (0.1, 0.0, 1)] {
        let found = wasserstein_of_matrix(&costs, &a, &b, Balance::Partial { mass }).unwrap();
        assert_close(found.value, cost, 1e-12);
        assert_eq!(found.plan.arcs().len(), arcs);
        assert!(
            found.plan.arcs().iter().all(|arc| arc.source == arc.target && (arc.mass - 0.1).abs() < 1e-12)
        );
    }
    for mass in [-0.1, 0.3] {
        assert!(wasserstein_of_matrix(&costs, &a, &b, Balance::Partial { mass }).is_err());
    }
    // POT, `partial_wasserstein_lagrange` with a price of 2 a unit.
    let found = wasserstein_of_matrix(&costs, &a, &b, Balance::TotalVariation { rho: 1.0 }).unwrap();
    let arcs: Vec<_> = found.plan.arcs().iter().map(|arc| (arc.source, arc.target)).collect();
    assert_eq!(arcs, [(0, 0)]);
    // POT, `entropic_partial_wasserstein`, rounded there; its entropy is relative to 1, not to a ⊗ b.
    let to_ones = DMatrix::from_fn(2, 2, |i, j| costs[(i, j)] + (a[i] * b[j]).ln());
    let shift = to_ones.min();
    let costs = to_ones.add_scalar(-shift);
    let balance = Balance::Partial { mass: 0.1 };
    let found = of_matrix(&MatrixTransport { balance, ..MatrixTransport::new(&costs, &a, &b, 1.0) });
    assert_plan(&found.plan, &[&[0.06, 0.02], &[0.01, 0.0]], 5e-3);
    // POT, `partial_wasserstein_1d`: two of three pairs, from 4 and -2 to 3 and -1.
    let (source, target) = (on_line(&[5.0, -2.0, 4.0]), on_line(&[-1.0, 1.0, 3.0]));
    let weights = [1.0; 3];
    let [a, b] = [&source, &target].map(|points| Measure::weighted(points, &weights).unwrap());
    let answer =
        optimum(&WassersteinProblem { p: 1.0, moved: Moved::Mass(2.0), ..WassersteinProblem::new(a, b) });
    assert_plan(&dense(&answer), &[&[0.0, 0.0, 0.0], &[1.0, 0.0, 0.0], &[0.0, 0.0, 1.0]], 1e-9);
    // W_p is the mean over what is moved.
    assert_close(answer.value * answer.plan.mass(), 2.0, 1e-9);
}

// Along lines.

#[test]
fn sliced_distances_are_those_of_lines() {
    let cloud = points("cube-50.xyz");
    let sliced =
        |target: &Points| Sliced::default().distance(&uniform(&cloud), &uniform(target)).unwrap().value;
    assert_close(sliced(&cloud), 0.0, 1e-12);
    assert_close(sliced(&shifted(&cloud)), SHIFT.norm() / 3_f64.sqrt(), 1e-4);
    // POT, `min_sliced_transport_plan`: along the two axes.
    let (source, target) = ([[3.0, 3.0], [1.0, 1.0]], [[2.0, 2.5], [3.0, 2.0]]);
    let along = |axis: usize| {
        let [source, target] = [source, target].map(|points| points.map(|point: [f64; 2]| point[axis]));
        let [source, target] = [&source, &target].map(|numbers| LineMeasure::uniform(numbers).unwrap());
        wasserstein_1d(&source, &target, 2.0).unwrap().cost
    };
    assert_close((along(0) + along(1)) / 2.0, 0.5625, 1e-14);
    // POT's tests: of measures on a line the distance is that of the line, turned by any direction.
    let numbers = |name: &str| -> Vec<Vec<f64>> {
        let text = std::fs::read_to_string(drawn(name)).unwrap();
        text.lines().map(|line| line.split(' ').map(|word| word.parse().unwrap()).collect()).collect()
    };
    let column = |rows: &[Vec<f64>], at: usize| -> Vec<f64> { rows.iter().map(|row| row[at]).collect() };
    let (rows, other) = (numbers("line-100.txt"), numbers("line-120.txt"));
    let (source, weights, target) = (column(&rows, 0), column(&rows, 1), column(&other, 0));
    let [a, b] = [LineMeasure::weighted(&source, &weights).unwrap(), LineMeasure::uniform(&target).unwrap()];
    assert_close(wasserstein_1d(&a, &b, 2.0).unwrap().cost, 0.05152302791362361, 1e-13);
    let (source, target, shares) = (on_line(&source), on_line(&target), sharing(&weights));
    let weighted = Measure::weighted(&source, &shares).unwrap();
    // The mean of cos² over the sphere is a third.
    let value = Sliced::default().distance(&weighted, &uniform(&target)).unwrap().value;
    assert_close(3.0 * value.powi(2), 0.05152302791362361, 1e-5);
}

// Nearest points.

#[test]
fn nearest_distances_are_as_documentations_say() {
    let cloud = |points: Points| PointCloud::new(points).unwrap();
    // SciPy, `directed_hausdorff`: √5 and 3.
    let source = cloud(in_plane(&[[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]));
    let target = cloud(in_plane(&[[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [0.0, -4.0]]));
    let found = hausdorff(&source, &target).unwrap();
    assert_close(found.target_to_source.distance, 3.0, 1e-14);
    assert_close(found.value, 3.0, 1e-14);
    assert_close(found.source_to_target.distance, 5_f64.sqrt(), 1e-14);
    // Open3D, `compute_metrics`, which prints 0.22436734: the corners of a box against those of one a tenth larger.
    let corners: Points =
        (0..8_u8).map(|i| Point3::from([i & 1, i >> 1 & 1, i >> 2].map(f64::from))).collect();
    let larger = corners.iter().map(|corner| corner * 1.1).collect();
    let nearest = NearestDistances::between(&cloud(corners), &cloud(larger)).unwrap();
    assert_close(2.0 * nearest.mean(), 0.2243672873672043, 1e-14);
    assert_close(nearest.hausdorff().value, 0.1 * 3_f64.sqrt(), 1e-14);
    let scores = nearest.f_scores(&[0.01, 0.11, 0.15, 0.18]).unwrap();
    let shares: Vec<f64> = scores.iter().map(|score| score.f_score).collect();
    assert_eq!(shares, [0.125, 0.5, 0.875, 1.0]);
    // A lattice against itself shifted by a fifth of its spacing.
    let lattice: Points =
        (0..1000_u16).map(|i| Point3::from([i % 10, i / 10 % 10, i / 100].map(f64::from))).collect();
    let aside = lattice.iter().map(|point| point + 0.2 * Vector3::x()).collect();
    let nearest = NearestDistances::between(&cloud(lattice), &cloud(aside)).unwrap();
    assert_close(2.0 * nearest.mean(), 0.4, 1e-12);
    let squares = |distances: &[f64]| distances.iter().map(|d| d * d).sum::<f64>() / distances.len() as f64;
    let both =
        squares(nearest.source_to_target().distances()) + squares(nearest.target_to_source().distances());
    assert_close(both, 0.08, 1e-12);
}
