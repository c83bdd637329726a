//! The engine on the CPU: streams over pairs of tiles, never holding more than one tile of scores.
//!
//! In log₂ units, with κ = log₂(e)/ε, the score of a pair is
//!
//! ```text
//! s_ij = v_j − κ c(x_i, y_j),   v_j = κ g_j + log₂ b_j,   log2_sum_i = log₂ Σ_j 2^s_ij
//! ```
//!
//! For the squared cost, with x_i = center + u, y_j = middle + w of its tile and d = middle − center, this is
//!
//! ```text
//! s_ij = [v_j − κ|y_j − center|²] + 2κ d·u + 2κ u·w − κ|u|²
//! ```
//!
//! three multiply-adds a pair. The bracket, less its largest over the tile, is computed in `f64` once per pair of tiles,
//! and what has no w once per row: both factors of the one product are as small as tiles are, however far mass goes.

use std::cmp::Reverse;

use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

use super::columns::{Aim, Columns, Listed};
use super::engine::{RowSummary, Side};
use super::flows::{Block, Flows};
use super::kernel::{self, Draws, FLUSH, Job, Nodes, Precision, Row};
use super::lists::{self, LIST_SLACK, Lists, TileList};
use super::problem::Cost;
use super::tiles::{PATCH, Slab, TILE, TiledMeasure};

/// Error of a potential that single precision may cause, as a part of the cost across both measures.
const POTENTIAL_ERROR: f64 = 1e-5;

/// Bits by which a row's sum may fall short of the guess before it is looked for anew.
const GUESS_SLACK: f64 = 2.0;

/// Tiles that tell how many entries a plan has.
const SAMPLED_TILES: usize = 64;

/// Part of a row's mass that need not be in the plan as a matrix.
const LEFT_OUT: f32 = 1e-2;

/// Entries of a row that are kept, if there are so many: where points are far apart, what is wanted elsewhere comes by
/// entries that are small.
const FEW: usize = 16;

/// Entries of a plan as a matrix, at most: 12 bytes each, and about half as much again for coarser levels.
const MOST_FLOWS: usize = 64_000_000;

/// Entries of a node of such a matrix, on average and at most: with more, blurs are so wide that alternating is fast.
const MOST_A_NODE: usize = 128;

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
    /// What the rows of each side have met.
    pub lists: [Lists; 2],
}

/// Rows against columns.
struct Task<'a> {
    rows: &'a TiledMeasure,
    columns: &'a Columns<'a>,
    /// Whether more than the sums is wanted.
    moments: bool,
    /// Soft minima that are about right, if any are known.
    guess: Option<&'a [f64]>,
    /// What the rows bring to the plan, as in [`Job`].
    own: Option<&'a [f64]>,
    /// Who draws, if it is wanted.
    nodes: Nodes,
    /// Bits by which scores of columns have risen since lists are kept.
    risen: f64,
}

impl CpuEngine {
    /// Runs `finish` on every row, in parallel over tiles of rows, in order. It gets the row's index, its sums and the
    /// point that they are relative to. Also answers what the nodes of every tile draw, if the task wants to know.
    fn stream<T: Send + Copy + Default>(
        &self,
        task: &Task,
        lists: &mut [Option<TileList>],
        finish: impl Fn(usize, &Row, &Vector3<f64>) -> T + Sync,
    ) -> (Vec<T>, Vec<Block>) {
        let slabs = task.rows.tile_slabs();
        let mut values = vec![T::default(); task.rows.len()];
        let flows = values
            .par_chunks_mut(TILE)
            .zip(lists)
            .enumerate()
            .map_init(
                || Draws::new(task.nodes),
                |draws, (tile, (values, memory))| {
                    let (sums, focus) = self.sums(task, tile, &slabs[tile], memory, draws);
                    for (offset, (value, row)) in values.iter_mut().zip(&sums).enumerate() {
                        *value = finish(tile * TILE + offset, row, &focus.coords);
                    }
                    self.taken(task, tile, draws)
                },
            )
            .collect();
        (values, flows)
    }

    /// The draws of a tile, without those that are small beside the others of a node.
    fn taken(&self, task: &Task, tile: usize, draws: &mut Draws) -> Block {
        let mut block = Block::default();
        if task.own.is_none() {
            return block;
        }
        let nodes = match task.nodes {
            Nodes::Points => task.rows.range(tile).len(),
            Nodes::Patches => task.rows.range(tile).len().div_ceil(PATCH),
        };
        for draws in &mut draws.flows[..nodes] {
            let sum =
                |least: f32| draws.iter().map(|&(_, mass)| mass).filter(|&mass| mass > least).sum::<f32>();
            let total = sum(0.0);
            // What is left out must be little altogether.
            let mut least = 0.1 * LEFT_OUT * total;
            let count = |least: f32| draws.iter().filter(|&&(_, mass)| mass > least).count();
            let all = count(0.0);
            while total - sum(least) > LEFT_OUT * total || count(least) < all.min(FEW) {
                least *= 0.25;
            }
            block.entries.extend(draws.drain(..).filter(|&(_, mass)| mass > least));
            block.ends.push(block.entries.len() as u32);
        }
        block.entries.shrink_to_fit();
        block
    }

    /// The nodes for a plan that fits into memory, judged by a few tiles.
    fn nodes(&self, task: &Task) -> Option<Nodes> {
        let slabs = task.rows.tile_slabs();
        let every = slabs.len().div_ceil(SAMPLED_TILES);
        [Nodes::Points, Nodes::Patches].into_iter().find(|&nodes| {
            let task = Task { nodes, ..*task };
            let count = |tile: usize| {
                let mut draws = Draws::new(nodes);
                self.sums(&task, tile, &slabs[tile], &mut None, &mut draws);
                self.taken(&task, tile, &mut draws).entries.len()
            };
            let tiles: Vec<usize> = (0..slabs.len()).step_by(every).collect();
            let nodes = tiles.len() * Draws::new(nodes).flows.len();
            let flows = tiles.into_par_iter().map(count).sum::<usize>();
            flows * every <= MOST_FLOWS && flows <= MOST_A_NODE * nodes
        })
    }

    /// The sums of one tile of rows: the tile of the centre's best column first, then, by falling bound, those that can
    /// still matter to a row.
    fn sums(
        &self,
        task: &Task,
        tile: usize,
        slab: &Slab,
        memory: &mut Option<TileList>,
        draws: &mut Draws,
    ) -> (Vec<Row>, Point3<f64>) {
        let &Task { rows, columns, moments, guess, own, risen, .. } = task;
        let kappa = columns.kappa;
        let remembered = memory.as_ref().map(|list| list.best);
        let best = remembered.unwrap_or_else(|| columns.best(&slab.center).1);
        let anchor = columns.score(&slab.center, best);
        let focus = match self.cost {
            Cost::SquaredEuclidean => columns.measure.point(best),
            Cost::Euclidean => slab.center,
        };
        let tilt = focus - slab.center;
        let aim = Aim { center: slab.center, half: slab.half, tilt };
        let leaf = columns.leaf(best / TILE);
        let first = [Listed { bound: f64::INFINITY, node: leaf }];
        let mut sums = vec![Row::default(); rows.range(tile).len()];
        let mut job = Job {
            rows,
            tile,
            columns,
            center: slab.center,
            focus,
            anchor,
            margin: f64::INFINITY,
            moments,
            own,
        };

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
                let level = anchor + lowest;
                let list = match memory.take() {
                    Some(list) if list.holds(level, risen) => list,
                    Some(_) => return self.sums(task, tile, slab, memory, draws),
                    None => {
                        let omission = self.omission + 1.0 + LIST_SLACK;
                        let tiles = columns.list(&aim, level, omission, usize::MAX);
                        TileList { best, level, risen, tiles }
                    }
                };
                let listed = &list.tiles;
                let references: Vec<f64> = sums.iter().map(|row| row.reference).collect();
                job.margin = self.omission + 1.0 + (((listed.len() + 1) * TILE) as f64).log2();
                let precision = self.precision(&aim, columns, listed, job.margin);
                kernel::run(&job, listed, precision, &mut sums, draws);
                let confirmed = |(row, reference): (&Row, &f64)| row.reference + row.sum.log2() >= *reference;
                if sums.iter().zip(&references).all(confirmed) {
                    *memory = Some(list);
                    return (sums, focus);
                }
            }
            sums.fill(Row::default());
            draws.flows.iter_mut().for_each(Vec::clear);
        }
        job.margin = f64::INFINITY;

        // No row's maximum, less the tilt, is below the best column seen from the farthest corner.
        let precision = self.precision(&aim, columns, &first, f64::INFINITY);
        kernel::run(&job, &first, precision, &mut sums, draws);

        let lowest = rows
            .range(tile)
            .zip(&sums)
            .map(|(index, row)| row.reference - square(index))
            .fold(f64::INFINITY, f64::min);
        let others = columns.list(&aim, anchor + lowest, self.omission + 1.0, leaf.first);
        if !others.is_empty() {
            // No row loses more than its part of 2^-omission to a tile that is not evaluated for it.
            job.margin = self.omission + 1.0 + ((others.len() * TILE) as f64).log2();
            let precision = self.precision(&aim, columns, &others, job.margin);
            kernel::run(&job, &others, precision, &mut sums, draws);
        }
        (sums, focus)
    }

    /// Single precision where its rounding is negligible, given how far below a row's largest score others matter.
    fn precision(&self, aim: &Aim, columns: &Columns, tiles: &[Listed], margin: f64) -> Precision {
        // With A the largest size of a product and S that of a score beside what it is relative to, narrowing and adding
        // up a score err by at most 9 A + 4 S roundoffs: three products, three sums, and an offset of size A + S, each
        // rounded once. The exponential errs by 2 roundoffs and the sum of a lane by two for every tile.
        let depth = margin.min(64.0 + (columns.measure.len() as f64).log2());
        let slab = |listed: &Listed| &columns.measure.slabs[listed.node.index];
        let (product, score) = match self.cost {
            Cost::SquaredEuclidean => {
                let product = |listed: &Listed| 2.0 * columns.kappa * aim.half.dot(&slab(listed).half);
                let product = tiles.iter().map(product).fold(0.0, f64::max);
                (product, product + depth)
            }
            Cost::Euclidean => {
                let farthest = |listed: &Listed| {
                    let slab = slab(listed);
                    columns.kappa * (aim.half.norm() + (slab.center - aim.center).norm() + slab.half.norm())
                };
                let distance = tiles.iter().map(farthest).fold(0.0, f64::max);
                (distance, distance + depth)
            }
        };
        let error = (9.0 * product + 4.0 * score + 2.0 * FLUSH as f64 + 8.0) * f64::from(f32::EPSILON) / 2.0
            * std::f64::consts::LN_2;
        if error <= self.rounding && error * columns.epsilon <= POTENTIAL_ERROR * self.largest_cost {
            Precision::Single
        } else {
            Precision::Double
        }
    }

    /// The soft minimum over columns for every row.
    fn minima(&self, task: &Task, lists: &mut [Option<TileList>]) -> (Vec<f64>, Vec<Block>) {
        let per_bit = task.columns.epsilon * std::f64::consts::LN_2;
        self.stream(task, lists, |_, row, _| -per_bit * row.log2_sum())
    }

    /// One side as columns, given its potential.
    fn columns(&self, side: Side, level: usize, potential: &[f64], epsilon: f64) -> Columns<'_> {
        Columns::new(self.measure_at(side, level), potential, self.cost, epsilon)
    }
}

impl CpuEngine {
    /// The points or cells of a level as laid out. Level 0 is the points, higher levels are ever coarser cells.
    pub fn measure_at(&self, side: Side, level: usize) -> &TiledMeasure {
        match (side, self.target.get(level)) {
            (Side::Target, Some(target)) => target,
            _ => &self.source[level],
        }
    }

    /// The points as laid out.
    pub fn measure(&self, side: Side) -> &TiledMeasure {
        self.measure_at(side, 0)
    }

    /// The soft minimum over the *other* side for every point or cell of `rows`, given the other side's
    /// potential: −ε log Σ_j b_j exp((g_j − c_ij) / ε). Both sides may be of different levels. `guess` holds values
    /// that are about right, if any are known; it changes how soon, not what.
    pub fn softmin_between(
        &self,
        rows: Side,
        row_level: usize,
        column_level: usize,
        potential: &[f64],
        epsilon: f64,
        guess: Option<&[f64]>,
    ) -> Vec<f64> {
        let columns = self.columns(rows.opposite(), column_level, potential, epsilon);
        let lists = &self.lists[rows as usize];
        let rows = self.measure_at(rows, row_level);
        lists.recall([row_level, column_level], rows, &columns, |lists, risen| {
            let task = Task {
                rows,
                columns: &columns,
                moments: false,
                guess,
                own: None,
                nodes: Nodes::Points,
                risen,
            };
            self.minima(&task, lists).0
        })
    }

    /// As [`softmin_between`](Self::softmin_between) on one level, and what the plan of `potential` and `own`, the rows'
    /// potential, moves, as parts of the rows' total, if that is not too much to remember.
    pub fn softmin_with_flows(
        &self,
        rows: Side,
        level: usize,
        potential: &[f64],
        own: &[f64],
        epsilon: f64,
        guess: Option<&[f64]>,
    ) -> (Vec<f64>, Option<Flows>) {
        let columns = self.columns(rows.opposite(), level, potential, epsilon);
        let lists = &self.lists[rows as usize];
        let rows = self.measure_at(rows, level);
        lists.recall([level, level], rows, &columns, |lists, risen| {
            let unit = rows.weights.iter().sum::<f64>().log2();
            let weights = rows.log2_weights.iter();
            let own: Vec<f64> =
                weights.zip(own).map(|(weight, own)| weight - unit + columns.kappa * own).collect();
            let own = Some(own.as_slice());
            let task =
                Task { rows, columns: &columns, moments: false, guess, own, nodes: Nodes::Points, risen };
            let Some(nodes) = self.nodes(&task) else {
                return (self.minima(&Task { own: None, ..task }, lists).0, None);
            };
            let (softmin, blocks) = self.minima(&Task { nodes, ..task }, lists);
            let column_nodes = match nodes {
                Nodes::Points => columns.measure.len(),
                Nodes::Patches => columns.measure.patches(),
            };
            (softmin, Some(Flows::new(blocks, column_nodes)))
        })
    }

    /// As [`Engine::softmin_at`](super::engine::Engine::softmin_at).
    pub fn softmin_at(
        &self,
        points: &TiledMeasure,
        columns: Side,
        potential: &[f64],
        epsilon: f64,
    ) -> Vec<f64> {
        let columns = self.columns(columns, 0, potential, epsilon);
        let task = Task {
            rows: points,
            columns: &columns,
            moments: false,
            guess: None,
            own: None,
            nodes: Nodes::Points,
            risen: 0.0,
        };
        self.minima(&task, &mut lists::none(points)).0
    }

    /// As [`Engine::summarize`](super::engine::Engine::summarize).
    pub fn summarize(&self, rows: Side, potential: &[f64], epsilon: f64) -> Vec<RowSummary> {
        let columns = self.columns(rows.opposite(), 0, potential, epsilon);
        let rows = self.measure(rows);
        let task = Task {
            rows,
            columns: &columns,
            moments: true,
            guess: None,
            own: None,
            nodes: Nodes::Points,
            risen: 0.0,
        };
        let summary = |index, row: &Row, focus: &Vector3<f64>| {
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
        };
        self.stream(&task, &mut lists::none(rows), summary).0
    }

    /// As [`Engine::entries`](super::engine::Engine::entries).
    pub fn entries(
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
