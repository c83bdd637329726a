//! Entropic transport for a matrix of costs: options and the one loop.

mod kernel;
mod plan;
mod problem;
mod run;

use std::ops::ControlFlow;

pub use plan::MatrixPlan;
pub use problem::MatrixTransport;
pub use run::{MatrixRun, MatrixStep};

use crate::{Error, Potentials, Result};

/// How to solve an entropic transport problem with a matrix of costs: options that change how soon, not what.
///
/// The scaling form of Sinkhorn's algorithm, products with a kernel matrix in turn from both sides,
///
/// ```text
/// u ← a / (K v),    v ← b / (Kᵀ u),    P = diag(u) K diag(v),    K = exp(−C / ε)
/// ```
///
/// kept in potentials f = ε log(u / a), g = ε log(v / b): they are absorbed into the kernel whenever a scaling would leave
/// e^±50, so that no ε is too small for it. ε falls geometrically from the range of the costs to that of the problem.
/// For costs between points in space use [`Sinkhorn`](crate::Sinkhorn), which never forms a matrix: this one takes four
/// of them, 32 n·m bytes, and suits some thousand points.
///
/// # Determinism
/// The same bits on any number of threads.
///
/// # References
/// Peyré, Cuturi, *Computational optimal transport*, sections 4.2 and 4.4; Schmitzer, *Stabilized sparse scaling algorithms
/// for entropy regularized transport problems*, 2019; Chizat et al., *Scaling algorithms for unbalanced optimal transport
/// problems*, Math. Comp. 2018.
///
/// ```
/// use barrow_geometry::{MatrixSinkhorn, MatrixTransport};
/// use nalgebra::DMatrix;
///
/// // The smallest example there is: the answer is ½ e / (1 + e) on the diagonal.
/// let cost = DMatrix::from_row_slice(2, 2, &[0.0, 1.0, 1.0, 0.0]);
/// let weights = [0.5, 0.5];
/// let plan = MatrixSinkhorn::default().solve(&MatrixTransport::new(&cost, &weights, &weights, 1.0))?;
/// assert!((plan.plan[(0, 0)] - 0.36552928931500245).abs() < 1e-9);
/// // With hardly any entropy nothing moves.
/// let plan = MatrixSinkhorn::default().solve(&MatrixTransport::new(&cost, &weights, &weights, 1e-3))?;
/// assert!((plan.plan - 0.5 * DMatrix::<f64>::identity(2, 2)).amax() < 1e-9);
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixSinkhorn {
    /// Ratio of successive ε while annealing, between 0 and 0.99.
    pub scaling: f64,
    /// The run has converged when the misplaced mass is at most this part of the total.
    pub tolerance: f64,
    /// Iterations, annealing included, each updating both potentials. At least 1.
    pub max_iterations: usize,
    /// Potentials to start from. Skips annealing.
    pub initial: Option<Potentials>,
}

impl Default for MatrixSinkhorn {
    fn default() -> Self {
        Self { scaling: 0.5, tolerance: 1e-9, max_iterations: 10_000, initial: None }
    }
}

impl MatrixSinkhorn {
    /// Prepares a run: checks everything.
    ///
    /// # Errors
    /// [`Error::Empty`] for a matrix without rows or columns, [`Error::MatrixShape`] if it does not fit the weights,
    /// [`Error::InvalidCost`], [`Error::InvalidWeight`] and [`Error::NoMass`] for what they hold,
    /// [`Error::UnequalTotals`] for a balanced problem whose sides differ by more than 10⁻⁹, [`Error::InvalidOption`]
    /// for an option of the solver or the problem out of range, [`Error::ColumnLength`] for initial potentials of another
    /// length.
    pub fn start<'a>(&self, problem: &MatrixTransport<'a>) -> Result<MatrixRun<'a>> {
        MatrixRun::new(self, problem)
    }

    /// Solves a problem.
    ///
    /// # Errors
    /// Those of [`start`](Self::start). Not converging is an answer, not an error.
    pub fn solve(&self, problem: &MatrixTransport) -> Result<MatrixPlan> {
        self.solve_with(problem, |_| ControlFlow::Continue(()))
    }

    /// Solves a problem under observation; breaking ends the run with [`Status::Stopped`](crate::Status::Stopped).
    ///
    /// # Errors
    /// Those of [`start`](Self::start).
    pub fn solve_with(
        &self,
        problem: &MatrixTransport,
        mut observe: impl FnMut(&MatrixStep) -> ControlFlow<()>,
    ) -> Result<MatrixPlan> {
        let mut run = self.start(problem)?;
        while let Some(step) = run.step()? {
            if observe(&step).is_break() {
                break;
            }
        }
        run.finish()
    }

    fn check(&self) -> Result<()> {
        let refuse = |name, requirement, got| Err(Error::InvalidOption { name, requirement, got });
        if !(self.scaling > 0.0 && self.scaling <= 0.99) {
            return refuse("scaling", "above 0 and at most 0.99", self.scaling);
        }
        if !(self.tolerance >= 1e-14 && self.tolerance < 1.0) {
            return refuse("tolerance", "at least 1e-14 and below 1", self.tolerance);
        }
        if self.max_iterations == 0 {
            return refuse("max_iterations", "at least 1", 0.0);
        }
        Ok(())
    }
}
