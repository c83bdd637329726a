//! Chamfer distance: how far apart two clouds are, point by nearest point.

use nalgebra::Point3;
use rayon::prelude::*;

use crate::{Error, KdTree, PointCloud, Result, fold_ordered};

/// Distances from every point of one cloud to the nearest point of the other \[m\].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct DirectedChamfer {
    /// Mean distance \[m\].
    pub mean: f64,
    /// Mean of the squared distances \[m²\].
    pub mean_of_squares: f64,
    /// Root of the mean of the squared distances \[m\].
    pub rms: f64,
    /// Median: the smallest distance that at least half of the points do not exceed \[m\].
    pub median: f64,
    /// The smallest distance that at least 95 % of the points do not exceed \[m\].
    pub percentile_95: f64,
    /// Largest distance: the directed Hausdorff distance \[m\].
    pub maximum: f64,
    /// Index of the (first) point with the largest distance, in the cloud measured from.
    pub maximum_from: usize,
    /// Index of its nearest point, in the cloud measured to.
    pub maximum_to: usize,
}

/// Both directions of the Chamfer distance.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Chamfer {
    /// Average of the two directed means \[m\].
    pub value: f64,
    /// From every source point to the target.
    pub source_to_target: DirectedChamfer,
    /// From every target point to the source.
    pub target_to_source: DirectedChamfer,
}

/// The Chamfer distance between two clouds, with the statistics of both directions.
///
/// With d(x, Y) the distance from x to its nearest point of Y,
///
/// ```text
/// value = ½ ( 1/n Σ_i d(x_i, Y) + 1/m Σ_j d(y_j, X) )
/// ```
///
/// Conventions differ. This is the *average of the two directed means of unsquared distances*. The sum
/// of the two (Chamfer-L1 of Mescheder et al., taken without its ½) is twice the value; the sum of mean
/// squared distances (Fan et al., Chamfer-L2) is
/// `source_to_target.mean_of_squares + target_to_source.mean_of_squares`; the larger `maximum` is the
/// Hausdorff distance.
///
/// # Units
/// Metres, or the unit of the clouds.
///
/// # Errors
/// [`Error::Empty`] if a cloud has no points: there is no distance to nothing.
///
/// # Determinism
/// The same bits on any number of threads.
///
/// # References
/// Fan, Su, Guibas, *A point set generation network for 3D object reconstruction*, CVPR 2017;
/// Mescheder et al., *Occupancy networks*, CVPR 2019.
///
/// ```
/// use barrow_geometry::{PointCloud, chamfer};
/// use nalgebra::Point3;
///
/// let source = PointCloud::new(vec![Point3::origin(), Point3::new(1.0, 0.0, 0.0)])?;
/// let target = PointCloud::new(vec![Point3::new(0.0, 0.5, 0.0)])?;
/// let distance = chamfer(&source, &target)?;
/// assert_eq!(distance.target_to_source.mean, 0.5);
/// assert_eq!(distance.source_to_target.maximum_from, 1);
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
pub fn chamfer(source: &PointCloud, target: &PointCloud) -> Result<Chamfer> {
    for (role, cloud) in [("source", source), ("target", target)] {
        if cloud.is_empty() {
            return Err(Error::Empty { role });
        }
    }
    let source_to_target = directed(source.positions(), target.positions());
    let target_to_source = directed(target.positions(), source.positions());
    let value = 0.5 * (source_to_target.mean + target_to_source.mean);
    Ok(Chamfer { value, source_to_target, target_to_source })
}

/// Statistics of the distances from every point of `from` to the nearest of `to`; neither is empty.
fn directed(from: &[Point3<f64>], to: &[Point3<f64>]) -> DirectedChamfer {
    let tree = KdTree::new(to);
    let nearest: Vec<(f64, usize)> = from
        .par_iter()
        .map(|point| match tree.nearest(point) {
            // The distance anew: the root of a sum of squares that cannot overflow or vanish.
            Some(neighbor) => (distance(point, &to[neighbor.index]), neighbor.index),
            None => (f64::INFINITY, 0),
        })
        .collect();
    let count = from.len() as f64;
    let (sum, sum_of_squares) = fold_ordered(
        nearest.len(),
        |range| nearest[range].iter().fold((0.0, 0.0), |(sum, squares), &(d, _)| (sum + d, squares + d * d)),
        |a, b| (a.0 + b.0, a.1 + b.1),
    )
    .unwrap_or_default();
    let farther = |best: usize, index: usize| if nearest[index].0 > nearest[best].0 { index } else { best };
    let maximum_from = (0..nearest.len()).fold(0, farther);
    let mean_of_squares = sum_of_squares / count;
    let mut distances: Vec<f64> = nearest.iter().map(|&(d, _)| d).collect();
    let mut quantile = |fraction: f64| {
        let rank = ((fraction * count).ceil() as usize).clamp(1, distances.len());
        *distances.select_nth_unstable_by(rank - 1, f64::total_cmp).1
    };
    DirectedChamfer {
        mean: sum / count,
        mean_of_squares,
        rms: mean_of_squares.sqrt(),
        median: quantile(0.5),
        percentile_95: quantile(0.95),
        maximum: nearest[maximum_from].0,
        maximum_from,
        maximum_to: nearest[maximum_from].1,
    }
}

/// Distance scaled by the largest difference, so that tiny and huge clouds keep all digits.
fn distance(a: &Point3<f64>, b: &Point3<f64>) -> f64 {
    let difference = a - b;
    let largest = difference.amax();
    if largest == 0.0 { 0.0 } else { largest * (difference / largest).norm() }
}
