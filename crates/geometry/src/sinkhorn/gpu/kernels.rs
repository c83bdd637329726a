//! The kernels of a half-step and what they are told.

use bytemuck::{Pod, Zeroable};

use super::bits::Factor;
use crate::gpu::Kernel;
use crate::sinkhorn::problem::Cost;

/// Threads of the kernels that do one thing for every point.
pub(super) const POINTS: usize = 256;
/// Tiles of rows of a workgroup of the dense kernel, and tiles of columns that it brings in at once.
pub(super) const DENSE_TILES: usize = 8;
/// Groups that a workgroup makes planes for.
pub(super) const GROUPS: usize = 64;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Walk {
    pub first: u32,
    pub row_tiles: u32,
    pub tiles: u32,
    pub groups: u32,
    pub begins: u32,
    pub ends: u32,
    pub margin: f32,
    pub padding: u32,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Dense {
    pub first: u32,
    pub row_tiles: u32,
    pub tiles: u32,
    pub splits: u32,
    pub place: u32,
    pub padding: u32,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Merge {
    pub first: u32,
    pub points: u32,
    pub splits: u32,
    pub padding: u32,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Extend {
    pub first: u32,
    pub points: u32,
    pub part: f32,
    pub limit: f32,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Planes {
    pub first: u32,
    pub tiles: u32,
    pub groups: u32,
    pub padding: u32,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Scale {
    pub first: u32,
    pub points: u32,
    pub factor: f32,
    pub padding: u32,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Rescale {
    pub first: u32,
    pub points: u32,
    pub padding: [u32; 2],
    pub factor: Factor,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Reduce {
    pub count: u32,
    pub place: u32,
    pub adds: u32,
    pub padding: u32,
}

#[derive(Clone, Copy, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Improve {
    pub first: u32,
    pub points: u32,
    pub balance: u32,
    pub inertia: f32,
    pub step: f32,
    pub ratio: f32,
    pub limit: f32,
    pub translation: f32,
    pub damping: Factor,
}

/// The kernels that depend on the cost.
pub(super) struct Kernels {
    pub tile_planes: Kernel,
    pub group_planes: Kernel,
    pub aim: Kernel,
    pub softmin: Kernel,
    pub softmin_dense: Kernel,
    pub merge: Kernel,
    pub row_means: Kernel,
}

const fn kernel(source: &'static str, entry: &'static str) -> Kernel {
    Kernel { source, entry, constants: &[] }
}

pub(super) const SCALE: Kernel = kernel(barrow_shaders::SCALE_OFFSETS, "scale_offsets");
pub(super) const RESCALE: Kernel = kernel(barrow_shaders::RESCALE_POTENTIALS, "rescale_potentials");
pub(super) const EXTEND: Kernel = kernel(barrow_shaders::EXTEND_TRAIL, "extend_trail");
pub(super) const ANSWER: Kernel = kernel(barrow_shaders::ANSWER, "answer");
pub(super) const EXTRAPOLATE: Kernel = kernel(barrow_shaders::EXTRAPOLATE, "extrapolate");
pub(super) const AVERAGE: Kernel = kernel(barrow_shaders::AVERAGE, "average");
pub(super) const MISPLACED: Kernel = kernel(barrow_shaders::MISPLACED, "misplaced");
pub(super) const KEPT: Kernel = kernel(barrow_shaders::KEPT, "kept");
pub(super) const REDUCE: Kernel = kernel(barrow_shaders::SUM_UP, "sum_up");

impl Kernels {
    pub fn new(cost: Cost) -> Self {
        let constants: &'static [(&'static str, f64)] = match cost {
            Cost::SquaredEuclidean => &[("EUCLIDEAN", 0.0)],
            Cost::Euclidean => &[("EUCLIDEAN", 1.0)],
        };
        let of_cost = |source, entry| Kernel { source, entry, constants };
        Self {
            tile_planes: of_cost(barrow_shaders::TILE_PLANES, "tile_planes"),
            group_planes: of_cost(barrow_shaders::GROUP_PLANES, "group_planes"),
            aim: of_cost(barrow_shaders::AIM, "aim"),
            softmin: of_cost(barrow_shaders::SOFTMIN, "softmin"),
            softmin_dense: of_cost(barrow_shaders::SOFTMIN_DENSE, "softmin_dense"),
            merge: of_cost(barrow_shaders::MERGE_SPLITS, "merge_splits"),
            row_means: of_cost(barrow_shaders::ROW_MEANS, "row_means"),
        }
    }
}
