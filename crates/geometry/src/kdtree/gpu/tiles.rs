//! Points and queries by the tile, in single precision around whole-numbered centres.

use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;

use super::super::leaf::{LEAF, Leaf, NONE};
use super::super::slopes::Moments;
use super::super::{KdTree, WeightedKdTree};
use super::Sought;
use super::frame::{ABSENT, Frame, Raised};
use crate::Cost;

/// Points of a tile and tiles of a block: threads of a workgroup.
pub(super) const TILE: usize = 64;

/// Points of a block.
pub(super) const BLOCK: usize = TILE * TILE;

/// Leaves of a tile.
const LEAVES: usize = TILE / LEAF;

/// Unit of centres: differences of coordinates of size one fit into 31 bits.
pub(super) const LENGTH: f64 = 1.0 / (1 << 29) as f64;

/// A box with its centre, as the kernel reads it.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(super) struct Tile {
    pub centre: [i32; 3],
    /// Largest weight above the slope; of queries what is added to all weights.
    pub highest: i32,
    pub reach: [f32; 3],
    pub radius: f32,
    pub slope: [f32; 3],
    /// Of queries the tile to begin with.
    pub begin: u32,
}

impl Tile {
    const EMPTY: Self =
        Self { centre: [0; 3], highest: ABSENT, reach: [0.0; 3], radius: 0.0, slope: [0.0; 3], begin: NONE };

    /// The box around some coordinates.
    fn around(points: impl Iterator<Item = [f64; 3]>) -> Option<Self> {
        let joined = |a: ([f64; 3], [f64; 3]), b: ([f64; 3], [f64; 3])| {
            ([0, 1, 2].map(|axis| a.0[axis].min(b.0[axis])), [0, 1, 2].map(|axis| a.1[axis].max(b.1[axis])))
        };
        let (min, max) = points.map(|point| (point, point)).reduce(joined)?;
        let centre = [0, 1, 2].map(|axis| ((0.5 * min[axis] + 0.5 * max[axis]) / LENGTH).round() as i32);
        let reach = [0, 1, 2].map(|axis| {
            let middle = f64::from(centre[axis]) * LENGTH;
            above((max[axis] - middle).abs().max((min[axis] - middle).abs()))
        });
        let square: f64 = reach.iter().map(|&reach| f64::from(reach) * f64::from(reach)).sum();
        Some(Self { centre, reach, radius: above(square.sqrt()), ..Self::EMPTY })
    }

    /// Coordinates from the centre.
    pub fn local(&self, point: [f64; 3]) -> [f64; 3] {
        [0, 1, 2].map(|axis| point[axis] - f64::from(self.centre[axis]) * LENGTH)
    }
}

/// A float that is not below.
fn above(value: f64) -> f32 {
    (value * (1.0 + 4.0 * f64::from(f32::EPSILON))) as f32 + f32::MIN_POSITIVE
}

/// The points of a tree for the device.
pub(super) struct Points {
    pub blocks: Vec<Tile>,
    /// Whole blocks of them.
    pub tiles: Vec<Tile>,
    /// Whole tiles of positions and weights, as bits.
    pub positions: Vec<[u32; 4]>,
    /// The place among the tree's leaves of every position; [`NONE`] where there is no point.
    pub places: Vec<u32>,
    /// The tile of every place among the tree's leaves.
    pub tile_of: Vec<u32>,
}

/// A point on its way to the device.
#[derive(Clone, Copy)]
struct Placed {
    place: u32,
    position: [f64; 3],
    weight: i32,
}

impl Points {
    pub fn new(tree: &KdTree, weighted: Option<&WeightedKdTree>, frame: &Frame, raised: &Raised) -> Self {
        let groups = tree.leaves.par_chunks(LEAVES).zip(raised.weights.par_chunks(LEAVES)).enumerate();
        let grouped = groups.map(|(group, (leaves, weights))| {
            let mut points = Vec::with_capacity(TILE);
            for (index, (leaf, weights)) in leaves.iter().zip(weights).enumerate() {
                for place in (0..LEAF).filter(|&place| weights[place] != ABSENT) {
                    points.push(Placed {
                        place: (group * TILE + index * LEAF + place) as u32,
                        position: frame.point(&leaf.point(place)),
                        weight: weights[place],
                    });
                }
            }
            let mut parts = Vec::new();
            split(points, PARTS, &mut parts);
            parts
        });
        let grouped: Vec<Vec<Vec<Placed>>> = grouped.collect();
        let rows: Vec<Vec<Placed>> = grouped.into_iter().flatten().collect();
        // Planes need the squared distance, and weights that differ.
        let sloped = weighted.filter(|weighted| weighted.cost == Cost::SquaredEuclidean && raised.unit > 0.0);
        let slope = |points: &[Placed]| {
            let weight =
                |place: u32| sloped.map(|all| all.weights[place as usize / LEAF][place as usize % LEAF]);
            let point = |place: u32| tree.leaves[place as usize / LEAF].point(place as usize % LEAF);
            let rows = points.iter().filter_map(|p| Some((point(p.place), weight(p.place)?)));
            frame.slope_left(Moments::of_points(rows).slope().into())
        };
        let tile = |points: &[Placed]| match Tile::around(points.iter().map(|point| point.position)) {
            Some(tile) => with_plane(tile, slope(points), points, raised.unit),
            None => Tile::EMPTY,
        };
        let mut tiles: Vec<Tile> = rows.par_iter().map(|row| tile(row)).collect();
        let blocks: Vec<Tile> = rows.par_chunks(TILE).map(|rows| tile(&rows.concat())).collect();
        let mut positions = vec![[0, 0, 0, ABSENT as u32]; tiles.len() * TILE];
        let mut places = vec![NONE; tiles.len() * TILE];
        let columns = positions.par_chunks_mut(TILE).zip(places.par_chunks_mut(TILE));
        columns.zip(&rows).zip(&tiles).for_each(|(((positions, places), row), tile)| {
            for ((position, place), point) in positions.iter_mut().zip(places).zip(row) {
                let [x, y, z] = tile.local(point.position).map(|value| (value as f32).to_bits());
                (*position, *place) = ([x, y, z, point.weight as u32], point.place);
            }
        });
        let mut tile_of = vec![0; tree.leaves.len() * LEAF];
        for (index, row) in rows.iter().enumerate() {
            row.iter().for_each(|point| tile_of[point.place as usize] = index as u32);
        }
        tiles.resize(blocks.len() * TILE, Tile::EMPTY);
        Self { blocks, tiles, positions, places, tile_of }
    }
}

/// Most tiles that the points of one may be split into.
const PARTS: usize = 4;

/// Splits the points of a tile that holds those of places far apart: numbers that tell them all apart tell little within
/// each place.
fn split(mut points: Vec<Placed>, parts: usize, out: &mut Vec<Vec<Placed>>) {
    /// Parts of the extent: of a gap at least, of what lies on one side of it at most.
    const GAP: f64 = 1.0 / 8.0;
    const SMALL: f64 = 1.0 / 16.0;
    let extent = |points: &[Placed], axis: usize| {
        let values = || points.iter().map(|point| point.position[axis]);
        values().fold(f64::NEG_INFINITY, f64::max) - values().fold(f64::INFINITY, f64::min)
    };
    let size = |points: &[Placed]| (0..3).map(|axis| extent(points, axis)).fold(0.0, f64::max);
    let all = size(&points);
    let axis = (0..3).find(|&axis| extent(&points, axis) == all);
    if let (true, true, Some(axis)) = (parts > 1, all > 0.0, axis) {
        points.sort_by(|a, b| a.position[axis].total_cmp(&b.position[axis]));
        let gap = |index: usize| points[index].position[axis] - points[index - 1].position[axis];
        let widest =
            (1..points.len()).fold(1, |best, index| if gap(index) > gap(best) { index } else { best });
        let (low, high) = points.split_at(widest);
        if gap(widest) > GAP * all && size(low).min(size(high)) < SMALL * all {
            let (low, high) = (low.to_vec(), high.to_vec());
            split(low, parts / 2, out);
            split(high, parts / 2, out);
            return;
        }
        points.sort_by_key(|point| point.place);
    }
    if !points.is_empty() {
        out.push(points);
    }
}

/// The box with the plane above the weights of its points, level if the sloped one is of no use.
fn with_plane(tile: Tile, slope: [f32; 3], points: &[Placed], unit: f64) -> Tile {
    const LARGEST: f64 = 0.9 * (1 << 30) as f64;
    let level = points.iter().map(|point| point.weight).max().unwrap_or(ABSENT);
    if slope == [0.0; 3] {
        return Tile { highest: level, ..tile };
    }
    let above = |point: &Placed| {
        let local = tile.local(point.position);
        let terms = [0, 1, 2].map(|axis| f64::from(slope[axis]) * local[axis] / unit);
        let sizes: f64 = terms.iter().map(|term| term.abs()).sum();
        // More than its rounding.
        f64::from(point.weight) - terms.iter().sum::<f64>() + 16.0 * f64::EPSILON * sizes
    };
    let highest = points.iter().map(above).fold(f64::NEG_INFINITY, f64::max).ceil() + 1.0;
    if highest.abs() < LARGEST {
        Tile { highest: highest as i32, slope, ..tile }
    } else {
        Tile { highest: level, ..tile }
    }
}

/// Queries for the device.
pub(super) struct QueryTiles {
    pub tiles: Vec<Tile>,
    /// Whole tiles of positions.
    pub positions: Vec<[f32; 4]>,
}

impl QueryTiles {
    /// The tree is asked about one query of every tile: where to begin, and about how high the lowest scores are.
    pub fn new(sought: &Sought, leaves: &[Leaf], frame: &Frame, raised: &Raised, points: &Points) -> Self {
        let tile = |leaves: &[Leaf]| {
            let all = leaves.iter().flat_map(|leaf| (0..leaf.len()).map(|place| leaf.point(place)));
            let Some(tile) = Tile::around(all.map(|query| frame.query(&query))) else { return Tile::EMPTY };
            let query = leaves[leaves.len() / 2].point(0);
            let Some(&(score, index)) = sought.searched(&query, 1).first() else {
                return Tile { highest: 0, ..tile };
            };
            let begin = points.tile_of[sought.tree.places()[index as usize] as usize];
            let (highest, slope) = (frame.offset(raised, &query, score), points.tiles[begin as usize].slope);
            Tile { highest, slope, begin, ..tile }
        };
        let tiles: Vec<Tile> = leaves.par_chunks(LEAVES).map(tile).collect();
        let mut positions = vec![[0.0; 4]; tiles.len() * TILE];
        positions.par_chunks_mut(LEAF).enumerate().for_each(|(index, row)| {
            // Places without a query ask for the centre.
            let Some(leaf) = leaves.get(index) else { return };
            for place in 0..leaf.len() {
                let local = tiles[index / LEAVES].local(frame.query(&leaf.point(place)));
                row[place] = [local[0] as f32, local[1] as f32, local[2] as f32, 0.0];
            }
        });
        Self { tiles, positions }
    }
}
