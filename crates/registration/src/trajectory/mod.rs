//! How far one trajectory is from another.

mod absolute;
mod relative;

use nalgebra::Isometry3;

pub use absolute::{AbsoluteError, absolute_error};
pub use relative::{DriftError, RelativeError, drift, drift_lengths, relative_error};

use crate::{Error, Result};

/// Root mean square, mean, median and largest of some errors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErrorStatistics {
    /// Root of the mean square.
    pub rmse: f64,
    /// Mean.
    pub mean: f64,
    /// Median, the upper one of an even number.
    pub median: f64,
    /// Largest.
    pub max: f64,
}

impl ErrorStatistics {
    /// Of at least one error.
    fn of(mut errors: Vec<f64>) -> Option<Self> {
        let max = errors.iter().copied().reduce(f64::max)?;
        let count = errors.len() as f64;
        let mean = errors.iter().sum::<f64>() / count;
        // Relative to the largest, so that squares stay in range.
        let squares = errors.iter().map(|error| (error / max) * (error / max)).sum::<f64>();
        let rmse = if max > 0.0 { max * (squares / count).sqrt() } else { 0.0 };
        let middle = errors.len() / 2;
        let median = *errors.select_nth_unstable_by(middle, f64::total_cmp).1;
        Some(Self { rmse, mean, median, max })
    }
}

/// Accepts trajectories of the same, sufficient number of finite poses.
fn require_same(estimate: &[Isometry3<f64>], reference: &[Isometry3<f64>], least: usize) -> Result<()> {
    if estimate.len() != reference.len() || estimate.len() < least {
        return Err(Error::TrajectoryLength { estimate: estimate.len(), reference: reference.len(), least });
    }
    estimate.iter().chain(reference).try_for_each(crate::fit::require_finite)
}

/// Length of the way up to every pose \[m\], zero at the first.
fn distances(poses: &[Isometry3<f64>]) -> Vec<f64> {
    let mut way = 0.0;
    let mut distances = Vec::with_capacity(poses.len());
    for (index, pose) in poses.iter().enumerate() {
        if index > 0 {
            way += (pose.translation.vector - poses[index - 1].translation.vector).norm();
        }
        distances.push(way);
    }
    distances
}
