//! A cloud made ready for matching: with its tree and its normals.

use std::sync::{Arc, OnceLock};

use barrow_geometry::{KdTree, PointCloud, estimate_normals, voxel_downsample};
use nalgebra::{Point3, Translation3, Vector3};
use rayon::prelude::*;

use crate::Result;

/// Neighbours that define a normal; enough to average noise, few enough to follow curvature.
const NORMAL_NEIGHBORS: usize = 20;

/// Normals with this cosine between them are the same.
const SAME: f64 = 0.95;

/// Normals, at most, among which the same are counted.
const SAMPLE: usize = 500;

/// One cloud at one resolution.
pub(crate) struct Surface {
    /// Positions \[m\].
    pub positions: Vec<Point3<f64>>,
    /// Unit normals; `None` below three points, which do not span a plane.
    pub normals: Option<Vec<Vector3<f64>>>,
    /// Tree over the positions.
    pub tree: KdTree,
    rarity: OnceLock<Vec<f64>>,
}

impl Surface {
    /// The cloud at its own resolution, with its own normals if it has them.
    pub fn of(cloud: &PointCloud) -> Result<Self> {
        let tree = KdTree::new(cloud.positions());
        let normals = match cloud.normals() {
            Some(normals) => normals.iter().map(|normal| normal.try_normalize(0.0)).collect(),
            None => None,
        };
        let normals = match normals {
            // A normal that is zero or NaN says nothing: then all are estimated alike.
            Some(normals) => Some(normals),
            None if cloud.len() < 3 => None,
            None => Some(estimate_normals(cloud, &tree, NORMAL_NEIGHBORS, &Point3::origin())?),
        };
        Ok(Self { positions: cloud.positions().to_vec(), normals, tree, rarity: OnceLock::new() })
    }

    /// A weight for every point: the inverse of how many share its normal, up to 18° and without regard to sign.
    ///
    /// With them the ground and the fronts of a street count no more than the few things that stand in it.
    pub fn rarity(&self) -> &[f64] {
        self.rarity.get_or_init(|| match &self.normals {
            None => vec![1.0; self.positions.len()],
            Some(normals) => {
                let sample: Vec<_> = normals.iter().step_by(normals.len().div_ceil(SAMPLE).max(1)).collect();
                let share =
                    |one: &Vector3<f64>| sample.iter().filter(|other| one.dot(other).abs() > SAME).count();
                normals.par_iter().map(|one| 1.0 / (1.0 + share(one) as f64)).collect()
            }
        })
    }

    /// A target cloud for a matcher.
    pub fn of_target(cloud: &PointCloud) -> Result<Arc<Self>> {
        if cloud.is_empty() {
            return Err(barrow_geometry::Error::Empty { role: "target" }.into());
        }
        Self::of(cloud).map(Arc::new)
    }

    /// The cloud thinned to one point a voxel of `voxel_size` \[m\], with normals of that resolution.
    pub fn thinned(cloud: &PointCloud, voxel_size: f64) -> Result<Self> {
        let bare = PointCloud::new(voxel_downsample(cloud, voxel_size)?.positions().to_vec())?;
        Self::of(&bare)
    }
}

/// The positions moved to their own centroid, and the way back.
///
/// Every sum of the pose solver is then over numbers of the size of the cloud, wherever on Earth it lies.
pub(crate) fn centered(cloud: &PointCloud, role: &'static str) -> Result<(PointCloud, Translation3<f64>)> {
    let centroid = cloud.centroid().ok_or(barrow_geometry::Error::Empty { role })?;
    let positions = cloud.positions().iter().map(|point| (point - centroid).into()).collect();
    Ok((PointCloud::new(positions)?, Translation3::from(centroid)))
}
