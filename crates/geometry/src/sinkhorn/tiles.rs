//! A measure laid out for streaming: cut into tiles of neighbours, under a binary tree of boxes.

use nalgebra::{Matrix3, Point3, Vector3};
use rayon::prelude::*;

use crate::Measure;
use crate::frame::Frame;

/// Points in a tile. Small, because at narrow blurs every row of a tile meets whole tiles of columns; large enough
/// to pay for bringing a tile of columns into the coordinates of a tile of rows.
pub(super) const TILE: usize = 32;

/// Points next to each other in a tile, and closer than those of others.
pub(super) const PATCH: usize = 8;

/// log₂ of the weight of a point that must not count: far below any score, yet safe to compute with.
pub(super) const MASKED: f64 = -1e30;

/// Points from which a half of the tree is built by another thread.
const PARALLEL: usize = 1 << 14;

/// A measure in local coordinates, in the order of a k-d tree whose leaves are the tiles. Columns are padded to
/// whole tiles with copies of the last point that weigh nothing.
pub(super) struct TiledMeasure {
    /// Local coordinates, one padded column per axis.
    pub axes: [Vec<f64>; 3],
    /// log₂ of the weights, [`MASKED`] for weight zero and padding; padded.
    pub log2_weights: Vec<f64>,
    /// Weights, not padded.
    pub weights: Vec<f64>,
    /// The extent of each [`Node`], by its index.
    pub slabs: Vec<Slab>,
    /// Index that each point has for the caller.
    pub order: Vec<usize>,
}

/// A node of the tree: some consecutive tiles. Nodes are numbered in preorder, so that the shape of the tree
/// follows from the number of tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node {
    pub index: usize,
    /// The first tile.
    pub first: usize,
    /// Number of tiles.
    pub tiles: usize,
}

impl Node {
    pub fn root(tiles: usize) -> Self {
        Self { index: 0, first: 0, tiles }
    }

    pub fn is_leaf(&self) -> bool {
        self.tiles == 1
    }

    /// Both halves. A tree of t tiles has 2t − 1 nodes.
    pub fn children(&self) -> [Self; 2] {
        let left = self.tiles / 2;
        [
            Self { index: self.index + 1, first: self.first, tiles: left },
            Self { index: self.index + 2 * left, first: self.first + left, tiles: self.tiles - left },
        ]
    }
}

/// A box whose points also lie within a thickness of a plane: samples of surfaces, however they are turned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slab {
    pub center: Point3<f64>,
    /// Half of the edges.
    pub half: Vector3<f64>,
    /// Unit normal of the plane through the centre.
    pub normal: Vector3<f64>,
    /// Largest distance of a point from the plane.
    pub thickness: f64,
}

impl Slab {
    pub fn around(points: &[(Point3<f64>, usize)]) -> Self {
        let first = points[0].0;
        let (mut min, mut max, mut mean) = (first, first, Vector3::zeros());
        for (point, _) in points {
            min = min.inf(point);
            max = max.sup(point);
            mean += point - first;
        }
        mean /= points.len() as f64;
        let mut scatter = Matrix3::zeros();
        for (point, _) in points {
            let offset = point - first - mean;
            scatter += offset * offset.transpose();
        }
        let center = nalgebra::center(&min, &max);
        let normal = thinnest(&scatter);
        let thickness =
            points.iter().map(|(point, _)| normal.dot(&(point - center)).abs()).fold(0.0, f64::max);
        // The centre is rounded; the box must hold its points all the same.
        let half = (max - center).sup(&(center - min));
        Self { center, half, normal, thickness }
    }
}

/// The unit vector along which a scatter is smallest.
fn thinnest(scatter: &Matrix3<f64>) -> Vector3<f64> {
    let size = scatter.amax();
    if !(size > 0.0 && size.is_finite()) {
        return Vector3::z();
    }
    let eigen = (scatter / size).symmetric_eigen();
    let normal: Vector3<f64> = eigen.eigenvectors.column(eigen.eigenvalues.imin()).into();
    normal.try_normalize(1e-3).unwrap_or_else(Vector3::z)
}

impl TiledMeasure {
    /// Sorts a measure whose weights count `factor` times.
    pub fn new(measure: &Measure, factor: f64, frame: &Frame) -> Self {
        let points = measure.positions().par_iter().map(|point| frame.local(point).into()).collect();
        let weights: Vec<f64> = (0..measure.len()).map(|index| measure.weight(index) * factor).collect();
        Self::arranged(points, &weights)
    }

    /// Sorts points with weights, at least one.
    pub fn arranged(points: Vec<Point3<f64>>, weights: &[f64]) -> Self {
        let mut items: Vec<(Point3<f64>, usize)> =
            points.into_iter().enumerate().map(|(index, point)| (point, index)).collect();
        let tiles = items.len().div_ceil(TILE);
        let mut slabs = Vec::with_capacity(2 * tiles - 1);
        arrange(&mut items, tiles, &mut slabs);
        let order: Vec<usize> = items.iter().map(|&(_, index)| index).collect();
        let padded = tiles * TILE;
        let last = items[items.len() - 1].0;
        let axis = |axis: usize| {
            let mut column: Vec<f64> = Vec::with_capacity(padded);
            column.extend(items.iter().map(|(point, _)| point[axis]));
            column.resize(padded, last[axis]);
            column
        };
        let axes = [axis(0), axis(1), axis(2)];
        drop(items);
        let weights: Vec<f64> = order.iter().map(|&index| weights[index]).collect();
        let mut log2_weights = Vec::with_capacity(padded);
        log2_weights.extend(weights.iter().map(|weight| weight.log2().max(MASKED)));
        log2_weights.resize(padded, MASKED);
        Self { axes, log2_weights, weights, slabs, order }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Number of tiles.
    pub fn tiles(&self) -> usize {
        self.len().div_ceil(TILE)
    }

    /// Number of patches.
    pub fn patches(&self) -> usize {
        self.len().div_ceil(PATCH)
    }

    /// The points of a tile, padding left out.
    pub fn range(&self, tile: usize) -> std::ops::Range<usize> {
        tile * TILE..((tile + 1) * TILE).min(self.len())
    }

    /// The slabs of all tiles, in order.
    pub fn tile_slabs(&self) -> Vec<Slab> {
        let mut leaves = Vec::with_capacity(self.tiles());
        let mut waiting = vec![Node::root(self.tiles())];
        while let Some(node) = waiting.pop() {
            if node.is_leaf() {
                leaves.push(self.slabs[node.index]);
            } else {
                let [left, right] = node.children();
                waiting.extend([right, left]);
            }
        }
        leaves
    }

    /// One point.
    pub fn point(&self, index: usize) -> Point3<f64> {
        Point3::new(self.axes[0][index], self.axes[1][index], self.axes[2][index])
    }

    /// Values in this order, brought into the caller's.
    pub fn restore<T: Copy + Default>(&self, values: &[T]) -> Vec<T> {
        let mut restored = vec![T::default(); values.len()];
        for (&index, &value) in self.order.iter().zip(values) {
            restored[index] = value;
        }
        restored
    }

    /// Values in the caller's order, brought into this one.
    pub fn arrange(&self, values: &[f64]) -> Vec<f64> {
        self.order.iter().map(|&index| values[index]).collect()
    }
}

/// Sorts points into tiles by halving along the longest edge, and appends the slabs in preorder. All tiles but the
/// last are full.
fn arrange(items: &mut [(Point3<f64>, usize)], tiles: usize, slabs: &mut Vec<Slab>) {
    let slab = Slab::around(items);
    slabs.push(slab);
    if tiles == 1 {
        patch(items);
        return;
    }
    let left = tiles / 2;
    let axis = slab.half.imax();
    // Ties are broken by the index, so that the sets do not depend on how the selection goes about it.
    items.select_nth_unstable_by(left * TILE, |a, b| a.0[axis].total_cmp(&b.0[axis]).then(a.1.cmp(&b.1)));
    let parallel = items.len() >= PARALLEL;
    let (low, high) = items.split_at_mut(left * TILE);
    if parallel {
        let mut others = Vec::with_capacity(2 * (tiles - left) - 1);
        rayon::join(|| arrange(low, left, slabs), || arrange(high, tiles - left, &mut others));
        slabs.append(&mut others);
    } else {
        arrange(low, left, slabs);
        arrange(high, tiles - left, slabs);
    }
}

/// Sorts the points of a tile into patches by halving along the longest edge.
fn patch(items: &mut [(Point3<f64>, usize)]) {
    let patches = items.len().div_ceil(PATCH);
    if patches < 2 {
        return;
    }
    let first = items[0].0;
    let (min, max) =
        items.iter().fold((first, first), |(min, max), (point, _)| (min.inf(point), max.sup(point)));
    let axis = (max - min).imax();
    let left = patches / 2 * PATCH;
    items.select_nth_unstable_by(left, |a, b| a.0[axis].total_cmp(&b.0[axis]).then(a.1.cmp(&b.1)));
    let (low, high) = items.split_at_mut(left);
    patch(low);
    patch(high);
}

#[cfg(test)]
mod tests {
    use nalgebra::Point3;

    use super::{Node, TILE, TiledMeasure};

    fn points(count: usize) -> Vec<Point3<f64>> {
        let coordinate = |i: usize, step: f64| (i as f64 * step).fract();
        (0..count)
            .map(|i| Point3::new(coordinate(i, 0.8191), coordinate(i, 0.6710), coordinate(i, 0.5497)))
            .collect()
    }

    #[test]
    fn every_node_holds_its_points() {
        for count in [1, TILE - 1, TILE, TILE + 1, 1000, 4096] {
            let measure = TiledMeasure::arranged(points(count), &vec![1.0; count]);
            let mut seen: Vec<usize> = measure.order.clone();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..count));
            assert_eq!(measure.slabs.len(), 2 * measure.tiles() - 1);
            let mut waiting = vec![Node::root(measure.tiles())];
            while let Some(node) = waiting.pop() {
                let slab = measure.slabs[node.index];
                for index in node.first * TILE..((node.first + node.tiles) * TILE).min(count) {
                    let offset = measure.point(index) - slab.center;
                    assert!((0..3).all(|axis| offset[axis].abs() <= slab.half[axis]));
                    assert!(slab.normal.dot(&offset).abs() <= slab.thickness * (1.0 + 1e-12));
                }
                if !node.is_leaf() {
                    waiting.extend(node.children());
                }
            }
            assert_eq!(measure.tile_slabs().len(), measure.tiles());
        }
    }
}
