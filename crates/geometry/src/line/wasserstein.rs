//! The distance and its plan: quantile meets quantile.

use super::{KantorovichPotential, LineMeasure};
use crate::{Arc, Error, Result};

/// An optimal transport between numbers.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Wasserstein1d {
    /// W_p itself, in the unit of the numbers.
    pub value: f64,
    /// W_p^p: the cost of the plan. Infinite or zero where the power leaves the range of `f64`; the value
    /// does not.
    pub cost: f64,
    /// The plan: at most n + m − 1 arcs by increasing position; masses sum to 1, costs are |x − y|^p.
    pub arcs: Vec<Arc>,
    /// For p = 1 a potential that proves the value from below; `None` for other powers.
    pub potential: Option<KantorovichPotential>,
}

/// The Wasserstein distance between two measures on a line, exact.
///
/// ```text
/// W_p(a, b)^p = min over plans Σ m_ij |x_i − y_j|^p = ∫₀¹ |F_a⁻¹(q) − F_b⁻¹(q)|^p dq
/// ```
///
/// The plan moves quantiles onto quantiles: one walk through both sorted measures, O(n log n). For p = 1 also
/// W₁ = ∫ |F_a(t) − F_b(t)| dt, attained by a potential of slope ±1, which is returned.
///
/// # Units
/// The unit of the numbers.
///
/// # Errors
/// [`Error::InvalidOption`] unless p is finite and at least 1.
///
/// # Determinism
/// Sequential; numbers at the same place in the order of their indices.
///
/// # References
/// Peyré, Cuturi, *Computational optimal transport*, 2019, remark 2.30 and section 6.1; Vallender,
/// *Calculation of the Wasserstein distance between probability distributions on the line*, 1974.
///
/// ```
/// use barrow_geometry::{LineMeasure, wasserstein_1d};
///
/// let moved = wasserstein_1d(&LineMeasure::uniform(&[0.0, 1.0])?, &LineMeasure::uniform(&[5.0, 3.0])?, 1.0)?;
/// assert_eq!(moved.value, 3.5);
/// assert_eq!(moved.arcs.iter().map(|arc| (arc.source, arc.target)).collect::<Vec<_>>(), [(0, 1), (1, 0)]);
/// assert_eq!(moved.potential.unwrap().value, 3.5);
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
pub fn wasserstein_1d(source: &LineMeasure, target: &LineMeasure, p: f64) -> Result<Wasserstein1d> {
    if !(p.is_finite() && p >= 1.0) {
        return Err(Error::InvalidOption { name: "p", requirement: "finite and >= 1", got: p });
    }
    let (from, to) = (source.sorted(), target.sorted());
    let mut arcs: Vec<Arc> = Vec::with_capacity(from.len() + to.len());
    let length = |arc: &Arc| (source.positions()[arc.source] - target.positions()[arc.target]).abs();
    let (mut i, mut j) = (0, 0);
    let (mut left, mut room) = (source.share(from[0]), target.share(to[0]));
    // Once one side has ended, the other only holds what rounding has left over.
    while i < from.len() && j < to.len() {
        let mass = left.min(room);
        let arc = Arc { source: from[i], target: to[j], mass, cost: 0.0 };
        arcs.push(Arc { cost: length(&arc).powf(p), ..arc });
        let (spent, full) = (left <= room, room <= left);
        left -= mass;
        room -= mass;
        if spent {
            i += 1;
            left = from.get(i).map_or(0.0, |&next| source.share(next));
        }
        if full {
            j += 1;
            room = to.get(j).map_or(0.0, |&next| target.share(next));
        }
    }
    let farthest = arcs.iter().map(length).fold(0.0, f64::max);
    // Relative to the longest way, so that no power over- or underflows.
    let mean: f64 = match farthest {
        0.0 => 0.0,
        _ => arcs.iter().map(|arc| arc.mass * (length(arc) / farthest).powf(p)).sum(),
    };
    let value = farthest * mean.powf(1.0 / p);
    let cost = mean * farthest.powf(p);
    let potential = (p == 1.0).then(|| KantorovichPotential::between(source, target));
    Ok(Wasserstein1d { value, cost, arcs, potential })
}
