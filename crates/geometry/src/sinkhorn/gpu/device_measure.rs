//! A measure on the device, in parts that fit into its buffers.
//!
//! Points go up once, as offsets from the centres of their tiles: 24 bits of a tile's size each. Which unit they are
//! measured in changes with ε, so that costs over ε are bits; the centres then go to a grid of 2⁻⁸ of that unit, on
//! which the device computes with whole numbers.

use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;

use super::bits::Bits;
use super::kernels::{POINTS, SCALE, Scale};
use super::layout::{Group, Layout, Tile};
use crate::Result;
use crate::gpu::{Buffer, Gpu, Work};
use crate::sinkhorn::tiles::{MASKED, Slab, TILE, TiledMeasure};

/// Units of the grid in one unit of length.
const GRID: f64 = 256.0;

/// What the boxes grow by for all that is rounded.
const GROWTH: f64 = 1.0 + 1e-6;

/// A tile or group, as in `nodes.wgsl`.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct DeviceNode {
    pub center: [i32; 3],
    pub first: u32,
    half: [f32; 3],
    thickness: f32,
    normal: [f32; 3],
    pub count: f32,
    pub tilt: [i32; 3],
    pub top: i32,
}

/// What scores of a tile of rows are relative to, as in `nodes.wgsl`.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct DeviceAim {
    pub focus: [i32; 3],
    pub anchor: i32,
    part: f32,
    padding: [f32; 7],
}

/// Consecutive tiles of a measure, with what the kernels know of them. A tile has room for 32 points, taken or not.
pub(super) struct Part {
    tiles: Vec<Tile>,
    groups: Vec<Group>,
    /// In local units, and log₂ of the weights.
    offsets: Buffer,
    shifts: Buffer,
    /// In units in which costs over ε are bits.
    pub points: Buffer,
    pub columns: Buffer,
    pub nodes: Buffer,
    pub aims: Buffer,
    pub potentials: Buffer,
    pub softmins: Buffer,
    /// What the potential was made of before it was extrapolated.
    pub images: Buffer,
    /// The potentials at the end of the last ε.
    pub trail: Buffer,
    /// What rows have summed up between parts of the columns.
    pub states: Buffer,
    /// A number for every workgroup.
    pub sums: Buffer,
}

/// A measure on the device.
pub(super) struct DeviceMeasure {
    pub parts: Vec<Part>,
    /// Number of points.
    len: usize,
}

impl DeviceMeasure {
    /// Brings the points of a measure to the device, in tiles that reach no farther than `reach` from their centres.
    pub fn new(gpu: &Gpu, measure: &TiledMeasure, reach: f64) -> Result<Self> {
        let Layout { tiles, groups } = Layout::new(measure, reach);
        // Groups are no more than tiles, and stand beside them.
        let most = (gpu.capacity::<[f32; 4]>() / TILE).min(gpu.capacity::<DeviceNode>() / 2);
        let mut parts = Vec::new();
        let mut tiles = tiles.into_iter();
        let mut groups = groups.into_iter().peekable();
        while let Some(&Group { first: start, .. }) = groups.peek() {
            let (mut mine, mut count) = (Vec::new(), 0);
            while let Some(group) = groups.next_if(|group| mine.is_empty() || count + group.tiles <= most) {
                count += group.tiles;
                mine.push(Group { first: group.first - start, ..group });
            }
            parts.push(Part::new(gpu, measure, tiles.by_ref().take(count).collect(), mine)?);
        }
        Ok(Self { parts, len: measure.len() })
    }

    /// Tiles of all parts.
    pub fn tiles(&self) -> usize {
        self.parts.iter().map(Part::tiles).sum()
    }

    /// Measures everything in another unit: `factor` of them are one of the measure's.
    pub fn scale(&self, gpu: &Gpu, work: &mut Work, factor: f64) -> Result<()> {
        for part in &self.parts {
            let at: Vec<(DeviceNode, [f32; 4])> =
                part.tiles.par_iter().map(|tile| placed(&tile.slab, factor)).collect();
            let tiles = at.iter().map(|&(node, _)| DeviceNode { count: 1.0, ..node });
            let groups = part.groups.iter().map(|group| DeviceNode {
                first: group.first as u32,
                count: group.tiles as f32,
                ..placed(&group.slab, factor).0
            });
            let nodes: Vec<DeviceNode> = tiles.chain(groups).collect();
            let shifts: Vec<[f32; 4]> = at.iter().map(|&(_, shift)| shift).collect();
            gpu.write(&part.nodes, &nodes)?;
            gpu.write(&part.shifts, &shifts)?;
            let points = part.room() as u32;
            let parameters = |first| Scale { first, points, factor: factor as f32, padding: 0 };
            let buffers = [&part.offsets, &part.shifts, &part.points];
            let groups = part.room().div_ceil(POINTS);
            work.run_in_parts(&SCALE, parameters, &buffers, groups, part.room() as f64)?;
        }
        Ok(())
    }

    /// Replaces the potentials, given in bits in the order of the processor's layout.
    pub fn set_potentials(&self, gpu: &Gpu, potential: impl Fn(usize) -> f64 + Sync) -> Result<()> {
        for part in &self.parts {
            let bits: Vec<Bits> = part
                .tiles
                .par_iter()
                .flat_map_iter(|tile| tile.padded())
                .map(|index| potential(index).into())
                .collect();
            gpu.write(&part.potentials, &bits)?;
        }
        Ok(())
    }

    /// One item for every point, brought back into the order of the processor's layout.
    pub fn download<T: Pod>(&self, gpu: &Gpu, of: impl Fn(usize, &Part) -> Buffer) -> Result<Vec<T>> {
        let mut values = vec![T::zeroed(); self.len];
        for (place, part) in self.parts.iter().enumerate() {
            let items: Vec<T> = gpu.download(&of(place, part), part.room())?;
            for (tile, items) in part.tiles.iter().zip(items.chunks(TILE)) {
                for (&index, &item) in tile.points.iter().zip(items) {
                    values[index] = item;
                }
            }
        }
        Ok(values)
    }
}

impl Tile {
    /// The points, and the last one again as often as there is room.
    fn padded(&self) -> impl Iterator<Item = usize> {
        let last = self.points.len() - 1;
        (0..TILE).map(move |place| self.points[place.min(last)])
    }
}

impl Part {
    fn new(gpu: &Gpu, measure: &TiledMeasure, tiles: Vec<Tile>, groups: Vec<Group>) -> Result<Self> {
        let room = tiles.len() * TILE;
        let offsets = |tile: &Tile| -> Vec<[f32; 4]> {
            let offset = |(place, index): (usize, usize)| {
                let offset = (measure.point(index) - tile.slab.center).map(|value| value as f32);
                let weight = if place < tile.points.len() { measure.log2_weights[index] } else { MASKED };
                [offset.x, offset.y, offset.z, weight as f32]
            };
            tile.padded().enumerate().map(offset).collect()
        };
        let offsets: Vec<[f32; 4]> = tiles.par_iter().flat_map_iter(offsets).collect();
        Ok(Self {
            offsets: gpu.upload(&offsets)?,
            shifts: gpu.zeros::<[f32; 4]>(tiles.len())?,
            points: gpu.zeros::<[f32; 4]>(room)?,
            columns: gpu.zeros::<[f32; 4]>(room)?,
            nodes: gpu.zeros::<DeviceNode>(tiles.len() + groups.len())?,
            aims: gpu.zeros::<DeviceAim>(tiles.len())?,
            potentials: gpu.zeros::<Bits>(room)?,
            softmins: gpu.zeros::<Bits>(room)?,
            images: gpu.zeros::<Bits>(room)?,
            trail: gpu.zeros::<Bits>(room)?,
            states: gpu.zeros::<[f32; 2]>(room)?,
            sums: gpu.zeros::<f32>(room.div_ceil(POINTS))?,
            groups,
            tiles,
        })
    }

    /// The points of some tiles, each with its place on the device.
    #[cfg(test)]
    pub fn tile_points(&self, tiles: std::ops::Range<usize>) -> Vec<(usize, usize)> {
        let first = tiles.start;
        let points = |(tile, of): (usize, &Tile)| -> Vec<(usize, usize)> {
            of.points
                .iter()
                .enumerate()
                .map(|(place, &index)| ((first + tile) * TILE + place, index))
                .collect()
        };
        self.tiles[tiles].iter().enumerate().flat_map(points).collect()
    }

    /// Number of tiles.
    pub fn tiles(&self) -> usize {
        self.tiles.len()
    }

    /// Number of groups.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Points that the tiles have room for.
    pub fn room(&self) -> usize {
        self.tiles.len() * TILE
    }
}

/// A tile or group in other units, and how far its centre on the grid is from where it would be.
fn placed(slab: &Slab, factor: f64) -> (DeviceNode, [f32; 4]) {
    let center = slab.center.coords * factor;
    let grid = center.map(|value| (value * GRID).round());
    let shift = grid / GRID - center;
    let half = (slab.half * factor + shift.abs()) * GROWTH;
    // The narrowed normal is turned by a few roundoffs.
    let thickness = (slab.thickness * factor + slab.normal.dot(&shift).abs()) * GROWTH + 1e-6 * half.norm();
    let node = DeviceNode {
        center: grid.map(|value| value as i32).into(),
        first: 0,
        half: half.map(|value| (value * GROWTH) as f32 + f32::MIN_POSITIVE).into(),
        thickness: thickness as f32,
        normal: slab.normal.map(|value| value as f32).into(),
        count: 0.0,
        tilt: [0; 3],
        top: 0,
    };
    let shift = shift.map(|value| value as f32);
    (node, [shift.x, shift.y, shift.z, 0.0])
}
