//! Matches by cells of a grid: no neighbours are searched for.

use barrow_geometry::{Bounds, PointCloud};
use nalgebra::{Isometry3, Point3, Vector3};
use rayon::prelude::*;

use crate::cells::{CellTable, place, places_around};
use crate::error::require_positive;
use crate::surface::Surface;
use crate::{Correspondence, Matcher, Result};

/// Least edge of a cell as a share of the target's extent: cells are told apart by numbers of 20 bits and a sign.
const LEAST_EDGE: f64 = 4e-6;

/// Pairs every source point with the mean of the target points in a cell of a grid: of the eight cells around it, the one whose
/// mean is nearest.
///
/// A cell stands for the surface in it, with the mean of the normals there. It weighs the length of that mean, less than one
/// where a cell holds a corner. No mean nearer than half an edge is missed, and none farther than an edge taken. A match takes
/// eight looks into a table, whatever the size of the target.
///
/// # References
/// Koide et al., *Voxelized GICP for fast and accurate 3D point cloud registration*, ICRA 2021, section III: the distribution of a cell is
/// the mean of those of its points, here of planes.
///
/// ```
/// use barrow_geometry::PointCloud;
/// use barrow_registration::{Matcher, VoxelMatcher};
/// use nalgebra::{Isometry3, Point3};
///
/// let target = PointCloud::new(vec![Point3::new(0.2, 0.2, 0.0), Point3::new(0.4, 0.4, 0.0)])?;
/// let mut matcher = VoxelMatcher::new(&target, 1.0)?;
/// let source = [Point3::new(0.9, 0.1, 0.0), Point3::new(7.0, 0.0, 0.0)];
/// let pairs = matcher.correspond(&source, &Isometry3::identity())?;
/// assert_eq!(pairs.len(), 1);
/// assert!((pairs[0].target - Point3::new(0.3, 0.3, 0.0)).norm() < 1e-15);
/// # Ok::<(), barrow_registration::Error>(())
/// ```
pub struct VoxelMatcher {
    edge: f64,
    table: CellTable,
    cells: Vec<Cell>,
}

/// The surface within a cell.
#[derive(Debug, Clone, Copy)]
struct Cell {
    mean: Vector3<f64>,
    normal: Option<Vector3<f64>>,
    weight: f64,
}

impl VoxelMatcher {
    /// A matcher onto a target cloud by cells of an edge \[m\]; normals are estimated if it has none. Edges below 4 · 10⁻⁶ of the
    /// target's extent are taken for that.
    ///
    /// # Errors
    /// If the target is empty, or `edge` is not finite and positive.
    pub fn new(target: &PointCloud, edge: f64) -> Result<Self> {
        require_positive("edge", edge)?;
        let target = Surface::of_target(target)?;
        Ok(Self::over(&target, edge))
    }

    pub(crate) fn over(target: &Surface, edge: f64) -> Self {
        let extent = Bounds::of(&target.positions)
            .map_or(0.0, |bounds| bounds.min.coords.abs().max().max(bounds.max.coords.abs().max()));
        let edge = edge.max(LEAST_EDGE * extent);
        let mut table = CellTable::with_room(target.positions.len() / 4);
        let mut sums: Vec<Sum> = Vec::new();
        for (index, point) in target.positions.iter().enumerate() {
            let Some(place) = place(&point.coords, edge) else { continue };
            let (cell, is_new) = table.insert(place);
            if is_new {
                sums.push(Sum::at(point.coords));
            }
            sums[cell].add(&point.coords, target.normals.as_ref().map(|normals| &normals[index]));
        }
        Self { edge, table, cells: sums.iter().map(Sum::cell).collect() }
    }

    /// The cell whose mean is nearest to a point, of the eight around it.
    fn nearest(&self, point: &Vector3<f64>) -> Option<&Cell> {
        let distance = |cell: &Cell| (cell.mean - point).norm_squared();
        let found = places_around(point, self.edge)?.into_iter().filter_map(|place| self.table.get(place));
        let found = found.map(|cell| &self.cells[cell]).map(|cell| (distance(cell), cell));
        let nearest = found.reduce(|best, next| if next.0 < best.0 { next } else { best })?;
        (nearest.0 <= self.edge * self.edge).then_some(nearest.1)
    }
}

impl Matcher for VoxelMatcher {
    fn correspond(
        &mut self,
        source: &[Point3<f64>],
        target_from_source: &Isometry3<f64>,
    ) -> Result<Vec<Correspondence>> {
        let matched = |(source, point): (usize, &Point3<f64>)| {
            let cell = self.nearest(&(target_from_source * point).coords)?;
            Some(Correspondence {
                source,
                target: cell.mean.into(),
                normal: cell.normal,
                weight: cell.weight,
            })
        };
        let found: Vec<Option<Correspondence>> = source.par_iter().enumerate().map(matched).collect();
        Ok(found.into_iter().flatten().collect())
    }
}

/// What is known of a cell while points are added.
struct Sum {
    /// The first point, relative to which the others are summed: no digits are lost.
    first: Vector3<f64>,
    places: Vector3<f64>,
    count: f64,
    normals: Option<Vector3<f64>>,
}

impl Sum {
    fn at(first: Vector3<f64>) -> Self {
        Self { first, places: Vector3::zeros(), count: 0.0, normals: None }
    }

    fn add(&mut self, point: &Vector3<f64>, normal: Option<&Vector3<f64>>) {
        self.places += point - self.first;
        self.count += 1.0;
        if let Some(normal) = normal {
            // Which way a normal points is a matter of the sensor.
            let sum = self.normals.get_or_insert_with(Vector3::zeros);
            *sum += if sum.dot(normal) < 0.0 { -normal } else { *normal };
        }
    }

    fn cell(&self) -> Cell {
        let mean = self.first + self.places / self.count;
        let length = self.normals.map_or(0.0, |sum| sum.norm() / self.count);
        let normal = self.normals.and_then(|sum| sum.try_normalize(0.0));
        Cell { mean, normal, weight: if normal.is_some() { length } else { 1.0 } }
    }
}
