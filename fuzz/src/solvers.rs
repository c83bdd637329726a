//! Transport between any small clouds, numbers and matrices: an error, or an answer that keeps what it promises.

use arbitrary::{Arbitrary, Unstructured};
use barrow::geometry::{
    Backend, Balance, Cost, DivergencePlans, LineMeasure, MarginalPenalty, MatrixSinkhorn, MatrixTransport,
    Measure, Moved, Sinkhorn, Sliced, TransportProblem, Wasserstein, WassersteinProblem, jensen_shannon,
    kullback_leibler, total_variation, wasserstein_1d,
};
use nalgebra::{DMatrix, Vector3};

use crate::questions::{Pair, option};

/// Center of mass.
fn mean(measure: &Measure) -> Vector3<f64> {
    let weighted =
        |index: usize| measure.positions()[index].coords * (measure.weight(index) / measure.total());
    (0..measure.len()).map(weighted).sum()
}

/// Mean squared distance of a point of one to a point of the other.
fn mean_cost(source: &Measure, target: &Measure) -> f64 {
    let share = |measure: &Measure, index: usize| measure.weight(index) / measure.total();
    let row = |i: usize| {
        let cost =
            |j: usize| (target.positions()[j] - source.positions()[i]).norm_squared() * share(target, j);
        share(source, i) * (0..target.len()).map(cost).sum::<f64>()
    };
    (0..source.len()).map(row).sum()
}

pub fn wasserstein(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let Ok(pair) = Pair::arbitrary(&mut bytes) else { return };
    let Some([source, target]) = pair.measures() else { return };
    let kind = u8::arbitrary(&mut bytes).unwrap_or(0);
    let p = match kind % 4 {
        0 => 1.0,
        1 | 2 => 2.0,
        _ => option(&mut bytes, 1.5),
    };
    let total = source.total().min(target.total());
    let moved = match kind / 4 % 4 {
        0 | 1 => Moved::All,
        2 => Moved::Mass(option(&mut bytes, 0.5 * total)),
        _ => Moved::Within(option(&mut bytes, 0.3 * pair.extent())),
    };
    let problem = WassersteinProblem { p, moved, ..WassersteinProblem::new(source, target) };
    let solver = Wasserstein { gap: option(&mut bytes, 1e-3), ..Wasserstein::default() };
    let Ok(mut run) = solver.start(&problem) else { return };
    while run.step().expect("all that can be wrong is said at the start").is_some() {}
    let answer = run.finish().expect("as for every step");
    let (lower, upper) = (answer.certificate.lower, answer.certificate.upper);
    assert!(0.0 <= lower && lower <= upper && upper.is_finite(), "{lower} to {upper}");
    assert!(answer.value.is_finite());
    let marginals = answer.plan.marginals();
    for (masses, measure) in [(&marginals.source, &source), (&marginals.target, &target)] {
        for (index, mass) in masses.iter().enumerate() {
            let weight = measure.weight(index);
            let slack = 1e-9 * measure.total();
            assert!(*mass <= weight + slack && *mass >= 0.0, "point {index}: {mass} of {weight}");
            assert!(moved != Moved::All || *mass >= weight - slack, "point {index}: only {mass} of {weight}");
        }
    }
    if moved == Moved::All {
        // No plan moves the center of mass by more than it moves mass on the mean (Jensen).
        let least = (mean(&source) - mean(&target)).norm();
        assert!(upper >= least * (1.0 - 1e-9) - 1e-12 * pair.extent(), "{upper} is below {least}");
    }
}

pub fn sinkhorn(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let Ok(pair) = Pair::arbitrary(&mut bytes) else { return };
    let Some([source, target]) = pair.measures() else { return };
    let problem = TransportProblem::new(source, target, option(&mut bytes, 0.1 * pair.extent()));
    let reach = bool::arbitrary(&mut bytes).unwrap_or(false).then(|| option(&mut bytes, pair.extent()));
    let problem = TransportProblem { reach, ..problem };
    let solver = Sinkhorn { max_iterations: 200, ..Sinkhorn::default() };
    let Ok(mut run) = solver.start(&problem, &Backend::Cpu) else { return };
    while run.step().expect("all that can be wrong is said at the start").is_some() {}
    let plan = run.finish().expect("as for every step");
    assert!(plan.value().is_finite() && plan.transport_cost().is_finite());
    assert!(plan.transport_cost() >= 0.0 && plan.mass() >= 0.0);
    if reach.is_none() && plan.convergence().converged() {
        // Between what is cheapest and what couples everything with everything.
        let most = mean_cost(&source, &target);
        // Misplaced mass counts with ε, and single precision with 10⁻⁵ of the cost across both at most: here, a part of ε.
        let inexact = 5e-6 + plan.convergence().residual;
        let rounding = inexact * (most + problem.epsilon()) + 1e-9 * pair.extent().powi(2);
        assert!(plan.value() <= most + rounding, "{} above {most}", plan.value());
        assert!(plan.value() >= (mean(&source) - mean(&target)).norm_squared() - rounding);
    }
    let marginals = plan.marginals();
    assert!(marginals.source.iter().chain(&marginals.target).all(|mass| *mass >= 0.0 && mass.is_finite()));
    let means = plan.row_means();
    assert!(
        means.iter().all(|mean| mean.mass <= 0.0 || mean.position.iter().all(|number| number.is_finite()))
    );
}

pub fn divergence(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let Ok(pair) = Pair::arbitrary(&mut bytes) else { return };
    let Some([source, target]) = pair.measures() else { return };
    let kind = u8::arbitrary(&mut bytes).unwrap_or(0);
    let problem = TransportProblem {
        cost: if kind & 1 == 0 { Cost::SquaredEuclidean } else { Cost::Euclidean },
        penalty: if kind & 2 == 0 {
            MarginalPenalty::KullbackLeibler
        } else {
            MarginalPenalty::TotalVariation
        },
        reach: (kind & 4 == 0).then(|| option(&mut bytes, pair.extent())),
        ..TransportProblem::new(source, target, option(&mut bytes, 0.1 * pair.extent()))
    };
    let solver = Sinkhorn { max_iterations: 100, ..Sinkhorn::default() };
    let Ok(there) = DivergencePlans::solve(&solver, &problem, &Backend::Cpu) else { return };
    let swapped = TransportProblem { source: target, target: source, ..problem };
    let back = DivergencePlans::solve(&solver, &swapped, &Backend::Cpu).expect("an answer there is one back");
    let gradient = there.gradient();
    for side in [&gradient.source, &gradient.target] {
        assert!(side.positions.iter().flatten().chain(&side.weights).all(|number| number.is_finite()));
    }
    let (there, back) = (there.divergence(), back.divergence());
    assert!(there.value.is_finite() && back.value.is_finite());
    let terms = [there.cross, there.source, there.target, back.cross, back.source, back.target];
    if terms.iter().all(|term| term.convergence.converged()) {
        let misplaced = terms.iter().map(|term| term.convergence.residual).fold(1e-6, f64::max);
        let size = terms.iter().map(|term| term.value.abs()).fold(there.mass_term, f64::max);
        let mass = source.total().max(target.total()).max(source.total() * target.total());
        let slack = 4.0 * misplaced * (size + mass * problem.epsilon());
        assert!(there.value >= -slack, "{} is below 0 by more than {slack}", there.value);
        assert!(
            (there.value - back.value).abs() <= slack,
            "{} there, {} back, {slack}",
            there.value,
            back.value
        );
    }
}

pub fn sliced(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let Ok(pair) = Pair::arbitrary(&mut bytes) else { return };
    let Some([source, target]) = pair.measures() else { return };
    let options = Sliced { projections: 32, p: option(&mut bytes, 2.0), ..Sliced::default() };
    let Ok(there) = options.distance(&source, &target) else { return };
    let back = options.distance(&target, &source).expect("an answer there is one back");
    assert!(there.value.is_finite() && there.value >= 0.0 && there.standard_error >= 0.0);
    let slack = 1e-6 * there.value + 1e-9 * pair.extent();
    assert!((there.value - back.value).abs() <= slack, "{} there, {} back", there.value, back.value);
}

pub fn matrix(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let Ok(pair) = Pair::arbitrary(&mut bytes) else { return };
    let kind = u8::arbitrary(&mut bytes).unwrap_or(0);
    let cost = DMatrix::from_fn(pair.source.len(), pair.target.len(), |i, j| {
        let across = pair.target[j] - pair.source[i];
        if kind & 128 == 0 { across.norm_squared() } else { across.x }
    });
    let alike = |count: usize| vec![1.0 / count as f64; count];
    let [a, b] = pair.weights.clone().unwrap_or_else(|| [alike(pair.source.len()), alike(pair.target.len())]);
    let total = a.iter().sum::<f64>().min(b.iter().sum());
    let size = cost.amax();
    let balance = match kind % 4 {
        0 => Balance::Exact,
        1 => Balance::KullbackLeibler { rho: option(&mut bytes, size) },
        2 => Balance::TotalVariation { rho: option(&mut bytes, size) },
        _ => Balance::Partial { mass: option(&mut bytes, 0.5 * total) },
    };
    let epsilon = option(&mut bytes, 0.1 * size);
    let problem = MatrixTransport { balance, ..MatrixTransport::new(&cost, &a, &b, epsilon) };
    let solver = MatrixSinkhorn { max_iterations: 200, ..MatrixSinkhorn::default() };
    let Ok(mut run) = solver.start(&problem) else { return };
    while run.step().expect("all that can be wrong is said at the start").is_some() {}
    let answer = run.finish().expect("as for every step");
    assert!(answer.plan.iter().all(|mass| mass.is_finite() && *mass >= 0.0));
    assert!(answer.value.is_finite() && answer.transport_cost.is_finite());
    if answer.convergence.converged() && matches!(balance, Balance::Exact | Balance::Partial { .. }) {
        let slack = 1e-6 * total;
        for (row, weight) in answer.plan.row_iter().zip(&a) {
            assert!(row.sum() <= weight + slack, "{} of {weight}", row.sum());
        }
        for (column, weight) in answer.plan.column_iter().zip(&b) {
            // Totals that differ by rounding are scaled away.
            assert!(column.sum() <= weight + slack, "{} of {weight}", column.sum());
        }
        let mass = if let Balance::Partial { mass } = balance { mass } else { total };
        assert!((answer.plan.sum() - mass).abs() <= slack, "{} of {mass}", answer.plan.sum());
    }
}

pub fn line(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let Ok(pair) = Pair::arbitrary(&mut bytes) else { return };
    let [source, target] =
        [&pair.source, &pair.target].map(|points| points.iter().map(|point| point.x).collect::<Vec<f64>>());
    if let Some([a, b]) = &pair.weights {
        divergences(a, b);
    }
    let measure = |positions, side: usize| match &pair.weights {
        Some(weights) => LineMeasure::weighted(positions, &weights[side]),
        None => LineMeasure::uniform(positions),
    };
    let (Ok(source), Ok(target)) = (measure(source.as_slice(), 0), measure(target.as_slice(), 1)) else {
        return;
    };
    let p = option(&mut bytes, 2.0);
    let Ok(there) = wasserstein_1d(&source, &target, p) else { return };
    let back = wasserstein_1d(&target, &source, p).expect("an answer there is one back");
    assert!(there.value >= 0.0 && there.value.is_finite());
    let farthest =
        source.positions().iter().flat_map(|x| target.positions().iter().map(move |y| (x - y).abs()));
    let farthest = farthest.fold(0.0, f64::max);
    let slack = 1e-9 * farthest;
    assert!((there.value - back.value).abs() <= slack, "{} there, {} back", there.value, back.value);
    assert!(there.value <= farthest + slack, "{} of at most {farthest}", there.value);
    let mass: f64 = there.arcs.iter().map(|arc| arc.mass).sum();
    assert!((mass - 1.0).abs() < 1e-9, "{mass}");
    let same = wasserstein_1d(&source, &source, p).expect("an answer to another is one to itself");
    assert_eq!(same.value, 0.0);
    if let Some(potential) = &there.potential {
        assert!((potential.value - there.value).abs() <= slack, "{} proves {}", potential.value, there.value);
    }
}

fn divergences(a: &[f64], b: &[f64]) {
    let (Ok(there), Ok(between), Ok(apart)) =
        (kullback_leibler(a, b), jensen_shannon(a, b), total_variation(a, b))
    else {
        return;
    };
    assert!(
        there >= 0.0 && (0.0..=std::f64::consts::LN_2).contains(&between) && (0.0..=1.0).contains(&apart)
    );
    // Pinsker's inequality.
    assert!(2.0 * apart * apart <= there + 1e-9, "{apart} is too far apart for {there}");
}
