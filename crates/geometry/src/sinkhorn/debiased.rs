//! The three plans behind a divergence.

use std::ops::ControlFlow;

use super::divergence::{DivergenceTerm, SinkhornDivergence};
use super::engine::Side;
use super::gradient::{MeasureGradient, TransportGradient};
use super::plan::TransportPlan;
use super::{Sinkhorn, SinkhornRun, SinkhornStep};
use crate::{Backend, Result, TransportProblem};

/// The plans of source to target, source to itself and target to itself: everything that
/// [`SinkhornDivergence`] and its gradient are made of.
///
/// ```
/// use barrow_geometry::{Backend, DivergencePlans, Measure, Sinkhorn, TransportProblem};
/// use nalgebra::{Point3, Vector3};
///
/// let source: Vec<_> = (0..50).map(|i| Point3::new(0.1 * i as f64, 0.0, 0.0)).collect();
/// let target: Vec<_> = source.iter().map(|point| point + Vector3::new(0.0, 3.0, 0.0)).collect();
/// let problem = TransportProblem::new(Measure::uniform(&source)?, Measure::uniform(&target)?, 0.5);
/// let solver = Sinkhorn { tolerance: 1e-6, ..Default::default() };
/// let plans = DivergencePlans::solve(&solver, &problem, &Backend::Cpu)?;
/// assert!((plans.divergence().value - 9.0).abs() < 1e-5);
/// // |x − y|² for every point: going 3 m back costs 2 · 3 m, at a weight of 1/50.
/// let gradient = plans.gradient();
/// assert!((gradient.source.positions[7] - Vector3::new(0.0, -6.0, 0.0) / 50.0).norm() < 1e-4);
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
pub struct DivergencePlans<'a> {
    cross: TransportPlan<'a>,
    source: TransportPlan<'a>,
    target: TransportPlan<'a>,
}

impl<'a> DivergencePlans<'a> {
    /// Solves the three problems with the same options.
    ///
    /// # Errors
    /// Those of [`Sinkhorn::start`].
    pub fn solve(solver: &Sinkhorn, problem: &TransportProblem<'a>, backend: &Backend) -> Result<Self> {
        Self::solve_with(solver, problem, backend, |_| ControlFlow::Continue(()))
    }

    /// Solves the three problems under observation, cross term first. Breaking ends the current one and each of the
    /// following after one step, with [`Status::Stopped`](crate::Status::Stopped).
    ///
    /// # Errors
    /// Those of [`Sinkhorn::start`].
    pub fn solve_with(
        solver: &Sinkhorn,
        problem: &TransportProblem<'a>,
        backend: &Backend,
        observe: impl FnMut(&SinkhornStep) -> ControlFlow<()>,
    ) -> Result<Self> {
        let own = Sinkhorn { initial: None, ..solver.clone() };
        Self::solve_all([solver, &own, &own], problem, backend, observe)
    }

    fn solve_all(
        [cross, source, target]: [&Sinkhorn; 3],
        problem: &TransportProblem<'a>,
        backend: &Backend,
        mut observe: impl FnMut(&SinkhornStep) -> ControlFlow<()>,
    ) -> Result<Self> {
        let mut stopped = false;
        let mut plan = |run: Result<SinkhornRun<'a>>| -> Result<TransportPlan<'a>> {
            let mut run = run?;
            while !stopped {
                let Some(step) = run.step()? else { break };
                stopped = observe(&step).is_break();
            }
            run.finish()
        };
        let own_source = TransportProblem { target: problem.source, ..*problem };
        let own_target = TransportProblem { source: problem.target, ..*problem };
        Ok(Self {
            cross: plan(cross.start(problem, backend))?,
            source: plan(SinkhornRun::new(source, &own_source, backend, true))?,
            target: plan(SinkhornRun::new(target, &own_target, backend, true))?,
        })
    }

    /// The plan from source to target.
    pub fn cross(&self) -> &TransportPlan<'a> {
        &self.cross
    }

    /// The plan from the source to itself.
    pub fn source(&self) -> &TransportPlan<'a> {
        &self.source
    }

    /// The plan from the target to itself.
    pub fn target(&self) -> &TransportPlan<'a> {
        &self.target
    }

    /// The divergence.
    pub fn divergence(&self) -> SinkhornDivergence {
        let term = |plan: &TransportPlan| DivergenceTerm {
            value: plan.value(),
            convergence: plan.convergence(),
            marginal_error: plan.marginal_error(),
        };
        let (cross, source, target) = (term(&self.cross), term(&self.source), term(&self.target));
        let difference = self.mass_difference();
        let mass_term = 0.5 * self.cross.problem().epsilon() * difference * difference;
        let value = cross.value - 0.5 * source.value - 0.5 * target.value + mass_term;
        SinkhornDivergence { value, cross, source, target, mass_term }
    }

    /// The gradient of the divergence with respect to the positions and weights of both measures.
    ///
    /// ```text
    /// ∂S/∂x_i = ∂OT(a, b)/∂x_i − ∂₁OT(a, a)/∂x_i         ∂S/∂a_i likewise, + ε (Σ a − Σ b)
    /// ```
    ///
    /// with the terms of [`TransportPlan::gradient`], where ∂₁ is the derivative with respect to the first of two equal
    /// measures: the halves of S cancel against a measure that is in its own term twice. With a reach and
    /// Kullback–Leibler the weights' part comes to (ρ + ε) (e^(−h_i/ρ) − e^(−f_i/ρ)), with h the potential of the
    /// source against itself. For a balanced problem it is defined up to a constant, see there.
    ///
    /// # Units
    /// Positions: cost times mass per metre, m for the squared cost. Weights: cost.
    ///
    /// # Determinism
    /// The same bits on any number of threads.
    ///
    /// # References
    /// Feydy et al., *Interpolating between optimal transport and MMD using Sinkhorn divergences*, AISTATS 2019,
    /// section 3.2; Séjourné et al., *Sinkhorn divergences for unbalanced optimal transport*, 2019, section 3.
    pub fn gradient(&self) -> TransportGradient {
        let shift = self.cross.problem().epsilon() * self.mass_difference();
        let TransportGradient { source, target } = self.cross.gradient();
        TransportGradient {
            source: difference(source, &self.source.measure_gradient(Side::Source), shift),
            target: difference(target, &self.target.measure_gradient(Side::Source), -shift),
        }
    }

    /// Σ a − Σ b; zero if balanced, whose totals differ by rounding only.
    fn mass_difference(&self) -> f64 {
        let problem = self.cross.problem();
        problem.reach.map_or(0.0, |_| problem.source.total() - problem.target.total())
    }
}

/// Of a measure in the cross term, less that in its own, with a constant for the weights.
fn difference(cross: MeasureGradient, own: &MeasureGradient, shift: f64) -> MeasureGradient {
    MeasureGradient {
        positions: cross.positions.iter().zip(&own.positions).map(|(cross, own)| cross - own).collect(),
        weights: cross.weights.iter().zip(&own.weights).map(|(cross, own)| cross - own + shift).collect(),
    }
}
