//! Chamfer distance: how far apart two clouds are, point by nearest point.

use super::{DirectedDistances, Farthest, NearestDistances};
use crate::{PointCloud, Result};

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
    /// Average of the two directed means of unsquared distances \[m\].
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
/// # Conventions
/// The literature calls four numbers the Chamfer distance. **The value here is the first**; with `forth` for
/// `source_to_target` and `back` for `target_to_source` the others are one line:
///
/// | | directions | distances | from the answer | unit |
/// |---|---|---|---|---|
/// | **this one** | average | as they are | `value` | m |
/// | | sum | as they are | `2.0 * value` | m |
/// | | average | squared | `0.5 * (forth.mean_of_squares + back.mean_of_squares)` | m² |
/// | | sum | squared | `forth.mean_of_squares + back.mean_of_squares` | m² |
///
/// The first is the Chamfer-L1 of Mescheder et al.; papers on completion and their code call the sum of squares
/// Chamfer-L2 (or Chamfer-T). Fan et al. also sum over the points instead of taking means: multiply the
/// directions of the last row by the numbers of their points.
///
/// # Units
/// Metres, or the unit of the clouds.
///
/// # Errors
/// As [`NearestDistances::between`]: [`Error::Empty`](crate::Error::Empty) if a cloud has no points.
///
/// # Determinism
/// The same bits on any number of threads.
///
/// # References
/// Fan, Su, Guibas, *A point set generation network for 3D object reconstruction*, CVPR 2017;
/// Mescheder, Oechsle, Niemeyer, Nowozin, Geiger, *Occupancy networks*, CVPR 2019.
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
    Ok(NearestDistances::between(source, target)?.chamfer())
}

impl NearestDistances {
    /// The Chamfer distance with the statistics of both directions; see [`chamfer`] for its conventions.
    ///
    /// Where the value alone is wanted, [`mean`](Self::mean) spares the rest.
    pub fn chamfer(&self) -> Chamfer {
        let source_to_target = DirectedChamfer::of(&self.source_to_target);
        let target_to_source = DirectedChamfer::of(&self.target_to_source);
        let value = 0.5 * (source_to_target.mean + target_to_source.mean);
        Chamfer { value, source_to_target, target_to_source }
    }
}

impl DirectedChamfer {
    fn of(side: &DirectedDistances) -> Self {
        let (median, percentile_95) = side.median_and_percentile_95();
        let Farthest { distance: maximum, from: maximum_from, to: maximum_to } = side.maximum();
        let mean_of_squares = side.mean_of_squares();
        Self {
            mean: side.mean(),
            mean_of_squares,
            rms: side.root(mean_of_squares),
            median,
            percentile_95,
            maximum,
            maximum_from,
            maximum_to,
        }
    }
}
