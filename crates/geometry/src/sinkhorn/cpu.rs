//! The engine on the CPU: streams over pairs of tiles, never holding more than one tile of scores.
//!
//! In log₂ units, with κ = log₂(e)/ε and everything relative to the centre c of a tile of rows, the score
//! of a pair is
//!
//! ```text
//! s_ij = v_j − κ c(x_i, y_j),   v_j = κ g_j + log₂ b_j,   log2_sum_i = log₂ Σ_j 2^s_ij
//! ```
//!
//! For the squared cost this is u_j + 2κ (x_i − c)·(y_j − c) − κ|x_i − c|² with
//! u_j = v_j − κ|y_j − c|²: three multiply-adds a pair. u_j is computed in `f64` once per tile of rows.

use std::cmp::Reverse;

use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

use super::engine::{Engine, RowSummary, Side};
use super::kernel::{self, Bounded, Columns, Job, Precision, Row};
use super::problem::Cost;
use super::tiles::{TILE, TiledMeasure};
use crate::Bounds;

/// Error of a potential that single precision may cause, as a part of the cost across both measures.
const POTENTIAL_ERROR: f64 = 1e-5;

/// Both measures of a problem, tiled.
pub(super) struct CpuEngine {
    pub source: TiledMeasure,
    /// `None` when the problem is one measure against itself.
    pub target: Option<TiledMeasure>,
    pub cost: Cost,
    /// Cost of moving across the extent of both measures, in local units.
    pub largest_cost: f64,
    /// Relative change of a plan's entry that rounding may make.
    pub rounding: f64,
    /// Tiles that together hold less than 2^-omission of a row's sum may be left out.
    pub omission: f64,
}

impl CpuEngine {
    /// Runs `finish` on every row, in parallel over tiles of rows, in order.
    fn stream<T: Send>(
        &self,
        rows: &TiledMeasure,
        columns: &Columns,
        moments: bool,
        finish: impl Fn(usize, &Row, &Vector3<f64>) -> T + Sync,
    ) -> Vec<T> {
        let tiles: Vec<Vec<T>> = (0..rows.boxes.len())
            .into_par_iter()
            .map(|tile| {
                let range = tile * TILE..((tile + 1) * TILE).min(rows.len());
                let sums = self.sums(rows, tile, columns, moments);
                let center = rows.boxes[tile].center().coords;
                range.zip(&sums).map(|(index, row)| finish(index, row, &center)).collect()
            })
            .collect();
        tiles.into_iter().flatten().collect()
    }

    /// The sums of one tile of rows: the most promising tile of columns first, then, by falling bound, those
    /// that can still matter to a row.
    fn sums(&self, rows: &TiledMeasure, tile: usize, columns: &Columns, moments: bool) -> Vec<Row> {
        let limits = &rows.boxes[tile];
        let kappa = columns.kappa;
        let bound = |tile: usize| {
            let nearest = gap(limits, &columns.measure.boxes[tile]);
            (columns.best[tile].score - kappa * self.cost.of_length(nearest), tile)
        };
        let mut others: Vec<Bounded> = (0..columns.best.len()).map(bound).collect();
        let higher = |best: usize, tile: usize| if others[tile].0 > others[best].0 { tile } else { best };
        let best = (0..others.len()).fold(0, higher);
        let first = others.swap_remove(best);
        let margin = self.omission + (columns.measure.len() as f64).log2();
        let (center, anchor) = (limits.center(), first.0);
        let job = Job { rows, first: tile * TILE, columns, center, anchor, margin, moments };
        let mut sums = vec![Row::default(); TILE.min(rows.len() - tile * TILE)];

        // No row's maximum is below the best column, seen from the farthest corner.
        let best = &columns.best[first.1];
        let lowest = best.score - kappa * self.cost.of_length(farthest(limits, &best.point));
        kernel::run(&job, &[first], self.precision(limits, columns, &[first], anchor - lowest), &mut sums);

        let lowest = sums.iter().map(Row::maximum).fold(f64::INFINITY, f64::min);
        others.retain(|&(bound, _)| bound >= lowest - margin);
        others.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        kernel::run(&job, &others, self.precision(limits, columns, &others, anchor - lowest), &mut sums);
        sums
    }

    /// Single precision where its rounding is negligible, given how far rows' maxima may be below the anchor.
    fn precision(&self, rows: &Bounds, columns: &Columns, tiles: &[Bounded], depth: f64) -> Precision {
        // With A the largest size of a product and S the depth, narrowing and adding up a score err by at
        // most 9 A + 4 S roundoffs: three products, three sums, and u_j of size A + S, each rounded once.
        // Scores count until they are log₂ m below the maximum; the exponential errs by 2 roundoffs and
        // the pairwise sum by 7.
        let center = rows.center();
        let radius = 0.5 * rows.diagonal();
        let reach = tiles
            .iter()
            .map(|&(_, tile)| farthest(&columns.measure.boxes[tile], &center))
            .fold(0.0, f64::max);
        let size = match self.cost {
            Cost::SquaredEuclidean => 2.0 * columns.kappa * radius * reach,
            Cost::Euclidean => columns.kappa * (radius + reach),
        };
        let depth = depth + (columns.measure.len() as f64).log2();
        let error =
            (9.0 * size + 4.0 * depth + 16.0) * f64::from(f32::EPSILON) / 2.0 * std::f64::consts::LN_2;
        if error <= self.rounding && error * columns.epsilon <= POTENTIAL_ERROR * self.largest_cost {
            Precision::Single
        } else {
            Precision::Double
        }
    }

    /// One side as columns, given its potential.
    fn columns(&self, side: Side, potential: &[f64], epsilon: f64) -> Columns<'_> {
        Columns::new(self.measure(side), potential, self.cost, epsilon)
    }
}

impl Engine for CpuEngine {
    fn measure(&self, side: Side) -> &TiledMeasure {
        match (side, &self.target) {
            (Side::Target, Some(target)) => target,
            _ => &self.source,
        }
    }

    fn softmin(&self, rows: Side, potential: &[f64], epsilon: f64) -> Vec<f64> {
        self.softmin_at(self.measure(rows), rows.opposite(), potential, epsilon)
    }

    fn softmin_at(&self, points: &TiledMeasure, columns: Side, potential: &[f64], epsilon: f64) -> Vec<f64> {
        let per_bit = epsilon * std::f64::consts::LN_2;
        let columns = self.columns(columns, potential, epsilon);
        self.stream(points, &columns, false, |_, row, _| -per_bit * row.log2_sum())
    }

    fn summarize(&self, rows: Side, potential: &[f64], epsilon: f64) -> Vec<RowSummary> {
        let columns = self.columns(rows.opposite(), potential, epsilon);
        let rows = self.measure(rows);
        self.stream(rows, &columns, true, |index, row, center| {
            let offset = row.first / row.sum;
            // From the row's own point: its distance to the mean is what the spread is compared with.
            let mean = center + offset;
            let displacement = mean - rows.point(index).coords;
            RowSummary {
                log2_sum: row.log2_sum(),
                mean,
                spread: (row.square / row.sum - displacement.norm_squared()).max(0.0),
                cost: row.cost / row.sum,
            }
        })
    }

    fn entries(&self, potential: &[f64], epsilon: f64, threshold: f64) -> Vec<Vec<(usize, f64)>> {
        let rows = &self.source;
        let columns = self.columns(Side::Target, potential, epsilon);
        let log2_sums = self.stream(rows, &columns, false, |_, row, _| row.log2_sum());
        let lowest = threshold.log2();
        (0..rows.len())
            .into_par_iter()
            .map(|row| {
                let point = rows.point(row);
                let here = Bounds { min: point, max: point };
                let cut = log2_sums[row] + lowest;
                let mut kept = Vec::new();
                for (tile, tile_box) in columns.measure.boxes.iter().enumerate() {
                    let nearest = self.cost.of_length(gap(&here, tile_box));
                    if columns.best[tile].score - columns.kappa * nearest < cut {
                        continue;
                    }
                    for column in tile * TILE..((tile + 1) * TILE).min(columns.measure.len()) {
                        let cost = self.cost.between(&point, &columns.measure.point(column));
                        let score = columns.scores[column] - columns.kappa * cost;
                        if score >= cut {
                            kept.push((column, (score - log2_sums[row]).exp2()));
                        }
                    }
                }
                kept.sort_unstable_by_key(|&(column, part)| (Reverse(part.to_bits()), column));
                kept
            })
            .collect()
    }
}

/// Smallest distance between two boxes.
fn gap(a: &Bounds, b: &Bounds) -> f64 {
    (a.min - b.max).sup(&(b.min - a.max)).sup(&Vector3::zeros()).norm()
}

/// Largest distance between a box and a point.
fn farthest(a: &Bounds, point: &Point3<f64>) -> f64 {
    (point - a.min).abs().sup(&(point - a.max).abs()).norm()
}
