//! What the plan does with every row: one walk on the device, and one number of each kind for every point back.

use bytemuck::{Pod, Zeroable};
use nalgebra::Vector3;

use super::GpuEngine;
use super::bits::Bits;
use super::device_measure::DeviceMeasure;
use crate::Result;
use crate::gpu::{Buffer, Work};
use crate::sinkhorn::engine::{RowSummary, Side};
use crate::sinkhorn::problem::Cost;

/// Sums over the columns of a row, as in `row_means.wgsl`.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Summary {
    first: [f32; 3],
    square: f32,
    pull: [f32; 3],
    length: f32,
    reference: f32,
    sum: f32,
    padding: [f32; 2],
}

impl GpuEngine {
    /// Where a walk leaves what it sums up.
    pub(super) fn room_for_summaries(&self, rows: &DeviceMeasure) -> Result<Vec<Buffer>> {
        rows.parts.iter().map(|part| self.gpu.zeros::<Summary>(part.room())).collect()
    }

    /// The walk that sums up every row; columns are prepared and rows know what scores are relative to.
    pub(super) fn walk_means(
        &self,
        work: &mut Work,
        rows: &DeviceMeasure,
        columns: &DeviceMeasure,
        summaries: &[Buffer],
    ) -> Result<()> {
        self.walk(work, rows, columns, &self.kernels.row_means, |place, part| {
            [&part.softmins, &summaries[place]]
        })
    }

    /// Row sums of the plan and what they are of, on the device.
    pub(super) fn summarize_there(
        &self,
        rows: Side,
        potential: &[f64],
        epsilon: f64,
    ) -> Result<Vec<RowSummary>> {
        let kappa = std::f64::consts::LOG2_E / epsilon;
        let factor = self.cpu.cost.scale_of(kappa);
        let gpu = &self.gpu;
        let lay_out = |side: Side| -> Result<DeviceMeasure> {
            let measure = DeviceMeasure::new(gpu, self.cpu.measure(side), self.reaches[0])?;
            let mut work = Work::new(gpu);
            measure.scale(gpu, &mut work, factor)?;
            work.finish()?;
            Ok(measure)
        };
        let (row_measure, columns) = (lay_out(rows)?, lay_out(rows.opposite())?);
        columns.set_potentials(gpu, |index| kappa * potential[index])?;
        let mut work = Work::new(gpu);
        self.raise_planes(&mut work, &columns)?;
        self.aim(&mut work, &row_measure, &columns)?;
        let summaries = self.room_for_summaries(&row_measure)?;
        self.walk_means(&mut work, &row_measure, &columns, &summaries)?;
        work.finish()?;
        let softmins: Vec<Bits> = row_measure.download(gpu, |_, part| part.softmins.clone())?;
        let all: Vec<Summary> = row_measure.download(gpu, |place, _| summaries[place].clone())?;
        let measure = self.cpu.measure(rows);
        let summary = |(index, (summary, softmin)): (usize, (&Summary, &Bits))| {
            let sum = f64::from(summary.sum);
            let mean = |vector: [f32; 3]| Vector3::from(vector.map(f64::from)) / sum;
            let displacement = mean(summary.first) / factor;
            let square = f64::from(summary.square) / (sum * factor * factor);
            let cost = match self.cpu.cost {
                Cost::SquaredEuclidean => square,
                Cost::Euclidean => f64::from(summary.length) / (sum * factor),
            };
            RowSummary {
                log2_sum: -f64::from(*softmin),
                mean: measure.point(index).coords + displacement,
                spread: (square - displacement.norm_squared()).max(0.0),
                cost,
                pull: mean(summary.pull),
            }
        };
        Ok(all.iter().zip(&softmins).enumerate().map(summary).collect())
    }
}
