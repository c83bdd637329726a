//! The debiased value: a distance that vanishes between equal measures.

use std::ops::ControlFlow;

use super::plan::MarginalError;
use super::{DivergencePlans, Sinkhorn, SinkhornStep};
use crate::{Backend, Convergence, Result, TransportProblem};

/// One of the three transport values of a divergence.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct DivergenceTerm {
    /// The entropic transport value \[m² · mass\].
    pub value: f64,
    /// How far its solver came.
    pub convergence: Convergence,
    /// How far its plan's marginals are from the prescribed ones.
    pub marginal_error: MarginalError,
}

/// The Sinkhorn divergence and what it is made of.
///
/// ```text
/// S(a, b) = OT(a, b) − ½ OT(a, a) − ½ OT(b, b) + ε/2 (Σ a − Σ b)²
/// ```
///
/// Removes the entropic bias of [`TransportPlan::value`](super::TransportPlan::value): S ≥ 0, S(a, a) = 0, and
/// S(a, a + t) = |t|² for every blur. Tends to the transport distance W₂² as the blur vanishes.
/// [`DivergencePlans`] keeps the plans behind it and has its gradient.
///
/// # Units
/// m² times mass for the squared cost, m times mass for the Euclidean one.
///
/// # References
/// Feydy et al., *Interpolating between optimal transport and MMD using Sinkhorn divergences*, AISTATS
/// 2019, equation 3; Séjourné et al., *Sinkhorn divergences for unbalanced optimal transport*, 2019,
/// definition 6 (the mass term).
///
/// ```
/// use barrow_geometry::{Backend, Measure, Sinkhorn, SinkhornDivergence, TransportProblem};
/// use nalgebra::{Point3, Vector3};
///
/// let source: Vec<_> = (0..50).map(|i| Point3::new(0.1 * i as f64, 0.0, 0.0)).collect();
/// let target: Vec<_> = source.iter().map(|point| point + Vector3::new(0.0, 3.0, 0.0)).collect();
/// let problem = TransportProblem::new(Measure::uniform(&source)?, Measure::uniform(&target)?, 0.5);
/// let solver = Sinkhorn { tolerance: 1e-6, ..Default::default() };
/// let divergence = SinkhornDivergence::solve(&solver, &problem, &Backend::Cpu)?;
/// assert!((divergence.value - 9.0).abs() < 1e-5);
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct SinkhornDivergence {
    /// S(a, b).
    pub value: f64,
    /// OT(a, b).
    pub cross: DivergenceTerm,
    /// OT(a, a).
    pub source: DivergenceTerm,
    /// OT(b, b).
    pub target: DivergenceTerm,
    /// ε/2 (Σ a − Σ b)², zero if balanced.
    pub mass_term: f64,
}

impl SinkhornDivergence {
    /// Solves the three problems with the same options.
    ///
    /// # Errors
    /// Those of [`Sinkhorn::start`].
    pub fn solve(solver: &Sinkhorn, problem: &TransportProblem, backend: &Backend) -> Result<Self> {
        Self::solve_with(solver, problem, backend, |_| ControlFlow::Continue(()))
    }

    /// Solves the three problems under observation, cross term first. Breaking ends the current one and each of the
    /// following after one step, with [`Status::Stopped`](crate::Status::Stopped).
    ///
    /// # Errors
    /// Those of [`Sinkhorn::start`].
    pub fn solve_with(
        solver: &Sinkhorn,
        problem: &TransportProblem,
        backend: &Backend,
        observe: impl FnMut(&SinkhornStep) -> ControlFlow<()>,
    ) -> Result<Self> {
        Ok(DivergencePlans::solve_with(solver, problem, backend, observe)?.divergence())
    }
}
