//! What is said about the pose in the end, in the callers' frames.

use std::sync::Arc;

use barrow_geometry::Convergence;
use nalgebra::Matrix6;

use crate::alignment::{Candidate, robust_equations};
use crate::fit::fit_of;
use crate::surface::Surface;
use crate::{Alignment, Matcher, NearestMatcher, Registration, Result};

/// Measures the answer on the finest surfaces.
pub(crate) fn report(
    alignment: &Alignment,
    answer: &Candidate,
    source: &Arc<Surface>,
    target: &Arc<Surface>,
) -> Result<Registration> {
    let fit = fit_of(source, target, &answer.pose, alignment.max_distance);
    let pairs = NearestMatcher::over(target.clone(), alignment.max_distance)
        .correspond(&source.positions, &answer.pose)?;
    let equations = robust_equations(
        &pairs,
        source,
        &answer.pose,
        answer.residual,
        alignment.kernel(),
        alignment.voxel_size,
    );
    let degenerate_directions = equations.unconstrained(alignment.radius);
    // A perturbation δ about the source's origin is A δ about its centroid c, A = [I 0; −[c]× I].
    let cross = alignment.source_origin.vector.cross_matrix();
    let shift = |block| {
        let mut shift = Matrix6::identity();
        shift.fixed_view_mut::<3, 3>(3, 0).copy_from(&block);
        shift
    };
    let (about_centroid, about_origin) = (shift(-cross), shift(cross));
    let variance = equations.error / (equations.weight - 6.0).max(1.0);
    let factor = degenerate_directions.is_empty().then(|| equations.hessian.cholesky()).flatten();
    Ok(Registration {
        target_from_source: alignment.outer(&answer.pose),
        fitness: fit.fitness,
        inlier_rmse: fit.inlier_rmse,
        inliers: fit.inliers,
        source_points: source.positions.len(),
        target_points: target.positions.len(),
        overlap: fit.overlap,
        information: about_centroid.transpose() * equations.hessian * about_centroid,
        covariance: factor
            .map(|factor| about_origin * factor.inverse() * variance * about_origin.transpose()),
        degenerate_directions,
        convergence: Convergence {
            status: answer.status,
            iterations: answer.iterations,
            residual: answer.motion,
        },
        stages: alignment.stages.clone(),
        voxel_size: alignment.voxel_size,
        max_distance: alignment.max_distance,
    })
}
