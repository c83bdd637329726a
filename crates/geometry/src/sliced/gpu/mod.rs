//! Sliced transport on a device: clouds go up once, a few numbers per direction come down.
//!
//! Directions are taken in batches. All directions of a batch share every dispatch: one projects, twelve sort each
//! side by four digits of eight bits, one sums costs, block by block. What the blocks sum to is put together on the
//! host, in double precision and in order.

mod cloud;
mod cost;
mod grid;
mod rates;
mod sort;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twins;
mod weighted;

use nalgebra::{Unit, Vector3};

use self::cloud::Cloud;
use self::cost::{CostPart, QuantileCost};
use self::grid::{Grid, Projector};
pub(crate) use self::rates::rates;
use self::sort::Sorter;
use self::weighted::{Weighing, WeightedCost};
use super::cost::Power;
use super::pair::require_power;
use super::{Sliced, SlicedDistance, average};
use crate::frame::Frame;
use crate::gpu::{Buffer, Gpu, Work};
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

/// Mass that may be lost to rounding, if it costs no more than this part of W_p^p.
const LOST: f64 = 1e-6;

/// The distance, or nothing where it is too small beside the clouds for keys of 32 bits or masses of 63.
pub(super) fn distance(
    options: &Sliced,
    source: &Measure,
    target: &Measure,
    gpu: &Gpu,
) -> Result<Option<SlicedDistance>> {
    let drawn = options.draw()?;
    let p = require_power(options.p)?;
    let points = source.len().max(target.len());
    if points > POINTS {
        let (needed, limit) = (points as u64, POINTS as u64);
        return Err(Error::DeviceLimit { what: "points of a cloud", needed, limit });
    }
    let frame = Frame::around(source, target, 0.0);
    let cloud = match source.is_uniform() && target.is_uniform() {
        true => Cloud::uniform,
        false => Cloud::weighted,
    };
    let (source, target) = (cloud(source, &frame), cloud(target, &frame));
    // The order of the sides does not matter to a cost.
    let swapped = source.points.len() < target.points.len();
    let [larger, smaller] = if swapped { [&target, &source] } else { [&source, &target] };
    let grid = Grid::around([larger, smaller]);
    let powers = powers(&drawn.directions, [larger, smaller], &grid, p, gpu)?;
    let distance = average(&powers, drawn.groups, p, frame.scale);
    let fine = distance.value > FINE * grid.diagonal() * frame.scale;
    // No mass moves farther than the extent, that of points left out included: what is lost changes W_p^p by at most
    // so much times its p-th power.
    let lost = (source.lost + target.lost).ln() + p * (frame.extent / distance.value).ln();
    Ok((fine && lost <= LOST.ln()).then_some(distance))
}

/// W_p^p along every direction, in local units.
fn powers(
    directions: &[Unit<Vector3<f64>>],
    clouds: [&Cloud; 2],
    grid: &Grid,
    p: f64,
    gpu: &Gpu,
) -> Result<Vec<Power>> {
    let sizes = clouds.map(|cloud| cloud.points.len());
    let weighted = clouds[0].masses.is_some();
    let batch = batch(gpu, sizes[0], weighted).min(directions.len());
    let sorter = match weighted {
        false => Sorter::new(gpu, sizes[0], batch)?,
        true => Sorter::with_indices(gpu, sizes[0], batch)?,
    };
    let sides = [Side::new(gpu, clouds[0], grid, batch)?, Side::new(gpu, clouds[1], grid, batch)?];
    let costs = Costs::new(gpu, sizes, weighted, p)?;
    let mut found = Found { gpu, p, costs: &costs, waiting: Vec::new(), powers: Vec::new() };
    let mut work = Work::new(gpu);
    for directions in directions.chunks(batch) {
        let factors: Vec<_> = directions.iter().map(|direction| grid.factors(direction)).collect();
        let uploaded = gpu.upload(&factors.iter().map(|factors| factors.words).collect::<Vec<_>>())?;
        for side in &sides {
            side.run(&mut work, &uploaded, &sorter, directions.len())?;
        }
        let parts = gpu.zeros::<CostPart>(directions.len() * costs.blocks())?;
        costs.run(&mut work, &sides, &parts, directions.len())?;
        found.waiting.push((parts, factors.iter().map(|factors| factors.step).collect()));
        if found.parts() > WAITING {
            std::mem::replace(&mut work, Work::new(gpu)).finish()?;
            found.collect()?;
        }
    }
    work.finish()?;
    found.collect()?;
    Ok(found.powers)
}

/// Directions of a batch, at least one: whether one fits is told by its buffers.
fn batch(gpu: &Gpu, points: usize, weighted: bool) -> usize {
    let blocks = points.div_ceil(BLOCK);
    let fitting = [
        KEYS / points,
        if weighted { gpu.capacity::<[u32; 2]>() } else { gpu.capacity::<u32>() } / points,
        gpu.capacity::<u32>() / (blocks * sort::VALUES),
        gpu.capacity::<CostPart>() / (2 * blocks),
        gpu.capacity::<[u32; 4]>(),
    ];
    fitting.into_iter().min().unwrap_or_default().max(1)
}

/// A cloud on the device, and what is known of it along the directions of a batch.
struct Side {
    projector: Projector,
    weighing: Option<Weighing>,
    points: usize,
}

impl Side {
    fn new(gpu: &Gpu, cloud: &Cloud, grid: &Grid, batch: usize) -> Result<Self> {
        let projector = Projector::new(gpu, &grid.columns(cloud), batch)?;
        let weighing = cloud.masses.as_ref().map(|masses| Weighing::new(gpu, masses, batch));
        Ok(Self { projector, weighing: weighing.transpose()?, points: cloud.points.len() })
    }

    /// Sorted keys along directions, and cumulated masses if there are any.
    fn run(&self, work: &mut Work, factors: &Buffer, sorter: &Sorter, directions: usize) -> Result<()> {
        self.projector.run(work, factors, directions)?;
        sorter.run(work, &self.projector.keys, self.points, directions)?;
        match (&self.weighing, sorter.indices()) {
            (Some(weighing), Some(indices)) => weighing.run(work, indices, directions),
            _ => Ok(()),
        }
    }
}

/// What sums the costs.
enum Costs {
    Quantile(QuantileCost),
    Weighted(WeightedCost),
}

impl Costs {
    fn new(gpu: &Gpu, sizes: [usize; 2], weighted: bool, p: f64) -> Result<Self> {
        Ok(match weighted {
            false => Self::Quantile(QuantileCost::new(gpu, sizes, p)?),
            true => Self::Weighted(WeightedCost::new(sizes, p)),
        })
    }

    /// Blocks of a direction.
    fn blocks(&self) -> usize {
        match self {
            Self::Quantile(costs) => costs.blocks(),
            Self::Weighted(costs) => costs.blocks(),
        }
    }

    /// The total mass, in units of the kernel.
    fn masses(&self) -> f64 {
        match self {
            Self::Quantile(costs) => costs.masses(),
            Self::Weighted(_) => 1.0,
        }
    }

    fn run(&self, work: &mut Work, [a, b]: &[Side; 2], parts: &Buffer, directions: usize) -> Result<()> {
        let keys = [&a.projector.keys, &b.projector.keys];
        match (self, &a.weighing, &b.weighing) {
            (Self::Weighted(costs), Some(a), Some(b)) => {
                costs.run(work, keys, [&a.cumulated, &b.cumulated], parts, directions)
            }
            (Self::Quantile(costs), ..) => costs.run(work, keys, parts, directions),
            (Self::Weighted(_), ..) => Ok(()),
        }
    }
}

/// Costs, found or still on the device.
struct Found<'a> {
    gpu: &'a Gpu,
    p: f64,
    costs: &'a Costs,
    /// The parts of a batch, and for each of its directions the length of a key's unit.
    waiting: Vec<(Buffer, Vec<f64>)>,
    powers: Vec<Power>,
}

impl Found<'_> {
    /// How many parts are still on the device.
    fn parts(&self) -> usize {
        self.waiting.iter().map(|(_, steps)| steps.len() * self.costs.blocks()).sum()
    }

    /// Brings down what is on the device.
    fn collect(&mut self) -> Result<()> {
        let blocks = self.costs.blocks();
        for (buffer, steps) in self.waiting.drain(..) {
            let parts: Vec<CostPart> = self.gpu.download(&buffer, steps.len() * blocks)?;
            let powers = parts
                .chunks(blocks)
                .zip(steps)
                .map(|(parts, step)| cost::total(parts, self.p, step, self.costs.masses()));
            self.powers.extend(powers);
        }
        Ok(())
    }
}
