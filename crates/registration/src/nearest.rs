//! Matches by nearest neighbour.

use std::sync::Arc;

use barrow_geometry::{BatchSearch, KdTree, Neighbor, PointCloud};
use nalgebra::{Isometry3, Point3};
use rayon::prelude::*;

use crate::error::require_positive;
use crate::surface::Surface;
use crate::{Correspondence, Matcher, Result};

/// Points whose pairs are written down by one thread.
const SEQUENTIAL: usize = 2048;

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
    last: Option<Last>,
}

/// The last search: the next pose usually moves the same points, and not far.
struct Last {
    source: Grouped,
    /// Index of the target point that each source point met.
    found: Vec<usize>,
}

/// Source points grouped in space, once for all poses.
enum Grouped {
    Surface(Arc<Surface>),
    Points(Vec<Point3<f64>>, KdTree),
}

impl Grouped {
    fn tree(&self) -> &KdTree {
        match self {
            Self::Surface(surface) => &surface.tree,
            Self::Points(_, tree) => tree,
        }
    }

    fn positions(&self) -> &[Point3<f64>] {
        match self {
            Self::Surface(surface) => &surface.positions,
            Self::Points(points, _) => points,
        }
    }

    fn holds(&self, source: &[Point3<f64>]) -> bool {
        let own = self.positions();
        std::ptr::eq(own, source) || own == source
    }
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
        Self { target, max_distance, last: None }
    }

    /// A matcher for one source, whose tree is there already.
    pub(crate) fn between(source: Arc<Surface>, target: Arc<Surface>, max_distance: f64) -> Self {
        let last = Last { source: Grouped::Surface(source), found: Vec::new() };
        Self { target, max_distance, last: Some(last) }
    }
}

impl Matcher for NearestMatcher {
    fn correspond(
        &mut self,
        source: &[Point3<f64>],
        target_from_source: &Isometry3<f64>,
    ) -> Result<Vec<Correspondence>> {
        let target = &self.target;
        let mut last = match self.last.take() {
            Some(last) if last.source.holds(source) => last,
            _ => Last { source: Grouped::Points(source.to_vec(), KdTree::new(source)), found: Vec::new() },
        };
        let search = BatchSearch {
            max_distance: self.max_distance,
            guesses: Some(&last.found),
            pose: Some(*target_from_source),
        };
        let found = target.tree.nearest_all(last.source.tree(), &search);
        let nobody = target.positions.len();
        last.found.clear();
        last.found.extend(found.iter().map(|found| found.map_or(nobody, |found| found.index)));
        self.last = Some(last);
        let matched = |(source, found): (usize, Option<Neighbor>)| {
            found.map(|found| Correspondence {
                source,
                target: target.positions[found.index],
                normal: target.normals.as_ref().map(|normals| normals[found.index]),
                weight: 1.0,
            })
        };
        Ok(found.into_par_iter().with_min_len(SEQUENTIAL).enumerate().filter_map(matched).collect())
    }
}
