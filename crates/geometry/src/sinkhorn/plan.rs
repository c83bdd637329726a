//! The answer: potentials, and the plan that they imply.

use std::sync::OnceLock;

use nalgebra::{DMatrix, Point3};

use super::engine::{Engine, RowSummary, Settled, Side};
use super::problem::TransportProblem;
use super::run::SinkhornRun;
use crate::balance::Balance;
use crate::error::require_positive;
use crate::frame::Frame;
use crate::{Arc, Convergence, Error, Result};

/// Largest number of entries of a dense plan: 256 MiB.
const DENSE_LIMIT: usize = 1 << 25;

/// Dual variables, one per point, in the order of the caller's points [m² for the squared cost].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Potentials {
    /// f, on the source.
    pub source: Vec<f64>,
    /// g, on the target.
    pub target: Vec<f64>,
}

/// Where the mass of one source point goes.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RowMean {
    /// Mean of the target points, weighted by the plan's row.
    pub position: Point3<f64>,
    /// Mass that leaves the source point.
    pub mass: f64,
    /// Trace of the covariance of the target points about `position`, weighted by the plan's row \[m²\].
    pub spread: f64,
}

/// Row and column sums of a plan.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Marginals {
    /// Mass that leaves each source point.
    pub source: Vec<f64>,
    /// Mass that arrives at each target point.
    pub target: Vec<f64>,
}

/// L1 distance of a plan's marginals from the prescribed ones, each relative to its total.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct MarginalError {
    /// On the source side.
    pub source: f64,
    /// On the target side.
    pub target: f64,
}

/// An entropic transport plan, known through its potentials.
///
/// P_ij = a_i b_j exp((f_i + g_j − c_ij) / ε). Everything asked of it is streamed: memory stays O(n + m)
/// until a dense matrix is asked for. What needs a pass over all pairs says so; the pass over rows is
/// done once and kept.
pub struct TransportPlan<'a> {
    pub(super) problem: TransportProblem<'a>,
    pub(super) engine: Box<dyn Engine>,
    pub(super) frame: Frame,
    blur: f64,
    convergence: Convergence,
    potentials: Potentials,
    /// The same in local units and the tiles' order.
    pub(super) source: Vec<f64>,
    pub(super) target: Vec<f64>,
    /// Soft minima of these potentials over the other side.
    row_softmins: Vec<f64>,
    column_softmins: Vec<f64>,
    rows: OnceLock<Vec<RowSummary>>,
}

impl<'a> TransportPlan<'a> {
    pub(super) fn new(run: SinkhornRun<'a>, convergence: Convergence) -> Result<Self> {
        let SinkhornRun { problem, mut engine, frame, blur, .. } = run;
        // The last step left the soft minima of these very potentials behind.
        let Settled { source, target, row_softmins, column_softmins } = engine.settle()?;
        let unit = problem.cost.of_length(frame.scale);
        let potential = |side: Side, local: &[f64]| {
            let metres: Vec<f64> = local.iter().map(|value| value * unit).collect();
            engine.measure(side).restore(&metres)
        };
        let potentials =
            Potentials { source: potential(Side::Source, &source), target: potential(Side::Target, &target) };
        Ok(Self {
            problem,
            engine,
            frame,
            blur,
            convergence,
            potentials,
            source,
            target,
            row_softmins,
            column_softmins,
            rows: OnceLock::new(),
        })
    }

    /// The problem that was solved.
    pub fn problem(&self) -> &TransportProblem<'a> {
        &self.problem
    }

    /// How far the solver came. `residual` is the target side of [`marginal_error`](Self::marginal_error);
    /// the source side is zero up to rounding.
    pub fn convergence(&self) -> Convergence {
        self.convergence
    }

    /// Blur of this plan \[m\]: that of the problem, or a larger one if the run ended while annealing.
    pub fn blur(&self) -> f64 {
        self.blur
    }

    /// The dual variables. A balanced pair is defined up to a constant (f + t, g − t).
    pub fn potentials(&self) -> &Potentials {
        &self.potentials
    }

    /// The entropic transport value, as the dual objective of the potentials:
    ///
    /// ```text
    /// Σ a_i φ(f_i) + Σ b_j φ(g_j) − ε (Σ P_ij − Σ a_i Σ b_j)
    /// ```
    ///
    /// with φ(t) = t, or with a reach ρ (1 − e^(−t/ρ)) for Kullback–Leibler and min(t, ρ) for total variation. It
    /// equals min_P of the problem's objective at the optimum, and is never above it: an unconverged value errs to the
    /// low side, in second order.
    ///
    /// # Units
    /// Cost times mass: m² for the squared cost.
    pub fn value(&self) -> f64 {
        let balance = self.balance();
        let side = |side: Side, potential: &[f64]| {
            let weights = &self.engine.measure(side).weights;
            let total: f64 = weights.iter().sum();
            // A point without mass gains nothing, whatever its potential: 0 · ∞ must not arise.
            let terms = weights.iter().zip(potential).filter(|&(&weight, _)| weight > 0.0);
            (terms.map(|(weight, &value)| weight * balance.gain(value)).sum::<f64>(), total)
        };
        let (source, source_total) = side(Side::Source, &self.source);
        let (target, target_total) = side(Side::Target, &self.target);
        self.unit() * (source + target - self.epsilon() * (self.mass() - source_total * target_total))
    }

    /// The problem's objective at this very plan, where the marginals may be missed at a price; `None` for a balanced
    /// problem, whose plan is a coupling only up to [`marginal_error`](Self::marginal_error). Together with
    /// [`value`](Self::value) it encloses the optimum.
    ///
    /// # Units
    /// Cost times mass: m² for the squared cost.
    pub fn primal_value(&self) -> Option<f64> {
        self.problem.reach?;
        let balance = self.balance();
        // Σ P c + ε KL(P | a ⊗ b) = Σ P (f + g) − ε (Σ P − Σ a Σ b), as the plan is made of f and g.
        let side = |side: Side, potential: &[f64], masses: &[f64]| {
            let weights = &self.engine.measure(side).weights;
            let points = weights.iter().zip(potential).zip(masses).filter(|&((&weight, _), _)| weight > 0.0);
            points.map(|((&weight, &value), &mass)| mass * value + balance.price(mass, weight)).sum::<f64>()
        };
        let rows: Vec<f64> = self.row_masses();
        let objective =
            side(Side::Source, &self.source, &rows) + side(Side::Target, &self.target, &self.column_masses());
        let totals = self.problem.source.total() * self.problem.target.total();
        Some(self.unit() * (objective - self.epsilon() * (rows.iter().sum::<f64>() - totals)))
    }

    /// Σ P_ij c_ij, the cost without the entropy \[m² · mass\]. Needs the pass over rows.
    pub fn transport_cost(&self) -> f64 {
        let costs = self.rows().iter().enumerate().map(|(index, row)| self.row_mass(index) * row.cost);
        self.unit() * costs.sum::<f64>()
    }

    /// Σ P_ij, the mass moved.
    pub fn mass(&self) -> f64 {
        self.row_masses().iter().sum()
    }

    /// The mean target of every source point, with mass and spread. Needs the pass over rows.
    pub fn row_means(&self) -> Vec<RowMean> {
        let area = self.frame.scale * self.frame.scale;
        let means: Vec<Option<RowMean>> = self
            .rows()
            .iter()
            .enumerate()
            .map(|(index, row)| {
                Some(RowMean {
                    position: self.frame.global(&row.mean),
                    mass: self.row_mass(index),
                    spread: row.spread * area,
                })
            })
            .collect();
        self.engine.measure(Side::Source).restore(&means).into_iter().flatten().collect()
    }

    /// Row and column sums.
    pub fn marginals(&self) -> Marginals {
        let source: Vec<f64> = self.row_masses();
        let target = self.column_masses();
        Marginals {
            source: self.engine.measure(Side::Source).restore(&source),
            target: self.engine.measure(Side::Target).restore(&target),
        }
    }

    /// How far the marginals are from the prescribed ones: a and b, or with a reach those that the
    /// potentials stand for: a e^(−f/ρ) and b e^(−g/ρ) for Kullback–Leibler; for total variation the weights
    /// themselves, except that a point whose potential is ±ρ keeps what that leaves it.
    pub fn marginal_error(&self) -> MarginalError {
        let (balance, epsilon) = (self.balance(), self.epsilon());
        let error = |side: Side, potential: &[f64], got: Vec<f64>| {
            let weights = &self.engine.measure(side).weights;
            let points = weights.iter().zip(potential).zip(got).filter(|&((&weight, _), _)| weight > 0.0);
            let misplaced = points
                .map(|((&weight, &value), got)| weight * balance.violation(value, got / weight, epsilon));
            misplaced.sum::<f64>() / weights.iter().sum::<f64>()
        };
        let rows = self.row_masses();
        MarginalError {
            source: error(Side::Source, &self.source, rows),
            target: error(Side::Target, &self.target, self.column_masses()),
        }
    }

    /// The entries that hold at least the part `threshold` of their source point's mass, by source index,
    /// then by falling mass. A threshold of 10⁻³ keeps a handful per point at blurs near the spacing.
    /// Needs a pass over rows; memory is proportional to the number of arcs.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] unless `threshold` is above 0 and at most 1.
    pub fn arcs(&self, threshold: f64) -> Result<Vec<Arc>> {
        require_positive("threshold", threshold)?;
        if threshold > 1.0 {
            let requirement = "above 0 and at most 1";
            return Err(Error::InvalidOption { name: "threshold", requirement, got: threshold });
        }
        let (source, target) = (self.engine.measure(Side::Source), self.engine.measure(Side::Target));
        let entries = self.engine.entries(&self.target, &self.row_softmins, self.epsilon(), threshold);
        let mut row_of = vec![0; source.len()];
        for (row, &index) in source.order.iter().enumerate() {
            row_of[index] = row;
        }
        let mut arcs = Vec::with_capacity(entries.iter().map(Vec::len).sum());
        for (index, &row) in row_of.iter().enumerate() {
            let mass = self.row_mass(row);
            if mass == 0.0 {
                continue;
            }
            arcs.extend(entries[row].iter().filter(|&&(column, _)| target.weights[column] > 0.0).map(
                |&(column, part)| {
                    let other = target.order[column];
                    let (x, y) =
                        (&self.problem.source.positions()[index], &self.problem.target.positions()[other]);
                    Arc {
                        source: index,
                        target: other,
                        mass: mass * part,
                        cost: self.problem.cost.between(x, y),
                    }
                },
            ));
        }
        Ok(arcs)
    }

    /// The plan as a matrix with one row per source point.
    ///
    /// # Errors
    /// [`Error::PlanTooLarge`] above 2²⁵ entries.
    pub fn dense(&self) -> Result<DMatrix<f64>> {
        let (rows, columns) = (self.problem.source.len(), self.problem.target.len());
        if rows.saturating_mul(columns) > DENSE_LIMIT {
            return Err(Error::PlanTooLarge { rows, columns, limit: DENSE_LIMIT });
        }
        let (source, target) = (self.engine.measure(Side::Source), self.engine.measure(Side::Target));
        let epsilon = self.epsilon();
        let mut plan = DMatrix::zeros(rows, columns);
        for i in 0..rows {
            for j in 0..columns {
                let cost = self.problem.cost.between(&source.point(i), &target.point(j));
                let entry = ((self.source[i] + self.target[j] - cost) / epsilon).exp();
                let weight = source.weights[i] * target.weights[j];
                plan[(source.order[i], target.order[j])] = if weight > 0.0 { weight * entry } else { 0.0 };
            }
        }
        Ok(plan)
    }

    /// The pass over rows, done once.
    pub(super) fn rows(&self) -> &[RowSummary] {
        self.rows.get_or_init(|| self.engine.summarize(Side::Source, &self.target, self.epsilon()))
    }

    /// Mass of a row, of weight zero exactly zero.
    fn row_mass(&self, index: usize) -> f64 {
        let weight = self.engine.measure(Side::Source).weights[index];
        self.mass_of(weight, self.source[index], self.row_softmins[index])
    }

    /// Mass of every row, in the tiles' order.
    fn row_masses(&self) -> Vec<f64> {
        (0..self.source.len()).map(|index| self.row_mass(index)).collect()
    }

    /// Mass of every column, in the tiles' order.
    fn column_masses(&self) -> Vec<f64> {
        let weights = &self.engine.measure(Side::Target).weights;
        let columns = weights.iter().zip(&self.target).zip(&self.column_softmins);
        columns.map(|((&weight, &value), &softmin)| self.mass_of(weight, value, softmin)).collect()
    }

    /// Mass that a point with some weight and potential takes part with, of weight zero exactly zero.
    fn mass_of(&self, weight: f64, value: f64, softmin: f64) -> f64 {
        // The difference from the soft minimum first: both may be millions of ε.
        if weight > 0.0 { weight * ((value - softmin) / self.epsilon()).exp() } else { 0.0 }
    }

    /// The rule for the marginals, in local units.
    pub(super) fn balance(&self) -> Balance {
        self.problem.balance().in_units_of(self.unit())
    }

    /// ε in local units.
    pub(super) fn epsilon(&self) -> f64 {
        self.problem.cost.epsilon(self.blur / self.frame.scale)
    }

    /// One local unit of cost \[m²\].
    pub(super) fn unit(&self) -> f64 {
        self.problem.cost.of_length(self.frame.scale)
    }
}
