//! The state of a run: one step updates both potentials.

use super::cpu::CpuEngine;
use super::engine::{Engine, Side};
use super::momentum::Momentum;
use super::tiles::TiledMeasure;
use super::{Sinkhorn, TransportPlan, TransportProblem, schedule};
use crate::balance::Balance;
use crate::frame::Frame;
use crate::{Backend, Convergence, Error, Result, Status};

/// Misplaced mass at which annealing goes on to the next blur. One iteration per blur is not enough: a
/// lattice against its translate then ends in a plan shifted by whole cells, which small blurs never mend.
const ANNEALING_TOLERANCE: f64 = 0.02;

/// One iteration, as seen by an observer.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct SinkhornStep {
    /// Iterations done, this one included.
    pub iteration: usize,
    /// Blur of this iteration \[m\].
    pub blur: f64,
    /// Whether the blur is still above that of the problem.
    pub annealing: bool,
    /// L1 distance of the plan's target marginal from the prescribed one, relative to the total.
    pub residual: f64,
}

/// A run in progress: call [`step`](Self::step) until it answers `None`, then [`finish`](Self::finish).
pub struct SinkhornRun<'a> {
    pub(super) problem: TransportProblem<'a>,
    pub(super) engine: Box<dyn Engine>,
    pub(super) frame: Frame,
    tolerance: f64,
    max_iterations: usize,
    /// One measure against itself: a single potential, averaged updates.
    pub(super) symmetric: bool,
    blurs: Vec<f64>,
    /// Which of the blurs is next.
    level: usize,
    /// f and g, in local units and the tiles' order; g belongs to the plan that `residual` speaks of.
    pub(super) source: Vec<f64>,
    pub(super) target: Vec<f64>,
    /// Soft minimum over the source, from which the next g is made.
    pending: Option<Vec<f64>>,
    momentum: Momentum,
    pub(super) blur: f64,
    residual: f64,
    iterations: usize,
    status: Option<Status>,
}

impl<'a> SinkhornRun<'a> {
    pub(super) fn new(
        options: &Sinkhorn,
        problem: &TransportProblem<'a>,
        backend: &Backend,
        symmetric: bool,
    ) -> Result<Self> {
        options.check()?;
        let frame = problem.frame()?;
        // Totals that differ by rounding are made equal here; see `TransportProblem::frame`.
        let balance =
            if problem.reach.is_some() { 1.0 } else { problem.source.total() / problem.target.total() };
        let source = TiledMeasure::new(&problem.source, 1.0, &frame);
        let target = (!symmetric).then(|| TiledMeasure::new(&problem.target, balance, &frame));
        let engine: Box<dyn Engine> = match backend {
            Backend::Cpu => Box::new(CpuEngine {
                source,
                target,
                cost: problem.cost,
                largest_cost: problem.cost.of_length(frame.extent / frame.scale),
                rounding: 0.5 * options.tolerance,
                omission: 32f64.max(10.0 - options.tolerance.log2()),
            }),
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
        let warm = options.initial.as_ref();
        let source = initial(Side::Source, "initial source potential", warm.map(|warm| &warm.source))?;
        let target = initial(Side::Target, "initial target potential", warm.map(|warm| &warm.target))?;
        let first = match (options.initial_blur, warm) {
            (Some(blur), _) => blur,
            (None, Some(_)) => problem.blur,
            (None, None) => frame.extent,
        };
        // Above the extent all blurs give nearly the same plan, so that annealing would only wait.
        let first = first.min(frame.extent.max(problem.blur));
        Ok(Self {
            problem: *problem,
            engine,
            frame,
            tolerance: options.tolerance,
            max_iterations: options.max_iterations,
            symmetric,
            blurs: schedule::blurs(first, problem.blur, options.scaling),
            level: 0,
            source,
            target,
            pending: None,
            momentum: Momentum::default(),
            blur: first,
            residual: f64::INFINITY,
            iterations: 0,
            status: None,
        })
    }

    /// Does one iteration: both potentials once. `None` when the run has converged or used up its
    /// iterations.
    ///
    /// # Errors
    /// None on the CPU; a device may be lost.
    pub fn step(&mut self) -> Result<Option<SinkhornStep>> {
        if self.status.is_some() {
            return Ok(None);
        }
        self.update_target();
        let annealing = self.level + 1 < self.blurs.len();
        self.blur = self.blurs[self.level];
        let epsilon = self.epsilon();
        if !self.symmetric {
            let balance = self.balance();
            self.source = self.engine.softmin(Side::Source, &self.target, epsilon);
            self.source.iter_mut().for_each(|value| *value = balance.best(*value, epsilon));
        }
        let softmin = self.engine.softmin(Side::Target, &self.source, epsilon);
        let residual = self.violation(&softmin);
        if annealing || residual > self.residual {
            self.momentum.restart();
        }
        self.residual = residual;
        self.pending = Some(softmin);
        self.iterations += 1;
        if annealing && self.residual <= self.tolerance.max(ANNEALING_TOLERANCE) {
            self.level += 1;
        }
        if !annealing && self.residual <= self.tolerance {
            self.status = Some(Status::Converged);
        } else if self.iterations == self.max_iterations {
            self.status = Some(Status::MaxIterations);
        }
        let (iteration, blur, residual) = (self.iterations, self.blur, self.residual);
        Ok(Some(SinkhornStep { iteration, blur, annealing, residual }))
    }

    /// The plan as far as the run came: of the blur of the last step. A run that has not been stepped
    /// yet is stepped once.
    ///
    /// # Errors
    /// Those of [`step`](Self::step).
    pub fn finish(mut self) -> Result<TransportPlan<'a>> {
        if self.iterations == 0 {
            self.step()?;
        }
        let convergence = Convergence {
            status: self.status.unwrap_or(Status::Stopped),
            iterations: self.iterations,
            residual: self.residual,
        };
        Ok(TransportPlan::new(self, convergence))
    }

    /// ε of the current step in local units.
    fn epsilon(&self) -> f64 {
        self.problem.cost.epsilon(self.blur / self.frame.scale)
    }

    /// The rule for the marginals, in local units.
    fn balance(&self) -> Balance {
        self.problem.balance().in_units_of(self.problem.cost.of_length(self.frame.scale))
    }

    /// Makes the next g of the last soft minimum. Put off until another step is wanted, so that the
    /// residual always speaks of the potentials at hand.
    fn update_target(&mut self) {
        let Some(softmin) = self.pending.take() else { return };
        let (balance, epsilon) = (self.balance(), self.epsilon());
        if self.symmetric {
            // The averaged update of one potential against itself converges in few steps.
            for (value, softmin) in self.source.iter_mut().zip(softmin) {
                *value = 0.5 * (*value + balance.best(softmin, epsilon));
            }
            return;
        }
        self.target = softmin;
        self.target.iter_mut().for_each(|value| *value = balance.best(*value, epsilon));
        if balance != Balance::Exact {
            let weights = |side: Side| self.engine.measure(side).weights.as_slice();
            let source = (weights(Side::Source), self.source.as_slice());
            let shift = balance.translation(source, (weights(Side::Target), &self.target));
            self.target.iter_mut().for_each(|value| *value -= shift);
        }
        self.momentum.extrapolate(&mut self.target);
        self.target.iter_mut().for_each(|value| *value = balance.allowed(*value));
    }

    /// Mass that the plan of (f, g) misplaces on the target side, relative to the target's total. Follows from
    /// the soft minimum T(f) without forming the plan: its marginal is b exp((g − T(f)) / ε), and should be
    /// b, or with a reach what the penalty lets it be: b exp(−g / ρ) for Kullback–Leibler.
    fn violation(&self, softmin: &[f64]) -> f64 {
        let (epsilon, balance) = (self.epsilon(), self.balance());
        let weights = &self.engine.measure(Side::Target).weights;
        let potential = if self.symmetric { &self.source } else { &self.target };
        let misplaced: f64 = weights
            .iter()
            .zip(potential)
            .zip(softmin)
            .filter(|&((&weight, _), _)| weight > 0.0)
            .map(|((weight, g), softmin)| {
                weight * (((g - softmin) / epsilon).exp() - balance.kept(*g, *softmin, epsilon)).abs()
            })
            .sum();
        misplaced / weights.iter().sum::<f64>()
    }
}
