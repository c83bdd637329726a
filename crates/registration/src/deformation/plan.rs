//! An entropic plan between nearby points: rows of a sparse kernel, scaled on both sides.

use barrow_geometry::{BatchSearch, KdTree};
use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

/// Entries of the kernel farther apart than this many blurs are left out; they are below 0.3 % of its peak.
pub(super) const CUTOFF: f64 = 3.5;

/// Where the mass of one source point goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// Mass that leaves the point.
    pub mass: f64,
    /// Mean of the places that it goes to, relative to the point itself.
    pub shift: Vector3<f64>,
    /// Mean square distance to the places that it goes to.
    pub cost: f64,
}

/// Rows of exp(−|x_i − y_j|² / 2 blur²), truncated.
struct Kernel {
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f64>,
}

impl Kernel {
    fn between(rows: &[Point3<f64>], tree: &KdTree, blur: f64) -> Self {
        let search = BatchSearch { max_distance: CUTOFF * blur, ..BatchSearch::default() };
        let found = tree.within_all(rows, &search);
        let mut starts = Vec::with_capacity(rows.len() + 1);
        starts.push(0);
        for row in found.iter() {
            starts.push(starts[starts.len() - 1] + row.len());
        }
        let entries: Vec<(u32, f64)> = (0..rows.len())
            .into_par_iter()
            .with_min_len(64)
            .flat_map_iter(|row| found.of(row))
            .map(|entry| (entry.index as u32, (-entry.distance_squared / (2.0 * blur * blur)).exp()))
            .collect();
        let (columns, values) = entries.into_iter().unzip();
        Self { starts, columns, values }
    }

    fn transposed(&self, width: usize) -> Self {
        let mut starts = vec![0; width + 1];
        for &column in &self.columns {
            starts[column as usize + 1] += 1;
        }
        for column in 0..width {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let mut columns = vec![0; self.columns.len()];
        let mut values = vec![0.0; self.values.len()];
        for row in 0..self.starts.len() - 1 {
            for (column, value) in self.row(row) {
                let place = &mut next[column];
                columns[*place] = row as u32;
                values[*place] = value;
                *place += 1;
            }
        }
        Self { starts, columns, values }
    }

    fn row(&self, row: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = self.starts[row]..self.starts[row + 1];
        self.columns[range.clone()]
            .iter()
            .map(|&column| column as usize)
            .zip(self.values[range].iter().copied())
    }

    /// The scaling of the rows that answers one of the columns: (K x)^−damping, zero where nothing is near.
    fn answer(&self, x: &[f64], damping: f64) -> Vec<f64> {
        let answer = |row| {
            let sum: f64 = self.row(row).map(|(column, value)| value * x[column]).sum();
            if sum > 0.0 { sum.powf(-damping) } else { 0.0 }
        };
        (0..self.starts.len() - 1).into_par_iter().with_min_len(64).map(answer).collect()
    }

    /// Masses and means of the rows of the plan a_i u_i K_ij x_j.
    fn rows(&self, from: &[Point3<f64>], to: &[Point3<f64>], left: &[f64], right: &[f64]) -> Vec<Row> {
        let row = |row: usize| {
            let (mut sum, mut moment, mut cost) = (0.0, Vector3::zeros(), 0.0);
            for (column, value) in self.row(row) {
                let mass = value * right[column];
                let offset = to[column] - from[row];
                sum += mass;
                moment += offset * mass;
                cost += offset.norm_squared() * mass;
            }
            let scale = if sum > 0.0 { 1.0 / sum } else { 0.0 };
            Row { mass: left[row] * sum, shift: moment * scale, cost: cost * scale }
        };
        (0..from.len()).into_par_iter().with_min_len(64).map(row).collect()
    }
}

/// How a plan is blurred, and what it rather drops than moves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Softness {
    pub blur: f64,
    /// In blurs.
    pub reach: f64,
    /// Updates of both sides.
    pub iterations: usize,
}

impl Softness {
    /// ρ / (ρ + ε), with ε = 2 blur² and ρ = reach².
    fn damping(&self) -> f64 {
        self.reach * self.reach / (self.reach * self.reach + 2.0)
    }
}

/// Rows of the unbalanced plan between two measures; `scaling` is that of the target, to start from and to
/// go on with.
///
/// # References
/// Chizat et al., *Scaling algorithms for unbalanced optimal transport problems*, Math. Comp. 2018.
pub(super) fn plan(
    source: (&[Point3<f64>], &[f64]),
    target: (&[Point3<f64>], &[f64]),
    target_tree: &KdTree,
    softness: &Softness,
    scaling: &mut Vec<f64>,
) -> Vec<Row> {
    let kernel = Kernel::between(source.0, target_tree, softness.blur);
    let transposed = kernel.transposed(target.0.len());
    let damping = softness.damping();
    if scaling.len() != target.0.len() {
        *scaling = vec![1.0; target.0.len()];
    }
    let mut left = Vec::new();
    for _ in 0..softness.iterations {
        left = kernel.answer(&times(scaling, target.1), damping);
        *scaling = transposed.answer(&times(&left, source.1), damping);
        level((&mut left, source.1), (scaling, target.1), softness.reach);
    }
    kernel.rows(source.0, target.0, &times(&left, source.1), &times(scaling, target.1))
}

/// Rows of the plan of a measure onto itself: what its own blur does to it.
///
/// # References
/// Feydy et al., *Interpolating between optimal transport and MMD using Sinkhorn divergences*, AISTATS 2019,
/// section 3 (the averaged update of the symmetric problem).
pub(super) fn self_plan(
    (positions, masses): (&[Point3<f64>], &[f64]),
    tree: &KdTree,
    softness: &Softness,
    scaling: &mut Vec<f64>,
) -> Vec<Row> {
    let kernel = Kernel::between(positions, tree, softness.blur);
    let damping = softness.damping();
    if scaling.len() != positions.len() {
        *scaling = vec![1.0; positions.len()];
    }
    for _ in 0..softness.iterations {
        let answer = kernel.answer(&times(scaling, masses), damping);
        scaling.iter_mut().zip(answer).for_each(|(value, answer)| *value = (*value * answer).sqrt());
    }
    let weighted = times(scaling, masses);
    kernel.rows(positions, positions, &weighted, &weighted)
}

/// Moves a constant from one side's potentials to the other's: the plan stays, and the next update finds it
/// shared out as the penalties on both sides want it.
///
/// # References
/// Séjourné, Vialard, Peyré, *Faster unbalanced optimal transport*, AISTATS 2022, proposition 3.
fn level((left, a): (&mut [f64], &[f64]), (right, b): (&mut [f64], &[f64]), reach: f64) {
    // exp(−f/ρ) = u^(−ε/ρ); a point with nothing near it has no say.
    let power = -2.0 / (reach * reach);
    let sum = |scaling: &[f64], masses: &[f64]| -> f64 {
        let terms = scaling.iter().zip(masses).filter(|(scaling, _)| **scaling > 0.0);
        terms.map(|(scaling, mass)| mass * scaling.powf(power)).sum()
    };
    let (left_sum, right_sum) = (sum(left, a), sum(right, b));
    if left_sum > 0.0 && right_sum > 0.0 {
        let factor = (left_sum / right_sum).powf(-0.5 / power);
        left.iter_mut().for_each(|value| *value *= factor);
        right.iter_mut().for_each(|value| *value /= factor);
    }
}

fn times(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}
