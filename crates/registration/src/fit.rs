//! How well a pose lays one cloud onto the other.

use barrow_geometry::{BatchSearch, DirectedDistances, KdTree, NearestDistances, PointCloud, fold_ordered};
use nalgebra::Isometry3;

use crate::error::require_positive;
use crate::surface::Surface;
use crate::{Error, Result};

/// The agreement of a moved source with a target under a gate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Inliers ÷ **source** points.
    pub fitness: f64,
    /// Root mean square distance of the inliers to their nearest target point \[m\]; `None` without inliers.
    pub inlier_rmse: Option<f64>,
    /// Source points with a target point within the gate.
    pub inliers: usize,
    /// The smaller of the shares of source and of target points with a partner within the gate.
    pub overlap: f64,
}

impl Fit {
    /// The fit of a source that has been moved already, from its nearest distances: where those are known,
    /// nothing is searched again. Counts points; weights are not asked.
    ///
    /// # Errors
    /// If `max_distance` \[m\] is not finite and positive.
    ///
    /// ```
    /// use barrow_geometry::{NearestDistances, PointCloud};
    /// use barrow_registration::Fit;
    /// use nalgebra::Point3;
    ///
    /// let target = PointCloud::new(vec![Point3::origin(), Point3::new(1.0, 0.0, 0.0)])?;
    /// let moved = PointCloud::new(vec![Point3::new(0.125, 0.0, 0.0), Point3::new(9.0, 0.0, 0.0)])?;
    /// let fit = Fit::of_distances(&NearestDistances::between(&moved, &target)?, 0.2)?;
    /// assert_eq!((fit.inliers, fit.fitness, fit.inlier_rmse), (1, 0.5, Some(0.125)));
    /// # Ok::<(), barrow_registration::Error>(())
    /// ```
    pub fn of_distances(nearest: &NearestDistances, max_distance: f64) -> Result<Self> {
        require_positive("max_distance", max_distance)?;
        let within = |side: &DirectedDistances| {
            let part = |range: std::ops::Range<usize>| {
                let distances = side.distances()[range].iter().filter(|&&distance| distance <= max_distance);
                distances.fold((0, 0.0), |(count, sum), distance| (count + 1, sum + distance * distance))
            };
            fold_ordered(side.len(), part, |a, b| (a.0 + b.0, a.1 + b.1)).unwrap_or((0, 0.0))
        };
        let (source, target) = (nearest.source_to_target(), nearest.target_to_source());
        Ok(Self::new(within(source), source.len(), within(target).0, target.len()))
    }

    fn new((inliers, squares): (usize, f64), source: usize, partners: usize, target: usize) -> Self {
        let fitness = inliers as f64 / source as f64;
        Self {
            fitness,
            inlier_rmse: (inliers > 0).then(|| (squares / inliers as f64).sqrt()),
            inliers,
            overlap: fitness.min(partners as f64 / target as f64),
        }
    }
}

/// Measures a pose on the full clouds: a pair is an inlier within `max_distance` \[m\].
///
/// # Errors
/// If a cloud is empty, the pose is not finite, or `max_distance` is not finite and positive.
///
/// ```
/// use barrow_geometry::PointCloud;
/// use barrow_registration::evaluate;
/// use nalgebra::{Isometry3, Point3};
///
/// let target = PointCloud::new(vec![Point3::origin(), Point3::new(1.0, 0.0, 0.0)])?;
/// let source = PointCloud::new(vec![Point3::new(0.1, 0.0, 0.0), Point3::new(9.0, 0.0, 0.0)])?;
/// let fit = evaluate(&source, &target, &Isometry3::identity(), 0.2)?;
/// assert_eq!((fit.inliers, fit.fitness, fit.overlap), (1, 0.5, 0.5));
/// # Ok::<(), barrow_registration::Error>(())
/// ```
pub fn evaluate(
    source: &PointCloud,
    target: &PointCloud,
    target_from_source: &Isometry3<f64>,
    max_distance: f64,
) -> Result<Fit> {
    require_positive("max_distance", max_distance)?;
    require_finite(target_from_source)?;
    for (cloud, role) in [(source, "source"), (target, "target")] {
        if cloud.is_empty() {
            return Err(barrow_geometry::Error::Empty { role }.into());
        }
    }
    let (source, target) = (KdTree::new(source.positions()), KdTree::new(target.positions()));
    Ok(fit(&source, &target, target_from_source, max_distance))
}

/// [`evaluate`] at the resolution of two surfaces.
pub(crate) fn fit_of(
    source: &Surface,
    target: &Surface,
    target_from_source: &Isometry3<f64>,
    max_distance: f64,
) -> Fit {
    fit(&source.tree, &target.tree, target_from_source, max_distance)
}

fn fit(
    source_tree: &KdTree,
    target_tree: &KdTree,
    target_from_source: &Isometry3<f64>,
    max_distance: f64,
) -> Fit {
    let found = inliers(source_tree, target_tree, target_from_source, max_distance);
    let (partners, _) = inliers(target_tree, source_tree, &target_from_source.inverse(), max_distance);
    Fit::new(found, source_tree.len(), partners, target_tree.len())
}

/// Number of points with a neighbour within the gate, and the sum of their squared distances.
fn inliers(points: &KdTree, tree: &KdTree, pose: &Isometry3<f64>, max_distance: f64) -> (usize, f64) {
    let search = BatchSearch { max_distance, pose: Some(*pose), guesses: None };
    let found = tree.nearest_all(points, &search);
    let part = |range: std::ops::Range<usize>| {
        found[range]
            .iter()
            .flatten()
            .fold((0, 0.0), |(count, sum), found| (count + 1, sum + found.distance_squared))
    };
    fold_ordered(found.len(), part, |a, b| (a.0 + b.0, a.1 + b.1)).unwrap_or((0, 0.0))
}

pub(crate) fn require_finite(pose: &Isometry3<f64>) -> Result<()> {
    let finite = pose.translation.vector.iter().chain(pose.rotation.coords.iter()).all(|v| v.is_finite());
    if finite { Ok(()) } else { Err(Error::InvalidPose) }
}
