//! Attributes that come over a plan.

use nalgebra::Vector3;
use rayon::prelude::*;

use crate::{Arc, Color, PointCloud, Result, SparsePlan};

impl SparsePlan {
    /// The source with the attributes of the target instead of its own: at every point the mean over its row, weighted by
    /// mass.
    ///
    /// Normals have length 1 again; where they cancel, and where a point has no mass, they are NaN, as are intensities and
    /// times; such a point is black. Values that are not numbers take no part in a mean.
    ///
    /// # Errors
    /// [`Error::ColumnLength`](crate::Error::ColumnLength) if the plan is between other numbers of points.
    ///
    /// ```
    /// use barrow_geometry::{Arc, PointCloud, SparsePlan};
    /// use nalgebra::Point3;
    ///
    /// let source = PointCloud::new(vec![Point3::origin()])?;
    /// let target = PointCloud::new(vec![Point3::origin(); 2])?.with_intensities(vec![2.0, 6.0])?;
    /// let arc = |target, mass| Arc { source: 0, target, mass, cost: 0.0 };
    /// let plan = SparsePlan::new(1, 2, vec![arc(0, 0.75), arc(1, 0.25)])?;
    /// assert_eq!(plan.transfer(&source, &target)?.intensities(), Some(&[3.0][..]));
    /// # Ok::<(), barrow_geometry::Error>(())
    /// ```
    pub fn transfer(&self, source: &PointCloud, target: &PointCloud) -> Result<PointCloud> {
        self.check_between(source.positions(), target.positions())?;
        let mut cloud = PointCloud::new(source.positions().to_vec())?;
        if let Some(column) = target.normals() {
            cloud = cloud.with_normals(self.rows(|row| mean_normal(row, column)))?;
        }
        if let Some(column) = target.colors() {
            cloud = cloud.with_colors(self.rows(|row| mean_color(row, column)))?;
        }
        if let Some(column) = target.intensities() {
            cloud = cloud.with_intensities(self.rows(|row| mean(row, |arc| column[arc.target])))?;
        }
        if let Some(column) = target.times() {
            cloud = cloud.with_times(self.rows(|row| mean(row, |arc| column[arc.target])))?;
        }
        Ok(cloud)
    }

    /// One value for every row.
    fn rows<T: Send>(&self, of: impl Fn(&[Arc]) -> T + Sync) -> Vec<T> {
        (0..self.source_len()).into_par_iter().map(|row| of(self.row(row))).collect()
    }
}

/// The mean of those values of a row that are numbers.
fn mean(row: &[Arc], value: impl Fn(&Arc) -> f64) -> f64 {
    let largest = row.iter().map(|arc| arc.mass).fold(0.0, f64::max);
    let known =
        || row.iter().map(|arc| (value(arc), arc.mass / largest)).filter(|(value, _)| !value.is_nan());
    // Around the first of them: a mean of equal values is that value.
    let Some((origin, _)) = known().next() else { return f64::NAN };
    if known().all(|(value, _)| value == origin) {
        return origin;
    }
    let share: f64 = known().map(|(_, part)| part).sum();
    origin + known().map(|(value, part)| (value - origin) * (part / share)).sum::<f64>()
}

fn mean_color(row: &[Arc], column: &[Color]) -> Color {
    // NaN, of a point without mass, becomes zero.
    let channel = |c: usize| mean(row, |arc| f64::from(column[arc.target][c])).round() as u16;
    [channel(0), channel(1), channel(2)]
}

fn mean_normal(row: &[Arc], column: &[Vector3<f64>]) -> Vector3<f64> {
    let largest = row.iter().map(|arc| arc.mass).fold(0.0, f64::max);
    let mut sum = Vector3::zeros();
    for arc in row {
        // Of length 1 before they are added: a normal counts by its mass alone.
        let normal =
            column[arc.target].try_normalize(0.0).filter(|normal| normal.iter().all(|v| v.is_finite()));
        sum += normal.unwrap_or_default() * (arc.mass / largest);
    }
    // What is left of normals that cancel is rounding, without a direction.
    sum.try_normalize(1e-12).unwrap_or(Vector3::repeat(f64::NAN))
}
