//! Arithmetic on one tile of columns: plain loops over whole arrays, which become vector instructions.
//!
//! Inlined into the versions of [`kernel`](super::kernel), or it would not be compiled for their
//! instruction sets.

// Several arrays at one column: an index says it plainly, and vectorises as it stands.
#![allow(clippy::needless_range_loop)]

use super::real::Real;
use super::tiles::TILE;

/// One tile of columns, relative to the rows' centre.
pub(super) struct Block<R> {
    pub axes: [[R; TILE]; 3],
    pub offsets: [R; TILE],
}

/// Scores u_j + 2κ x·y of one row; returns the largest. `point` comes multiplied by 2κ.
#[inline(always)]
pub(super) fn products<R: Real, const FUSED: bool>(
    point: &[R; 3],
    block: &Block<R>,
    scores: &mut [R; TILE],
) -> R {
    let [x, y, z] = *point;
    for column in 0..TILE {
        let score = z.times_plus::<FUSED>(block.axes[2][column], block.offsets[column]);
        let score = y.times_plus::<FUSED>(block.axes[1][column], score);
        scores[column] = x.times_plus::<FUSED>(block.axes[0][column], score);
    }
    reduce(scores, R::or_larger)
}

/// Scores v_j − κ |x − y| of one row; returns the largest.
#[inline(always)]
pub(super) fn distances<R: Real, const FUSED: bool>(
    point: &[R; 3],
    block: &Block<R>,
    kappa: R,
    scores: &mut [R; TILE],
) -> R {
    let slope = R::ZERO - kappa;
    for column in 0..TILE {
        let distance = square::<R, FUSED>(point, block, column).root();
        scores[column] = slope.times_plus::<FUSED>(distance, block.offsets[column]);
    }
    reduce(scores, R::or_larger)
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

/// Σ_j 2^(s_j − reference). The scores become the terms.
#[inline(always)]
pub(super) fn total<R: Real, const FUSED: bool>(scores: &mut [R; TILE], reference: R) -> f64 {
    for score in scores.iter_mut() {
        *score = (*score - reference).power_of_two::<FUSED>();
    }
    reduce(scores, |a, b| a + b).widen()
}

/// Σ_j a_j b_j
#[inline(always)]
pub(super) fn dot<R: Real, const FUSED: bool>(a: &[R; TILE], b: &[R; TILE]) -> f64 {
    let mut products = [R::ZERO; TILE];
    for column in 0..TILE {
        products[column] = a[column] * b[column];
    }
    reduce(&products, |a, b| a + b).widen()
}

/// Combines a tile of values pairwise: halves onto halves, always in the same order.
#[inline(always)]
fn reduce<R: Real>(values: &[R; TILE], combine: impl Fn(R, R) -> R) -> R {
    const HALF: usize = TILE / 2;
    let mut halves = [R::ZERO; HALF];
    for column in 0..HALF {
        halves[column] = combine(values[column], values[column + HALF]);
    }
    fold::<R, { HALF / 2 }>(&mut halves, &combine);
    fold::<R, { HALF / 4 }>(&mut halves, &combine);
    fold::<R, { HALF / 8 }>(&mut halves, &combine);
    fold::<R, { HALF / 16 }>(&mut halves, &combine);
    fold::<R, { HALF / 32 }>(&mut halves, &combine);
    combine(halves[0], halves[1])
}

/// One halving, its width known to the compiler.
#[inline(always)]
fn fold<R: Real, const WIDTH: usize>(values: &mut [R; TILE / 2], combine: &impl Fn(R, R) -> R) {
    for index in 0..WIDTH {
        values[index] = combine(values[index], values[index + WIDTH]);
    }
}
