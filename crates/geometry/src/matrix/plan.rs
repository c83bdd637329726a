//! The answer: the plan as a matrix, and what it is worth.

use nalgebra::DMatrix;

use super::MatrixTransport;
use super::run::MatrixRun;
use crate::balance::Balance;
use crate::{Convergence, MarginalError, Potentials};

/// An entropic transport plan for a matrix of costs.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MatrixPlan {
    /// P, with one row per source point: P_ij = a_i b_j exp((f_i + g_j + λ − C_ij) / ε).
    pub plan: DMatrix<f64>,
    /// f and g. A balanced pair is defined up to a constant (f + t, g − t).
    pub potentials: Potentials,
    /// λ, what another unit of mass would cost in a partial problem; otherwise 0.
    pub mass_price: f64,
    /// ε of this plan: that of the problem, or a larger one if the run ended while annealing.
    pub epsilon: f64,
    /// The entropic transport value as the dual objective Σ a φ(f) + Σ b φ(g) + λ m − ε (Σ P − Σ a Σ b), with φ as in
    /// [`Balance`]. At the optimum it equals Σ P C + ε KL(P | a ⊗ b) and what the marginals cost, and is never above it.
    pub value: f64,
    /// Σ P_ij C_ij, the cost without the entropy.
    pub transport_cost: f64,
    /// How far the row and column sums of `plan` are from the prescribed ones, or from those that the potentials stand
    /// for where they may be missed: the L1 distance on each side, relative to the side's total. Of the very matrix.
    pub marginal_error: MarginalError,
    /// How far the solver came.
    pub convergence: Convergence,
}

impl MatrixPlan {
    pub(super) fn new(run: &MatrixRun, convergence: Convergence) -> Self {
        let MatrixTransport { cost, source: a, balance, .. } = run.problem;
        let (f, g, b, epsilon, price) = (&run.source, &run.target, &run.weights, run.epsilon, run.mass_price);
        let plan = DMatrix::from_fn(a.len(), b.len(), |i, j| {
            let weight = a[i] * b[j];
            // A point without weight may have any potential: 0 · ∞ must not arise.
            if weight > 0.0 { weight * ((f[i] + g[j] + price - cost[(i, j)]) / epsilon).exp() } else { 0.0 }
        });
        let rows: Vec<f64> = plan.row_iter().map(|row| row.sum()).collect();
        let columns: Vec<f64> = plan.column_iter().map(|column| column.sum()).collect();
        let error = |weights: &[f64], potential: &[f64], got: &[f64]| {
            let points = weights.iter().zip(potential).zip(got).filter(|&((&weight, _), _)| weight > 0.0);
            let misplaced = points
                .map(|((&weight, &value), &got)| weight * balance.violation(value, got / weight, epsilon));
            misplaced.sum::<f64>() / weights.iter().sum::<f64>()
        };
        let gain = |weights: &[f64], potential: &[f64]| {
            let points = weights.iter().zip(potential).filter(|&(&weight, _)| weight > 0.0);
            points.map(|(weight, &value)| weight * balance.gain(value)).sum::<f64>()
        };
        let moved: f64 = columns.iter().sum();
        let totals = a.iter().sum::<f64>() * b.iter().sum::<f64>();
        let demanded = if let Balance::Partial { mass } = balance { price * mass } else { 0.0 };
        Self {
            value: gain(a, f) + gain(b, g) + demanded - epsilon * (moved - totals),
            transport_cost: plan.dot(cost),
            marginal_error: MarginalError { source: error(a, f, &rows), target: error(b, g, &columns) },
            plan,
            potentials: Potentials { source: f.clone(), target: g.clone() },
            mass_price: price,
            epsilon,
            convergence,
        }
    }
}
