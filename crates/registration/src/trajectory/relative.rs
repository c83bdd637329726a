//! The error of motions between poses: over steps, and over lengths of the way.

use nalgebra::Isometry3;

use super::{ErrorStatistics, distances, require_same};
use crate::error::require_positive;
use crate::{Error, Result};

/// How far the motions between poses are from those of a reference.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RelativeError {
    /// Translation errors \[m\].
    pub translation: ErrorStatistics,
    /// Rotation errors \[rad\].
    pub rotation: ErrorStatistics,
    /// Number of motions compared.
    pub motions: usize,
}

/// The drift over stretches of the way.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DriftError {
    /// Mean translation error ÷ length of the stretch.
    pub translation: f64,
    /// Mean rotation error ÷ length of the stretch \[rad/m\].
    pub rotation: f64,
    /// Number of stretches.
    pub stretches: usize,
    /// The same for every length: length \[m\], translation, rotation, stretches. A length without a stretch is left out.
    pub by_length: Vec<(f64, f64, f64, usize)>,
}

/// The relative pose error: E = (Qᵢ⁻¹ Qᵢ₊ₖ)⁻¹ (Pᵢ⁻¹ Pᵢ₊ₖ) over all i, for motions of `step` poses.
///
/// # Errors
/// If the trajectories differ in length, `step` is zero, there are not more than `step` poses, or one is not finite.
///
/// # References
/// Sturm et al., *A benchmark for the evaluation of RGB-D SLAM systems*, IROS 2012, section V.
pub fn relative_error(
    estimate: &[Isometry3<f64>],
    reference: &[Isometry3<f64>],
    step: usize,
) -> Result<RelativeError> {
    require_positive("step", step as f64)?;
    require_same(estimate, reference, step.saturating_add(1))?;
    let errors = (0..estimate.len() - step).map(|from| motion_error(estimate, reference, from, from + step));
    let (shifts, angles): (Vec<f64>, Vec<f64>) = errors.unzip();
    let motions = shifts.len();
    // There is at least one motion.
    let none = ErrorStatistics { rmse: 0.0, mean: 0.0, median: 0.0, max: 0.0 };
    let [translation, rotation] = [shifts, angles].map(|errors| ErrorStatistics::of(errors).unwrap_or(none));
    Ok(RelativeError { translation, rotation, motions })
}

/// The lengths of stretches that the KITTI benchmark has, 100 to 800 m. Where the way is shorter than 800 m, those that
/// fit into it; where it is shorter than 200 m, eighths of it, the last left out: so a room has lengths too.
pub fn drift_lengths(reference: &[Isometry3<f64>]) -> Vec<f64> {
    let way = distances(reference).last().copied().unwrap_or(0.0);
    let unit = if way < 200.0 { way / 8.0 } else { 100.0 };
    (1..=8).map(|eighth| unit * f64::from(eighth)).filter(|&length| length < way).collect()
}

/// Drift as the KITTI benchmark has it: from every tenth pose on (every pose, where there are fewer than 100), the error of
/// the motion to the first pose that is a length of the way ahead, divided by that length; the mean of all.
///
/// # Errors
/// If the trajectories differ in length, have fewer than two poses or one that is not finite; if a length is not finite
/// and positive, or the reference is shorter than all of them.
///
/// # References
/// Geiger, Lenz, Urtasun, *Are we ready for autonomous driving? The KITTI vision benchmark suite*, CVPR 2012, section 3.2.
///
/// ```
/// use barrow_registration::{drift, drift_lengths};
/// use nalgebra::Isometry3;
///
/// // An odometer that counts one percent too much.
/// let reference: Vec<_> = (0..900).map(|i| Isometry3::translation(i as f64, 0.0, 0.0)).collect();
/// let estimate: Vec<_> = (0..900).map(|i| Isometry3::translation(1.01 * i as f64, 0.0, 0.0)).collect();
/// let error = drift(&estimate, &reference, &drift_lengths(&reference))?;
/// assert!((error.translation - 0.01).abs() < 1e-3 && error.rotation == 0.0);
/// # Ok::<(), barrow_registration::Error>(())
/// ```
pub fn drift(
    estimate: &[Isometry3<f64>],
    reference: &[Isometry3<f64>],
    lengths: &[f64],
) -> Result<DriftError> {
    require_same(estimate, reference, 2)?;
    let way = distances(reference);
    // As often as the benchmark, where there are poses enough.
    let stride = if reference.len() < 100 { 1 } else { 10 };
    let mut by_length = Vec::new();
    for &length in lengths {
        require_positive("length", length)?;
        let stretches = (0..reference.len()).step_by(stride).filter_map(|from| {
            let to = way.partition_point(|&at| at <= way[from] + length);
            (to < way.len()).then(|| motion_error(estimate, reference, from, to))
        });
        let (mut shift, mut angle, mut count) = (0.0, 0.0, 0);
        for error in stretches {
            shift += error.0 / length;
            angle += error.1 / length;
            count += 1;
        }
        if count > 0 {
            by_length.push((length, shift / count as f64, angle / count as f64, count));
        }
    }
    let stretches: usize = by_length.iter().map(|row| row.3).sum();
    if stretches == 0 {
        let way = way.last().copied().unwrap_or(0.0);
        return Err(Error::TrajectoryTooShort { way });
    }
    let mean = |value: fn(&(f64, f64, f64, usize)) -> f64| {
        by_length.iter().map(|row| value(row) * row.3 as f64).sum::<f64>() / stretches as f64
    };
    Ok(DriftError { translation: mean(|row| row.1), rotation: mean(|row| row.2), stretches, by_length })
}

/// Translation \[m\] and rotation \[rad\] of E = (Qᵢ⁻¹ Qⱼ)⁻¹ (Pᵢ⁻¹ Pⱼ).
fn motion_error(
    estimate: &[Isometry3<f64>],
    reference: &[Isometry3<f64>],
    from: usize,
    to: usize,
) -> (f64, f64) {
    let motion = |poses: &[Isometry3<f64>]| poses[from].inv_mul(&poses[to]);
    let error = motion(reference).inv_mul(&motion(estimate));
    (error.translation.vector.norm(), error.rotation.angle())
}
