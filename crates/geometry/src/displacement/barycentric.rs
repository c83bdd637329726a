//! Where points go on average.

use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

use crate::{Arc, Error, Result, RowMean, SparsePlan};

impl SparsePlan {
    /// The mean target of every source point, with the mass and the spread of its row: the barycentric projection.
    ///
    /// ```text
    /// T(x_i) = Σ_j m_ij y_j / Σ_j m_ij
    /// ```
    ///
    /// A source point without mass stays where it is, with mass 0 and spread 0.
    ///
    /// # Errors
    /// [`Error::ColumnLength`] unless there is one position per point of the plan.
    ///
    /// ```
    /// use barrow_geometry::{Arc, SparsePlan};
    /// use nalgebra::Point3;
    ///
    /// let targets = [Point3::new(1.0, 0.0, 0.0), Point3::new(3.0, 0.0, 0.0)];
    /// let arc = |target| Arc { source: 0, target, mass: 0.5, cost: 0.0 };
    /// let plan = SparsePlan::new(1, 2, vec![arc(0), arc(1)])?;
    /// let mean = plan.row_means(&[Point3::origin()], &targets)?[0];
    /// assert_eq!((mean.position, mean.mass, mean.spread), (Point3::new(2.0, 0.0, 0.0), 1.0, 1.0));
    /// # Ok::<(), barrow_geometry::Error>(())
    /// ```
    pub fn row_means(&self, source: &[Point3<f64>], target: &[Point3<f64>]) -> Result<Vec<RowMean>> {
        self.check_between(source, target)?;
        let mean = |row: usize| {
            mean_of(self.row(row), target).unwrap_or(RowMean {
                position: source[row],
                mass: 0.0,
                spread: 0.0,
            })
        };
        Ok((0..source.len()).into_par_iter().map(mean).collect())
    }

    /// T(x) − x for every source point \[m\]: the velocity of the displacement, zero for a point without mass.
    ///
    /// # Errors
    /// As [`row_means`](Self::row_means).
    pub fn velocities(&self, source: &[Point3<f64>], target: &[Point3<f64>]) -> Result<Vec<Vector3<f64>>> {
        let means = self.row_means(source, target)?;
        Ok(means.iter().zip(source).map(|(mean, point)| mean.position - point).collect())
    }

    /// Accepts as many points as the plan is between.
    pub(super) fn check_between(&self, source: &[Point3<f64>], target: &[Point3<f64>]) -> Result<()> {
        let sides =
            [("source", self.source_len(), source.len()), ("target", self.target_len(), target.len())];
        for (column, expected, got) in sides {
            if got != expected {
                return Err(Error::ColumnLength { column, expected, got });
            }
        }
        Ok(())
    }
}

/// The mean of a row; `None` without mass.
fn mean_of(row: &[Arc], target: &[Point3<f64>]) -> Option<RowMean> {
    // Relative to the first of them, so that an offset costs no digits, and to the largest mass, so that the smallest
    // masses do not underflow.
    let origin = target[row.first()?.target];
    let largest = row.iter().map(|arc| arc.mass).fold(0.0, f64::max);
    let offsets = || row.iter().map(|arc| (target[arc.target] - origin, arc.mass / largest));
    let share: f64 = offsets().map(|(_, share)| share).sum();
    let mean = offsets().map(|(offset, part)| offset * (part / share)).sum::<Vector3<f64>>();
    let spread = offsets().map(|(offset, part)| (offset - mean).norm_squared() * (part / share)).sum();
    Some(RowMean { position: origin + mean, mass: share * largest, spread })
}
