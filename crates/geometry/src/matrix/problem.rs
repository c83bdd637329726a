//! What is asked: a matrix of costs, weights on both sides, an entropy, a rule for the marginals.

use nalgebra::DMatrix;

use crate::balance::Balance;
use crate::error::require_positive;
use crate::measure::{require_available, require_equal_totals, total_weight};
use crate::{Error, Result};

/// Smallest ε as a part of the largest cost. Potentials are as large as costs, and their rounding is divided by ε.
const MIN_EPSILON: f64 = 1e-12;

/// Largest cost, ε, ρ and total, and the reciprocal of the smallest: products of two and of three stay finite.
const LARGEST: f64 = 1e90;

/// An entropic optimal transport problem whose costs the caller gives as a matrix.
///
/// The plan P = (P_ij) ≥ 0 that minimises
///
/// ```text
/// Σ P_ij C_ij + ε KL(P | a ⊗ b)
/// ```
///
/// and what `balance` adds to it or demands of the marginals P1 and Pᵀ1, where KL(p | q) = Σ p log(p/q) − p + q. Rows of
/// the matrix are source points, columns are target points, and the weights may have any totals. Entropy relative to
/// other masses r_ij than a_i b_j, such as the constant 1 that some texts use, is the same problem with the cost
/// C_ij + ε log(a_i b_j / r_ij), up to constants in its value.
///
/// # Units
/// ε, and ρ where there is one, have the unit of the costs.
///
/// # References
/// Cuturi, *Sinkhorn distances*, NeurIPS 2013; Peyré, Cuturi, *Computational optimal transport*, chapter 4.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatrixTransport<'a> {
    /// C, with one row per source point: finite, of either sign where every plan moves the same mass, otherwise ≥ 0.
    pub cost: &'a DMatrix<f64>,
    /// a, finite and ≥ 0, not all zero.
    pub source: &'a [f64],
    /// b, likewise.
    pub target: &'a [f64],
    /// ε, the weight of the entropy. At least 10⁻¹² of the largest cost.
    pub epsilon: f64,
    /// How the marginals are tied to a and b.
    pub balance: Balance,
}

impl<'a> MatrixTransport<'a> {
    /// The balanced problem; change the other fields as needed.
    pub fn new(cost: &'a DMatrix<f64>, source: &'a [f64], target: &'a [f64], epsilon: f64) -> Self {
        Self { cost, source, target, epsilon, balance: Balance::Exact }
    }

    /// Checks everything; answers the factor by which the target weights count.
    pub(super) fn check(&self) -> Result<f64> {
        let (rows, columns) = self.cost.shape();
        for (role, count) in [("source", rows), ("target", columns)] {
            if count == 0 {
                return Err(Error::Empty { role });
            }
        }
        if (rows, columns) != (self.source.len(), self.target.len()) {
            let (source_weights, target_weights) = (self.source.len(), self.target.len());
            return Err(Error::MatrixShape { rows, columns, source_weights, target_weights });
        }
        let source_total = total("source", self.source)?;
        let target_total = total("target", self.target)?;
        let free = matches!(self.balance, Balance::Exact | Balance::Partial { .. });
        for (index, &got) in self.cost.iter().enumerate() {
            let (row, column) = (index % rows, index / rows);
            if !(got.is_finite() && got.abs() <= LARGEST) {
                let requirement = "finite and at most 1e90 in size";
                return Err(Error::InvalidCost { row, column, requirement, got });
            }
            if got < 0.0 && !free {
                let requirement = ">= 0 where plans may differ in mass";
                return Err(Error::InvalidCost { row, column, requirement, got });
            }
        }
        require_positive("epsilon", self.epsilon)?;
        let refuse = |name, requirement, got| Err(Error::InvalidOption { name, requirement, got });
        if self.epsilon < MIN_EPSILON * self.cost.amax() {
            return refuse("epsilon", "at least 1e-12 of the largest cost", self.epsilon);
        }
        let moderate = |value: f64| (1.0 / LARGEST..=LARGEST).contains(&value);
        if !moderate(self.epsilon) {
            return refuse("epsilon", "between 1e-90 and 1e90", self.epsilon);
        }
        match self.balance {
            Balance::Exact => {
                require_equal_totals(source_total, target_total)?;
                return Ok(source_total / target_total);
            }
            Balance::KullbackLeibler { rho } | Balance::TotalVariation { rho } => {
                if !moderate(rho) {
                    return refuse("rho", "between 1e-90 and 1e90", rho);
                }
            }
            Balance::Partial { mass } => {
                require_available(mass, source_total, target_total)?;
            }
        }
        Ok(1.0)
    }
}

/// The total of one side's weights, if they are fit to be weights.
fn total(role: &'static str, weights: &[f64]) -> Result<f64> {
    let total = total_weight("weights", weights, weights.len()).map_err(|error| match error {
        Error::InvalidWeight { index, got, .. } => Error::InvalidWeight { role, index, got },
        Error::NoMass { .. } => Error::NoMass { role },
        other => other,
    })?;
    if (1.0 / LARGEST..=LARGEST).contains(&total) {
        Ok(total)
    } else {
        let requirement = "between 1e-90 and 1e90";
        Err(Error::InvalidOption { name: "total weight", requirement, got: total })
    }
}
