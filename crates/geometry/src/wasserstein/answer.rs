//! The answer: a plan, what proves it, and how far the two are apart.

use crate::{Convergence, Potentials, SparsePlan};

/// Two proven bounds on a transport distance.
///
/// `upper` is attained by the plan that comes with it, `lower` follows from potentials that are feasible. Both hold in
/// exact arithmetic for the coordinates and weights as they are stored: sums and roots are rounded outwards.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Certificate {
    /// The distance is at least this \[m\].
    pub lower: f64,
    /// The distance is at most this \[m\].
    pub upper: f64,
}

impl Certificate {
    /// (upper − lower) / upper; zero if both are zero, 1 if nothing is known.
    pub fn relative_gap(&self) -> f64 {
        if self.upper == 0.0 {
            0.0
        } else if self.upper.is_finite() {
            (self.upper - self.lower) / self.upper
        } else {
            1.0
        }
    }
}

/// A certified transport between two measures.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WassersteinPlan {
    /// The distance \[m\], that of the plan: close to the upper bound of the certificate.
    ///
    /// W_p = (Σ π c / Σ π)^(1/p), the mean over the mass that is moved. With a reach it is
    /// ((Σ π c + ρ (Σ a + Σ b − 2 Σ π)) / ½(Σ a + Σ b))^(1/p), which is at most the reach.
    pub value: f64,
    /// Between which numbers the distance of the problem lies.
    pub certificate: Certificate,
    /// Arcs with their masses in the unit of the source's weights and costs |x − y|^p \[m^p\]; at most n + m − 1 if all
    /// is moved.
    pub plan: SparsePlan,
    /// Feasible potentials \[m^p\]: f_i + g_j ≤ c_ij for every pair, up to rounding that the certificate allows for. Where
    /// all is moved they prove the lower bound, else together with those of staying behind. −∞ where a point has no
    /// weight.
    pub potentials: Potentials,
    /// How far the solver came. Converged means that the gap asked for was met, or that the plan is optimal up to
    /// rounding; `residual` is the relative gap.
    pub convergence: Convergence,
}
