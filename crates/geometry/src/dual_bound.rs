//! A proven lower bound on the cost of transport, from any potentials.

use crate::{
    Backend, Cost, Error, KdTree, Measure, Neighbors, Potentials, ReducedCost, Result, fold_ordered,
};

/// Above the rounding of a reduced cost, as a part of its size and that of the potentials: a squared distance errs
/// by at most five half-ulps, its root and the difference by one each.
const REDUCED: f64 = 8.0 * f64::EPSILON;

/// Dual variables that are feasible in exact arithmetic, and what they prove.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DualBound {
    /// No plan costs less, per unit of mass \[m² or m, as the cost\]. Not rounded in its favour: sound in exact
    /// arithmetic for the coordinates and weights as they are stored.
    pub lower: f64,
    /// f_i + g_j ≤ c(x_i, y_j) for every pair; −∞ at source points without weight, which bind nobody.
    pub potentials: Potentials,
}

/// The lower bound on the balanced transport cost that potentials on the target prove, however bad they are.
///
/// ```text
/// f_i = min_j c(x_i, y_j) − g_j        g'_j = min_i c(x_i, y_j) − f_i        lower = Σ a_i f_i + Σ b_j g'_j
/// ```
///
/// with both measures scaled to total 1. Both minima are exact searches in weighted trees, O(n log n) on all but
/// contrived clouds; g' is at least as good as g. Only the second has to be sound, and it is lowered by more than
/// its rounding, as are the sums: the bound holds in exact arithmetic. With the potentials of a
/// [`Sinkhorn`](crate::Sinkhorn) plan at a narrow blur it is tight.
///
/// # Units
/// m² for the squared distance, m for the distance.
///
/// # Errors
/// [`Error::ColumnLength`] unless there is one potential per target point, [`Error::InvalidPotential`] if one is
/// not finite.
///
/// # Determinism
/// The same bits on any number of threads.
///
/// # References
/// Peyré, Cuturi, *Computational optimal transport*, 2019, sections 2.5 and 5.1; rounding as in Higham, *Accuracy and
/// stability of numerical algorithms*, 2002, sections 3.1 and 4.2.
///
/// ```
/// use barrow_geometry::{Cost, Measure, dual_bound};
/// use nalgebra::{Point3, Vector3};
///
/// let source: Vec<_> = (0..50).map(|i| Point3::new((0.3 * i as f64).sin(), i as f64, 0.0)).collect();
/// let target: Vec<_> = source.iter().map(|point| point + Vector3::new(0.0, 0.0, 2.0)).collect();
/// let (source, target) = (Measure::uniform(&source)?, Measure::uniform(&target)?);
/// // A translation by 2 costs 4; even potentials that know nothing prove it here.
/// let bound = dual_bound(&source, &target, Cost::SquaredEuclidean, &[0.0; 50])?;
/// assert!(bound.lower <= 4.0 && bound.lower > 4.0 - 1e-12);
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
pub fn dual_bound(source: &Measure, target: &Measure, cost: Cost, potential: &[f64]) -> Result<DualBound> {
    dual_bound_on(source, target, cost, potential, &Backend::Cpu)
}

/// [`dual_bound`], with the same bits, wherever it runs: both minima as [`WeightedKdTree::lowest_k_all_on`] finds them.
///
/// # Errors
/// As [`dual_bound`], and what can go wrong on a device.
///
/// [`WeightedKdTree::lowest_k_all_on`]: crate::WeightedKdTree::lowest_k_all_on
///
/// ```
/// use barrow_geometry::{Backend, Cost, Gpu, Measure, dual_bound, dual_bound_on};
/// use nalgebra::Point3;
///
/// let (source, target) = ([Point3::origin()], [Point3::new(0.0, 3.0, 4.0)]);
/// let (source, target) = (Measure::uniform(&source)?, Measure::uniform(&target)?);
/// let backend = Gpu::open().map_or(Backend::Cpu, Backend::Gpu);
/// let bound = dual_bound_on(&source, &target, Cost::Euclidean, &[0.0], &backend)?;
/// assert_eq!(bound, dual_bound(&source, &target, Cost::Euclidean, &[0.0])?);
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
pub fn dual_bound_on(
    source: &Measure,
    target: &Measure,
    cost: Cost,
    potential: &[f64],
    backend: &Backend,
) -> Result<DualBound> {
    if potential.len() != target.len() {
        let (expected, got) = (target.len(), potential.len());
        return Err(Error::ColumnLength { column: "potential", expected, got });
    }
    if let Some(index) = potential.iter().position(|value| !value.is_finite()) {
        return Err(Error::InvalidPotential { index, got: potential[index] });
    }
    let (sources, targets) =
        rayon::join(|| KdTree::new(source.positions()), || KdTree::new(target.positions()));
    let pair =
        TreePair { source: *source, target: *target, sources: &sources, targets: &targets, cost, backend };
    let Proof { lower, potentials, .. } = pair.prove(potential, 1, None)?;
    Ok(DualBound { lower, potentials })
}

/// Both measures of a problem with their trees.
#[derive(Clone, Copy)]
pub(crate) struct TreePair<'a> {
    pub source: Measure<'a>,
    pub target: Measure<'a>,
    pub sources: &'a KdTree,
    pub targets: &'a KdTree,
    pub cost: Cost,
    /// Where searches run.
    pub backend: &'a Backend,
}

/// Where mass may go instead of to the other cloud: one more target, `drop` away from every source point, and one more
/// source, `drop` away from every target point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Outside {
    /// Cost of leaving a unit of mass on either side.
    pub drop: f64,
    /// Cost from the one outside to the other; infinite if nothing may go there.
    pub pass: f64,
    /// Mass that comes from outside, in units of the source's total.
    pub source_mass: f64,
    /// Mass that goes outside, likewise.
    pub target_mass: f64,
    /// The target's total, likewise.
    pub target_total: f64,
    /// Potential of the outside as a target.
    pub potential: f64,
}

/// What potentials on the target prove, and the pairs that stand in the way of more.
pub(crate) struct Proof {
    /// As in [`DualBound`], per unit of the source's total.
    pub lower: f64,
    pub potentials: Potentials,
    /// For every source point the targets with the lowest c − g, of the potentials as given.
    pub rows: Neighbors<ReducedCost>,
    /// For every target point the sources with the lowest c − f, f being the first minimum, shifted.
    pub columns: Neighbors<ReducedCost>,
}

impl TreePair<'_> {
    /// The bound of [`dual_bound`] and the `k` pairs with the lowest reduced costs in each of its searches.
    pub fn prove(&self, potential: &[f64], k: usize, outside: Option<&Outside>) -> Result<Proof> {
        let Self { source, target, sources, targets, .. } = self;
        let rows = self.lowest(targets, target, sources, potential, k)?;
        let mut f: Vec<f64> = rows.iter().map(minimum).collect();
        let mut ends = (f64::INFINITY, f64::INFINITY);
        if let Some(Outside { drop, pass, potential: there, .. }) = outside {
            f.iter_mut().for_each(|value| *value = value.min(drop - there));
            let highest = potential.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            ends.0 = (drop - highest).min(pass - there);
        } else {
            // Shifted so that both sides are as small as they can be together: rounding goes with their size.
            let shift = mean(source, &f).value;
            f.iter_mut().for_each(|value| *value -= shift);
        }
        for (index, value) in f.iter_mut().enumerate() {
            *value = if source.weight(index) > 0.0 { *value } else { f64::NEG_INFINITY };
        }
        let finite = |values: &[f64]| {
            values.iter().filter(|value| value.is_finite()).fold(0.0, |all: f64, value| all.max(value.abs()))
        };
        let largest = finite(&f).max(if ends.0.is_finite() { ends.0.abs() } else { 0.0 });
        let columns = self.lowest(sources, source, targets, &f, k)?;
        let mut g: Vec<f64> = columns.iter().map(minimum).collect();
        if let Some(Outside { drop, pass, .. }) = outside {
            g.iter_mut().for_each(|value| *value = value.min(drop - ends.0));
            let highest = f.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            ends.1 = (drop - highest).min(pass - ends.0);
        }
        let soundly = |value: &mut f64, scale: f64| {
            *value -= REDUCED * (value.abs() + largest + scale) + f64::MIN_POSITIVE;
        };
        let scale = outside.map_or(0.0, |outside| outside.drop);
        g.iter_mut().for_each(|value| soundly(value, scale));
        let (on_source, on_target) = (mean(source, &f), mean(target, &g));
        let lower = match outside {
            None => on_source.value + on_target.value - (on_source.error + on_target.error),
            Some(Outside { source_mass, target_mass, target_total, .. }) => {
                soundly(&mut ends.1, scale);
                // Nothing comes from, or goes, where no mass is; its potential is infinite then.
                let term = |mass: f64, value: f64| if mass > 0.0 { mass * value } else { 0.0 };
                let (from, to) = (term(*source_mass, ends.0), term(*target_mass, ends.1));
                let value = on_source.value + target_total * on_target.value + from + to;
                let sizes =
                    on_source.value.abs() + (target_total * on_target.value).abs() + from.abs() + to.abs();
                value - (on_source.error + target_total * on_target.error + 8.0 * f64::EPSILON * sizes)
            }
        };
        let potentials = Potentials { source: f, target: g };
        Ok(Proof { lower, potentials, rows, columns })
    }

    /// The points of positive weight with the lowest cost minus potential, for every query.
    pub fn lowest(
        &self,
        tree: &KdTree,
        measure: &Measure,
        queries: &KdTree,
        potential: &[f64],
        k: usize,
    ) -> Result<Neighbors<ReducedCost>> {
        let there = |(index, &value): (usize, &f64)| {
            if measure.weight(index) > 0.0 { value } else { f64::NEG_INFINITY }
        };
        let weights: Vec<f64> = potential.iter().enumerate().map(there).collect();
        tree.weighted(&weights, self.cost)?.lowest_k_all_on(queries, k, self.backend)
    }
}

fn minimum(found: &[ReducedCost]) -> f64 {
    found.first().map_or(f64::INFINITY, |lowest| lowest.value)
}

/// A mean, and more than what rounding can have done to it.
struct Mean {
    value: f64,
    error: f64,
}

/// The mean over a measure of values that are finite wherever there is weight.
fn mean(measure: &Measure, values: &[f64]) -> Mean {
    let part = |range: std::ops::Range<usize>| {
        range.filter(|&index| measure.weight(index) > 0.0).fold(
            (0.0, 0.0, 0.0),
            |(sum, size, total), index| {
                let (weight, product) = (measure.weight(index), measure.weight(index) * values[index]);
                (sum + product, size + product.abs(), total + weight)
            },
        )
    };
    let add = |a: (f64, f64, f64), b: (f64, f64, f64)| (a.0 + b.0, a.1 + b.1, a.2 + b.2);
    let (sum, size, total) = fold_ordered(measure.len(), part, add).unwrap_or((0.0, 0.0, 1.0));
    // A sum of n numbers errs by less than n half-ulps of the sum of their sizes, in any order; so does the total.
    let error = 1.1 * (measure.len() as f64 + 8.0) * f64::EPSILON * (size / total) + f64::MIN_POSITIVE;
    Mean { value: sum / total, error }
}
