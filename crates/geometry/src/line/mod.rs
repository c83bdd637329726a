//! Transport between numbers, where sorting solves it.

mod divergence;
mod potential;
mod wasserstein;

pub use divergence::{jensen_shannon, kullback_leibler, total_variation};
pub use potential::KantorovichPotential;
pub use wasserstein::{Wasserstein1d, wasserstein_1d};

use crate::measure::total_weight;
use crate::{Error, Result};

/// Numbers with weights: samples, or the centres of a histogram's bins with their counts.
///
/// Borrows its columns. Transport is between the measures scaled to total 1, so that counts serve as they are.
///
/// ```
/// use barrow_geometry::LineMeasure;
///
/// let samples = LineMeasure::uniform(&[0.3, -1.0, 4.0])?;
/// let histogram = LineMeasure::weighted(&[0.5, 1.5, 2.5], &[20.0, 0.0, 5.0])?;
/// assert_eq!((samples.share(1), histogram.share(2)), (1.0 / 3.0, 0.2));
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineMeasure<'a> {
    positions: &'a [f64],
    weights: Option<&'a [f64]>,
    total: f64,
}

impl<'a> LineMeasure<'a> {
    /// Largest magnitude of a position: differences of two stay finite.
    pub const MAX_POSITION: f64 = f64::MAX / 4.0;

    /// Every number with the same weight.
    ///
    /// # Errors
    /// [`Error::Empty`] without numbers; [`Error::InvalidOption`] for one that is not finite or beyond
    /// [`MAX_POSITION`](Self::MAX_POSITION).
    pub fn uniform(positions: &'a [f64]) -> Result<Self> {
        if positions.is_empty() {
            return Err(Error::Empty { role: "input" });
        }
        let fits = |position: f64| position.abs() <= Self::MAX_POSITION;
        if let Some(&got) = positions.iter().find(|&&position| !fits(position)) {
            return Err(Error::InvalidOption {
                name: "position",
                requirement: "finite and below 4e307",
                got,
            });
        }
        Ok(Self { positions, weights: None, total: positions.len() as f64 })
    }

    /// Every number with a weight of its own.
    ///
    /// # Errors
    /// As [`uniform`](Self::uniform); [`Error::ColumnLength`], [`Error::InvalidWeight`], [`Error::NoMass`] for
    /// weights that are not one per number, are negative or not finite, or are all zero;
    /// [`Error::InvalidOption`] if their total overflows.
    pub fn weighted(positions: &'a [f64], weights: &'a [f64]) -> Result<Self> {
        let measure = Self::uniform(positions)?;
        let total = total_weight("weights", weights, positions.len())?;
        Ok(Self { weights: Some(weights), total, ..measure })
    }

    /// Number of positions, at least one.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// The numbers.
    pub fn positions(&self) -> &'a [f64] {
        self.positions
    }

    /// Weight of one number as a share of the total.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    pub fn share(&self, index: usize) -> f64 {
        assert!(index < self.len(), "index {index} of {} numbers", self.len());
        self.weights.map_or(1.0, |weights| weights[index]) / self.total
    }

    /// Indices of the numbers that have mass, by increasing position, then index.
    fn sorted(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len()).filter(|&index| self.share(index) > 0.0).collect();
        order.sort_by(|&a, &b| self.positions[a].total_cmp(&self.positions[b]));
        order
    }
}
