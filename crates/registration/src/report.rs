//! What is said about the pose in the end, in the callers' frames.

use std::sync::Arc;

use barrow_geometry::Convergence;
use nalgebra::{Isometry3, Matrix6, Translation3};

use crate::certainty::Certainty;
use crate::fit::fit_of;
use crate::surface::Surface;
use crate::{Agreement, Registration, Result, Stage, Verdict};

/// Where the loop ended.
pub(crate) struct Answer {
    /// The pose between the centred clouds.
    pub pose: Isometry3<f64>,
    /// The same between the callers' frames.
    pub target_from_source: Isometry3<f64>,
    /// The source's centroid.
    pub source_origin: Translation3<f64>,
    pub certainty: Certainty,
    pub voxel_size: f64,
    pub max_distance: f64,
    pub convergence: Convergence,
    pub stages: Vec<Stage>,
    pub verdict: Verdict,
    pub agreement: Agreement,
    /// Between the callers' frames.
    pub runner_up: Option<Isometry3<f64>>,
    pub other_scale: Option<f64>,
}

impl Answer {
    /// Measures the fit of the pose, and tells everything about the source's origin instead of its centroid.
    pub fn report(self, source: &Arc<Surface>, target: &Arc<Surface>) -> Result<Registration> {
        let fit = fit_of(source, target, &self.pose, self.max_distance);
        let Certainty { information, variance, freedom } = self.certainty;
        // A perturbation δ about the source's origin is A δ about its centroid c, A = [I 0; −[c]× I].
        let cross = self.source_origin.vector.cross_matrix();
        let shift = |block| {
            let mut shift = Matrix6::identity();
            shift.fixed_view_mut::<3, 3>(3, 0).copy_from(&block);
            shift
        };
        let (about_centroid, about_origin) = (shift(-cross), shift(cross));
        let covariance = variance
            .and_then(|variance| Some(information.cholesky()?.inverse() * variance))
            .map(|covariance| about_origin * covariance * about_origin.transpose());
        Ok(Registration {
            target_from_source: self.target_from_source,
            verdict: self.verdict,
            agreement: self.agreement,
            runner_up: self.runner_up,
            other_scale: self.other_scale,
            fitness: fit.fitness,
            inlier_rmse: fit.inlier_rmse,
            inliers: fit.inliers,
            source_points: source.positions.len(),
            target_points: target.positions.len(),
            overlap: fit.overlap,
            information: about_centroid.transpose() * information * about_centroid,
            covariance,
            degenerate_directions: freedom.directions(),
            convergence: self.convergence,
            stages: self.stages,
            voxel_size: self.voxel_size,
            max_distance: self.max_distance,
        })
    }
}
