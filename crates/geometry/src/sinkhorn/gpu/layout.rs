//! A measure on the device: its tiles, under groups of up to 64 that are next to each other.
//!
//! Points go up once, as offsets from the centres of their tiles: 24 bits of a tile's size each. Which unit they are
//! measured in changes with ε, so that costs over ε are bits; the centres then go to a grid of 2⁻⁸ of that unit, on
//! which the device computes with whole numbers.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;

use super::bits::Bits;
use super::kernels::{POINTS, SCALE, Scale};
use crate::Result;
use crate::gpu::{Buffer, Gpu, Work};
use crate::sinkhorn::tiles::{Node, Slab, TILE, TiledMeasure};

/// Tiles of a group, at most: as many as a workgroup tests at once.
const GROUP: usize = 64;

/// Units of the grid in one unit of length.
const GRID: f64 = 256.0;

/// What the boxes grow by for all that is rounded.
const GROWTH: f64 = 1.0 + 1e-6;

/// A tile or group, as in `nodes.wgsl`.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct DeviceNode {
    center: [i32; 3],
    first: u32,
    half: [f32; 3],
    thickness: f32,
    normal: [f32; 3],
    count: f32,
    tilt: [i32; 3],
    top: i32,
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

/// Consecutive tiles of a measure that fit into buffers of the device.
pub(super) struct Part {
    pub tiles: Range<usize>,
    /// Nodes of the tree that are groups.
    groups: Vec<Node>,
    /// Numbers of points, padding included.
    pub points_count: usize,
    pub offsets: Buffer,
    shifts: Buffer,
    pub points: Buffer,
    pub columns: Buffer,
    pub nodes: Buffer,
    pub aims: Buffer,
    pub potentials: Buffer,
    pub softmins: Buffer,
    pub images: Buffer,
    pub states: Buffer,
    pub sums: Buffer,
}

impl Part {
    pub fn groups(&self) -> usize {
        self.groups.len()
    }
}

/// A measure on the device.
pub(super) struct DeviceMeasure {
    pub parts: Vec<Part>,
    /// Points, padding not counted.
    pub len: usize,
}

impl DeviceMeasure {
    /// Brings the points of a measure to the device.
    pub fn new(gpu: &Gpu, measure: &TiledMeasure) -> Result<Self> {
        let slabs = measure.tile_slabs();
        let most = gpu.capacity::<[f32; 4]>() / TILE;
        // Nodes are 64 bytes for every tile, and for groups at worst half as many.
        let most = most.min(2 * gpu.capacity::<DeviceNode>() / 3).max(1);
        let count = measure.tiles().div_ceil(most);
        let parts = (0..count).map(|part| {
            let tiles = part * measure.tiles() / count..(part + 1) * measure.tiles() / count;
            Part::new(gpu, measure, &slabs, tiles)
        });
        Ok(Self { parts: parts.collect::<Result<_>>()?, len: measure.len() })
    }

    /// Tiles of all parts.
    pub fn tiles(&self) -> usize {
        self.parts.iter().map(|part| part.tiles.len()).sum()
    }

    /// Measures everything in another unit: `factor` of them are one of the measure's.
    pub fn scale(&self, gpu: &Gpu, work: &mut Work, measure: &TiledMeasure, factor: f64) -> Result<()> {
        let slabs = measure.tile_slabs();
        for part in &self.parts {
            let placed: Vec<(DeviceNode, [f32; 4])> =
                slabs[part.tiles.clone()].par_iter().map(|slab| placed(slab, factor)).collect();
            let tiles = placed.iter().map(|&(node, _)| DeviceNode { count: 1.0, ..node });
            let groups = part.groups.iter().map(|group| DeviceNode {
                first: (group.first - part.tiles.start) as u32,
                count: group.tiles as f32,
                ..placed_group(&measure.slabs[group.index], factor)
            });
            let nodes: Vec<DeviceNode> = tiles.chain(groups).collect();
            let shifts: Vec<[f32; 4]> = placed.iter().map(|&(_, shift)| shift).collect();
            gpu.write(&part.nodes, &nodes)?;
            gpu.write(&part.shifts, &shifts)?;
            let points = part.points_count as u32;
            let parameters = |first| Scale { first, points, factor: factor as f32, padding: 0 };
            let buffers = [&part.offsets, &part.shifts, &part.points];
            let groups = part.points_count.div_ceil(POINTS);
            work.run_in_parts(&SCALE, parameters, &buffers, groups, part.points_count as f64)?;
        }
        Ok(())
    }

    /// Replaces the potentials, given in bits.
    pub fn set_potentials(&self, gpu: &Gpu, potential: impl Fn(usize) -> f64 + Sync) -> Result<()> {
        for part in &self.parts {
            let first = part.tiles.start * TILE;
            let last = self.len - 1;
            let bits: Vec<Bits> = (first..first + part.points_count)
                .into_par_iter()
                .map(|index| potential(index.min(last)).into())
                .collect();
            gpu.write(&part.potentials, &bits)?;
        }
        Ok(())
    }

    /// One number of bits for every point, brought back.
    pub fn download(&self, gpu: &Gpu, of: impl Fn(&Part) -> &Buffer) -> Result<Vec<f64>> {
        let mut values: Vec<f64> = Vec::with_capacity(self.tiles() * TILE);
        for part in &self.parts {
            let bits: Vec<Bits> = gpu.download(of(part), part.points_count)?;
            values.extend(bits.into_iter().map(f64::from));
        }
        values.truncate(self.len);
        Ok(values)
    }
}

impl Part {
    fn new(gpu: &Gpu, measure: &TiledMeasure, slabs: &[Slab], tiles: Range<usize>) -> Result<Self> {
        let points_count = tiles.len() * TILE;
        let offset = |index: usize| {
            let center = slabs[index / TILE].center;
            let axis = |axis: usize| (measure.axes[axis][index] - center[axis]) as f32;
            [axis(0), axis(1), axis(2), measure.log2_weights[index] as f32]
        };
        let offsets: Vec<[f32; 4]> =
            (tiles.start * TILE..tiles.end * TILE).into_par_iter().map(offset).collect();
        let groups = groups(measure.tiles(), &tiles);
        Ok(Self {
            offsets: gpu.upload(&offsets)?,
            shifts: gpu.zeros::<[f32; 4]>(tiles.len())?,
            points: gpu.zeros::<[f32; 4]>(points_count)?,
            columns: gpu.zeros::<[f32; 4]>(points_count)?,
            nodes: gpu.zeros::<DeviceNode>(tiles.len() + groups.len())?,
            aims: gpu.zeros::<DeviceAim>(tiles.len())?,
            potentials: gpu.zeros::<Bits>(points_count)?,
            softmins: gpu.zeros::<Bits>(points_count)?,
            images: gpu.zeros::<Bits>(points_count)?,
            states: gpu.zeros::<[f32; 2]>(points_count)?,
            sums: gpu.zeros::<f32>(points_count.div_ceil(POINTS))?,
            points_count,
            groups,
            tiles,
        })
    }
}

/// The largest nodes of the tree within a range of tiles that have no more of them than a group may.
fn groups(all: usize, tiles: &Range<usize>) -> Vec<Node> {
    let mut groups = Vec::new();
    let mut waiting = vec![Node::root(all)];
    while let Some(node) = waiting.pop() {
        let range = node.first..node.first + node.tiles;
        if range.end <= tiles.start || range.start >= tiles.end {
            continue;
        }
        if range.start >= tiles.start && range.end <= tiles.end && node.tiles <= GROUP {
            groups.push(node);
        } else {
            let [left, right] = node.children();
            waiting.extend([right, left]);
        }
    }
    groups
}

/// A tile in other units, and how far its centre on the grid is from where it would be.
fn placed(slab: &Slab, factor: f64) -> (DeviceNode, [f32; 4]) {
    let center = slab.center.coords * factor;
    let grid = center.map(|value| (value * GRID).round());
    let shift = grid / GRID - center;
    let half = (slab.half * factor + shift.abs()) * GROWTH;
    let normal = slab.normal.map(|value| value as f32);
    // The narrowed normal is turned by a few roundoffs.
    let thickness = (slab.thickness * factor + slab.normal.dot(&shift).abs()) * GROWTH + 1e-6 * half.norm();
    let node = DeviceNode {
        center: grid.map(|value| value as i32).into(),
        first: 0,
        half: half.map(|value| value as f32 * GROWTH as f32 + f32::MIN_POSITIVE).into(),
        thickness: thickness as f32,
        normal: normal.into(),
        count: 0.0,
        tilt: [0; 3],
        top: 0,
    };
    let shift = shift.map(|value| value as f32);
    (node, [shift.x, shift.y, shift.z, 0.0])
}

/// A group in other units. Its tiles' centres are themselves off by half a step of the grid.
fn placed_group(slab: &Slab, factor: f64) -> DeviceNode {
    placed(slab, factor).0
}
