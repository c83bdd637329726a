//! The point cloud: positions and attribute columns of the same length.

use nalgebra::{Isometry3, Point3, Vector3};
use rayon::prelude::*;

use crate::{Bounds, Error, Result, fold_ordered};

/// Red, green and blue, each from 0 to 65535.
///
/// Sixteen bits hold every colour that LAS stores and, as `257 * v`, every 8-bit colour without loss.
pub type Color = [u16; 3];

/// Points in space with optional attributes.
///
/// Positions are finite by construction, so no algorithm has to ask. Attributes are carried as they
/// came: a normal or an intensity may be NaN where the sensor had none.
///
/// # Units
/// Lengths in metres (or whatever unit the file used, throughout), times in seconds.
///
/// ```
/// use barrow_geometry::PointCloud;
/// use nalgebra::{Point3, Vector3};
///
/// let cloud = PointCloud::new(vec![Point3::origin(), Point3::new(1.0, 0.0, 0.0)])?
///     .with_normals(vec![Vector3::z(); 2])?;
/// assert_eq!(cloud.len(), 2);
/// assert_eq!(cloud.centroid(), Some(Point3::new(0.5, 0.0, 0.0)));
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PointCloud {
    positions: Vec<Point3<f64>>,
    normals: Option<Vec<Vector3<f64>>>,
    colors: Option<Vec<Color>>,
    intensities: Option<Vec<f64>>,
    times: Option<Vec<f64>>,
}

impl PointCloud {
    /// Largest magnitude of a coordinate. Far beyond any map, and squares of differences stay finite.
    pub const MAX_COORDINATE: f64 = 1e150;

    /// A cloud of bare positions.
    ///
    /// # Errors
    /// [`Error::NonFinite`] or [`Error::TooLarge`] with the first offending index.
    pub fn new(positions: Vec<Point3<f64>>) -> Result<Self> {
        Self::check(&positions)?;
        Ok(Self { positions, ..Self::default() })
    }

    /// Accepts positions whose coordinates are finite and within range.
    pub(crate) fn check(positions: &[Point3<f64>]) -> Result<()> {
        let limit = Self::MAX_COORDINATE;
        let bad = |p: &Point3<f64>| !p.iter().all(|value| value.abs() <= limit);
        if let Some(index) = positions.iter().position(bad) {
            let position: [f64; 3] = positions[index].coords.into();
            return Err(match position.into_iter().find(|v| v.is_finite() && v.abs() > limit) {
                Some(value) if position.iter().all(|v| v.is_finite()) => Error::TooLarge { index, value },
                _ => Error::NonFinite { index, position },
            });
        }
        Ok(())
    }

    /// Adds or replaces the normals.
    ///
    /// # Errors
    /// [`Error::ColumnLength`] unless there is one per point.
    pub fn with_normals(mut self, normals: Vec<Vector3<f64>>) -> Result<Self> {
        self.normals = Some(self.column("normals", normals)?);
        Ok(self)
    }

    /// Adds or replaces the colours.
    ///
    /// # Errors
    /// [`Error::ColumnLength`] unless there is one per point.
    pub fn with_colors(mut self, colors: Vec<Color>) -> Result<Self> {
        self.colors = Some(self.column("colors", colors)?);
        Ok(self)
    }

    /// Adds or replaces the intensities, in the file's own scale.
    ///
    /// # Errors
    /// [`Error::ColumnLength`] unless there is one per point.
    pub fn with_intensities(mut self, intensities: Vec<f64>) -> Result<Self> {
        self.intensities = Some(self.column("intensity", intensities)?);
        Ok(self)
    }

    /// Adds or replaces the times \[s\].
    ///
    /// # Errors
    /// [`Error::ColumnLength`] unless there is one per point.
    pub fn with_times(mut self, times: Vec<f64>) -> Result<Self> {
        self.times = Some(self.column("time", times)?);
        Ok(self)
    }

    fn column<T>(&self, column: &'static str, values: Vec<T>) -> Result<Vec<T>> {
        if values.len() == self.len() {
            Ok(values)
        } else {
            Err(Error::ColumnLength { column, expected: self.len(), got: values.len() })
        }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Whether there are no points.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// Positions \[m\].
    pub fn positions(&self) -> &[Point3<f64>] {
        &self.positions
    }

    /// Normals, if the cloud has them.
    pub fn normals(&self) -> Option<&[Vector3<f64>]> {
        self.normals.as_deref()
    }

    /// Colours, if the cloud has them.
    pub fn colors(&self) -> Option<&[Color]> {
        self.colors.as_deref()
    }

    /// Intensities, if the cloud has them.
    pub fn intensities(&self) -> Option<&[f64]> {
        self.intensities.as_deref()
    }

    /// Times \[s\], if the cloud has them.
    pub fn times(&self) -> Option<&[f64]> {
        self.times.as_deref()
    }

    /// Names of the attribute columns present, in a fixed order.
    pub fn attributes(&self) -> Vec<&'static str> {
        [
            ("normals", self.normals.is_some()),
            ("colors", self.colors.is_some()),
            ("intensity", self.intensities.is_some()),
            ("time", self.times.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, present)| present.then_some(name))
        .collect()
    }

    /// The smallest box around the points; `None` for an empty cloud.
    pub fn bounds(&self) -> Option<Bounds> {
        fold_ordered(
            self.len(),
            |range| Bounds::of(&self.positions[range]),
            |a, b| a.zip(b).map(|(a, b)| Bounds { min: a.min.inf(&b.min), max: a.max.sup(&b.max) }),
        )?
    }

    /// Mean position \[m\]; `None` for an empty cloud.
    ///
    /// Summed relative to the first point, so that an offset of millions of metres costs no digits.
    pub fn centroid(&self) -> Option<Point3<f64>> {
        let origin = *self.positions.first()?;
        let sum = fold_ordered(
            self.len(),
            |range| self.positions[range].iter().map(|p| p - origin).sum::<Vector3<f64>>(),
            |a, b| a + b,
        )?;
        Some(origin + sum / self.len() as f64)
    }

    /// The points at some indices, with their attributes, in the order of the indices.
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    pub fn select(&self, indices: &[usize]) -> Self {
        fn pick<T: Copy + Send + Sync>(column: &[T], indices: &[usize]) -> Vec<T> {
            indices.par_iter().map(|&index| column[index]).collect()
        }
        Self {
            positions: pick(&self.positions, indices),
            normals: self.normals.as_ref().map(|column| pick(column, indices)),
            colors: self.colors.as_ref().map(|column| pick(column, indices)),
            intensities: self.intensities.as_ref().map(|column| pick(column, indices)),
            times: self.times.as_ref().map(|column| pick(column, indices)),
        }
    }

    /// The points inside a box, its faces included.
    pub fn crop(&self, bounds: &Bounds) -> Self {
        let inside: Vec<usize> = (0..self.len())
            .into_par_iter()
            .filter(|&index| bounds.contains(&self.positions[index]))
            .collect();
        self.select(&inside)
    }

    /// The cloud after a rigid motion: positions moved, normals turned, the rest carried.
    pub fn transformed(&self, target_from_source: &Isometry3<f64>) -> Self {
        let turn = |column: &Vec<Vector3<f64>>| {
            column.par_iter().map(|normal| target_from_source.rotation * normal).collect()
        };
        Self {
            positions: self.positions.par_iter().map(|point| target_from_source * point).collect(),
            normals: self.normals.as_ref().map(turn),
            ..self.clone_scalars()
        }
    }

    /// The cloud with every length multiplied about the origin: positions scaled, the rest carried.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] unless the factor is finite and positive; as [`new`](Self::new) if a coordinate overflows.
    pub fn scaled(&self, factor: f64) -> Result<Self> {
        crate::error::require_positive("factor", factor)?;
        let positions = self.positions.par_iter().map(|point| point * factor).collect();
        Ok(Self {
            normals: self.normals.clone(),
            positions: Self::new(positions)?.positions,
            ..self.clone_scalars()
        })
    }

    /// The columns that no motion touches.
    fn clone_scalars(&self) -> Self {
        Self {
            colors: self.colors.clone(),
            intensities: self.intensities.clone(),
            times: self.times.clone(),
            ..Self::default()
        }
    }
}
