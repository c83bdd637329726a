//! Parallel reductions whose result does not depend on the number of threads.

use std::ops::Range;

use rayon::prelude::*;

/// Number of items in one part. Fixed, so that parts, and with them rounding, never depend on threads.
const PART: usize = 1024;

/// Maps ranges of `0..len` in parallel and folds the parts in index order; `None` if `len` is zero.
///
/// # Determinism
/// The ranges depend on `len` alone and the fold is sequential: the same bits on any number of threads.
///
/// ```
/// let values: Vec<f64> = (0..10_000).map(|i| 1.0 / (1.0 + i as f64)).collect();
/// let sum = barrow_geometry::fold_ordered(
///     values.len(),
///     |range| values[range].iter().sum::<f64>(),
///     |a, b| a + b,
/// );
/// assert!((sum.unwrap() - 9.787606036044348).abs() < 1e-12);
/// ```
pub fn fold_ordered<T: Send>(
    len: usize,
    map: impl Fn(Range<usize>) -> T + Sync,
    fold: impl FnMut(T, T) -> T,
) -> Option<T> {
    let parts: Vec<T> = (0..len.div_ceil(PART))
        .into_par_iter()
        .map(|part| map(part * PART..((part + 1) * PART).min(len)))
        .collect();
    parts.into_iter().reduce(fold)
}
