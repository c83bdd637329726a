//! The cost of transport along directions, from sorted keys.

use bytemuck::{Pod, Zeroable};

use super::BLOCK;
use crate::Result;
use crate::gpu::{Buffer, Gpu, Kernel, Work};
use crate::sliced::cost::Power;

pub(super) const QUANTILE: Kernel =
    Kernel { source: barrow_shaders::QUANTILE_COST, entry: "quantile_cost", constants: &[] };

/// Largest whole power that differs from its neighbours in single precision: (1 − 2⁻²⁴)^(2³¹) is below 10⁻⁵⁵.
const HIGHEST: f64 = (1_u64 << 31) as f64;

/// What a block costs: Σ mass · (distance / largest)^p in units of keys.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct CostPart {
    pub largest: u32,
    pub sum: f32,
}

/// What the kernel is told.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct QuantileParameters {
    pub first: u32,
    pub larger: u32,
    pub smaller: u32,
    pub blocks: u32,
    pub whole: u32,
    pub rest: f32,
    pub padding: [u32; 2],
}

/// Costs of measures without weights.
pub(super) struct QuantileCost {
    starts: Buffer,
    parameters: QuantileParameters,
}

impl QuantileCost {
    /// For a larger and a smaller side.
    pub fn new(gpu: &Gpu, sizes: [usize; 2], p: f64) -> Result<Self> {
        let (whole, rest) = split(p);
        let [larger, smaller] = sizes.map(|size| size as u32);
        let blocks = sizes[0].div_ceil(BLOCK) as u32;
        let starts = gpu.upload(&starts(sizes))?;
        let parameters =
            QuantileParameters { first: 0, larger, smaller, blocks, whole, rest, padding: [0; 2] };
        Ok(Self { starts, parameters })
    }

    /// Sums what every block of every direction costs.
    pub fn run(&self, work: &mut Work, keys: [&Buffer; 2], parts: &Buffer, directions: usize) -> Result<()> {
        let parameters = |first| QuantileParameters { first, ..self.parameters };
        let buffers = [keys[0], keys[1], &self.starts, parts];
        let cost = 4.0 * self.parameters.larger as f64 * directions as f64;
        work.run_in_parts(&QUANTILE, parameters, &buffers, self.blocks() * directions, cost)
    }

    /// Blocks of a direction.
    pub fn blocks(&self) -> usize {
        self.parameters.blocks as usize
    }

    /// The total mass, in units of the kernel.
    pub fn masses(&self) -> f64 {
        f64::from(self.parameters.larger) * f64::from(self.parameters.smaller)
    }
}

/// Where every block of the larger side begins on the smaller: rank, and how far into that point, its mass being
/// the larger size.
pub(super) fn starts([larger, smaller]: [usize; 2]) -> Vec<[u32; 2]> {
    let (n, m) = (larger as u64, smaller as u64);
    (0..n).step_by(BLOCK).map(|index| [(index * m / n) as u32, (index * m % n) as u32]).collect()
}

/// A power as a whole number and what is left of it.
pub(super) fn split(p: f64) -> (u32, f32) {
    let p = p.min(HIGHEST);
    (p as u32, p.fract() as f32)
}

/// What a direction costs, from its blocks in order. `masses` is how much mass counts as 1.
pub(super) fn total(parts: &[CostPart], p: f64, step: f64, masses: f64) -> Power {
    let largest = parts.iter().map(|part| part.largest).max().unwrap_or_default();
    let sum: f64 = parts
        .iter()
        .map(|part| {
            let power = Power { largest: f64::from(part.largest), mean: f64::from(part.sum) };
            power.relative_to(f64::from(largest), p)
        })
        .sum();
    Power { largest: f64::from(largest) * step, mean: sum / masses }
}
