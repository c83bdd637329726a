//! What every kernel computes, plainly and in `f64`: twins of the same names, which the device is compared with.

use nalgebra::{Point3, Vector3};

use crate::balance::Balance;
use crate::sinkhorn::problem::Cost;

/// A column: where it is, its potential in bits and log₂ of its weight.
#[derive(Clone, Copy)]
pub(super) struct Column {
    pub point: Point3<f64>,
    pub potential: f64,
    pub log2_weight: f64,
}

/// How scores come about: s = v − κ c.
#[derive(Clone, Copy)]
pub(super) struct Scores {
    pub cost: Cost,
    pub kappa: f64,
}

impl Scores {
    pub fn of(&self, x: &Point3<f64>, column: &Column) -> f64 {
        column.potential + column.log2_weight - self.kappa * self.cost.between(x, &column.point)
    }
}

/// Reference and sum of the powers of two of some scores.
pub(super) type Partial = (f64, f64);

/// Streams over columns: what was summed up is made relative to every new maximum.
pub(super) fn stream(scores: Scores, x: &Point3<f64>, columns: &[Column]) -> Partial {
    columns.iter().map(|column| scores.of(x, column)).fold(
        (f64::NEG_INFINITY, 0.0),
        |(reference, sum), score| {
            let highest = score.max(reference);
            if highest == f64::NEG_INFINITY {
                return (reference, sum);
            }
            (highest, sum * (reference - highest).exp2() + (score - highest).exp2())
        },
    )
}

/// −log₂ Σ_j 2^s_j over the columns that matter: all, as far as `f64` can tell.
pub(super) fn softmin(scores: Scores, x: &Point3<f64>, columns: &[Column]) -> f64 {
    merge_splits(&[stream(scores, x, columns)])
}

/// The same, streamed in splits.
pub(super) fn softmin_dense(
    scores: Scores,
    x: &Point3<f64>,
    columns: &[Column],
    splits: usize,
) -> Vec<Partial> {
    (0..splits)
        .map(|split| {
            let at = |split: usize| columns.len() * split / splits;
            stream(scores, x, &columns[at(split)..at(split + 1)])
        })
        .collect()
}

/// Merges what splits have summed up, in order.
pub(super) fn merge_splits(partials: &[Partial]) -> f64 {
    let there = partials.iter().filter(|(_, sum)| *sum > 0.0);
    let merged = there.fold((f64::NEG_INFINITY, 0.0), |(a, x): Partial, &(b, y)| {
        let highest = a.max(b);
        (highest, x * (a - highest).exp2() + y * (b - highest).exp2())
    });
    -(merged.0 + merged.1.log2())
}

/// The largest score seen from the centre of a tile of rows.
pub(super) fn aim(scores: Scores, center: &Point3<f64>, columns: &[Column]) -> f64 {
    columns.iter().map(|column| scores.of(center, column)).fold(f64::NEG_INFINITY, f64::max)
}

/// The smallest top of a plane above what columns bring: v_j ≤ top + 2 tilt · (y_j − center), lengths in root bits.
pub(super) fn tile_planes(columns: &[(Vector3<f64>, f64)], tilt: &Vector3<f64>) -> f64 {
    columns.iter().map(|(offset, value)| value - 2.0 * tilt.dot(offset)).fold(f64::NEG_INFINITY, f64::max)
}

/// The same for a group: whatever its plane, it is above its columns as well.
pub(super) fn group_planes(columns: &[(Vector3<f64>, f64)], tilt: &Vector3<f64>) -> f64 {
    tile_planes(columns, tilt)
}

/// What a row's plan comes to: mean way to the columns, mean square of its length, mean length, mean direction.
pub(super) fn row_means(
    scores: Scores,
    x: &Point3<f64>,
    columns: &[Column],
) -> (Vector3<f64>, f64, f64, Vector3<f64>) {
    let log2_sum = -softmin(scores, x, columns);
    let mut sums = (Vector3::zeros(), 0.0, 0.0, Vector3::zeros());
    for column in columns {
        let part = (scores.of(x, column) - log2_sum).exp2();
        let way = column.point - x;
        sums.0 += part * way;
        sums.1 += part * way.norm_squared();
        sums.2 += part * way.norm();
        sums.3 += part * way.try_normalize(0.0).unwrap_or_default();
    }
    sums
}

/// Offsets from a centre in another unit.
pub(super) fn scale_offsets(point: &Point3<f64>, center: &Vector3<f64>, factor: f64) -> Vector3<f64> {
    factor * point.coords - center
}

/// Potentials in bits of another ε.
pub(super) fn rescale_potentials(potential: f64, factor: f64) -> f64 {
    potential * factor
}

/// The best answer to a soft minimum; potentials and ε in bits, so that ε is 1 / ln 2.
pub(super) fn answer(balance: Balance, softmin: f64) -> f64 {
    balance.best(softmin, std::f64::consts::LOG2_E)
}

/// Beyond the best answer, the way that the last one came.
pub(super) fn extrapolate(balance: Balance, softmin: f64, shift: f64, before: f64, inertia: f64) -> f64 {
    let image = answer(balance, softmin) - shift;
    balance.allowed(image + inertia * (image - before))
}

/// Towards the best answer, and on the way that the last step went.
pub(super) fn average(balance: Balance, now: f64, softmin: f64, before: f64, step: f64, inertia: f64) -> f64 {
    balance.allowed(now + step * (answer(balance, softmin) - now) + inertia * (now - before))
}

/// On along the line through the potentials of the last two ε.
pub(super) fn extend_trail(balance: Balance, now: f64, before: f64, part: f64) -> f64 {
    balance.allowed(now + part * (now - before))
}

/// Σ of the weights times what the plan misplaces.
pub(super) fn misplaced(balance: Balance, points: &[(f64, f64, f64)]) -> f64 {
    let epsilon = std::f64::consts::LOG2_E;
    let violation = |&(weight, potential, softmin): &(f64, f64, f64)| {
        let moved = (potential - softmin).exp2();
        if weight > 0.0 { weight * balance.violation(potential, moved, epsilon) } else { 0.0 }
    };
    sum_up(&points.iter().map(violation).collect::<Vec<_>>())
}

/// Σ of the weights times exp(−potential / ρ), ρ in bits.
pub(super) fn kept(balance: Balance, rho: f64, points: &[(f64, f64)]) -> f64 {
    let kept = |&(weight, softmin): &(f64, f64)| weight * (-answer(balance, softmin) / rho).exp();
    sum_up(&points.iter().map(kept).collect::<Vec<_>>())
}

/// A sum.
pub(super) fn sum_up(numbers: &[f64]) -> f64 {
    numbers.iter().sum()
}
