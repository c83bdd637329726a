//! What can be wrong with a question asked of this crate.

/// A question without an answer, with the value that made it so.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A cloud that must have points has none.
    #[error("the {role} cloud has no points")]
    Empty {
        /// `"source"`, `"target"` or `"input"`.
        role: &'static str,
    },
    /// A coordinate is NaN or infinite.
    #[error("point {index} is not finite: ({}, {}, {})", position[0], position[1], position[2])]
    NonFinite {
        /// Index of the first such point.
        index: usize,
        /// Its coordinates.
        position: [f64; 3],
    },
    /// A coordinate is so large that squared distances would overflow.
    #[error("point {index} is out of range: |{value}| is above {limit:e}", limit = crate::PointCloud::MAX_COORDINATE)]
    TooLarge {
        /// Index of the first such point.
        index: usize,
        /// The coordinate.
        value: f64,
    },
    /// An attribute column does not have one entry per point.
    #[error("column {column} has {got} entries for {expected} points")]
    ColumnLength {
        /// Name of the column.
        column: &'static str,
        /// Number of points.
        expected: usize,
        /// Number of entries.
        got: usize,
    },
    /// An option is outside of what the method accepts.
    #[error("{name} must be {requirement}, got {got}")]
    InvalidOption {
        /// Name of the option as the user sets it.
        name: &'static str,
        /// What would be accepted.
        requirement: &'static str,
        /// The value given.
        got: f64,
    },
    /// A weight is negative, NaN or infinite.
    #[error("weight {index} of the {role} must be finite and >= 0, got {got}")]
    InvalidWeight {
        /// `"source"` or `"target"`.
        role: &'static str,
        /// Index of the first such weight.
        index: usize,
        /// The weight.
        got: f64,
    },
    /// A potential, which weighs the points of a neighbour search, is not finite. −∞ is accepted where it takes a
    /// point out.
    #[error("the potential of point {index} must be finite, got {got}")]
    InvalidPotential {
        /// Index of the first such point.
        index: usize,
        /// Its potential.
        got: f64,
    },
    /// An arc of a plan names a point that is not there, has a mass that is negative or not finite, or a cost that is not
    /// finite.
    #[error(
        "arc {index} must lead from one of {sources} to one of {targets} points with a finite mass >= 0 and a finite cost, \
         got {} to {} with mass {}, cost {}", arc.source, arc.target, arc.mass, arc.cost
    )]
    InvalidArc {
        /// Index of the first such arc.
        index: usize,
        /// The arc.
        arc: crate::Arc,
        /// Number of source points.
        sources: usize,
        /// Number of target points.
        targets: usize,
    },
    /// All weights of a measure are zero.
    #[error("the weights of the {role} sum to zero")]
    NoMass {
        /// `"source"` or `"target"`.
        role: &'static str,
    },
    /// A balanced problem whose sides do not weigh the same.
    #[error(
        "a balanced problem needs equal totals, got {source_total} and {target_total}: \
         scale the weights, or set a reach"
    )]
    UnequalTotals {
        /// Sum of the source weights.
        source_total: f64,
        /// Sum of the target weights.
        target_total: f64,
    },
    /// A matrix of costs that does not fit its weights.
    #[error(
        "a {rows} x {columns} matrix of costs does not fit {source_weights} source and {target_weights} target weights"
    )]
    MatrixShape {
        /// Rows of the matrix.
        rows: usize,
        /// Its columns.
        columns: usize,
        /// Number of source weights: should be that of the rows.
        source_weights: usize,
        /// Number of target weights: should be that of the columns.
        target_weights: usize,
    },
    /// An entry of a matrix of costs is outside of what the problem accepts.
    #[error("cost ({row}, {column}) must be {requirement}, got {got}")]
    InvalidCost {
        /// Row of the first such entry, column by column.
        row: usize,
        /// Its column.
        column: usize,
        /// What would be accepted.
        requirement: &'static str,
        /// The entry.
        got: f64,
    },
    /// A dense matrix that would not fit.
    #[error("a dense plan of {rows} x {columns} entries is above the limit of {limit}: take arcs")]
    PlanTooLarge {
        /// Number of source points.
        rows: usize,
        /// Number of target points.
        columns: usize,
        /// Largest number of entries.
        limit: usize,
    },
    /// A cloud has more points than an index can name.
    #[error("the {role} cloud has {got} points, at most {limit} are accepted")]
    TooManyPoints {
        /// `"source"` or `"target"`.
        role: &'static str,
        /// Largest number of points.
        limit: usize,
        /// Number of points.
        got: usize,
    },
    /// A method that has no meaning for points with weights.
    #[error("{method} counts points: it is not defined for points with weights")]
    WeightsUndefined {
        /// What was asked for.
        method: &'static str,
    },
    /// There is no device to compute on.
    #[error("no device to compute on: {reason}")]
    NoDevice {
        /// What was looked for, or what the device answered.
        reason: String,
    },
    /// The device stopped answering, or refused what it was told to do.
    #[error("the device was lost: {reason}")]
    DeviceLost {
        /// What its driver says.
        reason: String,
    },
    /// The device's memory is used up.
    #[error("the device has no room for {bytes} more bytes: use smaller clouds, or the processor")]
    DeviceMemory {
        /// Bytes that were asked for; 0 where the device does not tell.
        bytes: u64,
    },
    /// The device's limits are too small.
    #[error("{needed} {what} are needed, the device allows {limit}")]
    DeviceLimit {
        /// What is limited.
        what: &'static str,
        /// How much is needed.
        needed: u64,
        /// How much there may be.
        limit: u64,
    },
    /// An attribute that the method needs is missing.
    #[error("the {role} cloud has no {attribute}")]
    MissingAttribute {
        /// `"source"`, `"target"` or `"input"`.
        role: &'static str,
        /// Name of the attribute.
        attribute: &'static str,
    },
}

/// Result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// Accepts a finite value above zero.
pub(crate) fn require_positive(name: &'static str, value: f64) -> Result<f64> {
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err(Error::InvalidOption { name, requirement: "finite and > 0", got: value })
    }
}
