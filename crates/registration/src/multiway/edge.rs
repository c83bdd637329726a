//! What one registration says about the poses of its two clouds.

use nalgebra::{Isometry3, Matrix3, Matrix6, Vector6};

use crate::fit::require_finite;
use crate::pose::retract;
use crate::{Error, Result};

/// The 0.999 quantile of χ² with six degrees of freedom is the square of this.
const OUTLYING: f64 = 4.74;

/// A matrix is taken for symmetric, and for free of negative eigenvalues, to this part of its size.
const ROUNDING: f64 = 1e-6;

/// Below this angle [rad] the inverse Jacobian of the rotation is its series: the closed form would divide zero by zero.
const SMALL: f64 = 1e-4;

/// A measured pose between two nodes, and how far it is to be believed.
#[derive(Debug, Clone, PartialEq)]
pub struct PoseEdge {
    /// The node whose points are moved.
    pub source: usize,
    /// The node whose frame they are moved to.
    pub target: usize,
    /// The pose measured.
    pub target_from_source: Isometry3<f64>,
    /// Inverse covariance of the measurement, rotation first, for the perturbation T ∘ (exp ω, t) in the source frame.
    /// Directions that nothing is known about have no information.
    pub information: Matrix6<f64>,
    /// √(δᵀ Λ δ) beyond which the measurement is taken for wrong; infinite if it cannot be.
    pub limit: f64,
    /// How much it is preferred where measurements contradict each other.
    pub trust: f64,
}

/// An edge at two poses.
pub(super) struct Linearized {
    /// δ = (ω, t): the poses imply `target_from_source` ∘ (exp ω, t).
    pub disagreement: Vector6<f64>,
    /// Derivative by a perturbation of the source's pose.
    pub by_source: Matrix6<f64>,
    /// Derivative by a perturbation of the target's pose.
    pub by_target: Matrix6<f64>,
}

impl PoseEdge {
    /// A measurement that is taken for wrong where the others leave it a probability below 1 in 1000.
    pub fn new(
        source: usize,
        target: usize,
        target_from_source: Isometry3<f64>,
        information: Matrix6<f64>,
    ) -> Self {
        Self { source, target, target_from_source, information, limit: OUTLYING, trust: 1.0 }
    }

    /// δ = (ω, t) such that the poses imply `target_from_source` ∘ (exp ω, t).
    pub(super) fn disagreement(
        &self,
        world_from_source: &Isometry3<f64>,
        world_from_target: &Isometry3<f64>,
    ) -> Vector6<f64> {
        disagreement(&self.target_from_source, &world_from_target.inv_mul(world_from_source))
    }

    /// δᵀ Λ δ.
    pub(super) fn squared(&self, disagreement: &Vector6<f64>) -> f64 {
        disagreement.dot(&(self.information * disagreement)).max(0.0)
    }

    /// The disagreement and its derivatives by right perturbations of both poses.
    pub(super) fn linearized(
        &self,
        world_from_source: &Isometry3<f64>,
        world_from_target: &Isometry3<f64>,
    ) -> Linearized {
        let implied = world_from_target.inv_mul(world_from_source);
        let disagreement = disagreement(&self.target_from_source, &implied);
        let turn = inverse_right_jacobian(&disagreement);
        let back = self.target_from_source.rotation.inverse().to_rotation_matrix();
        let implied_turn = implied.rotation.to_rotation_matrix();
        let mut by_source = Matrix6::zeros();
        by_source.fixed_view_mut::<3, 3>(0, 0).copy_from(&turn);
        by_source.fixed_view_mut::<3, 3>(3, 3).copy_from((back * implied_turn).matrix());
        let mut by_target = Matrix6::zeros();
        by_target.fixed_view_mut::<3, 3>(0, 0).copy_from(&-(turn * implied_turn.inverse().matrix()));
        let lever = back.matrix() * implied.translation.vector.cross_matrix();
        by_target.fixed_view_mut::<3, 3>(3, 0).copy_from(&lever);
        by_target.fixed_view_mut::<3, 3>(3, 3).copy_from(&-back.matrix());
        Linearized { disagreement, by_source, by_target }
    }

    /// Refuses what no measurement can be.
    pub(super) fn check(&self, index: usize, nodes: usize) -> Result<()> {
        let refuse = |problem| Err(Error::InvalidEdge { index, problem });
        if self.source.max(self.target) >= nodes {
            return refuse("joins a node that there is none of");
        }
        if self.source == self.target {
            return refuse("joins a node with itself");
        }
        if require_finite(&self.target_from_source).is_err() {
            return refuse("has a pose with an entry that is not finite");
        }
        if !self.information.iter().all(|value| value.is_finite()) {
            return refuse("has an information matrix with an entry that is not finite");
        }
        // Of unit diagonal, a matrix says the same whatever the units of its rows.
        let unit = |i: usize| self.information[(i, i)].abs().sqrt().max(f64::MIN_POSITIVE);
        let scaled = Matrix6::from_fn(|i, j| self.information[(i, j)] / unit(i) / unit(j));
        if (scaled - scaled.transpose()).amax() > ROUNDING
            || scaled.symmetric_eigenvalues().min() < -ROUNDING * scaled.amax()
        {
            return refuse("has an information matrix that is not symmetric and positive semidefinite");
        }
        if self.limit.is_nan() || self.limit <= 0.0 {
            return refuse("has a limit that is not above 0");
        }
        if !self.trust.is_finite() || self.trust < 0.0 {
            return refuse("has a trust that is not finite and at least 0");
        }
        Ok(())
    }
}

/// The (ω, t) that leads from a measured pose to another: the inverse of [`retract`].
fn disagreement(measured: &Isometry3<f64>, implied: &Isometry3<f64>) -> Vector6<f64> {
    let between = measured.inv_mul(implied);
    let (turn, shift) = (between.rotation.scaled_axis(), between.translation.vector);
    Vector6::new(turn.x, turn.y, turn.z, shift.x, shift.y, shift.z)
}

/// A pose moved by (ω, t), as [`PoseEdge`] measures it.
pub(super) fn moved(pose: &Isometry3<f64>, step: &Vector6<f64>) -> Isometry3<f64> {
    retract(pose, step)
}

/// d log(exp(φ) exp(ω)) / dω at ω = 0, for the rotation φ of a disagreement.
///
/// # References
/// Solà, Deray, Atchuthan, *A micro Lie theory for state estimation in robotics*, 2018, equation 144.
fn inverse_right_jacobian(disagreement: &Vector6<f64>) -> Matrix3<f64> {
    let turn = disagreement.fixed_rows::<3>(0).into_owned();
    let (angle, cross) = (turn.norm(), turn.cross_matrix());
    let factor = if angle < SMALL {
        1.0 / 12.0
    } else {
        1.0 / (angle * angle) - 1.0 / (2.0 * angle * (0.5 * angle).tan())
    };
    Matrix3::identity() + cross * 0.5 + cross * cross * factor
}

#[cfg(test)]
mod tests {
    use nalgebra::Vector3;

    use super::*;

    fn pose(a: f64, b: f64, c: f64) -> Isometry3<f64> {
        Isometry3::new(Vector3::new(3.0 * a, b, -2.0 * c), Vector3::new(b, c, -a))
    }

    #[test]
    fn derivatives_are_what_small_steps_show() {
        let (source, target) = (pose(0.4, -0.8, 1.1), pose(-0.3, 0.5, 0.2));
        let edge = PoseEdge::new(0, 1, pose(0.9, 0.1, -0.6), Matrix6::identity());
        let at = edge.linearized(&source, &target);
        let step = 1e-6;
        for axis in 0..6 {
            let mut small = Vector6::zeros();
            small[axis] = step;
            let slope = |ahead: Vector6<f64>, behind: Vector6<f64>| (ahead - behind) / (2.0 * step);
            let by_source = slope(
                edge.disagreement(&moved(&source, &small), &target),
                edge.disagreement(&moved(&source, &-small), &target),
            );
            let by_target = slope(
                edge.disagreement(&source, &moved(&target, &small)),
                edge.disagreement(&source, &moved(&target, &-small)),
            );
            assert!((by_source - at.by_source.column(axis)).amax() < 1e-8, "source {axis}");
            assert!((by_target - at.by_target.column(axis)).amax() < 1e-8, "target {axis}");
        }
    }

    #[test]
    fn a_disagreement_leads_from_the_measured_pose_to_the_implied_one() {
        let (source, target) = (pose(0.4, -0.8, 1.1), pose(-0.3, 0.5, 0.2));
        let edge = PoseEdge::new(0, 1, pose(0.9, 0.1, -0.6), Matrix6::identity());
        let implied = moved(&edge.target_from_source, &edge.disagreement(&source, &target));
        assert!((implied.to_homogeneous() - (target.inverse() * source).to_homogeneous()).amax() < 1e-12);
    }
}
