//! What a device can do at most.

/// Rounds of 32 operations of one kind a thread, in 16 independent chains: a ← a/2 + 0.3, or with the overridable
/// constant `POWERS` a ← 2^−a.
///
/// Both have fixed points, 0.6 and 0.641…, which sixteen times over is what every thread writes. Its twin is `peak_rate`
/// in `barrow-geometry`'s `gpu/rate.rs`.
///
/// Entry point `peak_rate`, workgroups of 256.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | `first: u32, rounds: u32, padding: 2 × u32` |
/// | 0, 1 | storage, write | `f32` for every thread |
pub const PEAK: &str = include_str!("peak.wgsl");

/// Sixteen bytes a thread, as they are. Its twin `peak_copy` is in `barrow-geometry`'s `gpu/rate.rs`.
///
/// Entry point `peak_copy`, workgroups of 256.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | `first: u32, padding: 7 × u32` |
/// | 0, 1 | storage, read | `vec4<u32>` for every thread |
/// | 0, 2 | storage, write | the same |
pub const COPY: &str = include_str!("copy.wgsl");
