//! The state of a run: one step updates both potentials.

use rayon::prelude::*;

use super::anderson::Anderson;
use super::averaging::Averaging;
use super::cells::{self, Cells};
use super::cpu::CpuEngine;
use super::engine::{Engine, Side};
use super::flows::Flows;
use super::momentum::Momentum;
use super::schedule::{self, Stage};
use super::tiles::{PATCH, TiledMeasure};
use super::{Sinkhorn, TransportPlan, TransportProblem};
use crate::balance::Balance;
use crate::frame::Frame;
use crate::{Backend, Convergence, Error, Result, Status};

/// Misplaced mass at which annealing goes on to the next blur. One iteration per blur is not enough: a
/// lattice against its translate then ends in a plan shifted by whole cells, which small blurs never mend.
const ANNEALING_TOLERANCE: f64 = 0.02;

/// The same on cells, where iterations cost a fraction: what is settled there need not be on the points.
const CELL_TOLERANCE: f64 = 0.005;

/// Residual below which Nesterov's momentum takes over from Anderson's extrapolation: of nearly permutations, whose
/// slow errors are many, Anderson's few moves do not reach the end. Small problems, without cells, have nothing but
/// momentum: they take milliseconds, and are where tight tolerances are asked for.
const FINE: f64 = 5e-4;

/// Part of the residual that is left, about, when the plan as a matrix has been put right.
const CORRECTED: f64 = 0.03;

/// Part of the residual that is left at most if it was worth the effort.
const HELPED: f64 = 0.5;

/// Growth of the residual in one step after which extrapolation begins anew.
const ASTRAY: f64 = 1.5;

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
    /// What was iterated on: 0 for the points, more for ever coarser cells.
    pub level: usize,
}

/// Where a blur of the annealing ended.
struct Trail {
    epsilon: f64,
    level: usize,
    source: Vec<f64>,
    target: Vec<f64>,
    /// The level that `target` is on, `level` or finer.
    target_level: usize,
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
    stages: Vec<Stage>,
    /// Which of the stages is next.
    next: usize,
    /// What the potentials are on: points or cells.
    level: usize,
    /// f and g, in local units and the tiles' order; g belongs to the plan that `residual` speaks of.
    pub(super) source: Vec<f64>,
    pub(super) target: Vec<f64>,
    /// Soft minimum over the source, from which the next g is made.
    pub(super) pending: Option<Vec<f64>>,
    /// The plan that `residual` speaks of as a matrix, from which the rest of the next g is made.
    flows: Option<Flows>,
    /// Residual before g was last made with the help of such a matrix.
    corrected: Option<f64>,
    /// Whether such matrices have ceased to help at this stage: where points hardly hear of each other, what they leave
    /// out is what is lacking.
    futile: bool,
    /// The last soft minima: of f's making, to start from the next time.
    pub(super) guess: Option<Vec<f64>>,
    anderson: Anderson,
    momentum: Momentum,
    averaging: Averaging,
    trail: Option<Trail>,
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
        let frame = problem.frame()?;
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
        let engine: Box<dyn Engine> = match backend {
            Backend::Cpu => Box::new(CpuEngine {
                source,
                target,
                cost: problem.cost,
                largest_cost: problem.cost.of_length(frame.extent / frame.scale),
                rounding: 0.5 * options.tolerance,
                omission: 10.0 - options.tolerance.log2(),
                lists: Default::default(),
            }),
            #[cfg(feature = "gpu")]
            Backend::Gpu(_) => {
                let reason = "entropic transport runs on the processor alone".to_string();
                return Err(Error::NoDevice { reason });
            }
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
        let mut source = initial(Side::Source, "initial source potential", warm.map(|warm| &warm.source))?;
        let mut target = initial(Side::Target, "initial target potential", warm.map(|warm| &warm.target))?;
        let stages = schedule::stages(&blurs, &smallest);
        let Stage { blur, level } = stages[0];
        source.resize(engine.measure_at(Side::Source, level).len(), 0.0);
        target.resize(engine.measure_at(Side::Target, level).len(), 0.0);
        Ok(Self {
            problem: *problem,
            engine,
            frame,
            tolerance: options.tolerance,
            max_iterations: options.max_iterations,
            symmetric,
            stages,
            next: 0,
            level,
            source,
            target,
            pending: None,
            flows: None,
            corrected: None,
            futile: false,
            guess: None,
            anderson: Anderson::default(),
            momentum: Momentum::default(),
            averaging: Averaging::default(),
            trail: None,
            blur,
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
        self.iterate();
        self.iterations += 1;
        if self.residual <= self.enough() {
            if self.is_last() {
                self.status = Some(Status::Converged);
            } else {
                self.next += 1;
            }
        }
        if self.status.is_none() && self.iterations == self.max_iterations {
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

    /// Updates both potentials, at the next stage.
    fn iterate(&mut self) {
        let Stage { blur, level } = self.stages[self.next];
        let steady = (blur, level) == (self.blur, self.level);
        let mut column_guess = self.pending.clone();
        if self.iterations > 0 && !steady {
            self.enter(blur, level);
            column_guess = None;
        } else {
            self.update_target(level, true);
        }
        if !steady {
            (self.corrected, self.futile) = (None, false);
        }
        (self.blur, self.level) = (blur, level);
        let epsilon = self.epsilon();
        if !self.symmetric {
            let balance = self.balance();
            let softmin = self.engine.softmin_between(
                Side::Source,
                level,
                level,
                &self.target,
                epsilon,
                self.guess.as_deref(),
            );
            self.source = softmin.iter().map(|&value| balance.best(value, epsilon)).collect();
            self.guess = Some(softmin);
        }
        let softmin = if self.symmetric || !self.aggregates() {
            let engine = &self.engine;
            engine.softmin_between(Side::Target, level, level, &self.source, epsilon, column_guess.as_deref())
        } else {
            let (softmin, flows) = self.engine.softmin_with_flows(
                Side::Target,
                level,
                &self.source,
                &self.target,
                epsilon,
                column_guess.as_deref(),
            );
            self.flows = flows;
            softmin
        };
        let residual = self.violation(&softmin);
        self.futile |= self.corrected.take().is_some_and(|before| residual > HELPED * before);
        if residual > ASTRAY * self.residual {
            self.anderson.restart();
        }
        if residual > self.residual || blur > self.problem.blur {
            self.momentum.restart();
        }
        self.residual = residual;
        self.pending = Some(softmin);
    }

    /// Whether the plan as a matrix will be of use: it must be plain what the marginals want, and the last must not have
    /// done all that is needed.
    fn aggregates(&self) -> bool {
        let settled = self.corrected.is_some_and(|before| before * CORRECTED <= self.enough());
        let plain = matches!(self.balance(), Balance::Exact | Balance::KullbackLeibler { .. });
        plain && !settled && !self.futile
    }

    /// What the plan as a matrix says that g lacks.
    fn correction(&self, flows: &mut Flows, softmin: &[f64]) -> Option<Vec<f64>> {
        let (epsilon, balance) = (self.epsilon(), self.balance());
        let target = self.engine.measure_at(Side::Target, self.level);
        let nodes = if flows.rows() == target.len() { 1 } else { PATCH };
        // The source's marginal is as it should be, f being the best answer to g.
        let points = self.target.par_chunks(nodes).zip(softmin.par_chunks(nodes));
        let lacking: Vec<f64> = points
            .zip(target.weights.par_chunks(nodes))
            .map(|((potentials, softmins), weights)| {
                let (mut wanted, mut moved) = (0.0, 0.0);
                for ((&g, softmin), &weight) in potentials.iter().zip(softmins).zip(weights) {
                    wanted += match balance {
                        Balance::KullbackLeibler { rho } => weight * (-g / rho).exp(),
                        _ => weight,
                    };
                    moved += weight * ((g - softmin) / epsilon).exp();
                }
                if wanted > 0.0 { wanted / moved } else { 1.0 }
            })
            .collect();
        let factors = flows.correction(&lacking, balance.best(1.0, epsilon), self.enough())?;
        Some((0..target.len()).map(|index| epsilon * factors[index / nodes]).collect())
    }

    /// Takes g on to another stage.
    fn enter(&mut self, blur: f64, level: usize) {
        let (epsilon, balance) = (self.epsilon(), self.balance());
        self.anderson.restart();
        self.momentum.restart();
        self.guess = None;
        if level != self.level {
            // The soft minimum over coarse cells is a potential everywhere, and so at the finer places.
            let lifted =
                self.engine.softmin_between(Side::Target, level, self.level, &self.source, epsilon, None);
            self.pending = Some(lifted);
        }
        self.update_target(level, false);
        if blur == self.blur {
            return;
        }
        let before = self.trail.replace(Trail {
            epsilon,
            level: self.level,
            source: self.source.clone(),
            target: self.target.clone(),
            target_level: level,
        });
        if let Some(mut before) = before.filter(|_| self.stages[0].level > 0) {
            // Potentials are about linear in ε: on along the line through the last two.
            if before.target_level != level {
                before.target = self.engine.softmin_between(
                    Side::Target,
                    level,
                    before.level,
                    &before.source,
                    before.epsilon,
                    None,
                );
                before.target.iter_mut().for_each(|value| *value = balance.best(*value, before.epsilon));
            }
            let next = self.problem.cost.epsilon(blur / self.frame.scale);
            let part = (epsilon - next) / (before.epsilon - epsilon);
            for (value, before) in self.target.iter_mut().zip(&before.target) {
                *value = balance.allowed(*value + part * (*value - before));
            }
        }
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
            self.iterate();
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
    /// residual always speaks of the potentials at hand. `level` is that of the next g; the last f may be of a coarser
    /// one.
    fn update_target(&mut self, level: usize, accelerate: bool) {
        let Some(softmin) = self.pending.take() else { return };
        let flows = self.flows.take().filter(|_| level == self.level);
        let correction = flows.and_then(|mut flows| self.correction(&mut flows, &softmin));
        let (balance, epsilon) = (self.balance(), self.epsilon());
        if self.symmetric {
            let best = softmin.into_iter().map(|softmin| balance.best(softmin, epsilon));
            self.averaging.step(&mut self.source, best);
            return;
        }
        let weights = |side: Side, level| self.engine.measure_at(side, level).weights.as_slice();
        let mut image = softmin;
        image.iter_mut().for_each(|value| *value = balance.best(*value, epsilon));
        if balance != Balance::Exact {
            let source = (weights(Side::Source, self.level), self.source.as_slice());
            let shift = balance.translation(source, (weights(Side::Target, level), &image));
            image.iter_mut().for_each(|value| *value -= shift);
        }
        self.corrected = correction.is_some().then_some(self.residual);
        if let Some(correction) = correction {
            image.iter_mut().zip(correction).for_each(|(value, correction)| *value += correction);
        }
        let cells = self.stages[0].level > 0;
        if self.corrected.is_some() {
            // What is left are not the smooth errors that extrapolation is for.
            self.anderson.restart();
            self.momentum.restart();
        } else if accelerate && cells && self.residual > FINE {
            self.momentum.restart();
            self.anderson.extrapolate(&self.target, &mut image, weights(Side::Target, level));
        } else if accelerate {
            self.anderson.restart();
            self.momentum.extrapolate(&mut image);
        }
        self.target = image;
        self.target.iter_mut().for_each(|value| *value = balance.allowed(*value));
    }

    /// Mass that the plan of (f, g) misplaces on the target side, relative to the target's total. Follows from
    /// the soft minimum T(f) without forming the plan: its marginal is b exp((g − T(f)) / ε), and should be
    /// b, or with a reach what the penalty lets it be: b exp(−g / ρ) for Kullback–Leibler.
    fn violation(&self, softmin: &[f64]) -> f64 {
        let (epsilon, balance) = (self.epsilon(), self.balance());
        let weights = &self.engine.measure_at(Side::Target, self.level).weights;
        let potential = if self.symmetric { &self.source } else { &self.target };
        let misplaced: f64 = weights
            .iter()
            .zip(potential)
            .zip(softmin)
            .filter(|&((&weight, _), _)| weight > 0.0)
            .map(|((&weight, &g), softmin)| {
                weight * balance.violation(g, ((g - softmin) / epsilon).exp(), epsilon)
            })
            .sum();
        misplaced / weights.iter().sum::<f64>()
    }
}
