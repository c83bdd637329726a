//! Clouds near the origin, wherever on Earth they lie, and the way back to the callers' frames.

use barrow_geometry::PointCloud;
use nalgebra::{Isometry3, Matrix6, Translation3};

use crate::{Registration, Result};

/// One shift for all clouds, so that a common frame, if they have one, stays common.
pub(super) struct Shift {
    origin: Translation3<f64>,
}

impl Shift {
    /// Takes the centroid of a cloud to the origin.
    pub fn of(cloud: &PointCloud) -> Self {
        Self { origin: Translation3::from(cloud.centroid().unwrap_or_default()) }
    }

    /// The positions of a cloud, shifted.
    pub fn applied(&self, cloud: &PointCloud) -> Result<PointCloud> {
        let back = self.origin.inverse();
        Ok(PointCloud::new(cloud.positions().iter().map(|point| back * point).collect())?)
    }

    /// A pose between frames of callers as one between shifted frames.
    pub fn pose_applied(&self, pose: &Isometry3<f64>) -> Isometry3<f64> {
        self.origin.inverse() * pose * self.origin
    }

    /// A pose between shifted frames as one between frames of callers.
    pub fn pose_undone(&self, pose: &Isometry3<f64>) -> Isometry3<f64> {
        self.origin * pose * self.origin.inverse()
    }

    /// A covariance of perturbations (ω, t) of a pose: about the callers' origin C ∘ δ ∘ C⁻¹ = (ω, t + c × ω).
    pub fn covariance_undone(&self, covariance: &Matrix6<f64>) -> Matrix6<f64> {
        let shift = lever(&self.origin);
        shift * covariance * shift.transpose()
    }

    /// A registration of shifted clouds as one of the clouds given.
    pub fn registration_undone(&self, mut found: Registration) -> Registration {
        let back = lever(&self.origin.inverse());
        found.target_from_source = self.pose_undone(&found.target_from_source);
        found.runner_up = found.runner_up.map(|pose| self.pose_undone(&pose));
        found.information = back.transpose() * found.information * back;
        found.covariance = found.covariance.map(|covariance| self.covariance_undone(&covariance));
        found
    }
}

fn lever(origin: &Translation3<f64>) -> Matrix6<f64> {
    let mut lever = Matrix6::identity();
    lever.fixed_view_mut::<3, 3>(3, 0).copy_from(&origin.vector.cross_matrix());
    lever
}
