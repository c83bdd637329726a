//! Distances and registrations of any small clouds: an error, or an answer that keeps what it promises.

use arbitrary::{Arbitrary, Unstructured};
use barrow::geometry::{
    Backend, Measure, Moved, NearestDistances, PointCloud, Sinkhorn, Sliced, TransportProblem, Wasserstein,
    WassersteinProblem,
};
use barrow::registration::{Aligner, Method};
use nalgebra::{Isometry3, Point3, Vector3};

use crate::questions::{Pair, option};

fn measures(pair: &Pair) -> Option<[Measure<'_>; 2]> {
    match &pair.weights {
        Some([a, b]) => {
            Some([Measure::weighted(&pair.source, a).ok()?, Measure::weighted(&pair.target, b).ok()?])
        }
        None => Some([Measure::uniform(&pair.source).ok()?, Measure::uniform(&pair.target).ok()?]),
    }
}

fn clouds(pair: &Pair) -> Option<[PointCloud; 2]> {
    Some([PointCloud::new(pair.source.clone()).ok()?, PointCloud::new(pair.target.clone()).ok()?])
}

/// The largest coordinate: what differences of coordinates are rounded to is a part of it.
fn extent(pair: &Pair) -> f64 {
    pair.source.iter().chain(&pair.target).map(|point| point.coords.amax()).fold(0.0, f64::max)
}

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

pub fn nearest(bytes: &[u8]) {
    let Ok(pair) = Pair::arbitrary(&mut Unstructured::new(bytes)) else { return };
    let Some([source, target]) = clouds(&pair) else { return };
    let Ok(there) = NearestDistances::between(&source, &target) else { return };
    // The same from the other side, to the bit, and what looking at every pair finds.
    let back = NearestDistances::between(&target, &source).expect("an answer there is one back");
    assert_eq!(there.hausdorff().value, back.hausdorff().value);
    assert_eq!(there.chamfer().value, back.chamfer().value);
    for (index, point) in pair.source.iter().enumerate() {
        let nearest =
            pair.target.iter().map(|other| (other - point).norm_squared()).fold(f64::INFINITY, f64::min);
        let found = there.source_to_target().distances()[index];
        // Squares that vanish are equally near.
        assert!(
            found == nearest.sqrt() || nearest < 1e-290 && found < 1e-140,
            "{found}, not {}",
            nearest.sqrt()
        );
    }
}

pub fn wasserstein(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let Ok(pair) = Pair::arbitrary(&mut bytes) else { return };
    let Some([source, target]) = measures(&pair) else { return };
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
        _ => Moved::Within(option(&mut bytes, 0.3 * extent(&pair))),
    };
    let problem = WassersteinProblem { p, moved, ..WassersteinProblem::new(source, target) };
    let solver = Wasserstein { gap: option(&mut bytes, 1e-3), ..Wasserstein::default() };
    let Ok(answer) = solver.solve(&problem) else { return };
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
        assert!(upper >= least * (1.0 - 1e-9) - 1e-12 * extent(&pair), "{upper} is below {least}");
    }
}

pub fn sinkhorn(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let Ok(pair) = Pair::arbitrary(&mut bytes) else { return };
    let Some([source, target]) = measures(&pair) else { return };
    let problem = TransportProblem::new(source, target, option(&mut bytes, 0.1 * extent(&pair)));
    let reach = bool::arbitrary(&mut bytes).unwrap_or(false).then(|| option(&mut bytes, extent(&pair)));
    let problem = TransportProblem { reach, ..problem };
    let solver = Sinkhorn { max_iterations: 200, ..Sinkhorn::default() };
    let Ok(plan) = solver.solve(&problem, &Backend::Cpu) else { return };
    assert!(plan.value().is_finite() && plan.transport_cost().is_finite());
    assert!(plan.transport_cost() >= 0.0 && plan.mass() >= 0.0);
    if reach.is_none() && plan.convergence().converged() {
        // Between what is cheapest and what couples everything with everything.
        let most = mean_cost(&source, &target);
        let rounding = 1e-6 * (most + problem.blur * problem.blur) + 1e-9 * extent(&pair).powi(2);
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

pub fn sliced(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let Ok(pair) = Pair::arbitrary(&mut bytes) else { return };
    let Some([source, target]) = measures(&pair) else { return };
    let options = Sliced { projections: 32, p: option(&mut bytes, 2.0), ..Sliced::default() };
    let Ok(there) = options.distance(&source, &target) else { return };
    let back = options.distance(&target, &source).expect("an answer there is one back");
    assert!(there.value.is_finite() && there.value >= 0.0 && there.standard_error >= 0.0);
    let slack = 1e-6 * there.value + 1e-9 * extent(&pair);
    assert!((there.value - back.value).abs() <= slack, "{} there, {} back", there.value, back.value);
}

pub fn register(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let Ok(pair) = Pair::arbitrary(&mut bytes) else { return };
    let Some([source, target]) = clouds(&pair) else { return };
    let kind = u8::arbitrary(&mut bytes).unwrap_or(0);
    let method = [Method::Auto, Method::Transport, Method::Gicp, Method::PointToPlane, Method::PointToPoint]
        [usize::from(kind % 5)];
    let shift = [0.0; 3].map(|zero: f64| zero + option(&mut bytes, 0.1 * extent(&pair)));
    let start = Isometry3::translation(shift[0], shift[1], shift[2]);
    let is_start = start.to_homogeneous().iter().all(|number| number.is_finite());
    let given =
        |is_given: bool, bytes: &mut Unstructured, sensible: f64| is_given.then(|| option(bytes, sensible));
    let aligner = Aligner {
        method,
        initial: (kind & 64 == 0 && is_start).then_some(start),
        voxel_size: given(kind & 128 == 0, &mut bytes, 0.1 * extent(&pair)),
        max_iterations: 20,
        ..Aligner::default()
    };
    let Ok(found) = aligner.align(&source, &target) else { return };
    let pose = found.target_from_source;
    assert!(pose.to_homogeneous().iter().all(|number| number.is_finite()));
    assert!((pose.rotation.quaternion().norm() - 1.0).abs() < 1e-9);
    assert!((0.0..=1.0).contains(&found.fitness) && (0.0..=1.0).contains(&found.overlap));
    let first: Option<&Point3<f64>> = source.positions().first();
    assert!(first.is_none_or(|point| (pose * point).iter().all(|number| number.is_finite())));
}
