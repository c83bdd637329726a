//! Potentials beyond the points of the problem.

use nalgebra::Point3;
use rayon::prelude::*;

use super::engine::Side;
use super::plan::TransportPlan;
use super::tiles::TiledMeasure;
use crate::{Error, Measure, Result};

/// Largest distance from the centre of the problem, in units of its extent, at which potentials are computed: beyond
/// it squares would come near the largest number there is.
const FARTHEST: f64 = 1e100;

/// Largest coordinate, in the same units, of points that share tiles. The points of the problem are within 1. Rows are
/// computed relative to the centre of their tile, so that one far point would cost the others their digits.
const NEAR: f64 = 2.0;

impl TransportPlan<'_> {
    /// The source potential at any points, as the target potential extends it:
    ///
    /// ```text
    /// f(x) = −λ ε log Σ_j b_j exp((g_j − c(x, y_j)) / ε)
    /// ```
    ///
    /// with λ = 1, or with a reach 1 / (1 + ε/ρ) for Kullback–Leibler, or clipped to [−ρ, ρ] for total variation. At
    /// the points of the source it equals [`potentials`](Self::potentials) up to the plan's own error. Its gradient
    /// 2 (x − mean target of x) for the squared cost is how an entropic map moves a point that it has not seen.
    /// One pass over all pairs of points and targets; memory stays O(points + m).
    ///
    /// # Units
    /// m² for the squared cost, m for the Euclidean one.
    ///
    /// # Errors
    /// [`Error::NonFinite`] or [`Error::TooLarge`] for a bad point; [`Error::InvalidOption`] for one farther from the
    /// clouds than 10¹⁰⁰ times their extent.
    ///
    /// # Determinism
    /// The same bits on any number of threads.
    ///
    /// # References
    /// Feydy et al., *Interpolating between optimal transport and MMD using Sinkhorn divergences*, AISTATS 2019,
    /// equation 11; Pooladian, Niles-Weed, *Entropic estimation of optimal transport maps*, 2021.
    ///
    /// ```
    /// use barrow_geometry::{Backend, Measure, Sinkhorn, TransportProblem};
    /// use nalgebra::{Point3, Vector3};
    ///
    /// let source: Vec<_> = (0..50).map(|i| Point3::new(0.1 * i as f64, 0.0, 0.0)).collect();
    /// let target: Vec<_> = source.iter().map(|point| point + Vector3::new(0.0, 3.0, 0.0)).collect();
    /// let problem = TransportProblem::new(Measure::uniform(&source)?, Measure::uniform(&target)?, 0.2);
    /// let plan = Sinkhorn { tolerance: 1e-9, ..Default::default() }.solve(&problem, &Backend::Cpu)?;
    /// let again = plan.source_potential_at(&source)?;
    /// assert!((again[7] - plan.potentials().source[7]).abs() < 1e-6);
    /// // Between two points of the source the potential lies between theirs.
    /// let between = plan.source_potential_at(&[Point3::new(2.05, 0.0, 0.0)])?[0];
    /// assert!((between - 0.5 * (again[20] + again[21])).abs() < 0.01);
    /// # Ok::<(), barrow_geometry::Error>(())
    /// ```
    pub fn source_potential_at(&self, points: &[Point3<f64>]) -> Result<Vec<f64>> {
        self.potential_at(points, Side::Target, &self.target)
    }

    /// The target potential at any points: [`source_potential_at`](Self::source_potential_at) with the sides swapped.
    ///
    /// # Errors
    /// As [`source_potential_at`](Self::source_potential_at).
    pub fn target_potential_at(&self, points: &[Point3<f64>]) -> Result<Vec<f64>> {
        self.potential_at(points, Side::Source, &self.source)
    }

    /// The soft minimum over one side, made a potential.
    fn potential_at(&self, points: &[Point3<f64>], over: Side, potential: &[f64]) -> Result<Vec<f64>> {
        if points.is_empty() {
            return Ok(Vec::new());
        }
        Measure::uniform(points)?;
        let distances: Vec<f64> = points.iter().map(|point| self.frame.local(point).amax()).collect();
        if let Some(index) = distances.iter().position(|&far| far.is_nan() || far > FARTHEST) {
            let requirement = "within 1e100 times the extent of the two measures from them";
            let got = points[index].coords.amax();
            return Err(Error::InvalidOption { name: "point", requirement, got });
        }
        let (near, far): (Vec<usize>, Vec<usize>) =
            (0..points.len()).partition(|&index| distances[index] <= NEAR);
        let groups = std::iter::once(near).filter(|near| !near.is_empty());
        let groups: Vec<Vec<usize>> = groups.chain(far.into_iter().map(|index| vec![index])).collect();
        let (balance, epsilon, unit) = (self.balance(), self.epsilon(), self.unit());
        let softmin = |group: &Vec<usize>| -> Result<Vec<f64>> {
            let points: Vec<Point3<f64>> = group.iter().map(|&index| points[index]).collect();
            let tiled = TiledMeasure::new(&Measure::uniform(&points)?, 1.0, &self.frame);
            Ok(tiled.restore(&self.engine.softmin_at(&tiled, over, potential, epsilon)))
        };
        let softmins: Vec<Vec<f64>> = groups.par_iter().map(softmin).collect::<Result<_>>()?;
        let mut values = vec![0.0; points.len()];
        for (&index, &softmin) in groups.iter().flatten().zip(softmins.iter().flatten()) {
            values[index] = unit * balance.best(softmin, epsilon);
        }
        Ok(values)
    }
}
