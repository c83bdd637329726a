//! The state of a run: one step updates both potentials.

use super::alternation::Alternation;
use super::cells::{self, Cells};
use super::cpu::CpuEngine;
use super::engine::{Engine, Goal, Side, Start};
#[cfg(feature = "gpu")]
use super::gpu::{GpuEngine, require_within_reach};
use super::schedule::{self, Stage};
use super::tiles::TiledMeasure;
use super::{Sinkhorn, TransportPlan, TransportProblem};
use crate::frame::Frame;
use crate::{Backend, Convergence, Error, Result, Status};

/// Misplaced mass at which annealing goes on to the next blur. One iteration per blur is not enough: a
/// lattice against its translate then ends in a plan shifted by whole cells, which small blurs never mend.
const ANNEALING_TOLERANCE: f64 = 0.02;

/// The same on cells, where iterations cost a fraction: what is settled there need not be on the points.
const CELL_TOLERANCE: f64 = 0.005;

/// An iteration, or a few on a device, as seen by an observer.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct SinkhornStep {
    /// Iterations done, these included.
    pub iteration: usize,
    /// Blur of this iteration \[m\].
    pub blur: f64,
    /// Whether the blur is still above that of the problem.
    pub annealing: bool,
    /// L1 distance of the plan's target marginal from the prescribed one, relative to the total.
    pub residual: f64,
    /// What was iterated on: 0 for the points, more for ever coarser cells.
    pub level: usize,
}

/// A run in progress: call [`step`](Self::step) until it answers `None`, then [`finish`](Self::finish).
pub struct SinkhornRun<'a> {
    pub(super) problem: TransportProblem<'a>,
    pub(super) engine: Box<dyn Engine>,
    pub(super) frame: Frame,
    tolerance: f64,
    max_iterations: usize,
    stages: Vec<Stage>,
    /// Which of the stages is next.
    next: usize,
    /// What the last iteration was on: points or cells.
    level: usize,
    pub(super) blur: f64,
    residual: f64,
    iterations: usize,
    status: Option<Status>,
}

impl<'a> SinkhornRun<'a> {
    pub(crate) fn new(
        options: &Sinkhorn,
        problem: &TransportProblem<'a>,
        backend: &Backend,
        symmetric: bool,
    ) -> Result<Self> {
        options.check()?;
        let frame = problem.frame(symmetric)?;
        let problem = &problem.within(&frame);
        // Totals that differ by rounding are made equal here; see `TransportProblem::frame`.
        let balance =
            if problem.reach.is_some() { 1.0 } else { problem.source.total() / problem.target.total() };
        let warm = options.initial.as_ref();
        let first = match (options.initial_blur, warm) {
            // One measure against itself needs no annealing.
            _ if symmetric => problem.blur,
            (Some(blur), _) => blur,
            (None, Some(_)) => problem.blur,
            (None, None) => frame.extent,
        };
        // Above the extent all blurs give nearly the same plan, so that annealing would only wait.
        let first = first.min(frame.extent.max(problem.blur));
        let blurs = schedule::blurs(first, problem.blur, options.scaling);
        let mut source = vec![TiledMeasure::new(&problem.source, 1.0, &frame)];
        let mut target = vec![];
        let mut smallest = vec![];
        if !symmetric {
            target.push(TiledMeasure::new(&problem.target, balance, &frame));
        }
        if !symmetric && warm.is_none() {
            let cells = Cells::new(&source[0], &target[0], cells::depth(problem.blur / frame.scale));
            source.extend(cells.source);
            target.extend(cells.target);
            smallest.extend(cells.depths.iter().map(|&depth| cells::smallest_blur(depth) * frame.scale));
        }
        let engine = CpuEngine {
            source,
            target,
            cost: problem.cost,
            largest_cost: problem.cost.of_length(frame.extent / frame.scale),
            rounding: 0.5 * options.tolerance,
            omission: 10.0 - options.tolerance.log2(),
            lists: Default::default(),
        };
        let unit = problem.cost.of_length(frame.scale);
        let rule = problem.balance().in_units_of(unit);
        let initial = |side: Side, column: &'static str, potential: Option<&Vec<f64>>| {
            let measure = engine.measure(side);
            let Some(potential) = potential else { return Ok(vec![0.0; measure.len()]) };
            if potential.len() != measure.len() {
                return Err(Error::ColumnLength { column, expected: measure.len(), got: potential.len() });
            }
            let local: Vec<f64> = measure.arrange(potential).into_iter().map(|value| value / unit).collect();
            match local.iter().position(|value| value.is_nan() || value.abs() > 1e100) {
                Some(index) => Err(Error::InvalidOption {
                    name: column,
                    requirement: "finite and of the order of the costs",
                    got: potential[measure.order[index]],
                }),
                None => Ok(local.into_iter().map(|value| rule.allowed(value)).collect()),
            }
        };
        let potentials = [
            initial(Side::Source, "initial source potential", warm.map(|warm| &warm.source))?,
            initial(Side::Target, "initial target potential", warm.map(|warm| &warm.target))?,
        ];
        let stages = schedule::stages(&blurs, &smallest);
        let Stage { blur, level } = stages[0];
        let start = Start {
            blur: blur / frame.scale,
            level,
            balance: rule,
            symmetric,
            #[cfg(feature = "gpu")]
            tolerance: options.tolerance,
            #[cfg(feature = "gpu")]
            finest: schedule::finest(&stages).into_iter().map(|blur| blur / frame.scale).collect(),
            potentials,
        };
        let engine: Box<dyn Engine> = match backend {
            Backend::Cpu => Box::new(Alternation::new(engine, start)),
            #[cfg(feature = "gpu")]
            Backend::Gpu(gpu) => {
                require_within_reach(problem, &frame, options)?;
                Box::new(GpuEngine::new(gpu, engine, start)?)
            }
        };
        Ok(Self {
            problem: *problem,
            engine,
            frame,
            tolerance: options.tolerance,
            max_iterations: options.max_iterations,
            stages,
            next: 0,
            level,
            blur,
            residual: f64::INFINITY,
            iterations: 0,
            status: None,
        })
    }

    /// Does one iteration: both potentials once; on a device two, between which nothing comes back. `None` when the run
    /// has converged or used up its iterations.
    ///
    /// # Errors
    /// None on the CPU; a device may be lost or run out of memory.
    pub fn step(&mut self) -> Result<Option<SinkhornStep>> {
        if self.status.is_some() {
            return Ok(None);
        }
        self.iterate()?;
        if self.residual <= self.enough() {
            if self.is_last() {
                self.status = Some(Status::Converged);
            } else {
                self.next += 1;
            }
        }
        if self.status.is_none() && self.iterations >= self.max_iterations {
            self.status = Some(Status::MaxIterations);
        }
        Ok(Some(SinkhornStep {
            iteration: self.iterations,
            blur: self.blur,
            annealing: self.blur > self.problem.blur,
            residual: self.residual,
            level: self.level,
        }))
    }

    fn is_last(&self) -> bool {
        self.next + 1 == self.stages.len()
    }

    /// The residual that the next stage is to end with.
    fn enough(&self) -> f64 {
        match (self.is_last(), self.stages[self.next].level) {
            (true, _) => self.tolerance,
            (false, 0) => self.tolerance.max(ANNEALING_TOLERANCE),
            (false, _) => self.tolerance.max(CELL_TOLERANCE),
        }
    }

    /// Where the next stage is to lead.
    fn goal(&self) -> Goal {
        let Stage { blur, level } = self.stages[self.next];
        Goal {
            blur: blur / self.frame.scale,
            level,
            annealing: blur > self.problem.blur,
            residual: self.enough(),
        }
    }

    fn iterate(&mut self) -> Result<()> {
        let Stage { blur, level } = self.stages[self.next];
        let most = self.max_iterations.saturating_sub(self.iterations).max(1);
        let progress = self.engine.iterate(&self.goal(), most)?;
        self.iterations += progress.iterations;
        (self.blur, self.level, self.residual) = (blur, level, progress.residual);
        Ok(())
    }

    /// The plan as far as the run came: of the blur of the last step; or, if that was on cells, of the problem's blur
    /// after one more step, on the points. A run that has not been stepped yet is stepped once.
    ///
    /// # Errors
    /// Those of [`step`](Self::step).
    pub fn finish(mut self) -> Result<TransportPlan<'a>> {
        if self.iterations == 0 {
            self.step()?;
        }
        if self.level > 0 {
            self.next = self.stages.len() - 1;
            self.iterate()?;
        }
        let convergence = Convergence {
            status: self.status.unwrap_or(Status::Stopped),
            iterations: self.iterations,
            residual: self.residual,
        };
        TransportPlan::new(self, convergence)
    }
}
