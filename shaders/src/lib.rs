//! WGSL kernels of barrow, as text.
//!
//! This crate has no dependencies and compiles nothing: a kernel is a constant, its bindings are documented
//! here, and its readable twin is a Rust function of the CPU engine with the same formula.

/// The soft minimum of a Sinkhorn half-step: one log-sum-exp per row, streamed over all columns.
///
/// In log₂ units, with κ = log₂(e)/ε and coordinates relative to a common centre,
///
/// ```text
/// out_i = log₂ Σ_j 2^( u_j + 2κ x_i·y_j ),    u_j = κ (g_j − |y_j|²) + log₂ b_j
/// ```
///
/// from which the potential follows on the host, f_i = |x_i|² − out_i / κ. Its twin is the single-precision kernel
/// in `barrow-geometry`'s `sinkhorn/block.rs` (`products` and `total`).
///
/// Entry point `softmin`, workgroups of 256, one thread per row: dispatch ⌈rows / 256⌉ groups.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | `rows: u32, columns: u32, padding: 2 × u32` |
/// | 0, 1 | storage, read | rows, `vec4<f32>` each: 2κ x_i, and a fourth component that is not read |
/// | 0, 2 | storage, read | columns, `vec4<f32>` each: y_j, u_j |
/// | 0, 3 | storage, write | one `f32` per row: out_i |
///
/// A column of weight zero has u_j = −10³⁰, which is far below any score yet safe to compute with. There must be at
/// least one column.
pub const SOFTMIN: &str = include_str!("softmin.wgsl");
