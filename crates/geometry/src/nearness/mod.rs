//! Distances from every point of one cloud to the nearest point of another: one search per direction, and
//! every metric that stands on it.

mod chamfer;
mod density;
mod directed;
mod f_score;
mod hausdorff;
mod normals;
mod quantile;
mod statistics;

use nalgebra::Point3;
use rayon::prelude::*;

pub use self::chamfer::{Chamfer, DirectedChamfer, chamfer};
pub use self::density::DensityAwareChamfer;
pub use self::directed::DirectedDistances;
pub use self::f_score::{FScore, f_score};
pub use self::hausdorff::{Hausdorff, hausdorff};
pub use self::normals::{DirectedConsistency, NormalConsistency};
pub use self::statistics::Farthest;
use crate::{Backend, Error, KdTree, Measure, PointCloud, Result};

/// Nearest distances between two clouds in both directions, found once; every metric is a cheap method.
///
/// [`between`](Self::between) builds both trees and searches once per direction. What follows walks over
/// two columns: [`mean`](Self::mean) and [`chamfer`](Self::chamfer), [`hausdorff`](Self::hausdorff),
/// [`f_scores`](Self::f_scores) at any number of radii, [`normal_consistency`](Self::normal_consistency),
/// [`density_aware`](Self::density_aware), and by direction what [`DirectedDistances`] offers.
///
/// # Units
/// Metres, or the unit of the clouds. Points closer than 1e-154 of it are equally near: no `f64` holds their squares.
///
/// # Weights
/// Without weights every point counts the same. With them, means, quantiles and shares are taken over the
/// weight instead of the number of points; their scale does not matter. **A point of weight zero is not
/// there**: it is nobody's nearest point and counts in no statistic, the maximum included. Its own distance
/// still stands in the column, so that all of a cloud can be coloured by it.
///
/// # Determinism
/// The same bits on any number of threads. Which of several equally near points is the nearest one is
/// settled by [`KdTree`]: it touches indices, normal consistency and density awareness, never a distance.
///
/// ```
/// use barrow_geometry::{NearestDistances, PointCloud};
/// use nalgebra::Point3;
///
/// let source = PointCloud::new(vec![Point3::origin(), Point3::new(1.0, 0.0, 0.0)])?;
/// let target = PointCloud::new(vec![Point3::new(0.0, 0.5, 0.0)])?;
/// let nearest = NearestDistances::between(&source, &target)?;
/// assert_eq!(nearest.target_to_source().mean(), 0.5);
/// assert_eq!(nearest.source_to_target().maximum().from, 1);
/// assert_eq!(nearest.f_score(0.5)?.precision, 0.5);
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct NearestDistances {
    source_to_target: DirectedDistances,
    target_to_source: DirectedDistances,
}

impl NearestDistances {
    /// Searches both directions between two clouds whose points all count the same.
    ///
    /// # Errors
    /// [`Error::Empty`] if a cloud has no points: there is no distance to nothing. [`Error::TooManyPoints`]
    /// beyond what a 32-bit index can name.
    pub fn between(source: &PointCloud, target: &PointCloud) -> Result<Self> {
        Self::between_on(source, target, &Backend::Cpu)
    }

    /// [`between`](Self::between), with the same bits, wherever it runs.
    ///
    /// A device finds for every point a few that are probably the nearest, and proves that no other is; which of them it
    /// is, is decided in `f64`. Points for which that proof fails, those with many equally near others, are searched for
    /// on the processor, where the trees are built too.
    ///
    /// # Errors
    /// As [`between`](Self::between), and what can go wrong on a device.
    ///
    /// ```
    /// use barrow_geometry::{Backend, Gpu, NearestDistances, PointCloud};
    /// use nalgebra::Point3;
    ///
    /// let source = PointCloud::new(vec![Point3::origin(), Point3::new(1.0, 0.0, 0.0)])?;
    /// let target = PointCloud::new(vec![Point3::new(0.0, 0.5, 0.0)])?;
    /// let backend = Gpu::open().map_or(Backend::Cpu, Backend::Gpu);
    /// let nearest = NearestDistances::between_on(&source, &target, &backend)?;
    /// assert_eq!(nearest, NearestDistances::between(&source, &target)?);
    /// # Ok::<(), barrow_geometry::Error>(())
    /// ```
    pub fn between_on(source: &PointCloud, target: &PointCloud, backend: &Backend) -> Result<Self> {
        check_sizes(source.len(), target.len())?;
        let (source, target) = (source.positions(), target.positions());
        let (source_tree, target_tree) = rayon::join(|| KdTree::new(source), || KdTree::new(target));
        Self::search(source, &source_tree, target, &target_tree, backend)
    }

    /// Searches both directions with trees that exist already, each built over all positions of its cloud.
    ///
    /// # Errors
    /// As [`between`](Self::between); [`Error::ColumnLength`] if a tree holds another number of points than
    /// its cloud.
    pub fn with_trees(
        source: &PointCloud,
        source_tree: &KdTree,
        target: &PointCloud,
        target_tree: &KdTree,
    ) -> Result<Self> {
        check_sizes(source.len(), target.len())?;
        Self::search(source.positions(), source_tree, target.positions(), target_tree, &Backend::Cpu)
    }

    /// Searches both directions between points with weights; see [Weights](Self#weights).
    ///
    /// # Errors
    /// [`Error::TooManyPoints`] beyond what a 32-bit index can name; a [`Measure`] is never empty.
    pub fn between_measures(source: &Measure, target: &Measure) -> Result<Self> {
        Self::between_measures_on(source, target, &Backend::Cpu)
    }

    /// [`between_measures`](Self::between_measures), with the same bits, wherever it runs; see
    /// [`between_on`](Self::between_on).
    ///
    /// # Errors
    /// As [`between_measures`](Self::between_measures), and what can go wrong on a device.
    pub fn between_measures_on(source: &Measure, target: &Measure, backend: &Backend) -> Result<Self> {
        check_sizes(source.len(), target.len())?;
        let (from, onto) = rayon::join(|| Present::of(source), || Present::of(target));
        Ok(Self {
            source_to_target: from.to(&onto, source, target, backend)?,
            target_to_source: onto.to(&from, target, source, backend)?,
        })
    }

    fn search(
        source: &[Point3<f64>],
        source_tree: &KdTree,
        target: &[Point3<f64>],
        target_tree: &KdTree,
        backend: &Backend,
    ) -> Result<Self> {
        // One after the other: each is parallel within, and what the search returns is dropped between them.
        Ok(Self {
            source_to_target: DirectedDistances::search(source, source_tree, target, target_tree, backend)?,
            target_to_source: DirectedDistances::search(target, target_tree, source, source_tree, backend)?,
        })
    }

    /// From every source point to the target.
    pub fn source_to_target(&self) -> &DirectedDistances {
        &self.source_to_target
    }

    /// From every target point to the source.
    pub fn target_to_source(&self) -> &DirectedDistances {
        &self.target_to_source
    }

    /// The Chamfer distance: the average of the two directed means of unsquared distances \[m\].
    ///
    /// The value of [`chamfer`](Self::chamfer) alone, where its conventions are told apart.
    pub fn mean(&self) -> f64 {
        0.5 * (self.source_to_target.mean() + self.target_to_source.mean())
    }
}

/// Refuses clouds without points, and such whose points a 32-bit index cannot name.
fn check_sizes(source: usize, target: usize) -> Result<()> {
    for (role, got) in [("source", source), ("target", target)] {
        if got == 0 {
            return Err(Error::Empty { role });
        }
        let limit = u32::MAX as usize;
        if got > limit {
            return Err(Error::TooManyPoints { role, limit, got });
        }
    }
    Ok(())
}

/// Trees over a measure: one over all points to ask from, one over the points of positive weight to ask in.
struct Present {
    all: KdTree,
    /// `None` if every weight is positive: then `all` is asked.
    positive: Option<(KdTree, Vec<u32>)>,
}

impl Present {
    fn of(measure: &Measure) -> Self {
        let positions = measure.positions();
        let positive = (0..measure.len()).any(|index| measure.weight(index) == 0.0).then(|| {
            // In order, so that ties fall as they would in the cloud without the others.
            let indices: Vec<u32> =
                (0..measure.len()).filter(|&index| measure.weight(index) > 0.0).map(|i| i as u32).collect();
            let points: Vec<Point3<f64>> = indices.par_iter().map(|&i| positions[i as usize]).collect();
            (KdTree::new(&points), indices)
        });
        Self { all: KdTree::new(positions), positive }
    }

    /// Distances from all points of this measure to the points of another that are there.
    fn to(
        &self,
        other: &Self,
        own: &Measure,
        others: &Measure,
        backend: &Backend,
    ) -> Result<DirectedDistances> {
        let distances = match &other.positive {
            None => DirectedDistances::search(
                own.positions(),
                &self.all,
                others.positions(),
                &other.all,
                backend,
            )?,
            Some((tree, indices)) => {
                let points: Vec<Point3<f64>> =
                    indices.par_iter().map(|&i| others.positions()[i as usize]).collect();
                DirectedDistances::search(own.positions(), &self.all, &points, tree, backend)?
                    .renamed(indices, others.len())
            }
        };
        Ok(distances.weighted(own))
    }
}
