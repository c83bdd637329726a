//! Masses along directions, and the cost of transport between points with masses.

use bytemuck::{Pod, Zeroable};

use super::BLOCK;
use super::cost::{CostPart, split};
use crate::Result;
use crate::gpu::{Buffer, Gpu, Kernel, Work};

pub(super) const SUM: Kernel =
    Kernel { source: barrow_shaders::SUM_MASSES, entry: "sum_masses", constants: &[] };
pub(super) const CUMULATE: Kernel =
    Kernel { source: barrow_shaders::CUMULATE_MASSES, entry: "cumulate_masses", constants: &[] };
const WEIGHTED: Kernel =
    Kernel { source: barrow_shaders::WEIGHTED_COST, entry: "weighted_cost", constants: &[] };

/// The masses of a cloud on the device, and what they sum to along the directions of a batch.
pub(super) struct Weighing {
    masses: Buffer,
    pub sums: Buffer,
    /// The mass up to every point, itself included: direction by direction, rank by rank.
    pub cumulated: Buffer,
    points: usize,
}

impl Weighing {
    pub fn new(gpu: &Gpu, masses: &[u64], directions: usize) -> Result<Self> {
        let points = masses.len();
        let halves: Vec<_> = masses.iter().map(|&mass| halves(mass)).collect();
        Ok(Self {
            masses: gpu.upload(&halves)?,
            sums: gpu.zeros::<[u32; 2]>(points.div_ceil(BLOCK) * directions)?,
            cumulated: gpu.zeros::<[u32; 2]>(points * directions)?,
            points,
        })
    }

    /// Sums masses in the order of sorted points, given by their indices.
    pub fn run(&self, work: &mut Work, indices: &Buffer, directions: usize) -> Result<()> {
        self.sum(work, indices, directions)?;
        self.cumulate(work, indices, directions)
    }

    /// Sums the masses of every block.
    pub fn sum(&self, work: &mut Work, indices: &Buffer, directions: usize) -> Result<()> {
        self.over_blocks(work, &SUM, &[indices, &self.masses, &self.sums], directions, 3.0)
    }

    /// Sums masses up to every point, once those of blocks are known.
    pub fn cumulate(&self, work: &mut Work, indices: &Buffer, directions: usize) -> Result<()> {
        let buffers = [indices, &self.masses, &self.sums, &self.cumulated];
        self.over_blocks(work, &CUMULATE, &buffers, directions, 6.0)
    }

    fn over_blocks(
        &self,
        work: &mut Work,
        kernel: &Kernel,
        buffers: &[&Buffer],
        directions: usize,
        cost: f64,
    ) -> Result<()> {
        let blocks = self.points.div_ceil(BLOCK);
        let parameters = |first| [first, self.points as u32, blocks as u32, 0];
        let cost = cost * (self.points * directions) as f64;
        work.run_in_parts(kernel, parameters, buffers, blocks * directions, cost)
    }
}

/// What the kernel is told.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct WeightedParameters {
    first: u32,
    padding: u32,
    points: [u32; 2],
    blocks: [u32; 2],
    whole: u32,
    rest: f32,
}

/// Costs of measures with masses.
pub(super) struct WeightedCost {
    parameters: WeightedParameters,
}

impl WeightedCost {
    pub fn new(sizes: [usize; 2], p: f64) -> Self {
        let (whole, rest) = split(p);
        let [points, blocks] = [sizes, sizes.map(|size| size.div_ceil(BLOCK))]
            .map(|numbers| numbers.map(|number| number as u32));
        Self { parameters: WeightedParameters { first: 0, padding: 0, points, blocks, whole, rest } }
    }

    /// Blocks of a direction.
    pub fn blocks(&self) -> usize {
        self.parameters.blocks.iter().sum::<u32>() as usize
    }

    /// Sums what every block of every direction costs, from keys and cumulated masses of either side.
    pub fn run(
        &self,
        work: &mut Work,
        keys: [&Buffer; 2],
        cumulated: [&Buffer; 2],
        parts: &Buffer,
        directions: usize,
    ) -> Result<()> {
        let parameters = |first| WeightedParameters { first, ..self.parameters };
        let buffers = [keys[0], keys[1], cumulated[0], cumulated[1], parts];
        let points = self.parameters.points.iter().map(|&points| f64::from(points)).sum::<f64>();
        let cost = 30.0 * points * directions as f64;
        work.run_in_parts(&WEIGHTED, parameters, &buffers, self.blocks() * directions, cost)
    }
}

/// A number of 64 bits as the shaders see it: the lower half first.
pub(super) fn halves(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}

/// Checks that the layouts agree: a shader's structure is a multiple of its alignment.
const _: () = assert!(size_of::<WeightedParameters>() == 32 && size_of::<CostPart>() == 8);
