//! The mean of several clouds, as a cloud.

use std::ops::ControlFlow;

use super::attraction::{Attraction, Body};
use super::run::{Flow, FlowRun, FlowStep};
use super::support::support;
use super::{GradientFlow, drive};
use crate::error::require_positive;
use crate::measure::total_weight;
use crate::{Backend, Error, Measure, Result, TransportProblem};

/// Largest number of points of a barycenter.
const COUNT_LIMIT: usize = 1 << 24;

/// What to average: the points X = (x_i), each of weight 1 / `count`, that minimise
///
/// ```text
/// Σ_k λ_k S(X, Y_k)
/// ```
///
/// for the Sinkhorn divergence S with the squared cost, every Y_k scaled to total 1 and Σ λ_k = 1.
///
/// # Units
/// `blur` is a length \[m\].
///
/// # References
/// Cuturi, Doucet, *Fast computation of Wasserstein barycenters*, ICML 2014, section 4; Janati et al., *Debiased Sinkhorn
/// barycenters*, ICML 2020.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BarycenterProblem<'a> {
    /// Y_k. At least one.
    pub measures: &'a [Measure<'a>],
    /// λ_k up to a common factor, one per measure: finite and ≥ 0, not all zero.
    pub shares: &'a [f64],
    /// Number of points of the barycenter. At least 1.
    pub count: usize,
    /// Length below which plans are fuzzy \[m\].
    pub blur: f64,
}

/// How to find a barycenter whose points are free to move.
///
/// A [`GradientFlow`] towards all measures at once. With the step size 1 every point moves to the mean of where the plans
/// take it, less where the plan of the points to themselves does:
///
/// ```text
/// x_i ← x_i + Σ_k λ_k T_k(x_i) − T_X(x_i),      T(x) the mean target of x
/// ```
///
/// The points start spread like the measure with the largest share, around the common mean. The problem is not convex:
/// other starts may end elsewhere.
///
/// # Determinism
/// The same seed gives the same bits on any number of threads.
///
/// ```
/// use barrow_geometry::{Backend, BarycenterProblem, FreeSupport, Measure};
/// use nalgebra::{Point3, Vector3};
///
/// let shape: Vec<_> = (0..20).map(|i| Point3::new((0.7 * i as f64).sin(), 0.1 * i as f64, 0.0)).collect();
/// let moved: Vec<_> = shape.iter().map(|point| point + Vector3::new(4.0, 0.0, 0.0)).collect();
/// let measures = [Measure::uniform(&shape)?, Measure::uniform(&moved)?];
/// // Three parts of the one and one of the other: a quarter of the way.
/// let problem = BarycenterProblem { measures: &measures, shares: &[3.0, 1.0], count: 20, blur: 0.2 };
/// let mean = FreeSupport::default().solve(&problem, &Backend::Cpu)?;
/// let wanted = shape.iter().map(|point| point + Vector3::new(1.0, 0.0, 0.0));
/// assert!(mean.positions.iter().zip(wanted).all(|(x, y)| (x - y).norm() < 1e-3));
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FreeSupport {
    /// How the points move.
    pub flow: GradientFlow,
    /// Of the choice of the first points.
    pub seed: u64,
}

impl FreeSupport {
    /// Prepares a flow: checks everything but the size of the blur, places the points.
    ///
    /// # Errors
    /// [`Error::Empty`] without measures; [`Error::ColumnLength`], [`Error::InvalidWeight`] or [`Error::NoMass`] for the
    /// shares; [`Error::InvalidOption`] for a count of zero or above 2²⁴ or an option out of range.
    pub fn start<'a>(&self, problem: &BarycenterProblem<'a>, backend: &Backend) -> Result<FlowRun<'a>> {
        self.flow.check()?;
        require_positive("blur", problem.blur)?;
        let Some(first) = problem.measures.first() else { return Err(Error::Empty { role: "input" }) };
        let total = total_weight("shares", problem.shares, problem.measures.len())?;
        if !(1..=COUNT_LIMIT).contains(&problem.count) {
            let requirement = "at least 1 and at most 2^24";
            return Err(Error::InvalidOption { name: "count", requirement, got: problem.count as f64 });
        }
        let shares: Vec<f64> = problem.shares.iter().map(|share| share / total).collect();
        let positions = support(problem.measures, &shares, problem.count, problem.blur, self.seed);
        // A measure without share pulls nowhere and need not be solved for.
        let bodies = problem.measures.iter().zip(shares).filter(|&(_, share)| share > 0.0);
        let bodies = bodies.map(|(measure, share)| (Body::normalized(measure), share));
        let settings = TransportProblem::new(*first, *first, problem.blur);
        let attraction = Attraction::new(&self.flow.solver, backend, &settings, bodies);
        Ok(FlowRun::new(&self.flow, attraction, Body { positions: positions.into(), weights: None }))
    }

    /// Finds a barycenter.
    ///
    /// # Errors
    /// Those of [`start`](Self::start) and of [`Sinkhorn::start`](crate::Sinkhorn::start). Not coming to rest is an
    /// answer, not an error.
    pub fn solve(&self, problem: &BarycenterProblem, backend: &Backend) -> Result<Flow> {
        self.solve_with(problem, backend, |_| ControlFlow::Continue(()))
    }

    /// Finds a barycenter under observation; breaking ends the flow with [`Status::Stopped`](crate::Status::Stopped).
    ///
    /// # Errors
    /// Those of [`solve`](Self::solve).
    pub fn solve_with(
        &self,
        problem: &BarycenterProblem,
        backend: &Backend,
        observe: impl FnMut(&FlowStep) -> ControlFlow<()>,
    ) -> Result<Flow> {
        drive(self.start(problem, backend)?, observe)
    }
}
