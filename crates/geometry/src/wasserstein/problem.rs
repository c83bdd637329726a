//! What is asked: two measures, an exponent, and how much must be moved.

use super::masses::Masses;
use super::outside::Leftover;
use crate::error::require_positive;
use crate::measure::{require_available, require_comparable_totals, require_equal_totals};
use crate::{Error, Measure, Result};

/// How much of the mass must be moved.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Moved {
    /// All of it; the totals must be equal.
    #[default]
    All,
    /// What costs less to move than to drop: a unit that would travel farther than this length \[m\] is dropped on both
    /// sides, which costs half of length^p on each. The totals may differ. Length^p is at most some 10¹⁵ times the cost of crossing both
    /// measures.
    Within(f64),
    /// The cheapest part of this mass, in the unit of the weights; from 10⁻⁹ of the smaller total to all of it.
    Mass(f64),
}

/// An optimal transport problem without entropy.
///
/// The plan π ≥ 0 that minimises, with c = |x − y|^p,
///
/// ```text
/// Σ π_ij c_ij                                   π1 = a, πᵀ1 = b                     Moved::All
/// Σ π_ij c_ij + ρ (Σ a + Σ b − 2 Σ π)           π1 ≤ a, πᵀ1 ≤ b, ρ = reach^p / 2    Moved::Within(reach)
/// Σ π_ij c_ij                                   π1 ≤ a, πᵀ1 ≤ b, Σ π = mass         Moved::Mass(mass)
/// ```
///
/// # References
/// Villani, *Topics in optimal transportation*, 2003, chapter 1; Piccoli, Rossi, *Generalized Wasserstein distance and
/// its application to transport equations with source*, 2014 (the cut); Figalli, *The optimal partial transport
/// problem*, 2010 (the mass).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WassersteinProblem<'a> {
    /// Where mass comes from.
    pub source: Measure<'a>,
    /// Where mass goes to.
    pub target: Measure<'a>,
    /// Exponent of the distance, from 1 to 16: beyond, powers of what coordinates can tell apart are no numbers any more, as is
    /// refused for coordinates that are as large as that. For
    /// other exponents than 1 and 2 at most 2²² pairs of points are accepted, because only those two are searched by trees.
    pub p: f64,
    /// How much must be moved.
    pub moved: Moved,
}

/// Largest number of pairs where all of them are looked at.
pub(super) const PAIRS: usize = 1 << 22;

/// Highest price of a unit of mass, where moving it across everything costs about 1: beyond, costs are lost beside it in rounding.
const DEAREST: f64 = 1e15;

impl<'a> WassersteinProblem<'a> {
    /// The balanced problem with p = 2; change the other fields as needed.
    ///
    /// ```
    /// use barrow_geometry::{Measure, Moved, WassersteinProblem};
    /// use nalgebra::Point3;
    ///
    /// let points = [Point3::origin(), Point3::new(1.0, 0.0, 0.0)];
    /// let measure = Measure::uniform(&points)?;
    /// let problem = WassersteinProblem { p: 1.0, ..WassersteinProblem::new(measure, measure) };
    /// assert_eq!(problem.moved, Moved::All);
    /// # Ok::<(), barrow_geometry::Error>(())
    /// ```
    pub fn new(source: Measure<'a>, target: Measure<'a>) -> Self {
        Self { source, target, p: 2.0, moved: Moved::All }
    }

    /// The weights as integers and what may be left of them, lengths being in units of 1 / `scale` metres.
    pub(super) fn masses(&self, scale: f64) -> (Masses, Option<Leftover>) {
        let weights =
            |measure: &Measure| (0..measure.len()).map(|index| measure.weight(index)).collect::<Vec<_>>();
        let (a, b) = (weights(&self.source), weights(&self.target));
        match self.moved {
            Moved::All => (Masses::balanced(&a, &b), None),
            Moved::Within(reach) => {
                let masses = Masses::unbalanced(&a, &b);
                let leftover = Leftover::at_price(0.5 * (reach * scale).powf(self.p), &masses);
                (masses, Some(leftover))
            }
            Moved::Mass(mass) => {
                let masses = Masses::unbalanced(&a, &b);
                let leftover = Leftover::all_but(mass / self.source.total(), &masses);
                (masses, Some(leftover))
            }
        }
    }

    /// Whether costs are numbers, and the price of dropping mass can be compared with them, lengths being in units of 1 / `scale`
    /// metres, of which everything is a few across.
    pub(super) fn check_costs(&self, scale: f64) -> Result<()> {
        if !(4.0 / scale).powf(self.p).is_finite() {
            let requirement = "so small that powers of the extent of the measures are numbers";
            return Err(Error::InvalidOption { name: "p", requirement, got: self.p });
        }
        match self.moved {
            Moved::Within(reach) if (reach * scale).powf(self.p) > DEAREST => Err(Error::InvalidOption {
                name: "reach",
                requirement: "not so much longer than the extent of the measures that nothing would ever be dropped",
                got: reach,
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let (source_total, target_total) = (self.source.total(), self.target.total());
        if !(1.0..=16.0).contains(&self.p) {
            return Err(Error::InvalidOption { name: "p", requirement: "from 1 to 16", got: self.p });
        }
        match self.moved {
            Moved::All => {
                require_equal_totals(source_total, target_total)?;
            }
            Moved::Within(reach) => {
                require_positive("reach", reach)?;
            }
            Moved::Mass(mass) => {
                require_available(mass, source_total, target_total)?;
            }
        }
        require_comparable_totals(source_total, target_total)?;
        let (rows, columns) = (self.source.len(), self.target.len());
        if ![1.0, 2.0].contains(&self.p) && rows.saturating_mul(columns) > PAIRS {
            return Err(Error::PlanTooLarge { rows, columns, limit: PAIRS });
        }
        for (role, got) in [("source", rows), ("target", columns)] {
            let limit = (1 << 31) - 2;
            if got > limit {
                return Err(Error::TooManyPoints { role, limit, got });
            }
        }
        Ok(())
    }
}
