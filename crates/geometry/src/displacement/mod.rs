//! What a sparse plan is good for: points on their way, and attributes that travel along.

mod barycentric;
mod blend;
mod transfer;

use nalgebra::Point3;
use rayon::prelude::*;

use self::blend::{blend_color, blend_normal, blend_number};
use crate::{Arc, Error, PointCloud, Result, SparsePlan};

/// The way from one cloud to another along a plan: McCann's displacement interpolation.
///
/// ```text
/// μ_t = Σ mass_ij δ_((1−t) x_i + t y_j)      0 ≤ t ≤ 1
/// ```
///
/// Mass moves in straight lines at constant speed. If the plan is optimal for the squared distance, μ_t is the shortest
/// way between the two measures: W₂(μ_s, μ_t) = |s − t| W₂(μ_0, μ_1).
///
/// An attribute is carried if both clouds have it: colours, intensities and times change in proportion to t, normals turn
/// along the shorter arc, opposite ones by way of a perpendicular direction that is the same for every t. Where the value
/// of one side is not a number (or a normal has no length) that of the other is taken.
///
/// # References
/// McCann, *A convexity principle for interacting gases*, 1997; Peyré, Cuturi, *Computational optimal transport*, 2019,
/// section 7.1.
///
/// ```
/// use barrow_geometry::{Arc, Displacement, PointCloud, SparsePlan};
/// use nalgebra::Point3;
///
/// let source = PointCloud::new(vec![Point3::origin()])?;
/// let target = PointCloud::new(vec![Point3::new(4.0, 0.0, 0.0), Point3::new(0.0, 8.0, 0.0)])?;
/// let arc = |target, mass, cost| Arc { source: 0, target, mass, cost };
/// let plan = SparsePlan::new(1, 2, vec![arc(0, 0.25, 16.0), arc(1, 0.75, 64.0)])?;
/// let halfway = Displacement::new(&source, &target, &plan)?.at(0.5)?;
/// assert_eq!(halfway.cloud.positions(), [Point3::new(2.0, 0.0, 0.0), Point3::new(0.0, 4.0, 0.0)]);
/// assert_eq!(halfway.masses, [0.25, 0.75]);
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Displacement<'a> {
    source: &'a PointCloud,
    target: &'a PointCloud,
    plan: &'a SparsePlan,
}

/// A cloud on its way.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Displaced {
    /// The points, with the attributes that both clouds have.
    pub cloud: PointCloud,
    /// Mass of every point, in units of the plan.
    pub masses: Vec<f64>,
}

impl<'a> Displacement<'a> {
    /// A way along a plan between these clouds.
    ///
    /// # Errors
    /// [`Error::ColumnLength`] if the plan is between other numbers of points.
    pub fn new(source: &'a PointCloud, target: &'a PointCloud, plan: &'a SparsePlan) -> Result<Self> {
        plan.check_between(source.positions(), target.positions())?;
        Ok(Self { source, target, plan })
    }

    /// The cloud at a time, one point for every arc of the plan and in its order.
    ///
    /// At 0 and 1 positions and attributes are those of the clouds, to the bit.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] unless `t` is from 0 to 1.
    pub fn at(&self, t: f64) -> Result<Displaced> {
        check_time(t)?;
        let arcs = self.plan.arcs();
        let (from, to) = (self.source.positions(), self.target.positions());
        let positions = arcs.par_iter().map(|arc| between(&from[arc.source], &to[arc.target], t)).collect();
        let cloud = PointCloud::new(positions)?;
        let masses = arcs.iter().map(|arc| arc.mass).collect();
        Ok(Displaced { cloud: self.with_attributes(cloud, arcs, self.target, t)?, masses })
    }

    /// The cloud at a time, one point for every source point that has mass, each towards the mean of its targets.
    ///
    /// As many points at every time, but at 1 the means and not the target: where a point has several partners its mass
    /// stays together. Exact where every point has one.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] unless `t` is from 0 to 1.
    pub fn means_at(&self, t: f64) -> Result<Displaced> {
        check_time(t)?;
        let means = self.plan.row_means(self.source.positions(), self.target.positions())?;
        // The means as a target, with an arc to each.
        let arcs: Vec<Arc> = (0..means.len())
            .filter(|&row| means[row].mass > 0.0)
            .map(|row| Arc { source: row, target: row, mass: means[row].mass, cost: 0.0 })
            .collect();
        let from = self.source.positions();
        let positions =
            arcs.par_iter().map(|arc| between(&from[arc.source], &means[arc.source].position, t)).collect();
        let cloud = PointCloud::new(positions)?;
        let masses = arcs.iter().map(|arc| arc.mass).collect();
        let target = self.plan.transfer(self.source, self.target)?;
        Ok(Displaced { cloud: self.with_attributes(cloud, &arcs, &target, t)?, masses })
    }

    /// The attributes that the source and a target both have, between the ends of every arc.
    fn with_attributes(
        &self,
        mut cloud: PointCloud,
        arcs: &[Arc],
        target: &PointCloud,
        t: f64,
    ) -> Result<PointCloud> {
        let source = self.source;
        if let (Some(from), Some(to)) = (source.normals(), target.normals()) {
            cloud = cloud.with_normals(along(arcs, from, to, |a, b| blend_normal(a, b, t)))?;
        }
        if let (Some(from), Some(to)) = (source.colors(), target.colors()) {
            cloud = cloud.with_colors(along(arcs, from, to, |a, b| blend_color(a, b, t)))?;
        }
        if let (Some(from), Some(to)) = (source.intensities(), target.intensities()) {
            cloud = cloud.with_intensities(along(arcs, from, to, |a, b| blend_number(*a, *b, t)))?;
        }
        if let (Some(from), Some(to)) = (source.times(), target.times()) {
            cloud = cloud.with_times(along(arcs, from, to, |a, b| blend_number(*a, *b, t)))?;
        }
        Ok(cloud)
    }
}

/// One value for every arc from the values at its ends.
fn along<T: Sync, U: Send>(arcs: &[Arc], from: &[T], to: &[T], blend: impl Fn(&T, &T) -> U + Sync) -> Vec<U> {
    arcs.par_iter().map(|arc| blend(&from[arc.source], &to[arc.target])).collect()
}

/// (1 − t) x + t y, exact at both ends.
fn between(x: &Point3<f64>, y: &Point3<f64>, t: f64) -> Point3<f64> {
    Point3::from(x.coords.zip_map(&y.coords, |a, b| blend_number(a, b, t)))
}

fn check_time(t: f64) -> Result<()> {
    match (0.0..=1.0).contains(&t) {
        true => Ok(()),
        false => Err(Error::InvalidOption { name: "t", requirement: "from 0 to 1", got: t }),
    }
}
