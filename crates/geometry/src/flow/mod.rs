//! Points that move down the slope of a divergence: options and the one loop.

mod attraction;
mod barycenter;
mod run;
mod support;

use std::ops::ControlFlow;

use attraction::{Attraction, Body};
pub use barycenter::{BarycenterProblem, FreeSupport};
pub use run::{Flow, FlowRun, FlowStep};

use crate::error::require_positive;
use crate::{Backend, Error, Result, Sinkhorn, TransportProblem};

/// How to let the source flow to the target: down the gradient of the Sinkhorn divergence S.
///
/// Every point moves with the slope of S per weight,
///
/// ```text
/// x_i ← x_i − τ ∇_i S / (2 a_i) = x_i + τ ((mean target of x_i) − (mean source of x_i))       squared cost, balanced
/// x_i ← x_i − τ blur ∇_i S / a_i                                                               Euclidean cost
/// ```
///
/// the means being those of the plans to the target and of the source to itself. With τ = 1 and the squared cost a
/// translate is reached in one step, whatever the blur. The second mean takes out the shrinking of the first: at rest the
/// source has the target's shape down to about the blur, and not that of its smoothed image. A reach lets points beyond
/// it stay where they are, since what is dropped does not pull. Points without weight stay as well.
///
/// A move after which S would be higher, by more than solver errors explain, is taken back and τ halved: S falls.
/// Plans start from the potentials of the ones before.
///
/// # Determinism
/// The same bits on any number of threads.
///
/// # References
/// Feydy et al., *Interpolating between optimal transport and MMD using Sinkhorn divergences*, AISTATS 2019, section 4.1.
///
/// ```
/// use barrow_geometry::{Backend, GradientFlow, Measure, TransportProblem};
/// use nalgebra::{Point3, Vector3};
///
/// let source: Vec<_> = (0..30).map(|i| Point3::new((0.7 * i as f64).sin(), 0.1 * i as f64, 0.0)).collect();
/// let target: Vec<_> = source.iter().map(|point| point + Vector3::new(5.0, 0.0, 1.0)).collect();
/// let problem = TransportProblem::new(Measure::uniform(&source)?, Measure::uniform(&target)?, 0.1);
/// let flow = GradientFlow::default().solve(&problem, &Backend::Cpu)?;
/// assert!(flow.convergence.converged());
/// assert!(flow.positions.iter().zip(&target).all(|(x, y)| (x - y).norm() < 1e-3));
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct GradientFlow {
    /// How to solve for the plans. Their tolerance bounds how well S is known.
    pub solver: Sinkhorn,
    /// τ, the part of the velocity that one move goes, above 0 and at most 2.
    pub step_size: f64,
    /// The flow is at rest when the root mean square velocity is at most this part of the blur.
    pub tolerance: f64,
    /// Moves to try. At least 1.
    pub max_iterations: usize,
}

impl Default for GradientFlow {
    fn default() -> Self {
        let solver = Sinkhorn { tolerance: 1e-5, ..Sinkhorn::default() };
        Self { solver, step_size: 1.0, tolerance: 1e-2, max_iterations: 100 }
    }
}

impl GradientFlow {
    /// Prepares a flow of the problem's source to its target: checks the options.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for an option out of range. What is wrong with the problem or the solver's options is said
    /// by the first step.
    pub fn start<'a>(&self, problem: &TransportProblem<'a>, backend: &Backend) -> Result<FlowRun<'a>> {
        self.check()?;
        let target = (Body::of(&problem.target), 1.0);
        let attraction = Attraction::new(&self.solver, backend, problem, [target]);
        Ok(FlowRun::new(self, attraction, Body::of(&problem.source)))
    }

    /// Lets the source flow until it is at rest.
    ///
    /// # Errors
    /// Those of [`start`](Self::start) and of [`Sinkhorn::start`]. Not coming to rest is an answer, not an error.
    pub fn solve(&self, problem: &TransportProblem, backend: &Backend) -> Result<Flow> {
        self.solve_with(problem, backend, |_| ControlFlow::Continue(()))
    }

    /// Lets the source flow under observation; breaking ends it with [`Status::Stopped`](crate::Status::Stopped).
    ///
    /// # Errors
    /// Those of [`solve`](Self::solve).
    pub fn solve_with(
        &self,
        problem: &TransportProblem,
        backend: &Backend,
        observe: impl FnMut(&FlowStep) -> ControlFlow<()>,
    ) -> Result<Flow> {
        drive(self.start(problem, backend)?, observe)
    }

    fn check(&self) -> Result<()> {
        require_positive("tolerance", self.tolerance)?;
        let refuse = |name, requirement, got| Err(Error::InvalidOption { name, requirement, got });
        if !(self.step_size > 0.0 && self.step_size <= 2.0) {
            return refuse("step_size", "above 0 and at most 2", self.step_size);
        }
        if self.max_iterations == 0 {
            return refuse("max_iterations", "at least 1", 0.0);
        }
        Ok(())
    }
}

/// The one loop.
fn drive(mut run: FlowRun, mut observe: impl FnMut(&FlowStep) -> ControlFlow<()>) -> Result<Flow> {
    while let Some(step) = run.step()? {
        if observe(&step).is_break() {
            break;
        }
    }
    run.finish()
}
