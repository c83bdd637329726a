//! The error of positions after the best rigid alignment.

use nalgebra::{Isometry3, Matrix3, Rotation3, Translation3, Unit, UnitQuaternion, Vector3};

use super::{ErrorStatistics, require_same};
use crate::Result;

/// How far the positions of a trajectory are from those of another, once laid onto them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AbsoluteError {
    /// Distances between positions \[m\].
    pub translation: ErrorStatistics,
    /// Angles between orientations \[rad\].
    pub rotation: ErrorStatistics,
    /// The rigid motion that lays the estimate onto the reference.
    pub reference_from_estimate: Isometry3<f64>,
}

/// The absolute trajectory error: positions after the rigid motion that minimises Σ |T pᵢ − qᵢ|², without scale.
///
/// Where positions lie on a line, or no farther from it than a few times what they are off by, they do not tell the turn about it:
/// it is the one after which orientations differ least.
///
/// # Errors
/// If the trajectories differ in length, are empty, or have a pose that is not finite.
///
/// # References
/// Umeyama, *Least-squares estimation of transformation parameters*, PAMI 13 (1991), equations 38–43; Sturm et al.,
/// *A benchmark for the evaluation of RGB-D SLAM systems*, IROS 2012, section V.
///
/// ```
/// use barrow_registration::absolute_error;
/// use nalgebra::{Isometry3, Vector3};
///
/// let reference: Vec<_> = (0..9).map(|i| Isometry3::translation(i as f64, (i * i) as f64, 0.0)).collect();
/// let elsewhere = Isometry3::new(Vector3::new(5.0, 6.0, 7.0), Vector3::new(0.1, 0.2, 0.3));
/// let estimate: Vec<_> = reference.iter().map(|pose| elsewhere * pose).collect();
/// assert!(absolute_error(&estimate, &reference)?.translation.rmse < 1e-12);
/// # Ok::<(), barrow_registration::Error>(())
/// ```
pub fn absolute_error(estimate: &[Isometry3<f64>], reference: &[Isometry3<f64>]) -> Result<AbsoluteError> {
    require_same(estimate, reference, 1)?;
    let position = |pose: &Isometry3<f64>| pose.translation.vector;
    let mean = |poses: &[Isometry3<f64>]| {
        // From the first position, so that an offset costs no digits.
        let first = position(&poses[0]);
        let sum: Vector3<f64> = poses.iter().map(|pose| position(pose) - first).sum();
        first + sum / poses.len() as f64
    };
    let (from, onto) = (mean(estimate), mean(reference));
    let covariance: Matrix3<f64> = estimate
        .iter()
        .zip(reference)
        .map(|(p, q)| (position(q) - onto) * (position(p) - from).transpose())
        .sum();
    let turn = rotation(&covariance);
    let apart = |turn: &UnitQuaternion<f64>, (p, q): (&Isometry3<f64>, &Isometry3<f64>)| {
        (turn * (position(p) - from) - (position(q) - onto)).norm()
    };
    let squares = estimate.iter().zip(reference).map(|pair| apart(&turn, pair).powi(2)).sum::<f64>();
    let scatter: Matrix3<f64> =
        reference.iter().map(|q| (position(q) - onto) * (position(q) - onto).transpose()).sum();
    let turn = match line(&scatter, squares) {
        Some(axis) => rolled(&axis, turn, estimate, reference),
        None => turn,
    };
    let reference_from_estimate = Isometry3::from_parts(Translation3::from(onto - turn * from), turn);
    let pairs = || estimate.iter().zip(reference);
    let shifts = pairs().map(|pair| apart(&turn, pair)).collect();
    let angles = pairs().map(|(p, q)| (turn * p.rotation).angle_to(&q.rotation)).collect();
    // There is at least one pose.
    let none = ErrorStatistics { rmse: 0.0, mean: 0.0, median: 0.0, max: 0.0 };
    Ok(AbsoluteError {
        translation: ErrorStatistics::of(shifts).unwrap_or(none),
        rotation: ErrorStatistics::of(angles).unwrap_or(none),
        reference_from_estimate,
    })
}

/// The line on which places lie, if they are no farther from it than a few times what they are off by: then they do not tell
/// the turn about it. Both as sums of squares.
fn line(scatter: &Matrix3<f64>, squares: f64) -> Option<Unit<Vector3<f64>>> {
    const TOLD: f64 = 10.0;
    let eigen = scatter.symmetric_eigen();
    let longest = eigen.eigenvalues.imax();
    let across = eigen.eigenvalues.sum() - eigen.eigenvalues[longest];
    let rounding = 1e-12 * eigen.eigenvalues[longest];
    (across <= TOLD * TOLD * squares + rounding)
        .then(|| Unit::new_normalize(eigen.eigenvectors.column(longest).into_owned()))
}

/// The turn followed by that one about an axis after which orientations differ least: it maximises the sum of the traces of
/// the rotations between them.
fn rolled(
    axis: &Unit<Vector3<f64>>,
    turn: UnitQuaternion<f64>,
    estimate: &[Isometry3<f64>],
    reference: &[Isometry3<f64>],
) -> UnitQuaternion<f64> {
    let between = |(p, q): (&Isometry3<f64>, &Isometry3<f64>)| {
        (turn * p.rotation * q.rotation.inverse()).to_rotation_matrix().into_inner()
    };
    let sum: Matrix3<f64> = estimate.iter().zip(reference).map(between).sum();
    let skew = Vector3::new(sum[(1, 2)] - sum[(2, 1)], sum[(2, 0)] - sum[(0, 2)], sum[(0, 1)] - sum[(1, 0)]);
    let angle = axis.dot(&skew).atan2(sum.trace() - axis.dot(&(sum * axis.into_inner())));
    UnitQuaternion::from_axis_angle(axis, angle) * turn
}

/// The rotation that maximises the trace of R·covarianceᵀ.
fn rotation(covariance: &Matrix3<f64>) -> UnitQuaternion<f64> {
    let size = covariance.amax();
    if size == 0.0 || !size.is_finite() {
        return UnitQuaternion::identity();
    }
    let svd = (covariance / size).svd(true, true);
    let (Some(u), Some(v_t)) = (svd.u, svd.v_t) else { return UnitQuaternion::identity() };
    let reflection = Matrix3::from_diagonal(&Vector3::new(1.0, 1.0, (u * v_t).determinant().signum()));
    let turn = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(u * reflection * v_t));
    polished(turn, &(covariance / size))
}

/// One Newton step towards the rotation that maximises the trace: the decomposition of a 3 × 3 matrix by its square leaves
/// half of the digits, the step gives the others.
fn polished(turn: UnitQuaternion<f64>, covariance: &Matrix3<f64>) -> UnitQuaternion<f64> {
    let a = turn.to_rotation_matrix().matrix() * covariance.transpose();
    let gradient = Vector3::new(a[(1, 2)] - a[(2, 1)], a[(2, 0)] - a[(0, 2)], a[(0, 1)] - a[(1, 0)]);
    let curvature = Matrix3::identity() * a.trace() - (a + a.transpose()) * 0.5;
    let eigen = curvature.symmetric_eigen();
    let mut step = Vector3::zeros();
    for (value, direction) in eigen.eigenvalues.iter().zip(eigen.eigenvectors.column_iter()) {
        // The turn about a line of places is free.
        if *value > 1e-9 * eigen.eigenvalues.max() {
            step += direction * (direction.dot(&gradient) / value);
        }
    }
    UnitQuaternion::from_scaled_axis(step) * turn
}
