//! What can be wrong with a registration asked for.

/// A registration without an answer, with the value that made it so.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The clouds themselves do not permit the question.
    #[error(transparent)]
    Geometry(#[from] barrow_geometry::Error),
    /// No source point has a target point within reach at the first step.
    #[error(
        "no source point has a target point within {max_distance} m; \
         give a larger max_distance or a better initial pose"
    )]
    NoCorrespondences {
        /// The widest gate tried \[m\].
        max_distance: f64,
    },
    /// Two trajectories that cannot be compared pose by pose.
    #[error(
        "the estimate has {estimate} poses, the reference {reference}: both need the same number, at least {least}"
    )]
    TrajectoryLength {
        /// Poses of the estimate.
        estimate: usize,
        /// Poses of the reference.
        reference: usize,
        /// Least number of poses.
        least: usize,
    },
    /// No stretch of the lengths asked for fits into the way.
    #[error("the reference is {way} m long, shorter than every length asked for; give shorter lengths")]
    TrajectoryTooShort {
        /// Length of the reference \[m\].
        way: f64,
    },
    /// The initial pose is not a finite rigid motion.
    #[error("the initial pose has an entry that is not finite")]
    InvalidPose,
    /// One of many clouds has no points.
    #[error("cloud {index}, counted from 0, has no points")]
    EmptyCloud {
        /// Its index.
        index: usize,
    },
    /// An edge of a pose graph that is no measurement.
    #[error("edge {index}, counted from 0, {problem}")]
    InvalidEdge {
        /// Its index.
        index: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// Accepts a finite value above zero.
pub(crate) fn require_positive(name: &'static str, value: f64) -> Result<f64> {
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        let requirement = "finite and > 0";
        Err(barrow_geometry::Error::InvalidOption { name, requirement, got: value }.into())
    }
}
