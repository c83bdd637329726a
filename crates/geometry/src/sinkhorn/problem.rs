//! What is asked: two measures, a cost, a blur and a reach.

use nalgebra::Point3;

use crate::balance::Balance;
use crate::error::require_positive;
use crate::frame::Frame;
use crate::measure::{are_equal_totals, require_comparable_totals, require_equal_totals};
use crate::{Error, Measure, Result};

/// Smallest blur as a part of the extent. Below it even `f64` potentials, whose rounding is divided by
/// ε, would leave no four digits in an entry of the plan.
const MIN_BLUR: f64 = 1e-6;

/// Smallest reach as a part of the blur. Potentials are of the size of ε and rounded as such; where they are divided by a ρ far
/// below it, only rounding would be left.
pub(crate) const MIN_REACH: f64 = 1e-3;

/// Largest ρ where totals differ, in ε: potentials then hold a constant of the size of ρ, and beside a larger one the costs would
/// have no four digits either.
const MAX_RHO: f64 = 1e12;

/// Largest epsilon that is computed with, in costs of crossing the extent: a value is a difference of multiples of epsilon, which
/// hold fewer and fewer of its digits, while the plan hardly changes any more.
const MAX_EPSILON: f64 = 2e8;

/// Cost of moving one unit of mass from x to y.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cost {
    /// |x − y|² \[m²\], without a half. ε = 2 blur².
    #[default]
    SquaredEuclidean,
    /// |x − y| \[m\]. ε = blur.
    Euclidean,
}

impl Cost {
    /// The cost between two points.
    pub fn between(self, x: &Point3<f64>, y: &Point3<f64>) -> f64 {
        let squared = (x - y).norm_squared();
        match self {
            Self::SquaredEuclidean => squared,
            Self::Euclidean => squared.sqrt(),
        }
    }

    /// The cost of moving over a length.
    pub(super) fn of_length(self, length: f64) -> f64 {
        match self {
            Self::SquaredEuclidean => length * length,
            Self::Euclidean => length,
        }
    }

    /// What lengths are multiplied by where costs are multiplied by a factor.
    #[cfg(feature = "gpu")]
    pub(super) fn scale_of(self, factor: f64) -> f64 {
        match self {
            Self::SquaredEuclidean => factor.sqrt(),
            Self::Euclidean => factor,
        }
    }

    /// ε of a blur.
    pub(crate) fn epsilon(self, blur: f64) -> f64 {
        match self {
            Self::SquaredEuclidean => 2.0 * blur * blur,
            Self::Euclidean => blur,
        }
    }
}

/// What a problem with a reach pays for mass that it does not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MarginalPenalty {
    /// ρ KL(P1 | a) + ρ KL(Pᵀ1 | b) with ρ = reach² or reach: every point keeps a part of its mass that falls smoothly
    /// with the cost.
    #[default]
    KullbackLeibler,
    /// ρ Σ|P1 − a| + ρ Σ|Pᵀ1 − b| with 2ρ = reach² or reach: a cut. Moving a unit of mass farther than the reach costs
    /// more than dropping it on both sides, 2ρ; nearer, less.
    TotalVariation,
}

/// An entropic optimal transport problem.
///
/// The plan P = (P_ij) ≥ 0 that minimises
///
/// ```text
/// Σ P_ij c(x_i, y_j) + ε KL(P | a ⊗ b)                              balanced: P1 = a, Pᵀ1 = b
///                    + ρ KL(P1 | a) + ρ KL(Pᵀ1 | b)                 with a reach
///                    + ρ Σ|P1 − a| + ρ Σ|Pᵀ1 − b|                   with a reach and total variation
/// ```
///
/// where KL(p | q) = Σ p log(p/q) − p + q, a and b are the weights of source and target, ε = 2 blur²
/// for the squared cost and blur for the Euclidean one, ρ = reach² or reach likewise, half of it for total
/// variation. The plan has the form P_ij = a_i b_j exp((f_i + g_j − c_ij) / ε) with potentials f and g.
///
/// # Units
/// `blur` and `reach` are lengths \[m\].
///
/// # References
/// Cuturi, *Sinkhorn distances*, NeurIPS 2013; Chizat et al., *Scaling algorithms for unbalanced optimal
/// transport problems*, Math. Comp. 2018; Peyré, Cuturi, *Computational optimal transport*, chapter 4.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransportProblem<'a> {
    /// Where mass comes from.
    pub source: Measure<'a>,
    /// Where mass goes to.
    pub target: Measure<'a>,
    /// Cost of moving one unit of mass.
    pub cost: Cost,
    /// Length below which the plan is fuzzy \[m\]. At least 10⁻⁶ of the extent of the two measures; one of 10⁴ extents couples
    /// everything with everything to 10⁻⁸ of the extent², and is what a wider one is taken for (2 · 10⁸ for the Euclidean
    /// cost); with a reach a wider one is refused.
    pub blur: f64,
    /// Length beyond which mass is rather dropped than moved \[m\], at least a thousandth of the blur, and where totals differ at
    /// most about 10⁶ blurs (10¹² for the Euclidean cost); `None` = balanced.
    pub reach: Option<f64>,
    /// What dropping mass costs; without a reach, nothing is dropped.
    pub penalty: MarginalPenalty,
}

impl<'a> TransportProblem<'a> {
    /// The balanced problem with the squared cost; change the other fields as needed.
    ///
    /// ```
    /// use barrow_geometry::{Measure, TransportProblem};
    /// use nalgebra::Point3;
    ///
    /// let points = [Point3::origin(), Point3::new(1.0, 0.0, 0.0)];
    /// let measure = Measure::uniform(&points)?;
    /// let problem = TransportProblem { reach: Some(2.0), ..TransportProblem::new(measure, measure, 0.1) };
    /// assert!((problem.epsilon() - 0.02).abs() < 1e-15);
    /// # Ok::<(), barrow_geometry::Error>(())
    /// ```
    pub fn new(source: Measure<'a>, target: Measure<'a>, blur: f64) -> Self {
        Self { source, target, cost: Cost::default(), blur, reach: None, penalty: MarginalPenalty::default() }
    }

    /// ε, the weight of the entropy: 2 blur² \[m²\] or blur \[m\].
    pub fn epsilon(&self) -> f64 {
        self.cost.epsilon(self.blur)
    }

    /// ρ, the price of dropping mass: reach² \[m²\] or reach \[m\], half of it for total variation; infinite if
    /// balanced.
    pub fn rho(&self) -> f64 {
        let share = match self.penalty {
            MarginalPenalty::KullbackLeibler => 1.0,
            MarginalPenalty::TotalVariation => 0.5,
        };
        self.reach.map_or(f64::INFINITY, |reach| share * self.cost.of_length(reach))
    }

    /// The rule for the marginals.
    pub fn balance(&self) -> Balance {
        match (self.reach, self.penalty) {
            (None, _) => Balance::Exact,
            (Some(_), MarginalPenalty::KullbackLeibler) => Balance::KullbackLeibler { rho: self.rho() },
            (Some(_), MarginalPenalty::TotalVariation) => Balance::TotalVariation { rho: self.rho() },
        }
    }

    /// The same with the blur that is computed with.
    pub(super) fn within(&self, frame: &Frame) -> Self {
        if self.reach.is_some() {
            return *self;
        }
        Self { blur: self.blur.min(self.widest_blur(frame)), ..*self }
    }

    /// The blur that stands for all that are wider.
    fn widest_blur(&self, frame: &Frame) -> f64 {
        match self.cost {
            // Points that coincide have no other length than the blur.
            _ if frame.extent == 0.0 => f64::INFINITY,
            Cost::SquaredEuclidean => (0.5 * MAX_EPSILON).sqrt() * frame.extent,
            Cost::Euclidean => MAX_EPSILON * frame.extent,
        }
    }

    /// Checks the options and finds the frame to compute in. A measure against itself is part of a larger question, and may be
    /// as small beside the blur as it likes.
    pub(super) fn frame(&self, is_own: bool) -> Result<Frame> {
        require_positive("blur", self.blur)?;
        let (a, b) = (self.source.total(), self.target.total());
        if let Some(reach) = self.reach {
            require_positive("reach", reach)?;
            require_comparable_totals(a, b)?;
            if reach < MIN_REACH * self.blur {
                let requirement = "at least a thousandth of the blur";
                return Err(Error::InvalidOption { name: "reach", requirement, got: reach });
            }
            if !are_equal_totals(a, b) && self.rho() > MAX_RHO * self.epsilon() {
                let requirement = "at most about 10⁶ blurs (10¹² for the Euclidean cost) where totals differ";
                return Err(Error::InvalidOption { name: "reach", requirement, got: reach });
            }
        } else {
            require_equal_totals(a, b)?;
        }
        // Coincident points have no extent; then the blur is the only length there is. A blur far above the
        // extent must not become huge in units of it.
        let frame = Frame::around(&self.source, &self.target, self.blur / 1024.0);
        let relative = self.blur / frame.extent;
        if relative < MIN_BLUR {
            let requirement = "at least 1e-6 of the extent of the two measures";
            return Err(Error::InvalidOption { name: "blur", requirement, got: self.blur });
        }
        if !is_own && self.reach.is_some() && self.blur > self.widest_blur(&frame) {
            // Another blur would ask another question: both what is moved and what is dropped depend on their ratio.
            let requirement = "at most 10⁴ extents of the two measures (2 · 10⁸ for the Euclidean cost) where there is a reach";
            return Err(Error::InvalidOption { name: "blur", requirement, got: self.blur });
        }
        for (name, length) in [("blur", self.blur)].into_iter().chain(self.reach.map(|r| ("reach", r))) {
            let epsilon = self.cost.of_length(length / frame.scale);
            let cost = self.cost.of_length(length);
            if !epsilon.is_normal() || epsilon > 1e100 || !cost.is_normal() || cost > f64::MAX / 4.0 {
                let requirement = "of the order of the extent of the two measures";
                return Err(Error::InvalidOption { name, requirement, got: length });
            }
        }
        // A value compares the plan with a ⊗ b, whose mass is the product of the totals.
        let longest = self.blur.max(self.reach.unwrap_or(0.0)).max(frame.scale);
        let largest = self.cost.of_length(longest) * a.max(b).max(a * b);
        if largest > f64::MAX / 64.0 {
            let requirement = "of totals whose product, times costs, is a number";
            return Err(Error::InvalidOption { name: "weights", requirement, got: a.max(b) });
        }
        Ok(frame)
    }
}
