//! Coarser measures: the cells of an octree as weighted points.
//!
//! A blur does not see what is much smaller than itself. While it is at least half of a cell's side, iterating on the
//! cells' centroids gives the potentials of the points up to a few percent of ε, at a fraction of the work.

use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

use super::tiles::TiledMeasure;

/// Bits of a Morton key per axis, and so the deepest level.
const BITS: usize = 21;

/// Sides of a cell in blurs, at most. Gauss kernels two standard deviations apart add up to a constant within 1.4 %.
const COARSENESS: f64 = 2.0;

/// Cells of both sides below which coarser ones save nothing.
const FEWEST: usize = 2048;

/// The depth whose cells are the largest that a blur, in local units, does not see.
pub(super) fn depth(blur: f64) -> usize {
    // The cells of depth d have sides of 2^(1 − d).
    let depth = (2.0 / (COARSENESS * blur)).log2().ceil();
    if depth < 0.0 { 0 } else { depth as usize }
}

/// The smallest blur, in local units, that does not see the cells of a depth.
pub(super) fn smallest_blur(depth: usize) -> f64 {
    2f64.powi(1 - depth as i32) / COARSENESS
}

/// A cell with mass.
#[derive(Clone, Copy)]
struct Cell {
    key: u64,
    weight: f64,
    center: Vector3<f64>,
}

/// Both measures on the cells of some depths, deepest first. Depths that save nothing are left out.
pub(super) struct Cells {
    pub depths: Vec<usize>,
    pub source: Vec<TiledMeasure>,
    pub target: Vec<TiledMeasure>,
}

impl Cells {
    /// The cells down to a depth.
    pub fn new(source: &TiledMeasure, target: &TiledMeasure, deepest: usize) -> Self {
        let points = source.len() + target.len();
        let mut cells = Self { depths: vec![], source: vec![], target: vec![] };
        if points <= FEWEST || deepest == 0 {
            return cells;
        }
        let (mut source, mut target) = (keyed(source), keyed(target));
        for depth in (1..=deepest.min(BITS)).rev() {
            (source, target) = (merged(&source, depth), merged(&target, depth));
            let count = source.len() + target.len();
            // Too fine to save anything, or so coarse that there is nothing left to save.
            if 2 * count > points {
                continue;
            }
            cells.depths.push(depth);
            cells.source.push(tiled(&source));
            cells.target.push(tiled(&target));
            if count <= FEWEST {
                break;
            }
        }
        cells
    }
}

/// The points with mass as cells of their own, in Morton order.
fn keyed(measure: &TiledMeasure) -> Vec<Cell> {
    let mut cells: Vec<Cell> = (0..measure.len())
        .into_par_iter()
        .filter(|&index| measure.weights[index] > 0.0)
        .map(|index| {
            let center = measure.point(index).coords;
            Cell { key: morton(&center), weight: measure.weights[index], center }
        })
        .collect();
    // Stable: points of equal keys keep the order of the tree, on any number of threads.
    cells.par_sort_by_key(|cell| cell.key);
    cells
}

/// Cells of a depth, from finer ones in Morton order.
fn merged(cells: &[Cell], depth: usize) -> Vec<Cell> {
    let shift = 3 * (BITS - depth);
    cells
        .chunk_by(|a, b| a.key >> shift == b.key >> shift)
        .map(|members| {
            let weight: f64 = members.iter().map(|cell| cell.weight).sum();
            let first = members[0].center;
            // Weights may be tiny; parts of the whole are not.
            let offset: Vector3<f64> =
                members.iter().map(|cell| (cell.center - first) * (cell.weight / weight)).sum();
            Cell { key: members[0].key, weight, center: first + offset }
        })
        .collect()
}

fn tiled(cells: &[Cell]) -> TiledMeasure {
    let points = cells.iter().map(|cell| Point3::from(cell.center)).collect();
    let weights: Vec<f64> = cells.iter().map(|cell| cell.weight).collect();
    TiledMeasure::arranged(points, &weights)
}

/// Interleaved bits of the coordinates, each between −1 and 1.
fn morton(point: &Vector3<f64>) -> u64 {
    let cells = (1u64 << BITS) as f64;
    let cell = |value: f64| spread((((value + 1.0) * 0.5 * cells) as u64).min((1 << BITS) - 1));
    cell(point.x) << 2 | cell(point.y) << 1 | cell(point.z)
}

/// Puts two zero bits between neighbouring bits of a 21-bit number.
fn spread(value: u64) -> u64 {
    let value = (value | value << 32) & 0x001f_0000_0000_ffff;
    let value = (value | value << 16) & 0x001f_0000_ff00_00ff;
    let value = (value | value << 8) & 0x100f_00f0_0f00_f00f;
    let value = (value | value << 4) & 0x10c3_0c30_c30c_30c3;
    (value | value << 2) & 0x1249_2492_4924_9249
}

#[cfg(test)]
mod tests {
    use nalgebra::{Point3, Vector3};

    use super::{Cells, TiledMeasure, depth};

    #[test]
    fn the_side_of_a_cell_is_at_most_two_blurs() {
        for blur in [3.0, 1.0, 0.9, 0.3, 0.01, 1e-6] {
            let side = 2f64.powi(1 - depth(blur) as i32);
            assert!(side <= 2.0 * blur, "blur {blur}: side {side}");
            assert!(blur >= 1.0 || side > blur, "blur {blur}: side {side}");
        }
    }

    #[test]
    fn cells_keep_mass_and_centroid() {
        let coordinate = |i: usize, step: f64| 2.0 * (i as f64 * step).fract() - 1.0;
        let points: Vec<Point3<f64>> = (0..20_000)
            .map(|i| Point3::new(coordinate(i, 0.8191), coordinate(i, 0.6710), coordinate(i, 0.5497)))
            .collect();
        let weights: Vec<f64> = (0..20_000).map(|i| (i % 3) as f64).collect();
        let moment = |measure: &TiledMeasure| -> (f64, Vector3<f64>) {
            let terms = |index: usize| measure.weights[index] * measure.point(index).coords;
            (measure.weights.iter().sum(), (0..measure.len()).map(terms).sum())
        };
        let measure = TiledMeasure::arranged(points, &weights);
        let (mass, first) = moment(&measure);
        let cells = Cells::new(&measure, &measure, depth(0.1));
        assert_eq!(cells.depths, [4, 3]);
        for coarse in cells.source.iter().chain(&cells.target) {
            let (coarse_mass, coarse_first) = moment(coarse);
            assert!((mass - coarse_mass).abs() < 1e-9 && (first - coarse_first).norm() < 1e-9);
        }
        assert!(cells.source[0].len() <= 4096 && cells.source[1].len() == 512);
    }
}
