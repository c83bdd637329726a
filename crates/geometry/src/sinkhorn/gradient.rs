//! How a transport value changes with positions and weights.

use std::borrow::Cow;

use nalgebra::Vector3;

use super::engine::Side;
use super::plan::TransportPlan;
use super::problem::Cost;

/// Derivatives of a value with respect to one measure, in the order of the caller's points.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct MeasureGradient {
    /// With respect to every position \[value per m\].
    pub positions: Vec<Vector3<f64>>,
    /// With respect to every weight \[value per mass\].
    pub weights: Vec<f64>,
}

/// Derivatives of a value with respect to both measures.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct TransportGradient {
    /// With respect to the source.
    pub source: MeasureGradient,
    /// With respect to the target.
    pub target: MeasureGradient,
}

impl TransportPlan<'_> {
    /// The gradient of [`value`](Self::value) with respect to the positions and weights of both measures.
    ///
    /// The value is an optimum, so that plan and potentials may be held fixed (envelope theorem):
    ///
    /// ```text
    /// ∂/∂x_i = Σ_j P_ij ∇c(x_i, y_j)       ∇c = 2 (x − y),  or (x − y) / |x − y| for the Euclidean cost, 0 at x = y
    /// ∂/∂a_i = φ(f_i) − ε (Σ_j P_ij / a_i − Σ_j b_j)
    /// ```
    ///
    /// and likewise on the target, with φ as in [`value`](Self::value): the identity for a balanced problem,
    /// ρ (1 − e^(−f/ρ)) for Kullback–Leibler, which makes the weights' part ρ + ε Σ b − (ρ + ε) e^(−f/ρ), and min(f, ρ)
    /// for total variation. A point without weight has the derivative that it would start with.
    ///
    /// For a balanced problem the weights' part is defined up to a constant, t on the source and −t on the target: only
    /// changes that keep the totals equal have a meaning, and for them any t gives the same. At a plan that has not
    /// converged this is the gradient of the dual objective at its potentials, off by as much as the marginals are.
    ///
    /// Needs the pass over rows and one over columns.
    ///
    /// # Units
    /// Positions: cost times mass per metre, m for the squared cost. Weights: cost.
    ///
    /// # Determinism
    /// The same bits on any number of threads.
    ///
    /// # References
    /// Feydy et al., *Interpolating between optimal transport and MMD using Sinkhorn divergences*, AISTATS 2019,
    /// proposition 2; Séjourné et al., *Sinkhorn divergences for unbalanced optimal transport*, 2019, section 3.
    ///
    /// ```
    /// use barrow_geometry::{Backend, Measure, Sinkhorn, TransportProblem};
    /// use nalgebra::Point3;
    ///
    /// // One point against one point costs |x − y|² per mass.
    /// let (x, y) = ([Point3::new(3.0, 0.0, 0.0)], [Point3::new(1.0, 0.0, 0.0)]);
    /// let problem = TransportProblem::new(Measure::uniform(&x)?, Measure::uniform(&y)?, 0.1);
    /// let gradient = Sinkhorn::default().solve(&problem, &Backend::Cpu)?.gradient();
    /// assert!((gradient.source.positions[0].x - 4.0).abs() < 1e-9);
    /// assert!((gradient.target.positions[0].x + 4.0).abs() < 1e-9);
    /// assert!((gradient.source.weights[0] + gradient.target.weights[0] - 4.0).abs() < 1e-9);
    /// # Ok::<(), barrow_geometry::Error>(())
    /// ```
    pub fn gradient(&self) -> TransportGradient {
        TransportGradient {
            source: self.measure_gradient(Side::Source),
            target: self.measure_gradient(Side::Target),
        }
    }

    /// The gradient with respect to one side.
    pub(crate) fn measure_gradient(&self, side: Side) -> MeasureGradient {
        let (epsilon, unit, scale) = (self.epsilon(), self.unit(), self.frame.scale);
        let measure = self.engine.measure(side);
        let others = self.engine.measure(side.opposite());
        let (own, other) = match side {
            Side::Source => (&self.source, &self.target),
            Side::Target => (&self.target, &self.source),
        };
        let summaries = match side {
            Side::Source => Cow::Borrowed(self.rows()),
            Side::Target => Cow::Owned(self.engine.summarize(side, other, epsilon)),
        };
        // Mean of ∇c over a row, in local units.
        let slope = |index: usize| match self.problem.cost {
            Cost::SquaredEuclidean => 2.0 * (measure.point(index).coords - summaries[index].mean),
            Cost::Euclidean => -summaries[index].pull,
        };
        let (balance, others_total) = (self.balance(), others.weights.iter().sum::<f64>());
        // Mass of a row per weight.
        let kept = |index: usize| {
            let softmin = -epsilon * std::f64::consts::LN_2 * summaries[index].log2_sum;
            ((own[index] - softmin) / epsilon).exp()
        };
        let positions: Vec<Vector3<f64>> = (0..measure.len())
            .map(|index| match measure.weights[index] {
                0.0 => Vector3::zeros(),
                weight => slope(index) * (weight * kept(index) * unit / scale),
            })
            .collect();
        let weights: Vec<f64> = (0..measure.len())
            .map(|index| unit * (balance.gain(own[index]) - epsilon * (kept(index) - others_total)))
            .collect();
        MeasureGradient { positions: measure.restore(&positions), weights: measure.restore(&weights) }
    }
}
