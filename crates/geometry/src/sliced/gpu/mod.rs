//! Sliced transport on a device: clouds go up once, a few numbers per direction come down.
//!
//! Directions are taken in batches. All directions of a batch share every dispatch: one projects, twelve sort each
//! side by four digits of eight bits, one sums costs, block by block. What the blocks sum to is put together on the
//! host, in double precision and in order.

mod cost;
mod grid;
mod sort;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twins;

use nalgebra::{Unit, Vector3};

use self::cost::{CostPart, QuantileCost};
use self::grid::{Grid, Projector};
use self::sort::Sorter;
use super::cost::Power;
use super::pair::require_power;
use super::{Sliced, SlicedDistance, average};
use crate::frame::Frame;
use crate::gpu::{Gpu, Work};
use crate::{Error, Measure, Result};

/// Keys of one block, with which one workgroup is busy: `BLOCK` of the shaders.
const BLOCK: usize = 4096;

/// Keys of a batch on either side, unless one direction has more: enough to fill any device, in 64 MiB.
const KEYS: usize = 1 << 24;

/// Points of a cloud, at most: twice as many, positive or negative, must fit into 32 bits.
const POINTS: usize = 1 << 30;

/// Costs that wait on the device, at most, before they are brought down.
const WAITING: usize = 1 << 22;

/// Below this part of the size of the clouds a distance is left to the CPU's exact positions. Keys are off by less
/// than 2⁻³¹ of the size, which by the triangle inequality is at most 5·10⁻⁶ of a larger distance.
const FINE: f64 = 2e-4;

/// The distance, or nothing where points have weights, or where it is too small beside the clouds for keys of 32 bits.
pub(super) fn distance(
    options: &Sliced,
    source: &Measure,
    target: &Measure,
    gpu: &Gpu,
) -> Result<Option<SlicedDistance>> {
    let drawn = options.draw()?;
    let p = require_power(options.p)?;
    if !source.is_uniform() || !target.is_uniform() {
        return Ok(None);
    }
    let frame = Frame::around(source, target, 0.0);
    let powers = powers(&drawn.directions, source, target, &frame, p, gpu)?;
    let distance = average(&powers, drawn.groups, p, frame.scale);
    Ok((distance.value > FINE * frame.extent).then_some(distance))
}

/// W_p^p along every direction, in local units.
fn powers(
    directions: &[Unit<Vector3<f64>>],
    source: &Measure,
    target: &Measure,
    frame: &Frame,
    p: f64,
    gpu: &Gpu,
) -> Result<Vec<Power>> {
    // The order of the sides does not matter to a cost.
    let [larger, smaller] = if source.len() < target.len() { [target, source] } else { [source, target] };
    let sizes = [larger.len(), smaller.len()];
    if sizes[0] > POINTS {
        let (needed, limit) = (sizes[0] as u64, POINTS as u64);
        return Err(Error::DeviceLimit { what: "points of a cloud", needed, limit });
    }
    let batch = batch(gpu, sizes[0]).min(directions.len());
    let grid = Grid::around([larger, smaller], frame);
    let projectors = [
        Projector::new(gpu, &grid.columns(larger, frame), batch)?,
        Projector::new(gpu, &grid.columns(smaller, frame), batch)?,
    ];
    let sorter = Sorter::new(gpu, sizes[0], batch)?;
    let quantiles = QuantileCost::new(gpu, sizes, p)?;
    let mut costs = Vec::with_capacity(directions.len());
    let mut pending = Pending { gpu, buffers: Vec::new(), parts: 0, blocks: sizes[0].div_ceil(BLOCK), p };
    let mut work = Work::new(gpu);
    for directions in directions.chunks(batch) {
        let factors: Vec<_> = directions.iter().map(|direction| grid.factors(direction)).collect();
        let uploaded = gpu.upload(&factors.iter().map(|factors| factors.words).collect::<Vec<_>>())?;
        for (projector, size) in projectors.iter().zip(sizes) {
            projector.run(&mut work, &uploaded, directions.len())?;
            sorter.run(&mut work, &projector.keys, size, directions.len())?;
        }
        let parts = gpu.zeros::<CostPart>(directions.len() * pending.blocks)?;
        quantiles.run(&mut work, [&projectors[0].keys, &projectors[1].keys], &parts, directions.len())?;
        pending.push(parts, factors.iter().map(|factors| factors.step).collect());
        if pending.parts > WAITING {
            std::mem::replace(&mut work, Work::new(gpu)).finish()?;
            pending.collect(quantiles.masses(), &mut costs)?;
        }
    }
    work.finish()?;
    pending.collect(quantiles.masses(), &mut costs)?;
    Ok(costs)
}

/// Directions of a batch, at least one: whether one fits is told by its buffers.
fn batch(gpu: &Gpu, points: usize) -> usize {
    let blocks = points.div_ceil(BLOCK);
    let fitting = [
        KEYS / points,
        gpu.capacity::<u32>() / points,
        gpu.capacity::<u32>() / (blocks * sort::VALUES),
        gpu.capacity::<CostPart>() / blocks,
        gpu.capacity::<[u32; 4]>(),
    ];
    fitting.into_iter().min().unwrap_or_default().max(1)
}

/// Costs that are still on the device.
struct Pending<'a> {
    gpu: &'a Gpu,
    /// The parts of a batch, and for each of its directions the length of a key's unit.
    buffers: Vec<(crate::gpu::Buffer, Vec<f64>)>,
    parts: usize,
    blocks: usize,
    p: f64,
}

impl Pending<'_> {
    fn push(&mut self, buffer: crate::gpu::Buffer, steps: Vec<f64>) {
        self.parts += steps.len() * self.blocks;
        self.buffers.push((buffer, steps));
    }

    /// Brings them down; `masses` is how much mass counts as 1.
    fn collect(&mut self, masses: f64, powers: &mut Vec<Power>) -> Result<()> {
        self.parts = 0;
        for (buffer, steps) in std::mem::take(&mut self.buffers) {
            let parts: Vec<CostPart> = self.gpu.download(&buffer, steps.len() * self.blocks)?;
            let directions = parts.chunks(self.blocks).zip(steps);
            powers.extend(directions.map(|(parts, step)| cost::total(parts, self.p, step, masses)));
        }
        Ok(())
    }
}
