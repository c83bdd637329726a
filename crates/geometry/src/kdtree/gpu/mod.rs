//! The lowest scores of many queries on a device: it looks for them in single precision, the host decides in double.
//!
//! For every query the device returns a short list: a few more points than were asked for, those with the lowest of its
//! own scores. Its scores are lowered by more than all rounding, so that whatever is not in the list scores at least as
//! much as the list's last entry. The host computes the scores of the list anew, as the tree does, and where the k-th of
//! them is below that entry, the k lowest of the list are the k lowest of all, ties by index included. All other queries,
//! where more points are nearly tied than a list holds, are searched for in the tree. **The answer has the same bits as
//! without a device, whatever the device computes in whatever order**; only how many queries are left depends on it.
//!
//! # Rounding
//! Lengths are in units of the [`Frame`]. Let u = 2⁻²³ (a float may be rounded in any direction), ρ the sum of the
//! radii of a query's and a point's tiles and of the distance of their centres, and a the error per axis of what the
//! host computes in double precision, the frame's `blur`. Centres are whole numbers and their difference is exact but for
//! its conversion; three numbers are added per axis, in any order, after two conversions: a difference errs by a vector
//! of length β ≤ 4uρ + 4a. Its computed square, s, by 4us besides. With d the true distance,
//! d² ≥ (√s − β)² − 4us ≥ s − 2ρβ − 4us ≥ s − 13uρ² − 9aρ, and the difference from a weight w errs by 2u(s + |w|); the
//! kernel gives away 32uρ² + 32aρ + 8u|w|. For |x − y| the root errs by eight units in the last place or less: 4uρ + 4a +
//! 10uρ of 32uρ + 32a. The bounds of boxes add at most eight terms of sizes up to (ρ + |s|)² with a slope s, whose errors
//! sum up to 45u(ρ + |s|)² + 12a(ρ + |s|); 64u and 32a are given away. Weights are rounded up to whole numbers after the
//! error of their own computation was added, and what the host adds to a list's last score is lowered by its rounding.
//! What is smaller than 2⁻¹²⁶ may count as zero anywhere; 2⁻¹⁰⁰ is given away for it.

mod frame;
mod list;
mod rates;
#[cfg(test)]
mod tests;
mod tiles;
#[cfg(test)]
mod twin;

use bytemuck::{Pod, Zeroable};
use nalgebra::Point3;
use rayon::prelude::*;

use self::frame::{Frame, Raised};
pub(crate) use self::rates::rates;
use self::tiles::{BLOCK, Points, QueryTiles, TILE, Tile};
use super::batch::{NOTHING, TASK};
use super::leaf::{LEAF, NONE};
use super::neighbors::Lists;
use super::{KdTree, Neighbors, Queries, WeightedKdTree};
use crate::gpu::{Buffer, Kernel, Work};
use crate::{Cost, Gpu, Result};

/// Most scores per query that the device is asked for.
pub(super) const MOST: usize = 16;

/// Tiles scanned and blocks opened by a tile of queries before it is left to the tree: ten times what ordinary clouds
/// need. Without an end, points that are all tied would be looked at by every query.
const PATIENCE: u32 = 512;

/// Queries that are brought to the device at a time.
const BATCH: usize = 1 << 20;

/// Pairs that a tile of queries is expected to look at, tiles and boxes together.
const PAIRS: f64 = (TILE * TILE * 32) as f64;

/// Where more than this share of the queries is left to the tree, it searches for all of them, eight at a time.
const LEFT: f64 = 0.25;

/// What is looked for: the lowest squared distances, or the lowest reduced costs.
#[derive(Clone, Copy)]
pub(super) struct Sought<'a> {
    pub tree: &'a KdTree,
    pub weighted: Option<&'a WeightedKdTree<'a>>,
}

impl Sought<'_> {
    fn cost(&self) -> Cost {
        self.weighted.map_or(Cost::SquaredEuclidean, |weighted| weighted.cost)
    }

    /// What the tree finds for one query: scores and indices.
    fn searched(&self, query: &Point3<f64>, k: usize) -> Vec<(f64, u32)> {
        match self.weighted {
            None => {
                let found = self.tree.nearest_k(query, k).into_iter();
                found.map(|found| (found.distance_squared, found.index as u32)).collect()
            }
            Some(weighted) => {
                let found = weighted.lowest_k(query, k).into_iter();
                found.map(|found| (found.value, found.index as u32)).collect()
            }
        }
    }

    /// The score and the index of a point at its place among all leaves, to the bit what the tree computes.
    fn score(&self, query: &Point3<f64>, place: usize) -> (f64, u32) {
        let leaf = &self.tree.leaves[place / LEAF];
        let [x, y, z] = [0, 1, 2].map(|axis| leaf.position[axis][place % LEAF] - query[axis]);
        let squared = x * x + y * y + z * z;
        let score = match self.weighted {
            None => squared,
            Some(weighted) => {
                let cost = if weighted.cost == Cost::Euclidean { squared.sqrt() } else { squared };
                cost - weighted.weights[place / LEAF][place % LEAF]
            }
        };
        (score, leaf.index[place % LEAF])
    }
}

/// The `k` lowest scores of all queries.
pub(super) struct Found {
    /// `k` scores and indices for every place among the leaves of queries; index [`NONE`] where there are fewer.
    pub rows: Vec<(f64, u32)>,
    /// Queries that were left to the tree.
    pub left: usize,
}

impl Found {
    /// The same as lists in the order of the leaves, as a search without a device leaves them.
    pub fn into_lists<T: Copy + Send + Sync>(
        self,
        queries: Queries,
        k: usize,
        answer: impl Fn((f64, u32)) -> T + Sync,
    ) -> Neighbors<T> {
        let task = |rows: &[(f64, u32)]| {
            let mut lists = Lists::default();
            for list in rows.chunks(k) {
                lists.push(list.iter().filter(|row| row.1 != NONE).copied().map(&answer));
            }
            lists
        };
        let tasks = self.rows.par_chunks(TASK * k).map(task).collect();
        Neighbors { places: queries.places.into_owned(), tasks, lists: TASK }
    }
}

/// What the kernel is told.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Part {
    first: u32,
    blocks: u32,
    place: u32,
    fresh: u32,
    length: f32,
    weight: f32,
    blur: f32,
    patience: u32,
}

/// Length of the lists for `k` answers: there must be a few more, or nearly tied points leave no decision.
fn kept(k: usize) -> usize {
    match k {
        0..=1 => 4,
        2..=4 => 8,
        5..=8 => 12,
        _ => 20,
    }
}

/// The `lowest` kernel for `k` answers.
fn kernel(k: usize, cost: Cost) -> Kernel {
    const CONSTANTS: [[&[(&str, f64)]; 2]; 4] = [
        [&[("KEPT", 4.0), ("EUCLIDEAN", 0.0)], &[("KEPT", 4.0), ("EUCLIDEAN", 1.0)]],
        [&[("KEPT", 8.0), ("EUCLIDEAN", 0.0)], &[("KEPT", 8.0), ("EUCLIDEAN", 1.0)]],
        [&[("KEPT", 12.0), ("EUCLIDEAN", 0.0)], &[("KEPT", 12.0), ("EUCLIDEAN", 1.0)]],
        [&[("KEPT", 20.0), ("EUCLIDEAN", 0.0)], &[("KEPT", 20.0), ("EUCLIDEAN", 1.0)]],
    ];
    let row = kept(k).min(16) / 4 - 1;
    let constants = CONSTANTS[row][usize::from(cost == Cost::Euclidean)];
    Kernel { source: barrow_shaders::LOWEST, entry: "lowest", constants }
}

/// A part of the points on the device.
struct Uploaded {
    blocks: Buffer,
    tiles: Buffer,
    points: Buffer,
    count: usize,
    place: usize,
}

/// The `k` lowest scores of every query, found with a device; `None` where single precision has too little to say about
/// these clouds or weights, and the tree should be asked.
///
/// # Errors
/// What can go wrong on a device.
pub(super) fn lowest_k(sought: Sought, queries: &Queries, k: usize, gpu: &Gpu) -> Result<Option<Found>> {
    let k = k.min(sought.tree.len);
    if k == 0 || k > MOST || queries.leaves.is_empty() || sought.tree.leaves.is_empty() {
        return Ok(None);
    }
    let Some((frame, raised)) = prepared(&sought, queries) else { return Ok(None) };
    let points = Points::new(sought.tree, sought.weighted, &frame, &raised);
    let parts = upload(&points, gpu)?;
    let (lists, batch) = (kept(k) / 4, batch(k, gpu));
    let mut found = Found { rows: Vec::with_capacity(queries.leaves.len() * LEAF * k), left: 0 };
    for leaves in queries.leaves.chunks(batch) {
        let asked = QueryTiles::new(&sought, leaves, &frame, &raised, &points);
        let (values, found_at) = ask(&asked, &parts, &frame, &raised, k, sought.cost(), gpu)?;
        let begin = found.rows.len();
        found.rows.resize(begin + leaves.len() * LEAF * k, NOTHING);
        let rows = &mut found.rows[begin..];
        let decided = |place: usize, row: &mut [(f64, u32)]| {
            let query = leaves[place / LEAF].point(place % LEAF);
            let list = place * lists..(place + 1) * lists;
            let candidates = (values[list.clone()].as_flattened(), found_at[list].as_flattened());
            let floor = frame.floor(&raised, asked.tiles[place / TILE].highest, &query);
            leaves[place / LEAF].index[place % LEAF] == NONE
                || list::decide(&sought, &query, candidates, &points.places, floor, row)
        };
        let all = rows.par_chunks_mut(k).enumerate();
        let left: Vec<_> =
            all.filter_map(|(place, row)| (!decided(place, row)).then_some((place, row))).collect();
        found.left += left.len();
        if left.len() as f64 > LEFT * (leaves.len() * LEAF) as f64 && left.len() > TILE {
            return Ok(None);
        }
        left.into_par_iter().for_each(|(place, row)| {
            let query = leaves[place / LEAF].point(place % LEAF);
            row.fill(NOTHING);
            row.iter_mut().zip(sought.searched(&query, k)).for_each(|(row, found)| *row = found);
        });
    }
    Ok(Some(found))
}

/// The frame of a search and the weights in it, if single precision has something to say about them.
fn prepared(sought: &Sought, queries: &Queries) -> Option<(Frame, Raised)> {
    let frame = Frame::around(sought, &queries.leaves)?;
    let raised = match sought.weighted {
        None => Raised::none(sought.tree),
        Some(weighted) => Raised::new(weighted, &frame)?,
    };
    Some((frame, raised))
}

/// Leaves of queries that are brought to the device at a time.
fn batch(k: usize, gpu: &Gpu) -> usize {
    let most = gpu.capacity::<[f32; 4]>() / (kept(k) / 4) / TILE;
    TILE / LEAF * most.min(gpu.capacity::<Tile>()).clamp(1, BATCH / TILE)
}

/// Lists of queries as the kernel leaves them: scores, and places among the positions of the points.
type Raw = (Vec<[f32; 4]>, Vec<[u32; 4]>);

/// Queries on the device, with room for their lists.
struct Asked {
    tiles: Buffer,
    positions: Buffer,
    values: Buffer,
    places: Buffer,
    groups: usize,
    rows: usize,
}

impl Asked {
    fn new(queries: &QueryTiles, k: usize, gpu: &Gpu) -> Result<Self> {
        let rows = queries.positions.len() * kept(k) / 4;
        Ok(Self {
            tiles: gpu.upload(&queries.tiles)?,
            positions: gpu.upload(&queries.positions)?,
            values: gpu.zeros::<[f32; 4]>(rows)?,
            places: gpu.zeros::<[u32; 4]>(rows)?,
            groups: queries.tiles.len(),
            rows,
        })
    }

    /// Takes the queries over all parts of the points.
    fn run(
        &self,
        work: &mut Work,
        parts: &[Uploaded],
        (frame, raised): (&Frame, &Raised),
        kernel: &Kernel,
    ) -> Result<()> {
        for (index, part) in parts.iter().enumerate() {
            let parameters = |first| Part {
                first,
                blocks: part.count as u32,
                place: part.place as u32,
                fresh: u32::from(index == 0),
                length: tiles::LENGTH as f32,
                weight: raised.unit as f32,
                blur: frame.blur as f32,
                patience: PATIENCE,
            };
            let Self { tiles, positions, values, places, .. } = self;
            let buffers = [tiles, positions, &part.blocks, &part.tiles, &part.points, values, places];
            work.run_in_parts(kernel, parameters, &buffers, self.groups, self.groups as f64 * PAIRS)?;
        }
        Ok(())
    }
}

/// The device's lists for some queries.
fn ask(
    queries: &QueryTiles,
    parts: &[Uploaded],
    frame: &Frame,
    raised: &Raised,
    k: usize,
    cost: Cost,
    gpu: &Gpu,
) -> Result<Raw> {
    let asked = Asked::new(queries, k, gpu)?;
    let mut work = Work::new(gpu);
    asked.run(&mut work, parts, (frame, raised), &kernel(k, cost))?;
    work.finish()?;
    Ok((gpu.download(&asked.values, asked.rows)?, gpu.download(&asked.places, asked.rows)?))
}

/// The points in parts that fit into buffers, whole blocks each.
fn upload(points: &Points, gpu: &Gpu) -> Result<Vec<Uploaded>> {
    let most = (gpu.capacity::<[f32; 4]>() / BLOCK).min(gpu.capacity::<Tile>() / TILE).max(1);
    let parts = points.blocks.chunks(most).enumerate();
    let part = |(index, blocks): (usize, &[Tile])| {
        let first = index * most;
        let some = first * BLOCK..((first + blocks.len()) * BLOCK).min(points.positions.len());
        Ok(Uploaded {
            blocks: gpu.upload(blocks)?,
            tiles: gpu.upload(&points.tiles[first * TILE..(first + blocks.len()) * TILE])?,
            points: gpu.upload(&points.positions[some])?,
            count: blocks.len(),
            place: first * BLOCK,
        })
    };
    parts.map(part).collect()
}
