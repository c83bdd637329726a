//! Optimal transport without entropy: exact, or certified to a gap.

mod answer;
mod bisection;
mod blocks;
mod cells;
mod exact;
mod flow;
mod forest;
mod graph;
mod hierarchy;
mod level;
mod masses;
mod matrix;
mod multiscale;
mod outside;
mod problem;
mod refine;
mod run;
mod sharpen;
mod simplex;

use std::ops::ControlFlow;

pub use answer::{Certificate, WassersteinPlan};
pub use matrix::{MatrixWasserstein, wasserstein_of_matrix};
pub use problem::{Moved, WassersteinProblem};
pub use run::{WassersteinRun, WassersteinStage, WassersteinStep};

use crate::{Backend, Error, Result};

/// How closely to solve a transport problem, and when to give up.
///
/// The distance comes with a certificate: an interval that is proven to hold it. The run ends as soon as the interval is
/// narrow enough, or the plan is optimal.
///
/// 1. Both measures are gathered into cells, from 512 down to the points. On each level entropic potentials are carried
///    over from the one above and sharpened on a few candidate pairs per point; the plan between cells is split into
///    one between their parts and improved, cell of sources by cell of sources, by exact solutions of small problems.
/// 2. On the points the hard c-transform of the potentials proves the lower bound and the plan the upper.
/// 3. While they are apart: further sweeps with other cells, then a network simplex on all candidates, whose potentials
///    name the pairs that were missed, until there are none.
///
/// Memory is O(n + m). A million points take half a gigabyte.
///
/// # Determinism
/// The same bits on any number of threads, unless time runs out. Machines with different instruction sets may come to
/// different intervals, each of them true.
///
/// # References
/// Peyré, Cuturi, *Computational optimal transport*, 2019, chapter 3; Schmitzer, *A sparse multiscale algorithm for dense
/// optimal transport*, Journal of Mathematical Imaging and Vision 2016 (candidates across scales); Bonafini, Schmitzer,
/// *Domain decomposition for entropy regularized optimal transport*, Numerische Mathematik 2021 (small problems); Kovács,
/// *Minimum-cost flow algorithms: an experimental evaluation*, 2015 (the simplex).
///
/// ```
/// use barrow_geometry::{Measure, Wasserstein, WassersteinProblem};
/// use nalgebra::{Point3, Vector3};
///
/// let source: Vec<_> = (0..50).map(|i| Point3::new(i as f64, 0.0, 0.0)).collect();
/// let target: Vec<_> = source.iter().map(|point| point + Vector3::new(0.0, 3.0, 0.0)).collect();
/// let problem = WassersteinProblem::new(Measure::uniform(&source)?, Measure::uniform(&target)?);
/// let answer = Wasserstein { gap: 0.0, ..Default::default() }.solve(&problem)?;
/// assert!(answer.convergence.converged());
/// assert!(answer.certificate.lower <= 3.0 && answer.certificate.upper >= 3.0);
/// assert!((answer.value - 3.0).abs() < 1e-12);
/// assert!(answer.plan.arcs().iter().all(|arc| arc.source == arc.target));
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Wasserstein {
    /// Relative gap of the certificate, (upper − lower) / upper, at which the run ends: at least 0, below 1. Zero asks
    /// for an optimal plan; what then remains of the gap is rounding.
    pub gap: f64,
    /// Steps at most, at least 1: levels, sweeps, and thousands of pivots at a time.
    pub max_iterations: usize,
    /// Time at most \[s\]; looked at between steps.
    pub max_seconds: Option<f64>,
}

impl Default for Wasserstein {
    fn default() -> Self {
        Self { gap: 0.01, max_iterations: 1_000_000, max_seconds: None }
    }
}

impl Wasserstein {
    /// Prepares a run: checks everything, sorts the points.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for an option of the solver or the problem out of range, [`Error::UnequalTotals`] if
    /// all mass is to be moved and the totals differ by more than 10⁻⁹, [`Error::PlanTooLarge`] for too many pairs with
    /// an exponent other than 1 and 2.
    pub fn start<'a>(&self, problem: &WassersteinProblem<'a>) -> Result<WassersteinRun<'a>> {
        self.start_on(problem, &Backend::Cpu)
    }

    /// As [`start`](Self::start), with all searches on the device of a backend if it has one.
    ///
    /// Those are the searches for lowest reduced costs, of every point on either side: for candidates, for proofs, and
    /// for the pairs that a simplex has missed. What a device finds is decided on the processor, see
    /// [`lowest_k_all_on`](crate::WeightedKdTree::lowest_k_all_on), and all else stays there, the entropic potentials of
    /// the 512 cells that a run begins with among it; so does everything for exponents other than 1 and 2.
    ///
    /// # Determinism
    /// The same bits as on the CPU: plan, potentials and certificate.
    ///
    /// # Errors
    /// Those of [`start`](Self::start); what can go wrong on a device is told by the steps of the run.
    pub fn start_on<'a>(
        &self,
        problem: &WassersteinProblem<'a>,
        backend: &Backend,
    ) -> Result<WassersteinRun<'a>> {
        WassersteinRun::new(self, problem, backend)
    }

    /// Solves a problem.
    ///
    /// # Errors
    /// Those of [`start`](Self::start). Not converging is an answer, not an error.
    pub fn solve(&self, problem: &WassersteinProblem) -> Result<WassersteinPlan> {
        self.solve_on(problem, &Backend::Cpu)
    }

    /// As [`solve`](Self::solve), to the same bits, with all searches on the device of a backend if it has one; see
    /// [`start_on`](Self::start_on).
    ///
    /// # Errors
    /// Those of [`start`](Self::start); [`Error::DeviceMemory`] and [`Error::DeviceLost`] as they come.
    ///
    /// ```
    /// use barrow_geometry::{Backend, Gpu, Measure, Wasserstein, WassersteinProblem};
    /// use nalgebra::{Point3, Vector3};
    ///
    /// let source: Vec<_> = (0..50).map(|i| Point3::new(i as f64, 0.0, 0.0)).collect();
    /// let target: Vec<_> = source.iter().map(|point| point + Vector3::new(0.0, 3.0, 0.0)).collect();
    /// let problem = WassersteinProblem::new(Measure::uniform(&source)?, Measure::uniform(&target)?);
    /// let backend = Gpu::open().map_or(Backend::Cpu, Backend::Gpu);
    /// let solver = Wasserstein::default();
    /// assert_eq!(solver.solve_on(&problem, &backend)?, solver.solve(&problem)?);
    /// # Ok::<(), barrow_geometry::Error>(())
    /// ```
    pub fn solve_on(&self, problem: &WassersteinProblem, backend: &Backend) -> Result<WassersteinPlan> {
        self.solve_with_on(problem, backend, |_| ControlFlow::Continue(()))
    }

    /// Solves a problem under observation; breaking ends the run with [`Status::Stopped`](crate::Status::Stopped), but
    /// not before there is a plan.
    ///
    /// # Errors
    /// Those of [`start`](Self::start).
    pub fn solve_with(
        &self,
        problem: &WassersteinProblem,
        observe: impl FnMut(&WassersteinStep) -> ControlFlow<()>,
    ) -> Result<WassersteinPlan> {
        self.solve_with_on(problem, &Backend::Cpu, observe)
    }

    /// As [`solve_with`](Self::solve_with), to the same bits, with all searches on the device of a backend if it has
    /// one; see [`start_on`](Self::start_on).
    ///
    /// # Errors
    /// Those of [`solve_on`](Self::solve_on).
    pub fn solve_with_on(
        &self,
        problem: &WassersteinProblem,
        backend: &Backend,
        mut observe: impl FnMut(&WassersteinStep) -> ControlFlow<()>,
    ) -> Result<WassersteinPlan> {
        let mut run = self.start_on(problem, backend)?;
        while let Some(step) = run.step()? {
            if observe(&step).is_break() {
                break;
            }
        }
        run.finish()
    }

    fn check(&self) -> Result<()> {
        let refuse = |name, requirement, got| Err(Error::InvalidOption { name, requirement, got });
        if !(self.gap >= 0.0 && self.gap < 1.0) {
            return refuse("gap", "at least 0 and below 1", self.gap);
        }
        if self.max_iterations == 0 {
            return refuse("max_iterations", "at least 1", 0.0);
        }
        match self.max_seconds {
            Some(seconds) if seconds.is_nan() || seconds < 0.0 => refuse("max_seconds", ">= 0", seconds),
            _ => Ok(()),
        }
    }
}
