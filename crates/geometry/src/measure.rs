//! Points with weights.

use nalgebra::Point3;

use crate::{Error, PointCloud, Result};

/// Points in space with weights: what optimal transport moves.
///
/// Borrows its columns. Without weights every point has 1/n, so that the total is 1. Given weights are
/// taken as they are: only their finiteness, sign and total are checked. Points of weight zero are
/// allowed; they take no part in a plan but still get a potential.
///
/// ```
/// use barrow_geometry::Measure;
/// use nalgebra::Point3;
///
/// let points = [Point3::origin(), Point3::new(1.0, 0.0, 0.0)];
/// assert_eq!(Measure::uniform(&points)?.weight(0), 0.5);
/// assert_eq!(Measure::weighted(&points, &[3.0, 1.0])?.total(), 4.0);
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure<'a> {
    positions: &'a [Point3<f64>],
    weights: Option<&'a [f64]>,
    total: f64,
}

impl<'a> Measure<'a> {
    /// Every point with weight 1/n.
    ///
    /// # Errors
    /// [`Error::Empty`] without points, [`Error::NonFinite`] or [`Error::TooLarge`] for a bad position.
    pub fn uniform(positions: &'a [Point3<f64>]) -> Result<Self> {
        if positions.is_empty() {
            return Err(Error::Empty { role: "input" });
        }
        PointCloud::check(positions)?;
        Ok(Self { positions, weights: None, total: 1.0 })
    }

    /// Every point with a weight of its own. The total may be any positive number.
    ///
    /// # Errors
    /// As [`uniform`](Self::uniform); [`Error::ColumnLength`] unless there is one weight per point,
    /// [`Error::InvalidWeight`] for a weight that is negative or not finite, [`Error::NoMass`] if all
    /// are zero, [`Error::InvalidOption`] if their total overflows.
    pub fn weighted(positions: &'a [Point3<f64>], weights: &'a [f64]) -> Result<Self> {
        let measure = Self::uniform(positions)?;
        let total = total_weight("weights", weights, positions.len())?;
        Ok(Self { weights: Some(weights), total, ..measure })
    }

    /// Number of points, at least one.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Positions \[m\].
    pub fn positions(&self) -> &'a [Point3<f64>] {
        self.positions
    }

    /// Weight of one point.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    pub fn weight(&self, index: usize) -> f64 {
        match self.weights {
            Some(weights) => weights[index],
            None => {
                assert!(index < self.len(), "index {index} of {} points", self.len());
                1.0 / self.len() as f64
            }
        }
    }

    /// The weights, if any were given.
    pub(crate) fn weights(&self) -> Option<&'a [f64]> {
        self.weights
    }

    /// Whether every point has the weight 1/n because none were given.
    pub(crate) fn is_uniform(&self) -> bool {
        self.weights.is_none()
    }

    /// Sum of the weights, above zero.
    pub fn total(&self) -> f64 {
        self.total
    }
}

/// The sum of weights, above zero, if they are fit to be weights.
pub(crate) fn total_weight(column: &'static str, weights: &[f64], expected: usize) -> Result<f64> {
    if weights.len() != expected {
        return Err(Error::ColumnLength { column, expected, got: weights.len() });
    }
    if let Some(index) = weights.iter().position(|&weight| !(weight.is_finite() && weight >= 0.0)) {
        return Err(Error::InvalidWeight { role: "input", index, got: weights[index] });
    }
    let total: f64 = weights.iter().sum();
    if total == 0.0 {
        return Err(Error::NoMass { role: "input" });
    }
    if !total.is_finite() {
        return Err(Error::InvalidOption { name: "total weight", requirement: "finite", got: total });
    }
    Ok(total)
}

/// Relative difference of totals that is taken for rounding and scaled away.
const TOTAL_TOLERANCE: f64 = 1e-9;

/// Whether totals differ by no more than rounding.
pub(crate) fn are_equal_totals(source_total: f64, target_total: f64) -> bool {
    (source_total - target_total).abs() <= TOTAL_TOLERANCE * source_total.max(target_total)
}

/// Accepts totals between which all mass can be moved.
pub(crate) fn require_equal_totals(source_total: f64, target_total: f64) -> Result<()> {
    if !are_equal_totals(source_total, target_total) {
        return Err(Error::UnequalTotals { source_total, target_total });
    }
    Ok(())
}

/// Beyond, units in which the larger total is counted are too coarse for the smaller one.
const LARGEST_RATIO: f64 = 1e9;

/// Accepts totals of which one is not lost beside the other.
pub(crate) fn require_comparable_totals(source_total: f64, target_total: f64) -> Result<()> {
    let ratio = source_total.max(target_total) / source_total.min(target_total);
    if ratio > LARGEST_RATIO {
        let requirement = "of totals of which one is at most 10⁹ times the other";
        return Err(Error::InvalidOption { name: "weights", requirement, got: ratio });
    }
    Ok(())
}

/// Least part of a total that is worth moving: of smaller ones bounds on a mean over the moved mass would be as wide as the clouds.
const LEAST_PART: f64 = 1e-9;

/// Accepts a mass that both totals have.
pub(crate) fn require_available(mass: f64, source_total: f64, target_total: f64) -> Result<()> {
    let smaller = source_total.min(target_total);
    if !(mass >= LEAST_PART * smaller && mass > 0.0 && mass <= smaller * (1.0 + TOTAL_TOLERANCE)) {
        let requirement = "above 0 and at most the smaller total, and no less than 10⁻⁹ of it";
        return Err(Error::InvalidOption { name: "mass", requirement, got: mass });
    }
    Ok(())
}
