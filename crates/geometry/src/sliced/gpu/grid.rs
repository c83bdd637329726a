//! Points and directions in whole numbers, and the kernel that brings them together.

use nalgebra::{Unit, Vector3};
use rayon::prelude::*;

use super::cloud::Cloud;
use crate::Result;
use crate::gpu::{Buffer, Gpu, Kernel, Work};

const PROJECT: Kernel =
    Kernel { source: barrow_shaders::PROJECT_KEYS, entry: "project_keys", constants: &[] };

/// Directions that a thread projects its point onto: `DIRECTIONS_AT_ONCE` of the shader.
const DIRECTIONS_AT_ONCE: usize = 8;

/// Steps from the centre of the box to its faces.
const STEPS: f64 = ((1_u32 << 31) - 1) as f64;

/// What the factors of a direction sum to, but for their rounding: with it no key overflows.
const WHOLE: f64 = ((1_u64 << 32) - 2) as f64;

/// A box around both clouds, divided into steps of its own along every axis.
///
/// A coordinate is `center + half · (X − 2³¹) / (2³¹ − 1)` with X of 32 bits, off by half a step at most.
pub(super) struct Grid {
    center: Vector3<f64>,
    half: Vector3<f64>,
}

/// A direction θ: the factors θₐ halfₐ / Σ |θ halves|, which sum to 1, as shares of [`WHOLE`].
///
/// The key of a point is Σ Fₐ Xₐ / 2³², to the nearest: a position along the direction is a constant plus `step · key`.
/// The point's rounding, the sum's and those of the three factors make at most 0.5 + 0.5 + 0.75 steps; a step is at
/// most 2⁻³² of the diagonal of the box.
#[derive(Debug, Clone, Copy)]
pub(super) struct Factors {
    /// Three magnitudes, then the signs: bit a is set where θₐ < 0.
    pub words: [u32; 4],
    /// Length of a key's unit, in local units.
    pub step: f64,
}

impl Grid {
    pub fn around(clouds: [&Cloud; 2]) -> Self {
        let points = clouds.into_par_iter().flat_map(|cloud| &cloud.points);
        // Exact, in whatever order.
        let (min, max) = points.map(|point| (*point, *point)).reduce(
            || (Vector3::repeat(f64::MAX), Vector3::repeat(f64::MIN)),
            |(min, max), (low, high)| (min.inf(&low), max.sup(&high)),
        );
        Self { center: (min + max) / 2.0, half: (max - min) / 2.0 }
    }

    /// Length of the diagonal of the box, in local units.
    pub fn diagonal(&self) -> f64 {
        2.0 * self.half.norm()
    }

    /// The points of a cloud, axis by axis.
    pub fn columns(&self, cloud: &Cloud) -> [Vec<u32>; 3] {
        let steps = self.half.map(|half| if half > 0.0 { STEPS / half } else { 0.0 });
        [0, 1, 2].map(|axis| {
            let column = cloud.points.par_iter().map(|point| {
                let exact = (point[axis] - self.center[axis]) * steps[axis];
                // At most 2³² − 1, and at least 1: a mirrored coordinate fits as well.
                (exact.round().clamp(-STEPS, STEPS) + STEPS + 1.0) as u32
            });
            column.collect()
        })
    }

    pub fn factors(&self, direction: &Unit<Vector3<f64>>) -> Factors {
        let reaches = direction.abs().component_mul(&self.half);
        let reach = reaches.sum();
        let mut words = [0; 4];
        for axis in 0..3 {
            if reach > 0.0 {
                words[axis] = (reaches[axis] / reach * WHOLE).round() as u32;
            }
            words[3] |= u32::from(direction[axis] < 0.0) << axis;
        }
        Factors { words, step: reach / STEPS * ((1_u64 << 32) as f64 / WHOLE) }
    }
}

/// A cloud on the device, and its keys along the directions of a batch: direction by direction, point by point.
pub(super) struct Projector {
    columns: [Buffer; 3],
    pub keys: Buffer,
    points: usize,
}

impl Projector {
    pub fn new(gpu: &Gpu, columns: &[Vec<u32>; 3], directions: usize) -> Result<Self> {
        let points = columns[0].len();
        let keys = gpu.zeros::<u32>(points * directions)?;
        let [x, y, z] = columns;
        Ok(Self { columns: [gpu.upload(x)?, gpu.upload(y)?, gpu.upload(z)?], keys, points })
    }

    /// Projects all points onto directions, at most as many as there is room for.
    pub fn run(&self, work: &mut Work, factors: &Buffer, directions: usize) -> Result<()> {
        let blocks = self.points.div_ceil(256);
        let [x, y, z] = &self.columns;
        let parameters = |first| [first, self.points as u32, blocks as u32, directions as u32];
        let groups = blocks * directions.div_ceil(DIRECTIONS_AT_ONCE);
        let cost = 2.0 * (self.points * directions) as f64;
        work.run_in_parts(&PROJECT, parameters, &[x, y, z, factors, &self.keys], groups, cost)
    }
}
