//! Matches by nearest neighbour.

use std::sync::Arc;

use barrow_geometry::PointCloud;
use nalgebra::{Isometry3, Point3};
use rayon::prelude::*;

use crate::error::require_positive;
use crate::surface::Surface;
use crate::{Correspondence, Matcher, Result};

/// Pairs every source point with its nearest target point, if that is within `max_distance`.
///
/// ```
/// use barrow_geometry::PointCloud;
/// use barrow_registration::{Matcher, NearestMatcher};
/// use nalgebra::{Isometry3, Point3};
///
/// let target = PointCloud::new(vec![Point3::origin(), Point3::new(1.0, 0.0, 0.0)])?;
/// let mut matcher = NearestMatcher::new(&target, 0.5)?;
/// let source = [Point3::new(0.9, 0.0, 0.0), Point3::new(7.0, 0.0, 0.0)];
/// let pairs = matcher.correspond(&source, &Isometry3::identity())?;
/// assert_eq!((pairs.len(), pairs[0].target.x), (1, 1.0));
/// # Ok::<(), barrow_registration::Error>(())
/// ```
pub struct NearestMatcher {
    target: Arc<Surface>,
    max_distance: f64,
}

impl NearestMatcher {
    /// A matcher over a target cloud; normals are estimated if it has none.
    ///
    /// # Errors
    /// If the target is empty, or `max_distance` \[m\] is not finite and positive.
    pub fn new(target: &PointCloud, max_distance: f64) -> Result<Self> {
        require_positive("max_distance", max_distance)?;
        Ok(Self::over(Surface::of_target(target)?, max_distance))
    }

    pub(crate) fn over(target: Arc<Surface>, max_distance: f64) -> Self {
        Self { target, max_distance }
    }
}

impl Matcher for NearestMatcher {
    fn correspond(
        &mut self,
        source: &[Point3<f64>],
        target_from_source: &Isometry3<f64>,
    ) -> Result<Vec<Correspondence>> {
        let limit = self.max_distance * self.max_distance;
        let target = &self.target;
        Ok(source
            .par_iter()
            .enumerate()
            .filter_map(|(source, point)| {
                let found = target.tree.nearest(&(target_from_source * point))?;
                (found.distance_squared <= limit).then(|| Correspondence {
                    source,
                    target: target.positions[found.index],
                    normal: target.normals.as_ref().map(|normals| normals[found.index]),
                    weight: 1.0,
                })
            })
            .collect())
    }
}
