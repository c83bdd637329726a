//! Entropic optimal transport: options and the one loop.

mod alternation;
mod anderson;
mod averaging;
mod block;
mod cells;
mod columns;
mod cpu;
mod debiased;
mod divergence;
mod engine;
mod extension;
mod flows;
#[cfg(feature = "gpu")]
mod gpu;
mod gradient;
mod kernel;
mod lists;
pub(crate) mod momentum;
mod plan;
mod problem;
pub(crate) mod real;
mod run;
pub(crate) mod schedule;
mod tiles;

use std::ops::ControlFlow;

pub use debiased::DivergencePlans;
pub use divergence::{DivergenceTerm, SinkhornDivergence};
pub(crate) use engine::Side;
#[cfg(feature = "gpu")]
pub(crate) use gpu::rates as kernel_rates;
pub use gradient::{MeasureGradient, TransportGradient};
pub use plan::{MarginalError, Marginals, Potentials, RowMean, TransportPlan};
pub(crate) use problem::MIN_REACH;
pub use problem::{Cost, MarginalPenalty, TransportProblem};
pub use run::{SinkhornRun, SinkhornStep};

use crate::{Backend, Error, Result};

/// How to solve an entropic transport problem: options that change how soon, not what.
///
/// Soft minima in the log domain, alternating between target and source, while the blur falls
/// geometrically from the extent of the measures to that of the problem (ε-annealing):
///
/// ```text
/// f_i ← −λ ε log Σ_j b_j exp((g_j − c_ij) / ε),    g likewise,    λ = 1 / (1 + ε/ρ)
/// ```
///
/// With total variation λ is 1 and the soft minimum is clipped to [−ρ, ρ] instead.
///
/// Matrices of all pairs are never formed. While the blur is wide, cells of an octree with sides of at most two
/// blurs stand in for the points; their potentials are lifted by one soft minimum against the other, coarse side. Points
/// are arranged in tiles under a tree, and tiles that together hold less than 2⁻¹⁰ of the tolerance of a row's sum are
/// proven to and skipped, so that small blurs cost in proportion to n; which are left is remembered until potentials have
/// changed by three bits. Coordinates are centred in `f64`, tile by tile; scores are computed in `f32` where rounding
/// provably changes no entry of the plan by more than half the tolerance relative to itself, and no potential by more
/// than 10⁻⁵ of the cost across both measures, else in `f64`.
///
/// Alternating is slow where mass has to travel many blurs, and where points are farther apart than the blur. Once a
/// stage has begun, the larger entries of its plan, as far as they fit into 64 million, are therefore scaled to the
/// marginals as a sparse matrix with coarser levels, and the potentials follow.
///
/// On a graphics device ([`Backend::Gpu`]) the same stages run on the same cells and tiles, with soft minima that are
/// truncated under the same bound, Nesterov's momentum instead of sparse matrices, and the potentials never leave it
/// until the end. There potentials are within 10⁻⁵ of the cost across both measures, and the value within 10⁻⁵ of
/// itself, of what the processor finds with as little misplaced.
///
/// # Determinism
/// The same bits on any number of threads, and every time on one device. Machines with different instruction sets, and
/// devices, may differ by rounding.
///
/// # References
/// Peyré, Cuturi, *Computational optimal transport*, sections 4.2–4.4; Feydy et al., *Interpolating
/// between optimal transport and MMD using Sinkhorn divergences*, AISTATS 2019; Séjourné et al., *Faster
/// unbalanced optimal transport*, AISTATS 2022 (the translation that an unbalanced step ends with); Schmitzer,
/// *Stabilized sparse scaling algorithms for entropy regularized transport problems*, SISC 2019 (the sparse matrix).
///
/// ```
/// use barrow_geometry::{Backend, Measure, Sinkhorn, TransportProblem};
/// use nalgebra::{Point3, Vector3};
///
/// let source: Vec<_> = (0..50).map(|i| Point3::new(i as f64, 0.0, 0.0)).collect();
/// let target: Vec<_> = source.iter().map(|point| point + Vector3::new(0.0, 3.0, 0.0)).collect();
/// let problem = TransportProblem::new(Measure::uniform(&source)?, Measure::uniform(&target)?, 0.1);
/// let plan = Sinkhorn::default().solve(&problem, &Backend::Cpu)?;
/// assert!(plan.convergence().converged());
/// assert!((plan.transport_cost() - 9.0).abs() < 1e-6);
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Sinkhorn {
    /// Ratio of successive blurs while annealing, between 0 and 0.99.
    pub scaling: f64,
    /// The run has converged when the misplaced mass is at most this part of the total: the L1 distance between the
    /// plan's target marginal and the prescribed one. 10⁻³ puts one point in a thousand in the wrong
    /// place, well below what a blurred plan resolves; ask for less where values are compared.
    pub tolerance: f64,
    /// Iterations, annealing included, each updating both potentials. At least 1.
    pub max_iterations: usize,
    /// Potentials to start from. Skips annealing unless `initial_blur` is set as well.
    pub initial: Option<Potentials>,
    /// Blur to anneal from \[m\]; by default the extent of the measures.
    pub initial_blur: Option<f64>,
}

impl Default for Sinkhorn {
    fn default() -> Self {
        Self { scaling: 0.5, tolerance: 1e-3, max_iterations: 1000, initial: None, initial_blur: None }
    }
}

impl Sinkhorn {
    /// Prepares a run: checks everything, sorts the points.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for an option of the solver or the problem out of range,
    /// [`Error::UnequalTotals`] for a balanced problem whose sides differ by more than 10⁻⁹,
    /// [`Error::ColumnLength`] for initial potentials of another length. On a graphics device also
    /// [`Error::InvalidOption`] for a blur below 7.4 · 10⁻⁵ of the extent (1.3 · 10⁻⁴ for the Euclidean cost) or a
    /// tolerance below 2 · 10⁻⁵, which it does not resolve; [`Error::DeviceMemory`] and [`Error::DeviceLost`].
    pub fn start<'a>(&self, problem: &TransportProblem<'a>, backend: &Backend) -> Result<SinkhornRun<'a>> {
        SinkhornRun::new(self, problem, backend, false)
    }

    /// Solves a problem.
    ///
    /// # Errors
    /// Those of [`start`](Self::start). Not converging is an answer, not an error.
    pub fn solve<'a>(&self, problem: &TransportProblem<'a>, backend: &Backend) -> Result<TransportPlan<'a>> {
        self.solve_with(problem, backend, |_| ControlFlow::Continue(()))
    }

    /// Solves a problem under observation; breaking ends the run with [`Status::Stopped`](crate::Status::Stopped).
    ///
    /// # Errors
    /// Those of [`start`](Self::start).
    pub fn solve_with<'a>(
        &self,
        problem: &TransportProblem<'a>,
        backend: &Backend,
        mut observe: impl FnMut(&SinkhornStep) -> ControlFlow<()>,
    ) -> Result<TransportPlan<'a>> {
        let mut run = self.start(problem, backend)?;
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
        if !(self.tolerance >= 1e-12 && self.tolerance < 1.0) {
            return refuse("tolerance", "at least 1e-12 and below 1", self.tolerance);
        }
        if self.max_iterations == 0 {
            return refuse("max_iterations", "at least 1", 0.0);
        }
        match self.initial_blur {
            Some(blur) if !(blur.is_finite() && blur > 0.0) => refuse("initial_blur", "finite and > 0", blur),
            _ => Ok(()),
        }
    }
}
