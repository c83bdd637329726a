//! A measure as a device sees it: tiles of up to 32 points, under groups of up to 64 tiles that are next to each other.
//!
//! What single precision adds up for a pair of points is as large as the product of their tiles' sizes. So tiles of the
//! processor's layout that are large beside the blur, because there is a gap in them or because points are far apart,
//! are cut further, and filled up with points that weigh nothing.

use nalgebra::Point3;
use rayon::prelude::*;

use crate::sinkhorn::tiles::{Node, Slab, TILE, TiledMeasure};

/// Tiles of a group, at most: as many as a workgroup tests at once.
const GROUP: usize = 64;

/// A tile on the device.
pub(super) struct Tile {
    pub slab: Slab,
    /// Points in the order of the processor's layout; at most [`TILE`].
    pub points: Vec<usize>,
}

/// Consecutive tiles with the box around them.
pub(super) struct Group {
    pub slab: Slab,
    /// The first tile.
    pub first: usize,
    pub tiles: usize,
}

/// The tiles and groups of a measure.
pub(super) struct Layout {
    pub tiles: Vec<Tile>,
    pub groups: Vec<Group>,
}

impl Layout {
    /// Tiles whose boxes reach no farther than `reach` from their centres, where points allow it.
    pub fn new(measure: &TiledMeasure, reach: f64) -> Self {
        let slabs = measure.tile_slabs();
        let cut = |(tile, slab): (usize, Slab)| -> Vec<Tile> {
            let points = measure.range(tile);
            if slab.half.norm() <= reach {
                return vec![Tile { slab, points: points.collect() }];
            }
            let mut tiles = Vec::new();
            cut(points.map(|index| (measure.point(index), index)).collect(), reach, &mut tiles);
            tiles
        };
        let cut: Vec<Vec<Tile>> = slabs.into_par_iter().enumerate().map(cut).collect();
        // How many tiles there are before each of the processor's.
        let mut before = vec![0];
        before.extend(cut.iter().scan(0, |sum, tiles| {
            *sum += tiles.len();
            Some(*sum)
        }));
        let mut groups = Vec::new();
        let mut waiting = vec![Node::root(measure.tiles())];
        while let Some(node) = waiting.pop() {
            let (first, end) = (before[node.first], before[node.first + node.tiles]);
            if end - first <= GROUP {
                groups.push(Group { slab: measure.slabs[node.index], first, tiles: end - first });
            } else {
                let [left, right] = node.children();
                waiting.extend([right, left]);
            }
        }
        Self { tiles: cut.into_iter().flatten().collect(), groups }
    }
}

/// Cuts points at the widest gap along the longest edge of their box until they are close enough.
fn cut(mut points: Vec<(Point3<f64>, usize)>, reach: f64, tiles: &mut Vec<Tile>) {
    let slab = Slab::around(&points);
    if points.len() == 1 || slab.half.norm() <= reach {
        debug_assert!(points.len() <= TILE);
        return tiles.push(Tile { slab, points: points.into_iter().map(|(_, index)| index).collect() });
    }
    let axis = slab.half.imax();
    points.sort_unstable_by(|a, b| a.0[axis].total_cmp(&b.0[axis]).then(a.1.cmp(&b.1)));
    let gap = |place: &usize| points[*place].0[axis] - points[place - 1].0[axis];
    // The first of equal gaps.
    let widest = (1..points.len()).rev().max_by(|a, b| gap(a).total_cmp(&gap(b))).unwrap_or(1);
    let upper = points.split_off(widest);
    cut(points, reach, tiles);
    cut(upper, reach, tiles);
}

#[cfg(test)]
mod tests {
    use nalgebra::Point3;

    use super::Layout;
    use crate::sinkhorn::tiles::TiledMeasure;

    #[test]
    fn every_point_is_in_one_tile_and_every_tile_in_one_group() {
        let line = |count: usize| -> Vec<Point3<f64>> {
            // Clusters of ten with gaps between them.
            (0..count).map(|i| Point3::new((i / 10) as f64 + 0.001 * (i % 10) as f64, 0.0, 0.0)).collect()
        };
        for (count, reach) in [(1, 1.0), (33, 1e9), (5000, 1e9), (5000, 0.1), (700, 1e-9)] {
            let measure = TiledMeasure::arranged(line(count), &vec![1.0; count]);
            let layout = Layout::new(&measure, reach);
            let mut seen: Vec<usize> =
                layout.tiles.iter().flat_map(|tile| tile.points.iter().copied()).collect();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..count));
            for tile in &layout.tiles {
                assert!(tile.points.len() == 1 || tile.slab.half.norm() <= reach);
            }
            let mut next = 0;
            for group in &layout.groups {
                assert_eq!(group.first, next);
                assert!((1..=64).contains(&group.tiles));
                for tile in &layout.tiles[group.first..group.first + group.tiles] {
                    for &point in &tile.points {
                        let offset = measure.point(point) - group.slab.center;
                        assert!((0..3).all(|axis| offset[axis].abs() <= group.slab.half[axis]));
                    }
                }
                next += group.tiles;
            }
            assert_eq!(next, layout.tiles.len());
        }
    }
}
