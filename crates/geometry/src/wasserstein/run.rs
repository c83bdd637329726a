//! The state of a run: one step closes the interval a little.

use std::time::Instant;

use nalgebra::Point3;

use super::Wasserstein;
use super::answer::{Certificate, WassersteinPlan};
use super::matrix::AllPairs;
use super::multiscale::{Answer, Multiscale};
use super::problem::{Moved, WassersteinProblem};
use crate::{Arc, Backend, Convergence, Cost, Error, Potentials, Result, SparsePlan, Status};

/// Above the error of a root or a power, as a part of it.
const ROOT: f64 = 8.0 * f64::EPSILON;

/// What a step worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WassersteinStage {
    /// Cells of some size, or the points for the first time.
    Level,
    /// Small problems that together are all of the plan.
    Sweep,
    /// All of the plan at once.
    Simplex,
}

/// One step, as seen by an observer.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct WassersteinStep {
    /// Steps done, this one included.
    pub iteration: usize,
    /// What it worked on.
    pub stage: WassersteinStage,
    /// Source points or cells that it worked on.
    pub points: usize,
    /// What is proven so far: from zero to infinity until the points have been reached.
    pub certificate: Certificate,
}

/// Bounds on a cost, in the units that a solver computes in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub lower: f64,
    pub upper: f64,
}

impl Bounds {
    /// Of the distance, not the cost.
    pub fn relative_gap(&self, cost: Cost) -> f64 {
        let p = if cost == Cost::Euclidean { 1.0 } else { 2.0 };
        Certificate { lower: root(self.lower, p), upper: root(self.upper, p) }.relative_gap()
    }
}

pub(super) fn root(value: f64, p: f64) -> f64 {
    if p == 1.0 {
        value
    } else if p == 2.0 {
        value.sqrt()
    } else {
        value.powf(1.0 / p)
    }
}

/// One of two ways to a plan.
enum Solver {
    /// By scales, for the costs that trees can search.
    Multiscale(Box<Multiscale>),
    /// With every pair of points, for all other costs.
    AllPairs(Box<AllPairs>),
}

/// A run in progress: call [`step`](Self::step) until it answers `None`, then [`finish`](Self::finish).
pub struct WassersteinRun<'a> {
    problem: WassersteinProblem<'a>,
    options: Wasserstein,
    started: Instant,
    solver: Solver,
    /// Local units of length in a metre: a power of two, so that nothing is rounded.
    scale: f64,
    iterations: usize,
    status: Option<Status>,
    /// What a step failed with: its work is half done, and there is no going on from there.
    failure: Option<Error>,
}

impl<'a> WassersteinRun<'a> {
    pub(super) fn new(
        options: &Wasserstein,
        problem: &WassersteinProblem<'a>,
        backend: &Backend,
    ) -> Result<Self> {
        options.check()?;
        problem.check()?;
        let started = Instant::now();
        let (source, target) = (problem.source.positions(), problem.target.positions());
        let scale = scale(source, target);
        problem.check_costs(scale)?;
        let scaled = |points: &[Point3<f64>]| points.iter().map(|point| point * scale).collect::<Vec<_>>();
        let points = (&scaled(source)[..], &scaled(target)[..]);
        let solver = if problem.p == 1.0 || problem.p == 2.0 {
            Solver::Multiscale(Box::new(Multiscale::new(problem, points, scale, options.gap, backend)))
        } else {
            Solver::AllPairs(Box::new(AllPairs::between(problem, points, scale)))
        };
        let (problem, options) = (*problem, options.clone());
        Ok(Self { problem, options, started, solver, scale, iterations: 0, status: None, failure: None })
    }

    /// Goes on for a while; `None` when the gap is met, the plan is optimal or a limit is reached.
    ///
    /// # Errors
    /// None on the CPU, as everything was checked at the start; a device may be lost or run out of memory, and then this
    /// and all that follows is that error.
    pub fn step(&mut self) -> Result<Option<WassersteinStep>> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        if self.status.is_some() {
            return Ok(None);
        }
        let (stage, points, done) = match &mut self.solver {
            Solver::Multiscale(solver) => {
                let stage = solver.step().inspect_err(|error| self.failure = Some(error.clone()))?;
                (stage, solver.points(), solver.done())
            }
            Solver::AllPairs(solver) => {
                let done = solver.step();
                (Some(WassersteinStage::Simplex), self.problem.source.len(), done)
            }
        };
        let Some(stage) = stage else {
            self.status = Some(Status::Converged);
            return Ok(None);
        };
        self.iterations += 1;
        let seconds = self.options.max_seconds;
        if done {
            self.status = Some(Status::Converged);
        } else if self.iterations >= self.options.max_iterations
            || seconds.is_some_and(|seconds| self.started.elapsed().as_secs_f64() >= seconds)
        {
            self.status = Some(Status::MaxIterations);
        }
        let (iteration, certificate) = (self.iterations, self.certificate());
        Ok(Some(WassersteinStep { iteration, stage, points, certificate }))
    }

    /// What is proven so far.
    pub fn certificate(&self) -> Certificate {
        let Bounds { lower, upper } = match &self.solver {
            Solver::Multiscale(solver) => solver.bounds(),
            Solver::AllPairs(solver) => solver.bounds(),
        };
        let distance = |cost: f64| root(cost / self.share(), self.problem.p) / self.scale;
        Certificate {
            lower: (distance(lower) * (1.0 - ROOT)).max(0.0),
            upper: distance(upper) * (1.0 + ROOT),
        }
    }

    /// The plan as far as the run came. A run that has not reached the points yet goes on until it has.
    ///
    /// # Errors
    /// Those of [`step`](Self::step).
    pub fn finish(mut self) -> Result<WassersteinPlan> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let mut status = self.status.unwrap_or(Status::Stopped);
        while self.certificate().upper.is_infinite() {
            self.status = None;
            self.step()?;
            // What was done after the limit may have been enough.
            if self.status == Some(Status::Converged) {
                status = Status::Converged;
            }
        }
        let certificate = self.certificate();
        let convergence =
            Convergence { status, iterations: self.iterations, residual: certificate.relative_gap() };
        let share = self.share();
        let Self { problem, solver, scale, .. } = self;
        let Answer { flows, potentials, source, target } = match solver {
            Solver::Multiscale(solver) => solver.answer(),
            Solver::AllPairs(solver) => solver.answer(),
        };
        let (x, y) = (problem.source.positions(), problem.target.positions());
        let total = problem.source.total();
        let unit = scale.powf(problem.p);
        let mut cost = 0.0;
        let mut moved = 0.0;
        let arcs: Vec<Arc> = flows
            .into_iter()
            .map(|(source, target, mass)| {
                let (source, target) = (source as usize, target as usize);
                // Scaled before it is squared: lengths of 1e-200 have squares too.
                let length = ((x[source] - y[target]) * scale).norm();
                let local = if problem.p == 2.0 { length * length } else { length.powf(problem.p) };
                cost += mass * local;
                moved += mass;
                let cost = local / unit;
                Arc { source, target, mass: mass * total, cost }
            })
            .collect();
        if let Moved::Within(reach) = problem.moved {
            let totals = 1.0 + problem.target.total() / total;
            cost += 0.5 * (reach * scale).powf(problem.p) * (totals - 2.0 * moved).max(0.0);
        }
        let value = (root(cost / share, problem.p) / scale).clamp(certificate.lower, certificate.upper);
        let restore = |values: Vec<f64>, places: &[u32], len: usize| {
            let mut restored = vec![f64::NEG_INFINITY; len];
            for (value, &index) in values.into_iter().zip(places) {
                restored[index as usize] = value / unit;
            }
            restored
        };
        let potentials = Potentials {
            source: restore(potentials.source, &source, x.len()),
            target: restore(potentials.target, &target, y.len()),
        };
        let plan = SparsePlan::new(x.len(), y.len(), arcs)?;
        Ok(WassersteinPlan { value, certificate, plan, potentials, convergence })
    }

    /// Mass that the distance is a mean over, in units of the source's total.
    fn share(&self) -> f64 {
        let total = self.problem.source.total();
        match self.problem.moved {
            Moved::All => 1.0,
            Moved::Within(_) => 0.5 * (1.0 + self.problem.target.total() / total),
            Moved::Mass(mass) => mass / total,
        }
    }
}

/// The power of two by which coordinates are multiplied so that the extent is about 1.
fn scale(source: &[Point3<f64>], target: &[Point3<f64>]) -> f64 {
    let first = source[0];
    let all = source.iter().chain(target);
    let extent = all.map(|point| (point - first).amax()).fold(0.0, f64::max);
    if extent == 0.0 {
        return 1.0;
    }
    2f64.powi(-(extent.log2().floor() as i32).clamp(-1000, 1000))
}
