//! F-score: how much of each cloud the other one reaches.

use super::NearestDistances;
use crate::{PointCloud, Result};

/// Precision, recall and their harmonic mean at one radius, each in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct FScore {
    /// Distance up to which a point counts as found \[m\].
    pub radius: f64,
    /// Share of the **source** points within the radius of the target: how much of it is right.
    pub precision: f64,
    /// Share of the **target** points within the radius of the source: how much of it is there.
    pub recall: f64,
    /// Harmonic mean of both; 0 if both are 0.
    pub f_score: f64,
}

impl FScore {
    fn new(radius: f64, precision: f64, recall: f64) -> Self {
        let sum = precision + recall;
        let f_score = if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 };
        Self { radius, precision, recall, f_score }
    }
}

/// Precision, recall and F-score of a reconstruction, at every radius asked for, in their order.
///
/// The source is the reconstruction, the target the ground truth. With d(x, Y) the distance from x to its
/// nearest point of Y,
///
/// ```text
/// precision(r) = share of x_i with d(x_i, Y) ≤ r
/// recall(r)    = share of y_j with d(y_j, X) ≤ r
/// f_score(r)   = 2 precision recall / (precision + recall)
/// ```
///
/// Conventions differ. A distance of exactly r counts here; Knapitsch et al. count d < r. They also give
/// per cent, and some code for point completion compares *squared* distances with its threshold, so that
/// its 1e-4 is a radius of 1e-2. Exchanging the clouds exchanges precision and recall and keeps the F-score.
///
/// # Units
/// Radii in metres or the unit of the clouds; the rest are shares.
///
/// # Errors
/// As [`NearestDistances::between`]; [`Error::InvalidOption`](crate::Error::InvalidOption) unless every
/// radius is finite and positive.
///
/// # Determinism
/// The same bits on any number of threads.
///
/// # References
/// Knapitsch, Park, Zhou, Koltun, *Tanks and Temples: benchmarking large-scale scene reconstruction*,
/// ACM Transactions on Graphics 2017, section 4.
///
/// ```
/// use barrow_geometry::{PointCloud, f_score};
/// use nalgebra::Point3;
///
/// let source = PointCloud::new(vec![Point3::origin(), Point3::new(9.0, 0.0, 0.0)])?;
/// let target = PointCloud::new(vec![Point3::new(0.1, 0.0, 0.0)])?;
/// let [fine, coarse] = f_score(&source, &target, &[0.05, 0.2])?[..] else { unreachable!() };
/// assert_eq!(fine.f_score, 0.0);
/// assert_eq!((coarse.precision, coarse.recall), (0.5, 1.0));
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
pub fn f_score(source: &PointCloud, target: &PointCloud, radii: &[f64]) -> Result<Vec<FScore>> {
    NearestDistances::between(source, target)?.f_scores(radii)
}

impl NearestDistances {
    /// Precision, recall and F-score at one radius; see [`f_score`].
    ///
    /// # Errors
    /// [`Error::InvalidOption`](crate::Error::InvalidOption) unless the radius is finite and positive.
    pub fn f_score(&self, radius: f64) -> Result<FScore> {
        Ok(self.f_scores(&[radius])?[0])
    }

    /// Precision, recall and F-score at any number of radii in one walk, in their order; see [`f_score`].
    ///
    /// # Errors
    /// [`Error::InvalidOption`](crate::Error::InvalidOption) unless every radius is finite and positive.
    pub fn f_scores(&self, radii: &[f64]) -> Result<Vec<FScore>> {
        let precisions = self.source_to_target.shares_within(radii)?;
        let recalls = self.target_to_source.shares_within(radii)?;
        let both = precisions.into_iter().zip(recalls);
        Ok(radii.iter().zip(both).map(|(&radius, (p, r))| FScore::new(radius, p, r)).collect())
    }
}
