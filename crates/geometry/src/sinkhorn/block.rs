//! Arithmetic on one tile of columns: plain loops over whole arrays, which become vector instructions.
//!
//! Inlined into the versions of [`kernel`](super::kernel), or it would not be compiled for their
//! instruction sets.

// Several arrays at one column: an index says it plainly, and vectorises as it stands.
#![allow(clippy::needless_range_loop)]

use super::real::Real;
use super::tiles::{PATCH, TILE};

/// Partial sums of a row, added up only now and then.
pub(super) const LANES: usize = 8;

/// One tile of columns, relative to its middle and to its largest offset.
pub(super) struct Block<R> {
    pub axes: [[R; TILE]; 3],
    pub offsets: [R; TILE],
}

/// What a tile of columns can bring to the score of a row u at most: level + slope·u + κ|u|² − κ dist²(u, box) for
/// the squared cost, level − κ dist(u, box) for the Euclidean one.
pub(super) struct Reach<R> {
    pub center: [R; 3],
    pub half: [R; 3],
    pub slope: [R; 3],
    pub level: R,
    pub kappa: R,
}

/// A tile of rows, one array per axis, relative to the centre.
pub(super) struct RowBlock<R> {
    pub axes: [[R; TILE]; 3],
    /// κ|u|²
    pub squares: [R; TILE],
    /// Below this a score cannot matter.
    pub thresholds: [R; TILE],
}

/// The rows, as bits, that a tile of columns can matter to.
#[inline(always)]
pub(super) fn touched<R: Real, const FUSED: bool, const EUCLIDEAN: bool>(
    rows: &RowBlock<R>,
    reach: &Reach<R>,
) -> u32 {
    let mut touched = [0u32; TILE];
    for row in 0..TILE {
        let mut square = R::ZERO;
        for axis in 0..3 {
            let away = rows.axes[axis][row] - reach.center[axis];
            let away = away.or_larger(R::ZERO - away) - reach.half[axis];
            let away = away.or_larger(R::ZERO);
            square = away.times_plus::<FUSED>(away, square);
        }
        let bound = if EUCLIDEAN {
            (R::ZERO - reach.kappa).times_plus::<FUSED>(square.root(), reach.level)
        } else {
            let mut bound = reach.level + rows.squares[row];
            for axis in 0..3 {
                bound = reach.slope[axis].times_plus::<FUSED>(rows.axes[axis][row], bound);
            }
            (R::ZERO - reach.kappa).times_plus::<FUSED>(square, bound)
        };
        touched[row] = u32::from(bound >= rows.thresholds[row]) << row;
    }
    touched.iter().fold(0, |all, bit| all | bit)
}

/// Scores u_j + 2κ x·y of one row. `point` comes multiplied by 2κ.
#[inline(always)]
pub(super) fn products<R: Real, const FUSED: bool>(point: &[R; 3], block: &Block<R>, scores: &mut [R; TILE]) {
    let [x, y, z] = *point;
    for column in 0..TILE {
        let score = z.times_plus::<FUSED>(block.axes[2][column], block.offsets[column]);
        let score = y.times_plus::<FUSED>(block.axes[1][column], score);
        scores[column] = x.times_plus::<FUSED>(block.axes[0][column], score);
    }
}

/// Scores v_j − κ |x − y| of one row.
#[inline(always)]
pub(super) fn distances<R: Real, const FUSED: bool>(
    point: &[R; 3],
    block: &Block<R>,
    kappa: R,
    scores: &mut [R; TILE],
) {
    let slope = R::ZERO - kappa;
    for column in 0..TILE {
        let distance = square::<R, FUSED>(point, block, column).root();
        scores[column] = slope.times_plus::<FUSED>(distance, block.offsets[column]);
    }
}

#[inline(always)]
fn square<R: Real, const FUSED: bool>(point: &[R; 3], block: &Block<R>, column: usize) -> R {
    let x = block.axes[0][column] - point[0];
    let y = block.axes[1][column] - point[1];
    let z = block.axes[2][column] - point[2];
    x.times_plus::<FUSED>(x, y.times_plus::<FUSED>(y, z * z))
}

/// Squared distances of one row.
#[inline(always)]
pub(super) fn squares<R: Real, const FUSED: bool>(point: &[R; 3], block: &Block<R>) -> [R; TILE] {
    let mut squares = [R::ZERO; TILE];
    for column in 0..TILE {
        squares[column] = square::<R, FUSED>(point, block, column);
    }
    squares
}

/// Unit vectors from a row to every column, given their distances; shorter ones below 10⁻¹⁸ of the extent, where squares
/// underflow, and zero at the row itself.
#[inline(always)]
pub(super) fn units<R: Real>(point: &[R; 3], block: &Block<R>, lengths: &[R; TILE]) -> [[R; TILE]; 3] {
    let least = R::narrow(1e-18);
    let mut units = [[R::ZERO; TILE]; 3];
    for (axis, unit) in units.iter_mut().enumerate() {
        for column in 0..TILE {
            let way = block.axes[axis][column] - point[axis];
            unit[column] = way / lengths[column].or_larger(least);
        }
    }
    units
}

/// Largest of every [`LANES`]th score.
#[inline(always)]
pub(super) fn peaks<R: Real>(scores: &[R; TILE]) -> [R; LANES] {
    fold_lanes(scores, R::or_larger)
}

/// Largest of some lanes.
#[inline(always)]
pub(super) fn largest<R: Real>(lanes: &[R; LANES]) -> R {
    lanes.iter().skip(1).fold(lanes[0], |largest, &lane| largest.or_larger(lane))
}

/// The scores become the terms 2^(s_j − reference).
#[inline(always)]
pub(super) fn exponentials<R: Real, const FUSED: bool>(scores: &mut [R; TILE], reference: R) {
    for score in scores.iter_mut() {
        *score = (*score - reference).power_of_two::<FUSED>();
    }
}

/// Sums of every [`LANES`]th term.
#[inline(always)]
pub(super) fn sums<R: Real>(terms: &[R; TILE]) -> [R; LANES] {
    fold_lanes(terms, |a, b| a + b)
}

/// Adds the mass that a row draws from every column to that of its patch of rows, by patches of columns.
#[inline(always)]
pub(super) fn draw<R: Real, const FUSED: bool>(
    mass: R,
    terms: &[R; TILE],
    drawn: &mut [[R; LANES]; TILE / PATCH],
) {
    for (lanes, terms) in drawn.iter_mut().zip(terms.as_chunks::<LANES>().0) {
        for (lane, term) in lanes.iter_mut().zip(terms) {
            *lane = mass.times_plus::<FUSED>(*term, *lane);
        }
    }
}

/// Puts down the mass that a row draws from every column whose term is not too small, columns counted from `first`.
#[inline(always)]
pub(super) fn collect<R: Real>(
    mass: R,
    terms: &[R; TILE],
    least: R,
    first: usize,
    flows: &mut Vec<(u32, f32)>,
) {
    for (start, terms) in terms.as_chunks::<LANES>().0.iter().enumerate() {
        if largest(terms) < least {
            continue;
        }
        for (lane, term) in terms.iter().enumerate() {
            if *term >= least {
                flows.push(((first + start * LANES + lane) as u32, (mass * *term).widen() as f32));
            }
        }
    }
}

/// Σ_j a_j b_j
#[inline(always)]
pub(super) fn dot<R: Real, const FUSED: bool>(a: &[R; TILE], b: &[R; TILE]) -> f64 {
    let mut products = [R::ZERO; TILE];
    for column in 0..TILE {
        products[column] = a[column] * b[column];
    }
    total(&sums(&products))
}

/// Sum of lanes, pairwise and in `f64`.
#[inline(always)]
pub(super) fn total<R: Real>(lanes: &[R; LANES]) -> f64 {
    let wide: [f64; LANES] = lanes.map(R::widen);
    ((wide[0] + wide[4]) + (wide[1] + wide[5])) + ((wide[2] + wide[6]) + (wide[3] + wide[7]))
}

/// Combines a tile of values lane by lane: halves onto halves, always in the same order.
#[inline(always)]
fn fold_lanes<R: Real>(values: &[R; TILE], combine: impl Fn(R, R) -> R) -> [R; LANES] {
    const HALF: usize = TILE / 2;
    let mut halves = [R::ZERO; HALF];
    for column in 0..HALF {
        halves[column] = combine(values[column], values[column + HALF]);
    }
    let mut lanes = [R::ZERO; LANES];
    for lane in 0..LANES {
        lanes[lane] = combine(halves[lane], halves[lane + LANES]);
    }
    lanes
}

const _: () = assert!(TILE == 4 * LANES && TILE <= 32 && PATCH == LANES);
