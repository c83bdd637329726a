//! What can be wrong with a scene asked of this crate.

/// A scene that cannot be made, with the value that made it so.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option is outside of what the scene accepts.
    #[error("{name} must be {requirement}, got {got}")]
    InvalidOption {
        /// Name of the option.
        name: &'static str,
        /// What would be accepted.
        requirement: &'static str,
        /// The value given.
        got: f64,
    },
    /// Not one ray of a scan came back.
    #[error("scan {scan} has no points: every ray missed, was dropped or was out of range")]
    NothingSeen {
        /// Index of the scan.
        scan: usize,
    },
    /// No view angle gives the overlap asked for.
    #[error("an overlap of {asked} cannot be reached: the closest is {closest}")]
    OverlapOutOfReach {
        /// The overlap asked for.
        asked: f64,
        /// The closest overlap found.
        closest: f64,
    },
    /// The cloud could not be assembled.
    #[error(transparent)]
    Geometry(#[from] barrow_geometry::Error),
}

/// Result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// Largest number of points in one cloud: more than any scanner gives, and still within memory.
pub(crate) const MAX_POINTS: usize = 100_000_000;

/// Accepts a number of points from 1 to [`MAX_POINTS`].
pub(crate) fn require_points(points: usize) -> Result<usize> {
    require_count("points", points, 1, MAX_POINTS, "from 1 to 100000000")
}

/// Accepts a count between two limits, both included.
pub(crate) fn require_count(
    name: &'static str,
    count: usize,
    least: usize,
    most: usize,
    requirement: &'static str,
) -> Result<usize> {
    if (least..=most).contains(&count) {
        Ok(count)
    } else {
        Err(Error::InvalidOption { name, requirement, got: count as f64 })
    }
}

/// Accepts a value between two limits, both included; NaN is in no interval.
pub(crate) fn require_within(
    name: &'static str,
    value: f64,
    least: f64,
    most: f64,
    requirement: &'static str,
) -> Result<f64> {
    if least <= value && value <= most {
        Ok(value)
    } else {
        Err(Error::InvalidOption { name, requirement, got: value })
    }
}
