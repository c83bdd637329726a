//! Hausdorff distance: how far the worst point lies off.

use super::{Farthest, NearestDistances};
use crate::{PointCloud, Result};

/// Both directions of the Hausdorff distance.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Hausdorff {
    /// The larger of the two directed maxima \[m\].
    pub value: f64,
    /// The source point that lies farthest from the target.
    pub source_to_target: Farthest,
    /// The target point that lies farthest from the source.
    pub target_to_source: Farthest,
}

/// The Hausdorff distance between two clouds, with the points that attain it.
///
/// With d(x, Y) the distance from x to its nearest point of Y,
///
/// ```text
/// value = max( max_i d(x_i, Y), max_j d(y_j, X) )
/// ```
///
/// Of several points at the same largest distance the first is named.
///
/// # Units
/// Metres, or the unit of the clouds.
///
/// # Errors
/// As [`NearestDistances::between`].
///
/// # Determinism
/// The same bits on any number of threads.
///
/// # References
/// Huttenlocher, Klanderman, Rucklidge, *Comparing images using the Hausdorff distance*, IEEE TPAMI 1993.
///
/// ```
/// use barrow_geometry::{PointCloud, hausdorff};
/// use nalgebra::Point3;
///
/// let source = PointCloud::new(vec![Point3::origin(), Point3::new(3.0, 0.0, 0.0)])?;
/// let target = PointCloud::new(vec![Point3::new(1.0, 0.0, 0.0)])?;
/// let distance = hausdorff(&source, &target)?;
/// assert_eq!((distance.value, distance.source_to_target.from), (2.0, 1));
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
pub fn hausdorff(source: &PointCloud, target: &PointCloud) -> Result<Hausdorff> {
    Ok(NearestDistances::between(source, target)?.hausdorff())
}

impl NearestDistances {
    /// The Hausdorff distance; see [`hausdorff`]. Points of weight zero are not there.
    pub fn hausdorff(&self) -> Hausdorff {
        let source_to_target = self.source_to_target.maximum();
        let target_to_source = self.target_to_source.maximum();
        let value = source_to_target.distance.max(target_to_source.distance);
        Hausdorff { value, source_to_target, target_to_source }
    }
}
