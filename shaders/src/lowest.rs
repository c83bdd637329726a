//! The kernel of exact searches.

/// The k lowest costs minus weights of every query, and a little more: what a search is decided from.
///
/// ```text
/// score_ij = c(x_i, y_j) − w_j − allowance        c = |x − y|² or |x − y|
/// ```
///
/// for every query the `KEPT` points with the lowest scores, by increasing score. The allowance is above all that
/// rounding can have done, however a compiler orders the operations: **no score is above what exact arithmetic finds for
/// the coordinates before they were rounded.** So whatever is not in a list costs at least the list's last score.
///
/// A workgroup of 64 takes a tile of 64 queries and walks over tiles of 64 points, 64 of which make a block; each has a
/// box. With p a query relative to a box's centre, B the box around that centre, s the slope of an affine function that
/// the weights are bounded by, w(y) ≤ G + s·y,
///
/// ```text
/// |p − y|² − w(y) ≥ d(p + s/2, B)² − s·p − |s|²/4 − G
/// ```
///
/// Boxes whose bound, lowered likewise, is not below the last score of any query's list are passed over; the others are
/// looked at by increasing bound. Coordinates are relative to the centre of their tile, whose own are whole numbers: the
/// error of a difference is a part of 2²¹ of the size of the tiles and of the distance between them, wherever they are.
/// A workgroup that has scanned more than `patience` tiles gives up: the last score of its lists is −10³⁰.
///
/// Its twin in `barrow-geometry` is `lowest` of `kdtree/gpu/twin.rs`.
///
/// Entry point `lowest`, workgroups of 64; dispatch along one axis.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | `first, blocks, place, fresh: u32, length, weight, blur: f32, patience: u32` |
/// | 0, 1 | storage, read | tiles of queries |
/// | 0, 2 | storage, read | queries, `vec4<f32>` each, 64 a tile: position from the tile's centre, a component that is not read |
/// | 0, 3 | storage, read | blocks of the points |
/// | 0, 4 | storage, read | tiles of the points, 64 a block |
/// | 0, 5 | storage, read | points, `vec4<u32>` each, 64 a tile: the bits of the position as `f32`, and of the weight as `i32` |
/// | 0, 6 | storage, read and write | scores, `KEPT / 4` times `vec4<f32>` a query |
/// | 0, 7 | storage, read and write | places of the points, likewise as `vec4<u32>` |
///
/// Tiles and blocks are 48 bytes: centre `vec3<i32>` in units of `length`, below 2²⁹; `i32` G in units of `weight`, below
/// 2³⁰, of queries what is added to every weight; reach of the box `vec3<f32>` and of its corners `f32`; slope
/// `vec3<f32>`, of queries that of scores to be compared with; `u32`, of queries the tile to begin with. G and weights of
/// −2³¹ are of what is not there. `length` and `weight` are powers of two.
///
/// Constants `KEPT` (4, 8, 12 or 20) and `EUCLIDEAN` (0 or 1).
pub const LOWEST: &str = include_str!("lowest.wgsl");
