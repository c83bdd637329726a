//! The inner loop: one tile of rows against the tiles of columns that matter to it.

use nalgebra::{Point3, Vector3};

use super::block::{Block, distances, dot, products, squares, total};
use super::problem::Cost;
use super::real::Real;
use super::tiles::{TILE, TiledMeasure};
use crate::Bounds;

/// The columns of a half-step: points with what they bring to every score.
pub(super) struct Columns<'a> {
    pub measure: &'a TiledMeasure,
    pub cost: Cost,
    pub epsilon: f64,
    /// log₂(e) / ε
    pub kappa: f64,
    /// v_j = κ g_j + log₂ b_j, padded.
    pub scores: Vec<f64>,
    /// The column with the largest v_j of every tile.
    pub best: Vec<Best>,
}

/// The column of a tile with the largest v_j.
#[derive(Debug, Clone, Copy)]
pub(super) struct Best {
    pub score: f64,
    pub point: Point3<f64>,
}

impl<'a> Columns<'a> {
    pub fn new(measure: &'a TiledMeasure, potential: &[f64], cost: Cost, epsilon: f64) -> Self {
        let kappa = std::f64::consts::LOG2_E / epsilon;
        let mut scores = measure.log2_weights.clone();
        for (score, value) in scores.iter_mut().zip(potential) {
            *score += kappa * value;
        }
        let best = (0..measure.boxes.len())
            .map(|tile| {
                let columns = tile * TILE..((tile + 1) * TILE).min(measure.len());
                let higher =
                    |best: usize, index: usize| if scores[index] > scores[best] { index } else { best };
                let index = columns.clone().fold(columns.start, higher);
                Best { score: scores[index], point: measure.point(index) }
            })
            .collect();
        Self { measure, cost, epsilon, kappa, scores, best }
    }
}

/// Number type of a tile of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Precision {
    Single,
    Double,
}

/// One tile of rows and all that it meets.
pub(super) struct Job<'a> {
    pub rows: &'a TiledMeasure,
    /// Index of the first row.
    pub first: usize,
    pub columns: &'a Columns<'a>,
    /// The point that coordinates are relative to.
    pub center: Point3<f64>,
    /// What scores are relative to.
    pub anchor: f64,
    /// How far below a row's maximum a score cannot matter.
    pub margin: f64,
    /// Whether to accumulate more than the sum.
    pub moments: bool,
}

/// Sums of one row, each Σ_j 2^(s_ij − reference) times something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// Score that the sums are relative to: about the largest so far.
    pub reference: f64,
    /// What scores are relative to, for this row.
    pub base: f64,
    /// Times 1.
    pub sum: f64,
    /// Times y_j − center.
    pub first: Vector3<f64>,
    /// Times |x_i − y_j|².
    pub square: f64,
    /// Times c(x_i, y_j).
    pub cost: f64,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            reference: f64::NEG_INFINITY,
            base: 0.0,
            sum: 0.0,
            first: Vector3::zeros(),
            square: 0.0,
            cost: 0.0,
        }
    }
}

impl Row {
    /// About the largest score so far.
    pub fn maximum(&self) -> f64 {
        self.base + self.reference
    }

    pub fn log2_sum(&self) -> f64 {
        self.base + self.reference + self.sum.log2()
    }

    /// Makes the sums relative to another score, as the number type at hand can hold it. Single precision could round
    /// scores of 10⁹, as an outlier in a tile makes them, to one that is dozens of powers of two away.
    #[inline(always)]
    fn raise<R: Real>(&mut self, score: f64) {
        let reference = R::narrow(score).widen();
        let factor = (self.reference - reference).exp2();
        self.reference = reference;
        self.sum *= factor;
        self.first *= factor;
        self.square *= factor;
        self.cost *= factor;
    }
}

/// An upper bound of the scores in a tile of columns, and the tile's index.
pub(super) type Bounded = (f64, usize);

/// Adds some tiles of columns, by falling bound, to the sums of a tile of rows.
pub(super) fn run(job: &Job, tiles: &[Bounded], precision: Precision, out: &mut [Row]) {
    match precision {
        Precision::Single => run_single(job, tiles, out),
        Precision::Double => run_double(job, tiles, out),
    }
}

/// Compiled once per instruction set; which one runs is asked of the machine.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn run_single(job: &Job, tiles: &[Bounded], out: &mut [Row]) {
    const FUSED: bool =
        multiversion::target::target_cfg_f!(any(target_feature = "fma", target_arch = "aarch64"));
    dispatch::<f32, FUSED>(job, tiles, out);
}

/// As [`run_single`].
#[multiversion::multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn run_double(job: &Job, tiles: &[Bounded], out: &mut [Row]) {
    const FUSED: bool =
        multiversion::target::target_cfg_f!(any(target_feature = "fma", target_arch = "aarch64"));
    dispatch::<f64, FUSED>(job, tiles, out);
}

// Everything below is inlined into the versions above, or it would not be compiled for their
// instruction sets.

#[inline(always)]
fn dispatch<R: Real, const FUSED: bool>(job: &Job, tiles: &[Bounded], out: &mut [Row]) {
    match (job.columns.cost, job.moments) {
        (Cost::SquaredEuclidean, false) => stream::<R, FUSED, false, false>(job, tiles, out),
        (Cost::SquaredEuclidean, true) => stream::<R, FUSED, false, true>(job, tiles, out),
        (Cost::Euclidean, false) => stream::<R, FUSED, true, false>(job, tiles, out),
        (Cost::Euclidean, true) => stream::<R, FUSED, true, true>(job, tiles, out),
    }
}

#[inline(always)]
fn stream<R: Real, const FUSED: bool, const EUCLIDEAN: bool, const MOMENTS: bool>(
    job: &Job,
    tiles: &[Bounded],
    out: &mut [Row],
) {
    let kappa = job.columns.kappa;
    let mut block = Block { axes: [[R::ZERO; TILE]; 3], offsets: [R::ZERO; TILE] };
    let mut scores = [R::ZERO; TILE];
    let mut points = [[R::ZERO; 3]; TILE];
    for (index, (row, point)) in out.iter_mut().zip(&mut points).enumerate() {
        let local = job.rows.point(job.first + index) - job.center;
        row.base = job.anchor - if EUCLIDEAN { 0.0 } else { kappa * local.norm_squared() };
        *point = [R::narrow(local.x), R::narrow(local.y), R::narrow(local.z)];
        if row.reference.is_finite() {
            row.raise::<R>(row.reference);
        }
    }
    let twice = R::narrow(2.0 * kappa);
    for &(bound, tile) in tiles {
        // Bounds fall: once no row can gain, no later tile can matter.
        if out.iter().map(Row::maximum).fold(f64::INFINITY, f64::min) - job.margin > bound {
            break;
        }
        load::<R, EUCLIDEAN>(job, tile, &mut block);
        let limits = &job.columns.measure.boxes[tile];
        let best = job.columns.best[tile].score;
        for (index, (row, point)) in out.iter_mut().zip(&points).enumerate() {
            let nearest = distance_squared(&job.rows.point(job.first + index), limits);
            let nearest = if EUCLIDEAN { nearest.sqrt() } else { nearest };
            if best - kappa * nearest < row.maximum() - job.margin {
                continue;
            }
            let largest = if EUCLIDEAN {
                distances::<R, FUSED>(point, &block, R::narrow(kappa), &mut scores)
            } else {
                products::<R, FUSED>(&point.map(|value| value * twice), &block, &mut scores)
            };
            let largest = largest.widen();
            if largest > row.reference {
                row.raise::<R>(largest);
            } else if largest < row.reference - job.margin {
                continue;
            }
            let reference = R::narrow(row.reference);
            if MOMENTS {
                moments::<R, FUSED, EUCLIDEAN>(point, &block, &mut scores, reference, row);
            } else {
                row.sum += total::<R, FUSED>(&mut scores, reference);
            }
        }
    }
}

/// Squared distance from a point to a box.
#[inline(always)]
fn distance_squared(point: &Point3<f64>, limits: &Bounds) -> f64 {
    let mut squared = 0.0;
    for axis in 0..3 {
        let gap = (limits.min[axis] - point[axis]).max(point[axis] - limits.max[axis]).max(0.0);
        squared += gap * gap;
    }
    squared
}

/// Brings a tile of columns into the rows' coordinates, in f64, then narrows it.
#[inline(always)]
fn load<R: Real, const EUCLIDEAN: bool>(job: &Job, tile: usize, block: &mut Block<R>) {
    let columns = tile * TILE..(tile + 1) * TILE;
    let mut squares = [0.0; TILE];
    for axis in 0..3 {
        let center = job.center[axis];
        let values = &job.columns.measure.axes[axis][columns.clone()];
        for ((narrowed, square), value) in block.axes[axis].iter_mut().zip(&mut squares).zip(values) {
            let difference = value - center;
            *square += difference * difference;
            *narrowed = R::narrow(difference);
        }
    }
    let kappa = if EUCLIDEAN { 0.0 } else { job.columns.kappa };
    for ((offset, square), score) in block.offsets.iter_mut().zip(&squares).zip(&job.columns.scores[columns])
    {
        *offset = R::narrow(score - job.anchor - kappa * square);
    }
}

/// Adds to all sums of a row. The scores become the parts 2^(s_j − reference).
#[inline(always)]
fn moments<R: Real, const FUSED: bool, const EUCLIDEAN: bool>(
    point: &[R; 3],
    block: &Block<R>,
    scores: &mut [R; TILE],
    reference: R,
    row: &mut Row,
) {
    row.sum += total::<R, FUSED>(scores, reference);
    for (axis, sum) in row.first.iter_mut().enumerate() {
        *sum += dot::<R, FUSED>(scores, &block.axes[axis]);
    }
    let mut squares = squares::<R, FUSED>(point, block);
    let square = dot::<R, FUSED>(scores, &squares);
    row.square += square;
    row.cost += if EUCLIDEAN {
        squares.iter_mut().for_each(|square| *square = square.root());
        dot::<R, FUSED>(scores, &squares)
    } else {
        square
    };
}
