//! One direction: the two columns, and the weights of the points.

use nalgebra::Point3;
use rayon::prelude::*;

use crate::{Backend, Error, KdTree, Measure, Result, fold_ordered};

/// Squares below this may have lost digits on the way to zero, and squares above that may be about to
/// overflow: there distances are computed anew from the points.
pub(super) const SAFE_SQUARES: std::ops::Range<f64> = 1e-290..1e290;

/// Totals of weights outside of this range are brought to 1, so that no product with a distance overflows
/// or vanishes; within it weights stay as they came, whole numbers exact.
const SAFE_TOTALS: std::ops::Range<f64> = 1e-100..1e100;

/// Distances from every point of one cloud to the nearest point of another.
///
/// Two columns in the order of the points, and statistics computed when asked for. Where the points have
/// weights, every mean, quantile and share below is one of the weight; see
/// [`NearestDistances`](crate::NearestDistances#weights).
///
/// # Units
/// Metres, or the unit of the clouds.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectedDistances {
    pub(super) distances: Vec<f64>,
    /// 32 bits: half the memory of a `usize`, and sizes are checked before.
    pub(super) nearest: Vec<u32>,
    /// Number of points of the cloud measured to.
    onto: usize,
    pub(super) weights: Option<Weights>,
}

/// Weights and their sum, which is neither tiny nor huge.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    pub(super) column: Vec<f64>,
    total: f64,
}

impl DirectedDistances {
    pub(super) fn search(
        from: &[Point3<f64>],
        from_tree: &KdTree,
        to: &[Point3<f64>],
        to_tree: &KdTree,
        backend: &Backend,
    ) -> Result<Self> {
        let (mut distances, nearest) = to_tree.nearest_columns_on(from_tree, backend)?;
        if nearest.len() != from.len() {
            let (expected, got) = (from.len(), nearest.len());
            return Err(Error::ColumnLength { column: "tree", expected, got });
        }
        if let Some(&bad) = nearest.par_iter().find_first(|&&partner| partner as usize >= to.len()) {
            return Err(Error::ColumnLength { column: "tree", expected: to.len(), got: bad as usize + 1 });
        }
        let columns = distances.par_iter_mut().zip(&nearest).zip(from);
        columns.for_each(|((distance, &partner), point)| {
            *distance = length(*distance, point, &to[partner as usize]);
        });
        Ok(Self { distances, nearest, onto: to.len(), weights: None })
    }

    /// The same with the partners named by their indices in a larger cloud.
    pub(super) fn renamed(mut self, indices: &[u32], onto: usize) -> Self {
        self.nearest.par_iter_mut().for_each(|partner| *partner = indices[*partner as usize]);
        Self { onto, ..self }
    }

    /// The same with the weights of the points measured from.
    pub(super) fn weighted(self, measure: &Measure) -> Self {
        if measure.is_uniform() {
            return self;
        }
        let scale = if SAFE_TOTALS.contains(&measure.total()) { 1.0 } else { measure.total() };
        // A point that is there stays there, however little it weighs.
        let scaled = |weight: f64| if weight > 0.0 { (weight / scale).max(f64::MIN_POSITIVE) } else { 0.0 };
        let column: Vec<f64> =
            (0..measure.len()).into_par_iter().map(|index| scaled(measure.weight(index))).collect();
        let total = fold_ordered(column.len(), |range| column[range].iter().sum(), |a: f64, b| a + b);
        let weights = Some(Weights { column, total: total.unwrap_or(0.0) });
        Self { weights, ..self }
    }

    /// Number of points measured from.
    #[allow(clippy::len_without_is_empty)] // Never empty.
    pub fn len(&self) -> usize {
        self.distances.len()
    }

    /// Number of points of the cloud measured to.
    pub fn onto(&self) -> usize {
        self.onto
    }

    /// The distance of every point \[m\], in the order of the points.
    pub fn distances(&self) -> &[f64] {
        &self.distances
    }

    /// Index of every point's nearest point in the other cloud.
    pub fn nearest(&self) -> &[u32] {
        &self.nearest
    }

    /// The weights of the points up to a common factor; `None` if all count the same.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_ref().map(|weights| weights.column.as_slice())
    }

    /// Number of points, or the sum of their weights.
    pub(super) fn total(&self) -> f64 {
        self.weights.as_ref().map_or(self.len() as f64, |weights| weights.total)
    }

    /// Weight of one point.
    pub(super) fn weight(&self, index: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights.column[index])
    }
}

/// The distance to a neighbour that was found, all digits kept at any scale.
fn length(squared: f64, point: &Point3<f64>, nearest: &Point3<f64>) -> f64 {
    if SAFE_SQUARES.contains(&squared) {
        return squared.sqrt();
    }
    let difference = point - nearest;
    let largest = difference.amax();
    if largest == 0.0 { 0.0 } else { largest * (difference / largest).norm() }
}
