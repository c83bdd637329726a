//! Alternating on the processor: what one step does to both potentials.

use rayon::prelude::*;

use super::anderson::Anderson;
use super::averaging::Averaging;
use super::cpu::CpuEngine;
use super::engine::{Engine, Goal, Progress, RowSummary, Settled, Side, Start};
use super::flows::Flows;
use super::momentum::Momentum;
use super::tiles::{PATCH, TiledMeasure};
use crate::Result;
use crate::balance::Balance;

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

/// Where a blur of the annealing ended.
struct Trail {
    epsilon: f64,
    level: usize,
    source: Vec<f64>,
    target: Vec<f64>,
    /// The level that `target` is on, `level` or finer.
    target_level: usize,
}

/// Both potentials and how they are moved on.
pub(super) struct Alternation {
    engine: CpuEngine,
    /// The rule for the marginals, in local units.
    balance: Balance,
    /// One measure against itself: a single potential, averaged updates.
    symmetric: bool,
    /// Whether the run begins on cells.
    cells: bool,
    /// What the potentials are on: points or cells.
    level: usize,
    /// f and g, in local units and the tiles' order; g belongs to the plan that `residual` speaks of.
    source: Vec<f64>,
    target: Vec<f64>,
    /// Soft minimum over the source, from which the next g is made.
    pending: Option<Vec<f64>>,
    /// The plan that `residual` speaks of as a matrix, from which the rest of the next g is made.
    flows: Option<Flows>,
    /// Residual before g was last made with the help of such a matrix.
    corrected: Option<f64>,
    /// Whether such matrices have ceased to help at this stage: where points hardly hear of each other, what they leave
    /// out is what is lacking.
    futile: bool,
    /// The last soft minima: of f's making, to start from the next time.
    guess: Option<Vec<f64>>,
    anderson: Anderson,
    momentum: Momentum,
    averaging: Averaging,
    trail: Option<Trail>,
    /// In local units.
    blur: f64,
    residual: f64,
    /// The residual that the stage is to end with.
    enough: f64,
    begun: bool,
}

impl Alternation {
    pub fn new(engine: CpuEngine, start: Start) -> Self {
        let Start { blur, level, balance, symmetric, potentials: [mut source, mut target], .. } = start;
        source.resize(engine.measure_at(Side::Source, level).len(), 0.0);
        target.resize(engine.measure_at(Side::Target, level).len(), 0.0);
        Self {
            engine,
            balance,
            symmetric,
            cells: level > 0,
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
            enough: 0.0,
            begun: false,
        }
    }

    /// Updates both potentials.
    fn alternate(&mut self, goal: &Goal) {
        let &Goal { blur, level, annealing, residual: enough } = goal;
        let steady = (blur, level) == (self.blur, self.level);
        let mut column_guess = self.pending.clone();
        if self.begun && !steady {
            self.enter(blur, level);
            column_guess = None;
        } else {
            self.update_target(level, true);
        }
        self.begun = true;
        if !steady {
            (self.corrected, self.futile) = (None, false);
        }
        (self.blur, self.level, self.enough) = (blur, level, enough);
        let epsilon = self.epsilon();
        if !self.symmetric {
            let balance = self.balance;
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
        if residual > self.residual || annealing {
            self.momentum.restart();
        }
        self.residual = residual;
        self.pending = Some(softmin);
    }

    /// Whether the plan as a matrix will be of use: it must be plain what the marginals want, and the last must not have
    /// done all that is needed.
    fn aggregates(&self) -> bool {
        let settled = self.corrected.is_some_and(|before| before * CORRECTED <= self.enough);
        let plain = matches!(self.balance, Balance::Exact | Balance::KullbackLeibler { .. });
        plain && !settled && !self.futile
    }

    /// What the plan as a matrix says that g lacks.
    fn correction(&self, flows: &mut Flows, softmin: &[f64]) -> Option<Vec<f64>> {
        let (epsilon, balance) = (self.epsilon(), self.balance);
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
        let factors = flows.correction(&lacking, balance.best(1.0, epsilon), self.enough)?;
        Some((0..target.len()).map(|index| epsilon * factors[index / nodes]).collect())
    }

    /// Takes g on to another stage.
    fn enter(&mut self, blur: f64, level: usize) {
        let (epsilon, balance) = (self.epsilon(), self.balance);
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
        if let Some(mut before) = before.filter(|_| self.cells) {
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
            let next = self.engine.cost.epsilon(blur);
            let part = (epsilon - next) / (before.epsilon - epsilon);
            for (value, before) in self.target.iter_mut().zip(&before.target) {
                *value = balance.allowed(*value + part * (*value - before));
            }
        }
    }

    /// ε of the current step.
    fn epsilon(&self) -> f64 {
        self.engine.cost.epsilon(self.blur)
    }

    /// Makes the next g of the last soft minimum. Put off until another step is wanted, so that the
    /// residual always speaks of the potentials at hand. `level` is that of the next g; the last f may be of a coarser
    /// one.
    fn update_target(&mut self, level: usize, accelerate: bool) {
        let Some(softmin) = self.pending.take() else { return };
        let flows = self.flows.take().filter(|_| level == self.level);
        let correction = flows.and_then(|mut flows| self.correction(&mut flows, &softmin));
        let (balance, epsilon) = (self.balance, self.epsilon());
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
        if self.corrected.is_some() {
            // What is left are not the smooth errors that extrapolation is for.
            self.anderson.restart();
            self.momentum.restart();
        } else if accelerate && self.cells && self.residual > FINE {
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
        let (epsilon, balance) = (self.epsilon(), self.balance);
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

impl Engine for Alternation {
    fn measure(&self, side: Side) -> &TiledMeasure {
        self.engine.measure(side)
    }

    fn iterate(&mut self, goal: &Goal, _: usize) -> Result<Progress> {
        self.alternate(goal);
        Ok(Progress { iterations: 1, residual: self.residual })
    }

    fn settle(&mut self) -> Result<Settled> {
        let source = std::mem::take(&mut self.source);
        let column_softmins = self.pending.take().unwrap_or_default();
        let (target, row_softmins) = match self.symmetric {
            true => (source.clone(), column_softmins.clone()),
            false => (std::mem::take(&mut self.target), self.guess.take().unwrap_or_default()),
        };
        Ok(Settled { source, target, row_softmins, column_softmins })
    }

    fn softmin_at(&self, points: &TiledMeasure, columns: Side, potential: &[f64], epsilon: f64) -> Vec<f64> {
        self.engine.softmin_at(points, columns, potential, epsilon)
    }

    fn summarize(&self, rows: Side, potential: &[f64], epsilon: f64) -> Vec<RowSummary> {
        self.engine.summarize(rows, potential, epsilon)
    }

    fn entries(
        &self,
        potential: &[f64],
        softmins: &[f64],
        epsilon: f64,
        threshold: f64,
    ) -> Vec<Vec<(usize, f64)>> {
        self.engine.entries(potential, softmins, epsilon, threshold)
    }
}
