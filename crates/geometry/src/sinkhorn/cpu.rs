//! The engine on the CPU: streams over pairs of tiles, never holding more than one tile of scores.
//!
//! In log₂ units, with κ = log₂(e)/ε, the score of a pair is
//!
//! ```text
//! s_ij = v_j − κ c(x_i, y_j),   v_j = κ g_j + log₂ b_j,   log2_sum_i = log₂ Σ_j 2^s_ij
//! ```
//!
//! For the squared cost, with x_i = center + u, y_j = focus + v and d = center − focus, this is
//!
//! ```text
//! s_ij = [v_j − κ|v|² + 2κ d·v − κ|d|²] + 2κ u·v − [κ|u|² + 2κ d·u]
//! ```
//!
//! three multiply-adds a pair. The brackets are computed in `f64`, once per tile of rows; the focus is where the mass
//! of the tile goes, so that no product is large that matters.

use std::cmp::Reverse;

use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

use super::columns::{Aim, Columns, Listed};
use super::engine::{Engine, RowSummary, Side};
use super::kernel::{self, FLUSH, Job, Precision, Row};
use super::problem::Cost;
use super::tiles::{Slab, TILE, TiledMeasure};

/// Error of a potential that single precision may cause, as a part of the cost across both measures.
const POTENTIAL_ERROR: f64 = 1e-5;

/// Bits by which a row's sum may fall short of the guess before it is looked for anew.
const GUESS_SLACK: f64 = 2.0;

/// Both measures of a problem, tiled.
pub(super) struct CpuEngine {
    /// The points, then ever fewer cells.
    pub source: Vec<TiledMeasure>,
    /// Likewise; empty when the problem is one measure against itself.
    pub target: Vec<TiledMeasure>,
    pub cost: Cost,
    /// Cost of moving across the extent of both measures, in local units.
    pub largest_cost: f64,
    /// Relative change of a plan's entry that rounding may make.
    pub rounding: f64,
    /// Tiles that together hold less than 2^-omission of a row's sum may be left out.
    pub omission: f64,
}

impl CpuEngine {
    /// Runs `finish` on every row, in parallel over tiles of rows, in order. It gets the row's index, its sums and the
    /// point that they are relative to.
    fn stream<T: Send + Copy + Default>(
        &self,
        rows: &TiledMeasure,
        columns: &Columns,
        moments: bool,
        guess: Option<&[f64]>,
        finish: impl Fn(usize, &Row, &Vector3<f64>) -> T + Sync,
    ) -> Vec<T> {
        let slabs = rows.tile_slabs();
        let mut values = vec![T::default(); rows.len()];
        values.par_chunks_mut(TILE).enumerate().for_each(|(tile, values)| {
            let (sums, focus) = self.sums(rows, tile, &slabs[tile], columns, moments, guess);
            for (offset, (value, row)) in values.iter_mut().zip(&sums).enumerate() {
                *value = finish(tile * TILE + offset, row, &focus.coords);
            }
        });
        values
    }

    /// The sums of one tile of rows: the tile of the centre's best column first, then, by falling bound, those that can
    /// still matter to a row.
    fn sums(
        &self,
        rows: &TiledMeasure,
        tile: usize,
        slab: &Slab,
        columns: &Columns,
        moments: bool,
        guess: Option<&[f64]>,
    ) -> (Vec<Row>, Point3<f64>) {
        let kappa = columns.kappa;
        let (anchor, best) = columns.best(&slab.center);
        let focus = match self.cost {
            Cost::SquaredEuclidean => columns.measure.point(best),
            Cost::Euclidean => slab.center,
        };
        let tilt = focus - slab.center;
        let aim = Aim { center: slab.center, half: slab.half, tilt };
        let leaf = columns.leaf(best / TILE);
        let first = [Listed { bound: f64::INFINITY, node: leaf }];
        let mut sums = vec![Row::default(); rows.range(tile).len()];
        let mut job =
            Job { rows, tile, columns, center: slab.center, focus, anchor, margin: f64::INFINITY, moments };

        // What a row's sum adds to the anchor, less the tilt as the tree's bounds are, is at most κ|u|² less.
        let square = |index: usize| match self.cost {
            Cost::SquaredEuclidean => kappa * (rows.point(index) - slab.center).norm_squared(),
            Cost::Euclidean => 0.0,
        };
        if let Some(guess) = guess {
            // Sums that are taken for granted first, and confirmed or refuted by what is found.
            let mut lowest = f64::INFINITY;
            for (index, row) in rows.range(tile).zip(&mut sums) {
                let tilted = match self.cost {
                    Cost::SquaredEuclidean => 2.0 * kappa * tilt.dot(&(rows.point(index) - slab.center)),
                    Cost::Euclidean => 0.0,
                };
                let above = -kappa * guess[index] - GUESS_SLACK - tilted - anchor;
                row.reference = above + square(index);
                lowest = lowest.min(above);
            }
            if lowest.is_finite() {
                let listed = columns.list(&aim, anchor + lowest, self.omission + 1.0, usize::MAX);
                let references: Vec<f64> = sums.iter().map(|row| row.reference).collect();
                job.margin = self.omission + 1.0 + (((listed.len() + 1) * TILE) as f64).log2();
                let precision = self.precision(&aim, columns, &listed, focus, lowest.abs());
                kernel::run(&job, &listed, precision, &mut sums);
                let confirmed = |(row, reference): (&Row, &f64)| row.reference + row.sum.log2() >= *reference;
                if sums.iter().zip(&references).all(confirmed) {
                    return (sums, focus);
                }
            }
            sums.fill(Row::default());
        }
        job.margin = f64::INFINITY;

        // No row's maximum, less the tilt, is below the best column seen from the farthest corner.
        let depth = kappa * self.cost.of_length(slab.half.norm());
        kernel::run(&job, &first, self.precision(&aim, columns, &first, focus, depth), &mut sums);

        let lowest = rows
            .range(tile)
            .zip(&sums)
            .map(|(index, row)| row.reference - square(index))
            .fold(f64::INFINITY, f64::min);
        let others = columns.list(&aim, anchor + lowest, self.omission + 1.0, leaf.first);
        if !others.is_empty() {
            // No row loses more than its part of 2^-omission to a tile that is not evaluated for it.
            job.margin = self.omission + 1.0 + ((others.len() * TILE) as f64).log2();
            let precision = self.precision(&aim, columns, &others, focus, depth.max(-lowest));
            kernel::run(&job, &others, precision, &mut sums);
        }
        (sums, focus)
    }

    /// Single precision where its rounding is negligible, given how far rows' maxima may be below the anchor.
    fn precision(
        &self,
        aim: &Aim,
        columns: &Columns,
        tiles: &[Listed],
        focus: Point3<f64>,
        depth: f64,
    ) -> Precision {
        // With A the largest size of a product and S the depth, narrowing and adding up a score err by at
        // most 9 A + 4 S roundoffs: three products, three sums, and u_j of size A + S, each rounded once.
        // Scores count until they are log₂ m below the maximum; the exponential errs by 2 roundoffs and
        // the sum of a lane by two for every tile.
        let farthest = |listed: &Listed| {
            let slab = &columns.measure.slabs[listed.node.index];
            (slab.center - focus).abs() + slab.half
        };
        let size = columns.kappa
            * match self.cost {
                Cost::SquaredEuclidean => {
                    let product = |listed: &Listed| 2.0 * aim.half.dot(&farthest(listed));
                    tiles.iter().map(product).fold(0.0, f64::max)
                }
                Cost::Euclidean => {
                    let distance = |listed: &Listed| aim.half.norm() + farthest(listed).norm();
                    tiles.iter().map(distance).fold(0.0, f64::max)
                }
            };
        let depth = depth + (columns.measure.len() as f64).log2();
        let error = (9.0 * size + 4.0 * depth + 2.0 * FLUSH as f64 + 8.0) * f64::from(f32::EPSILON) / 2.0
            * std::f64::consts::LN_2;
        if error <= self.rounding && error * columns.epsilon <= POTENTIAL_ERROR * self.largest_cost {
            Precision::Single
        } else {
            Precision::Double
        }
    }

    /// The soft minimum over columns for every row.
    fn minima(&self, rows: &TiledMeasure, columns: &Columns, guess: Option<&[f64]>) -> Vec<f64> {
        let per_bit = columns.epsilon * std::f64::consts::LN_2;
        self.stream(rows, columns, false, guess, |_, row, _| -per_bit * row.log2_sum())
    }

    /// One side as columns, given its potential.
    fn columns(&self, side: Side, level: usize, potential: &[f64], epsilon: f64) -> Columns<'_> {
        Columns::new(self.measure_at(side, level), potential, self.cost, epsilon)
    }
}

impl Engine for CpuEngine {
    fn measure_at(&self, side: Side, level: usize) -> &TiledMeasure {
        match (side, self.target.get(level)) {
            (Side::Target, Some(target)) => target,
            _ => &self.source[level],
        }
    }

    fn softmin_between(
        &self,
        rows: Side,
        row_level: usize,
        column_level: usize,
        potential: &[f64],
        epsilon: f64,
        guess: Option<&[f64]>,
    ) -> Vec<f64> {
        let columns = self.columns(rows.opposite(), column_level, potential, epsilon);
        self.minima(self.measure_at(rows, row_level), &columns, guess)
    }

    fn softmin_at(&self, points: &TiledMeasure, columns: Side, potential: &[f64], epsilon: f64) -> Vec<f64> {
        self.minima(points, &self.columns(columns, 0, potential, epsilon), None)
    }

    fn summarize(&self, rows: Side, potential: &[f64], epsilon: f64) -> Vec<RowSummary> {
        let columns = self.columns(rows.opposite(), 0, potential, epsilon);
        let rows = self.measure(rows);
        self.stream(rows, &columns, true, None, |index, row, focus| {
            let offset = row.first / row.sum;
            // From the row's own point: its distance to the mean is what the spread is compared with.
            let mean = focus + offset;
            let displacement = mean - rows.point(index).coords;
            RowSummary {
                log2_sum: row.log2_sum(),
                mean,
                spread: (row.square / row.sum - displacement.norm_squared()).max(0.0),
                cost: row.cost / row.sum,
                pull: row.pull / row.sum,
            }
        })
    }

    fn entries(
        &self,
        potential: &[f64],
        softmins: &[f64],
        epsilon: f64,
        threshold: f64,
    ) -> Vec<Vec<(usize, f64)>> {
        let rows = self.measure(Side::Source);
        let columns = self.columns(Side::Target, 0, potential, epsilon);
        // Single precision may have rounded the sum by a little more than the bound of a tile.
        let lowest = threshold.log2();
        (0..rows.len())
            .into_par_iter()
            .map(|row| {
                let point = rows.point(row);
                let log2_sum = -columns.kappa * softmins[row];
                let cut = log2_sum + lowest;
                let mut kept = Vec::new();
                columns.visit(&point, cut - 1e-6 * (1.0 + cut.abs()), |tile| {
                    for column in columns.measure.range(tile) {
                        let score = columns.score(&point, column);
                        if score >= cut {
                            kept.push((column, (score - log2_sum).exp2()));
                        }
                    }
                });
                kept.sort_unstable_by_key(|&(column, part)| (Reverse(part.to_bits()), column));
                kept
            })
            .collect()
    }
}
