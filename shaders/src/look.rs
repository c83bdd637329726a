//! What is seen.

/// Points as squares or pixels and lines of some width, moved by a pose, without what lies outside of a box.
///
/// Entry points `pixel`, `square`, `line` (vertices; the latter two as strips of four, one instance each) and `filled`
/// (fragments). A point is three `f32` and a color of four bytes (sRGB, opacity); a line is two points.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | `model, view: mat4x4<f32>`, `least, most: vec4<f32>`, `size: vec2<f32>`, `width: f32` |
pub const LOOK: &str = include_str!("look.wgsl");
