//! Statistics over the distances of one direction, each computed when asked for.

use rayon::prelude::*;

use super::directed::{DirectedDistances, SAFE_SQUARES};
use super::quantile;
use crate::error::require_positive;
use crate::{Error, Result, fold_ordered};

/// Distances counted at a time; enough that making room for the counts does not show.
const PART: usize = 1 << 15;

/// The point that lies farthest from the other cloud, with its partner there.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Farthest {
    /// Its distance: the directed Hausdorff distance \[m\].
    pub distance: f64,
    /// Index of the (first) point with this distance, in the cloud measured from.
    pub from: usize,
    /// Index of its nearest point, in the cloud measured to.
    pub to: usize,
}

impl DirectedDistances {
    /// Mean distance Σ w d / Σ w \[m\].
    pub fn mean(&self) -> f64 {
        self.mean_of(|distance| distance)
    }

    /// Mean of the squared distances Σ w d² / Σ w \[m²\].
    ///
    /// Below about 1e-308 a square is zero whatever the distance; [`rms`](Self::rms) is not.
    pub fn mean_of_squares(&self) -> f64 {
        let mean = self.mean_of(|distance| distance * distance);
        // A sum of squares may overflow where their mean does not.
        if mean.is_finite() { mean } else { self.rms().powi(2) }
    }

    /// Root of the mean of the squared distances \[m\].
    pub fn rms(&self) -> f64 {
        self.root(self.mean_of(|distance| distance * distance))
    }

    /// The root of a mean of squares, found another way where squares overflow or vanish.
    pub(super) fn root(&self, mean: f64) -> f64 {
        if SAFE_SQUARES.contains(&mean) {
            return mean.sqrt();
        }
        let largest = self.maximum().distance;
        if largest == 0.0 {
            return 0.0;
        }
        largest * self.mean_of(|distance| (distance / largest) * (distance / largest)).sqrt()
    }

    /// The largest distance with the first point that has it; points of weight zero are not asked.
    ///
    /// The directed Hausdorff distance. One outlier decides it; [`percentile_95`](Self::percentile_95) is
    /// the usual robust companion.
    pub fn maximum(&self) -> Farthest {
        let (largest, begin) = match &self.weights {
            None => self.largest(|_| true),
            Some(weights) => self.largest(|index| weights.column[index] > 0.0),
        };
        let first = |&index: &usize| self.distances[index] == largest && self.weight(index) > 0.0;
        // There is always a point of positive weight.
        let from = (begin..self.len()).find(first).unwrap_or(begin);
        Farthest { distance: self.distances[from], from, to: self.nearest[from] as usize }
    }

    /// The smallest distance d such that at least this fraction of the points (of their weight) lies at or
    /// below d \[m\].
    ///
    /// A distance that occurs, never one interpolated between two. Fraction 0 gives the smallest distance,
    /// fraction 1 the largest. A share that misses the fraction by rounding alone, less than a part in
    /// 10¹², counts as reaching it.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] unless the fraction is within [0, 1].
    ///
    /// ```
    /// use barrow_geometry::{NearestDistances, PointCloud};
    /// use nalgebra::Point3;
    ///
    /// let line = |xs: &[f64]| PointCloud::new(xs.iter().map(|&x| Point3::new(x, 0.0, 0.0)).collect());
    /// let nearest = NearestDistances::between(&line(&[1.0, 2.0, 3.0, 10.0])?, &line(&[0.0])?)?;
    /// assert_eq!(nearest.source_to_target().quantile(0.75)?, 3.0);
    /// # Ok::<(), barrow_geometry::Error>(())
    /// ```
    pub fn quantile(&self, fraction: f64) -> Result<f64> {
        Ok(self.quantiles(&[fraction])?[0])
    }

    /// [`quantile`](Self::quantile) for several fractions at once, for about the price of one.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] unless every fraction is within [0, 1].
    pub fn quantiles(&self, fractions: &[f64]) -> Result<Vec<f64>> {
        for &got in fractions {
            if !(0.0..=1.0).contains(&got) {
                return Err(Error::InvalidOption { name: "fraction", requirement: "within [0, 1]", got });
            }
        }
        Ok(self.quantiles_of(fractions))
    }

    fn quantiles_of(&self, fractions: &[f64]) -> Vec<f64> {
        match &self.weights {
            None => quantile::by_count(&self.distances, fractions),
            Some(weights) => quantile::by_weight(&self.distances, &weights.column, fractions),
        }
    }

    /// The distance that at least half of the points do not exceed \[m\].
    pub fn median(&self) -> f64 {
        self.quantiles_of(&[0.5])[0]
    }

    /// The distance that at least 95 % of the points do not exceed \[m\].
    pub fn percentile_95(&self) -> f64 {
        self.quantiles_of(&[0.95])[0]
    }

    /// Median and 95th percentile from one walk.
    pub(super) fn median_and_percentile_95(&self) -> (f64, f64) {
        let found = self.quantiles_of(&[0.5, 0.95]);
        (found[0], found[1])
    }

    /// Share of the points whose distance is at most `radius`, the radius itself included; in [0, 1].
    ///
    /// # Errors
    /// [`Error::InvalidOption`] unless the radius is finite and positive.
    pub fn share_within(&self, radius: f64) -> Result<f64> {
        Ok(self.shares_within(&[radius])?[0])
    }

    /// [`share_within`](Self::share_within) for several radii in one walk, in the order of the radii.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] unless every radius is finite and positive.
    pub fn shares_within(&self, radii: &[f64]) -> Result<Vec<f64>> {
        for &radius in radii {
            require_positive("radius", radius)?;
        }
        let mut sorted = radii.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        // For a few radii to compare with all of them is faster than to branch.
        let first = |distance: f64| match sorted.len() {
            0..=16 => sorted.iter().map(|&radius| usize::from(radius < distance)).sum(),
            _ => sorted.partition_point(|&radius| radius < distance),
        };
        // By every radius the weight of the points that it is the first to reach; beyond, those of none.
        let mut reached = match &self.weights {
            None => self.counts(sorted.len() + 1, first),
            Some(weights) => {
                let mut reached = vec![0.0; sorted.len() + 1];
                let columns = self.distances.iter().zip(&weights.column);
                columns.for_each(|(&distance, weight)| reached[first(distance)] += weight);
                reached
            }
        };
        for index in 1..reached.len() {
            reached[index] += reached[index - 1];
        }
        // Summed in the same order as the shares, so that all within is exactly 1.
        let total = reached.last().copied().unwrap_or(1.0);
        let share = |radius: &f64| reached[sorted.partition_point(|other| other < radius)] / total;
        Ok(radii.iter().map(share).collect())
    }

    /// The largest distance of the points that are there, and where to begin to look for it.
    fn largest(&self, there: impl Fn(usize) -> bool + Sync) -> (f64, usize) {
        // Without an index to carry along, a part is a chain of maxima; none at all is below zero.
        let part = |range: std::ops::Range<usize>| {
            let columns = self.distances[range.clone()].iter().zip(range.clone());
            let distances = columns.filter(|(_, index)| there(*index)).map(|(&distance, _)| distance);
            (distances.fold(-1.0, |a, b| if b > a { b } else { a }), range.start)
        };
        let larger = |a: (f64, usize), b: (f64, usize)| if b.0 > a.0 { b } else { a };
        fold_ordered(self.len(), part, larger).unwrap_or((0.0, 0))
    }

    /// Number of points by class. Counts are whole, so their sums do not depend on how the work was split.
    fn counts(&self, classes: usize, class: impl Fn(f64) -> usize + Sync) -> Vec<f64> {
        let count = |mut counts: Vec<u64>, part: &[f64]| {
            part.iter().for_each(|&distance| counts[class(distance)] += 1);
            counts
        };
        let add = |mut counts: Vec<u64>, others: Vec<u64>| {
            counts.iter_mut().zip(others).for_each(|(count, other)| *count += other);
            counts
        };
        let parts = self.distances.par_chunks(PART).fold(|| vec![0; classes], count);
        parts.reduce_with(add).unwrap_or_default().into_iter().map(|count| count as f64).collect()
    }

    /// Weighted mean of a function of the distance.
    fn mean_of(&self, value: impl Fn(f64) -> f64 + Sync) -> f64 {
        let sum = match &self.weights {
            None => fold_ordered(
                self.len(),
                |range| self.distances[range].iter().map(|&distance| value(distance)).sum(),
                |a: f64, b| a + b,
            ),
            Some(weights) => fold_ordered(
                self.len(),
                |range| {
                    let columns = self.distances[range.clone()].iter().zip(&weights.column[range]);
                    columns.map(|(&distance, weight)| weight * value(distance)).sum()
                },
                |a: f64, b| a + b,
            ),
        };
        sum.unwrap_or(0.0) / self.total()
    }
}
