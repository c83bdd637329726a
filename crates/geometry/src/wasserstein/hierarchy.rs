//! A measure at several resolutions: points, cells of points, cells of cells.

use std::ops::Range;

use nalgebra::Point3;
use rayon::prelude::*;

use super::cells::cells;

/// Halvings between one level and the next. Two leave the least to correct on each.
const STEP: u32 = 2;

/// One resolution of a measure.
pub(super) struct Level {
    /// Points, or centroids of cells.
    pub points: Vec<Point3<f64>>,
    pub masses: Vec<i64>,
    /// For every place of the next coarser level the places here that it stands for; empty on the coarsest.
    pub children: Vec<Range<usize>>,
}

/// Levels from the coarsest to the points themselves, all in the order of recursive halving: the parts of a cell
/// stand together.
pub(super) struct Hierarchy {
    pub levels: Vec<Level>,
    /// Index that each place of the finest level has for the caller; points without mass are not there.
    pub order: Vec<u32>,
}

impl Hierarchy {
    /// One level for every depth of halving, and the points. A cell of one point is not halved further.
    pub fn new(points: &[Point3<f64>], masses: &[i64], depths: &[u32]) -> Self {
        let there: Vec<u32> = (0..points.len() as u32).filter(|&index| masses[index as usize] > 0).collect();
        let kept: Vec<Point3<f64>> = there.iter().map(|&index| points[index as usize]).collect();
        let (order, _) = cells(&kept, 1);
        let order: Vec<u32> = order.into_iter().map(|place| there[place as usize]).collect();
        let points: Vec<Point3<f64>> = order.iter().map(|&index| points[index as usize]).collect();
        let masses: Vec<i64> = order.iter().map(|&index| masses[index as usize]).collect();
        let mut levels = Vec::new();
        let mut coarser: Vec<Range<usize>> = Vec::new();
        for &depth in depths {
            let mut ranges = Vec::new();
            halves(0..points.len(), depth, &mut ranges);
            let children = nest(&coarser, &ranges);
            let (centroids, sums) = ranges
                .par_iter()
                .map(|range| {
                    let mass: i64 = masses[range.clone()].iter().sum();
                    // Relative to the first: far from the origin nothing is lost.
                    let first = points[range.start];
                    let offset: nalgebra::Vector3<f64> =
                        range.clone().map(|place| (points[place] - first) * masses[place] as f64).sum();
                    (first + offset / mass as f64, mass)
                })
                .unzip();
            levels.push(Level { points: centroids, masses: sums, children });
            coarser = ranges;
        }
        let singles: Vec<Range<usize>> = (0..points.len()).map(|place| place..place + 1).collect();
        let children = nest(&coarser, &singles);
        levels.push(Level { points, masses, children });
        Self { levels, order }
    }

    /// Depths of halving for a pair of measures, given the larger size: both get the same number of levels, the
    /// coarsest of at most `coarsest` cells.
    pub fn depths(larger: usize, coarsest: usize) -> Vec<u32> {
        let mut depths = Vec::new();
        let mut depth = coarsest.max(2).ilog2();
        while (larger >> depth) >= 4 {
            depths.push(depth);
            depth += STEP;
        }
        depths
    }
}

/// The ranges that `cells` halves a range into, as long as they hold more than one point.
fn halves(range: Range<usize>, depth: u32, ranges: &mut Vec<Range<usize>>) {
    if depth == 0 || range.len() <= 1 {
        ranges.push(range);
        return;
    }
    let middle = range.start + range.len() / 2;
    halves(range.start..middle, depth - 1, ranges);
    halves(middle..range.end, depth - 1, ranges);
}

/// For every coarse range, which of the fine ranges it consists of.
fn nest(coarse: &[Range<usize>], fine: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut next = 0;
    coarse
        .iter()
        .map(|range| {
            let first = next;
            while next < fine.len() && fine[next].end <= range.end {
                next += 1;
            }
            first..next
        })
        .collect()
}
