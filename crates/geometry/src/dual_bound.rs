//! A proven lower bound on the cost of transport, from any potentials.

use crate::{Cost, Error, KdTree, Measure, Potentials, Result, fold_ordered};

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
    if potential.len() != target.len() {
        let (expected, got) = (target.len(), potential.len());
        return Err(Error::ColumnLength { column: "potential", expected, got });
    }
    if let Some(index) = potential.iter().position(|value| !value.is_finite()) {
        return Err(Error::InvalidPotential { index, got: potential[index] });
    }
    let (sources, targets) =
        rayon::join(|| KdTree::new(source.positions()), || KdTree::new(target.positions()));
    let f = transform(&targets, target, &sources, cost, potential)?;
    // Shifted so that both sides are as small as they can be together: rounding goes with their size.
    let shift = mean(source, &f).value;
    let f: Vec<f64> = (0..source.len())
        .map(|i| if source.weight(i) > 0.0 { f[i] - shift } else { f64::NEG_INFINITY })
        .collect();
    let largest =
        f.iter().filter(|value| value.is_finite()).fold(0.0, |all: f64, value| all.max(value.abs()));
    let mut g = transform(&sources, source, &targets, cost, &f)?;
    for value in &mut g {
        *value -= REDUCED * (value.abs() + largest) + f64::MIN_POSITIVE;
    }
    let (on_source, on_target) = (mean(source, &f), mean(target, &g));
    let error = on_source.error + on_target.error;
    let lower = on_source.value + on_target.value - error;
    Ok(DualBound { lower, potentials: Potentials { source: f, target: g } })
}

/// min over the points of positive weight of cost minus potential, for every query.
fn transform(
    tree: &KdTree,
    measure: &Measure,
    queries: &KdTree,
    cost: Cost,
    potential: &[f64],
) -> Result<Vec<f64>> {
    let there =
        |(index, &value): (usize, &f64)| if measure.weight(index) > 0.0 { value } else { f64::NEG_INFINITY };
    let weights: Vec<f64> = potential.iter().enumerate().map(there).collect();
    let found = tree.weighted(&weights, cost)?.lowest_all(queries, None);
    Ok(found.into_iter().map(|found| found.map_or(f64::INFINITY, |found| found.value)).collect())
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
