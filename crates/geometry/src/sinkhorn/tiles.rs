//! A measure laid out for streaming: along a space-filling curve, cut into tiles with boxes.

use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

use crate::frame::Frame;
use crate::{Bounds, Measure};

/// Points in a tile. Enough rows to pay for preparing a tile of columns once per tile of rows.
pub(super) const TILE: usize = 128;

/// log₂ of the weight of a point that must not count: far below any score, yet safe to compute with.
pub(super) const MASKED: f64 = -1e30;

/// Bits of a Morton key per axis.
const BITS: u32 = 21;

/// A measure in local coordinates, in Morton order. Columns are padded to whole tiles with copies of the
/// last point that weigh nothing.
pub(super) struct TiledMeasure {
    /// Local coordinates, one padded column per axis.
    pub axes: [Vec<f64>; 3],
    /// log₂ of the weights, [`MASKED`] for weight zero and padding; padded.
    pub log2_weights: Vec<f64>,
    /// Weights, not padded.
    pub weights: Vec<f64>,
    /// Box of each tile, in local coordinates.
    pub boxes: Vec<Bounds>,
    /// Index that each point has for the caller.
    pub order: Vec<usize>,
}

impl TiledMeasure {
    /// Sorts a measure whose weights count `factor` times.
    pub fn new(measure: &Measure, factor: f64, frame: &Frame) -> Self {
        let mut sorted: Vec<(u64, usize)> = measure
            .positions()
            .par_iter()
            .enumerate()
            .map(|(index, point)| (morton(&frame.local(point)), index))
            .collect();
        sorted.par_sort_unstable();
        let order: Vec<usize> = sorted.into_iter().map(|(_, index)| index).collect();
        let points: Vec<Point3<f64>> =
            order.iter().map(|&index| frame.local(&measure.positions()[index]).into()).collect();
        let weights: Vec<f64> = order.iter().map(|&index| measure.weight(index) * factor).collect();
        let padded = order.len().next_multiple_of(TILE);
        let last = points[points.len() - 1];
        let axis = |axis: usize| {
            let mut column: Vec<f64> = points.iter().map(|point| point[axis]).collect();
            column.resize(padded, last[axis]);
            column
        };
        let mut log2_weights: Vec<f64> = weights.iter().map(|weight| weight.log2().max(MASKED)).collect();
        log2_weights.resize(padded, MASKED);
        Self {
            axes: [axis(0), axis(1), axis(2)],
            log2_weights,
            boxes: points.chunks(TILE).filter_map(Bounds::of).collect(),
            weights,
            order,
        }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// One point.
    pub fn point(&self, index: usize) -> Point3<f64> {
        Point3::new(self.axes[0][index], self.axes[1][index], self.axes[2][index])
    }

    /// Values in this order, brought into the caller's.
    pub fn restore<T: Copy + Default>(&self, values: &[T]) -> Vec<T> {
        let mut restored = vec![T::default(); values.len()];
        for (&index, &value) in self.order.iter().zip(values) {
            restored[index] = value;
        }
        restored
    }

    /// Values in the caller's order, brought into this one.
    pub fn arrange(&self, values: &[f64]) -> Vec<f64> {
        self.order.iter().map(|&index| values[index]).collect()
    }
}

/// Interleaved bits of the coordinates, each between −1 and 1.
fn morton(point: &Vector3<f64>) -> u64 {
    let cells = (1u64 << BITS) as f64;
    let cell = |value: f64| spread((((value + 1.0) * 0.5 * cells) as u64).min((1 << BITS) - 1));
    cell(point.x) << 2 | cell(point.y) << 1 | cell(point.z)
}

/// Puts two zero bits between neighbouring bits of a 21-bit number.
fn spread(value: u64) -> u64 {
    let value = (value | value << 32) & 0x001f_0000_0000_ffff;
    let value = (value | value << 16) & 0x001f_0000_ff00_00ff;
    let value = (value | value << 8) & 0x100f_00f0_0f00_f00f;
    let value = (value | value << 4) & 0x10c3_0c30_c30c_30c3;
    (value | value << 2) & 0x1249_2492_4924_9249
}
