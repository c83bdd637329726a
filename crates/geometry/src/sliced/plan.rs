//! Plans in space from plans along lines.

use nalgebra::{Unit, Vector3};

use super::cost;
use super::pair::Pair;
use super::scratch::Scratch;
use crate::{Arc, Error, Measure, Result, SparsePlan};

/// A transport plan that is optimal along one direction, with what it costs in space.
///
/// No plan costs less than the optimal one: the root of `cost` is at least W_p. At most n + m − 1 arcs, found in the
/// time of two sorts.
///
/// # References
/// Mahey et al., *Fast optimal transport through sliced Wasserstein generalized geodesics*, NeurIPS 2023 (the best of
/// several directions); Liu et al., *Expected sliced transport plans*, ICLR 2025 (their mean).
///
/// ```
/// use barrow_geometry::{Measure, SlicedPlan, Sliced};
/// use nalgebra::{Point3, Vector3};
///
/// let source: Vec<_> = (0..50).map(|i| Point3::new((i as f64).sin(), (i as f64).cos(), 0.0)).collect();
/// let target: Vec<_> = source.iter().map(|point| point + Vector3::new(0.0, 0.0, 3.0)).collect();
/// let (source, target) = (Measure::uniform(&source)?, Measure::uniform(&target)?);
/// let found = SlicedPlan::best(&source, &target, 2.0, &Sliced::default().directions()?)?;
/// assert!((found.cost - 9.0).abs() < 1e-9);
/// assert!(found.plan.arcs().iter().all(|arc| arc.source == arc.target));
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SlicedPlan {
    /// The plan between the measures scaled to total 1; costs are |x − y|^p.
    pub plan: SparsePlan,
    /// The direction along which it is optimal.
    pub direction: Unit<Vector3<f64>>,
    /// Σ mass · |x − y|^p in space \[m^p\].
    pub cost: f64,
}

impl SlicedPlan {
    /// The cheapest of the plans that are optimal along given directions; the first of equals.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] unless `p` is finite and at least 1 and there is a direction, [`Error::InvalidArc`] if
    /// |x − y|^p overflows, [`Error::TooManyPoints`] above 2³² − 1 points.
    pub fn best(
        source: &Measure,
        target: &Measure,
        p: f64,
        directions: &[Unit<Vector3<f64>>],
    ) -> Result<Self> {
        let pair = Pair::new(source, target, p)?;
        let costs = costs(&pair, directions)?;
        let best = (0..costs.len()).reduce(|best, next| if costs[next] < costs[best] { next } else { best });
        let direction = directions[best.unwrap_or_default()];
        let mut arcs = Vec::with_capacity(source.len() + target.len());
        pair.pool.with(|scratch| {
            pairs(&pair, &direction, scratch, |source, target, mass| {
                let cost = away(&pair, source, target).powf(p);
                arcs.push(Arc { source, target, mass, cost });
            });
        });
        let plan = SparsePlan::new(source.len(), target.len(), arcs)?;
        Ok(Self { cost: plan.cost(), plan, direction })
    }

    /// Σ mass · |x − y|^p of the mean of the plans along given directions \[m^p\]: the mean of what they cost.
    ///
    /// # Errors
    /// As [`best`](Self::best), but an overflow gives infinity.
    pub fn expected_cost(
        source: &Measure,
        target: &Measure,
        p: f64,
        directions: &[Unit<Vector3<f64>>],
    ) -> Result<f64> {
        let pair = Pair::new(source, target, p)?;
        Ok(costs(&pair, directions)?.iter().sum::<f64>() / directions.len() as f64)
    }
}

/// What the plan along every direction costs in space.
fn costs(pair: &Pair, directions: &[Unit<Vector3<f64>>]) -> Result<Vec<f64>> {
    if directions.is_empty() {
        return Err(Error::InvalidOption { name: "number of directions", requirement: ">= 1", got: 0.0 });
    }
    Ok(pair.map(directions, |scratch, direction| {
        let mut cost = 0.0;
        pairs(pair, direction, scratch, |source, target, mass| {
            let away = away(pair, source, target);
            cost += mass * if pair.p == 2.0 { away * away } else { away.powf(pair.p) };
        });
        cost
    }))
}

/// Indices of the points that the plan along a direction joins, and the mass between them.
fn pairs(
    pair: &Pair,
    direction: &Unit<Vector3<f64>>,
    scratch: &mut Scratch,
    mut visit: impl FnMut(usize, usize, f64),
) {
    pair.project(direction, scratch);
    let [a, b] = &scratch.lines;
    cost::walk_lines([&pair.source, &pair.target], [a, b], |i, j, mass| visit(a.index(i), b.index(j), mass));
}

/// Distance between two points \[m\].
fn away(pair: &Pair, source: usize, target: usize) -> f64 {
    (pair.source.measure().positions()[source] - pair.target.measure().positions()[target]).norm()
}
