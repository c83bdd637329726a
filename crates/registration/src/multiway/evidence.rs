//! What a registration is worth in a graph.

use nalgebra::{Isometry3, Matrix6, Vector6};

use super::edge::PoseEdge;
use crate::{Registration, Verdict};

/// Noise of points that fit better than any sensor measures, in voxels: clean data must not outweigh everything.
const LEAST_NOISE: f64 = 0.02;

/// Trust in a doubtful pair against an accepted one that agrees as well.
const DOUBT: f64 = 0.25;

/// An edge of what two clouds alone say; `tolerance` \[m\] is the disagreement of matches, along normals, from which on two pairs
/// contradict each other.
pub(super) fn edge(
    source: usize,
    target: usize,
    found: &Registration,
    tolerance: Option<f64>,
) -> Option<PoseEdge> {
    let tolerance = tolerance.unwrap_or(found.voxel_size);
    let information = information(found)?;
    // The disagreement δ moves the matches by δᵀ H δ ÷ n in the mean square.
    let (matches, noise) = (matches(found), noise(found));
    let limit = tolerance * matches.sqrt() / noise;
    let doubt = if found.verdict == Verdict::Accepted { 1.0 } else { DOUBT };
    let edge = PoseEdge {
        limit,
        trust: doubt * found.agreement.score(),
        ..PoseEdge::new(source, target, found.target_from_source, information)
    };
    (found.verdict != Verdict::Failed && edge.check(0, source.max(target) + 1).is_ok()).then_some(edge)
}

/// Root mean square distance by which the matches of a pair disagree with other poses of its clouds, along normals \[m\].
pub(super) fn disagreement(found: &Registration, implied: &Isometry3<f64>) -> Option<f64> {
    let between = found.target_from_source.inv_mul(implied);
    let (turn, shift) = (between.rotation.scaled_axis(), between.translation.vector);
    let step = Vector6::new(turn.x, turn.y, turn.z, shift.x, shift.y, shift.z);
    let mean = step.dot(&(found.information * step)).max(0.0) / matches(found);
    Some(mean.sqrt()).filter(|distance| distance.is_finite())
}

/// Weight of all matches: each adds a unit normal's square, or close to it, to the translations.
fn matches(found: &Registration) -> f64 {
    found.information.fixed_view::<3, 3>(3, 3).trace()
}

/// Standard deviation of the residuals \[m\]: covariance times information is its square.
fn noise(found: &Registration) -> f64 {
    let measured = match &found.covariance {
        Some(covariance) => ((covariance * found.information).trace() / 6.0).max(0.0).sqrt(),
        None => found.inlier_rmse.unwrap_or(found.voxel_size),
    };
    measured.max(LEAST_NOISE * found.voxel_size)
}

fn information(found: &Registration) -> Option<Matrix6<f64>> {
    let noise = noise(found);
    let information = found.information / (noise * noise);
    let symmetric = (information + information.transpose()) * 0.5;
    symmetric.iter().all(|value| value.is_finite()).then_some(symmetric)
}
