//! Points in order of recursive halving: compact cells of any size are ranges.

use std::ops::Range;

use nalgebra::Point3;

/// Points below which halving is not worth a thread of its own.
const ALONE: usize = 1 << 13;

/// Indices ordered so that each half, quarter, ... is on one side of a plane across the longest side of its box, and
/// the ranges of the cells, each of at most `size` points.
///
/// Ties by index: the same order on any number of threads.
pub(super) fn cells(points: &[Point3<f64>], size: usize) -> (Vec<u32>, Vec<Range<usize>>) {
    // Copied points stream through the caches; a permutation of indices would not.
    let mut placed: Vec<(Point3<f64>, u32)> =
        points.iter().enumerate().map(|(index, point)| (*point, index as u32)).collect();
    let ranges = halve(&mut placed, 0, size.max(1));
    (placed.into_iter().map(|(_, index)| index).collect(), ranges)
}

fn halve(placed: &mut [(Point3<f64>, u32)], start: usize, size: usize) -> Vec<Range<usize>> {
    if placed.len() <= size {
        return std::iter::once(start..start + placed.len()).collect();
    }
    let first = placed[0].0;
    let (min, max) =
        placed.iter().fold((first, first), |(min, max), (point, _)| (min.inf(point), max.sup(point)));
    let axis = (max - min).imax();
    let middle = placed.len() / 2;
    placed.select_nth_unstable_by(middle, |a, b| a.0[axis].total_cmp(&b.0[axis]).then(a.1.cmp(&b.1)));
    let (lower, upper) = placed.split_at_mut(middle);
    let (mut all, rest) = if middle > ALONE {
        rayon::join(|| halve(lower, start, size), || halve(upper, start + middle, size))
    } else {
        (halve(lower, start, size), halve(upper, start + middle, size))
    };
    all.extend(rest);
    all
}
