//! WGSL kernels of barrow, as text.
//!
//! This crate has no dependencies and compiles nothing: a kernel is a constant, its formula and bindings are documented
//! here, and its readable twin is a Rust function of the same name in `barrow-geometry`. Kernels number their workgroups
//! by `x + y · count of x`, from the `first` of their uniform on. They compute with 32-bit numbers and need nothing
//! that WebGPU does not promise: no subgroups, no 16-bit floats, no infinities, sums in a fixed order.

mod look;
mod lowest;
mod peak;
mod sinkhorn;
mod sliced;

pub use look::LOOK;
pub use lowest::LOWEST;
pub use peak::{COPY, PEAK};
pub use sinkhorn::{
    AIM, ANSWER, AVERAGE, EXTEND_TRAIL, EXTRAPOLATE, GROUP_PLANES, KEPT, MERGE_SPLITS, MISPLACED,
    RESCALE_POTENTIALS, ROW_MEANS, SCALE_OFFSETS, SOFTMIN, SOFTMIN_DENSE, SUM_UP, TILE_PLANES,
};
pub use sliced::{
    COUNT_DIGITS, CUMULATE_MASSES, PLACE_DIGITS, PROJECT_KEYS, QUANTILE_COST, SCATTER_KEYS, SCATTER_PAIRS,
    SUM_MASSES, WEIGHTED_COST,
};
