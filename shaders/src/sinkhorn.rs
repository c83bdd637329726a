//! Kernels of entropic transport: half-steps, dense or truncated, and what happens between them.
//!
//! Units are such that costs over ε are bits: with κ = log₂(e)/ε, lengths are multiplied by √κ, or by κ for the Euclidean
//! cost, and potentials by κ. A potential is a [`Bits`](#bits), a tile or group a [`Node`](#nodes). Kernels whose
//! formulas hold a cost have an overridable constant, `EUCLIDEAN`: |x − y| instead of |x − y|².
//!
//! Twins of all are in `barrow-geometry`'s `sinkhorn/gpu/twins.rs`, under the names of the entry points.
//!
//! # Bits
//!
//! `whole: i32, part: f32`: potentials are up to 2²⁸ bits, and plans hang on their thousandths. Whole numbers are exact on
//! every device; pairs of floats are not, as compilers may reorder their sums.
//!
//! # Nodes
//!
//! A tile has room for 32 points; those that are not there weigh nothing, log₂ b = −10³⁰. A group is up to 64 consecutive
//! tiles. Nodes are tiles, then groups, 64 bytes each: centre on a grid of 2⁻⁸ (`vec3<i32>`), first tile of a group
//! (`u32`), half of the box's edges (`vec3<f32>`), thickness about a plane through the centre, its normal, number of
//! tiles (`f32`), and as columns the tilt (`vec3<i32>` on the grid) and top (`i32`) of a plane that is above what they
//! bring,
//!
//! ```text
//! v_j = κ g_j + log₂ b_j ≤ top + 2 tilt · (y_j − center)
//! ```
//!
//! # Walks
//!
//! The uniform of kernels that walk over columns is `first, row_tiles, tiles, groups, begins, ends: u32, margin: f32`:
//! the part's first tile of rows and the number of all; the columns' tiles and groups; whether these are the first and
//! the last of columns in parts; bits by which a tile may fall short of a row's sum before it is left out. Workgroups of
//! 64, one for every tile of rows.

/// Offsets of points from the centres of their tiles, in the units of another ε.
///
/// ```text
/// u = factor · offset − shift
/// ```
///
/// Entry point `scale_offsets`, workgroups of 256, one thread per point.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | `first: u32, points: u32, factor: f32, padding: u32` |
/// | 0, 1 | storage, read | offsets in the measure's units, and log₂ of the weight: `vec4<f32>` each |
/// | 0, 2 | storage, read | shifts of the tiles' centres to the grid, `vec4<f32>` each |
/// | 0, 3 | storage, write | u and log₂ of the weight |
pub const SCALE_OFFSETS: &str = include_str!("sinkhorn/scale_offsets.wgsl");

/// Potentials in bits of another ε: times a factor below 2¹⁵, `units + fraction / 2³² + tail`.
///
/// Entry point `rescale_potentials`, workgroups of 256, one thread per point.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | `first, points: u32, padding: 2 × u32, units, fraction: u32, rounded, tail: f32` |
/// | 0, 1 | storage, read and write | potentials |
pub const RESCALE_POTENTIALS: &str =
    concat!(include_str!("sinkhorn/bits.wgsl"), include_str!("sinkhorn/rescale_potentials.wgsl"));

/// The planes of tiles, and what columns have beyond them:
///
/// ```text
/// v_j = top + 2 tilt · w_j + |w_j|² + r_j,    w_j = y_j − center        without |w_j|² for the Euclidean cost
/// ```
///
/// with the tilt that fits best in the least squares, rounded to the grid; zero for the Euclidean cost.
///
/// Entry point `tile_planes`, workgroups of 32, one for every tile.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | `first: u32, tiles: u32, groups: u32, padding: u32` |
/// | 0, 1 | storage, read and write | nodes; tilts and tops of tiles are written |
/// | 0, 2 | storage, read | w and log₂ of the weight, `vec4<f32>` each |
/// | 0, 3 | storage, read | potentials |
/// | 0, 4 | storage, write | columns: w_j and r_j, `vec4<f32>` each; −10⁹ where there is no weight |
pub const TILE_PLANES: &str = concat!(
    include_str!("sinkhorn/bits.wgsl"),
    include_str!("sinkhorn/nodes.wgsl"),
    include_str!("sinkhorn/planes.wgsl"),
    include_str!("sinkhorn/tile_planes.wgsl")
);

/// The planes of groups: above those of their tiles.
///
/// Entry point `group_planes`, workgroups of 64, one thread per group.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | as for [`TILE_PLANES`] |
/// | 0, 1 | storage, read and write | nodes; tilts and tops of groups are written |
pub const GROUP_PLANES: &str = concat!(
    include_str!("sinkhorn/bits.wgsl"),
    include_str!("sinkhorn/nodes.wgsl"),
    include_str!("sinkhorn/planes.wgsl"),
    include_str!("sinkhorn/group_planes.wgsl")
);

/// What the scores of a tile of rows are relative to: the largest score that its centre sees, found by branch and bound.
///
/// ```text
/// anchor = max_j v_j − c(center, y_j),    focus = the y_j of it − center, on the grid
/// ```
///
/// Entry point `aim`; a walk.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | as for all walks |
/// | 0, 1 | storage, read | nodes of the rows |
/// | 0, 2 | storage, read and write | aims, 48 bytes each: `focus: vec3<i32>, anchor: i32, part: f32`, padding |
/// | 0, 3 | storage, read | nodes of the columns |
/// | 0, 4 | storage, read | columns |
pub const AIM: &str = concat!(
    include_str!("sinkhorn/bits.wgsl"),
    include_str!("sinkhorn/nodes.wgsl"),
    include_str!("sinkhorn/task.wgsl"),
    include_str!("sinkhorn/aim.wgsl")
);

/// The soft minimum of a half-step, truncated: one log-sum-exp per row over the tiles of columns that matter.
///
/// ```text
/// T_i = −log₂ Σ_j 2^s_ij,    s_ij = v_j − c(x_i, y_j)
///     = −[anchor + 2 focus·u_i − |u_i|² + log₂ Σ_j 2^( level + 2 aside·u_i + 2 (tilt − d + u_i)·w_j + r_j )]
/// ```
///
/// with d = center_J − center_I, level = top_J − |d|² − anchor and aside = d − focus for tiles I of rows and J of
/// columns: anchors and levels are whole numbers, the rest is as small as tiles are. Tiles that together hold less than
/// 2^−margin of a row's sum are proven to, by the planes of nodes, and left out.
///
/// Entry point `softmin`; a walk.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | as for all walks |
/// | 0, 1 | storage, read | nodes of the rows |
/// | 0, 2 | storage, read | u and log₂ of the weight of the rows |
/// | 0, 3 | storage, read | aims |
/// | 0, 4 | storage, read | nodes of the columns |
/// | 0, 5 | storage, read | columns |
/// | 0, 6 | storage, write | T, once the columns end |
/// | 0, 7 | storage, read and write | reference and sum of every row, `vec2<f32>`, as long as they do not |
///
/// # References
/// Milakov, Gimelshein, *Online normalizer calculation for softmax*, 2018 (the streamed sum).
pub const SOFTMIN: &str = concat!(
    include_str!("sinkhorn/bits.wgsl"),
    include_str!("sinkhorn/nodes.wgsl"),
    include_str!("sinkhorn/meeting.wgsl"),
    include_str!("sinkhorn/task.wgsl"),
    include_str!("sinkhorn/walk.wgsl"),
    include_str!("sinkhorn/base.wgsl"),
    include_str!("sinkhorn/online.wgsl"),
    include_str!("sinkhorn/merged.wgsl"),
    include_str!("sinkhorn/softmin.wgsl")
);

/// The soft minimum over all columns, in splits: rows in registers, 256 columns at a time in workgroup memory.
///
/// The formula is that of [`SOFTMIN`]. Entry point `softmin_dense`, workgroups of 256, one thread per row: for every block
/// of eight tiles of rows `splits` workgroups, each of which takes its part of the columns.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | `first, row_tiles, tiles, splits, place: u32, padding: u32`; `place` is the first split's |
/// | 0, 1 | storage, read | nodes of the rows |
/// | 0, 2 | storage, read | u and log₂ of the weight of the rows |
/// | 0, 3 | storage, read | aims |
/// | 0, 4 | storage, read | nodes of the columns |
/// | 0, 5 | storage, read | columns |
/// | 0, 6 | storage, write | reference and sum, `vec2<f32>`: split by split, row by row |
pub const SOFTMIN_DENSE: &str = concat!(
    include_str!("sinkhorn/bits.wgsl"),
    include_str!("sinkhorn/nodes.wgsl"),
    include_str!("sinkhorn/meeting.wgsl"),
    include_str!("sinkhorn/online.wgsl"),
    include_str!("sinkhorn/softmin_dense.wgsl")
);

/// Merges what splits have summed up, in their order, into soft minima.
///
/// Entry point `merge_splits`, workgroups of 256, one thread per row.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | `first, points, splits: u32, padding: u32` |
/// | 0, 1 | storage, read | u and log₂ of the weight of the rows |
/// | 0, 2 | storage, read | aims |
/// | 0, 3 | storage, read | references and sums |
/// | 0, 4 | storage, write | T |
pub const MERGE_SPLITS: &str = concat!(
    include_str!("sinkhorn/bits.wgsl"),
    include_str!("sinkhorn/nodes.wgsl"),
    include_str!("sinkhorn/base.wgsl"),
    include_str!("sinkhorn/merged.wgsl"),
    include_str!("sinkhorn/merge_splits.wgsl")
);

/// What the plan does with every row: the sums of [`SOFTMIN`] and, with its terms p_j as weights,
///
/// ```text
/// Σ p_j (y_j − x),    Σ p_j |y_j − x|²,    and for the Euclidean cost  Σ p_j (y_j − x)/|y_j − x|,    Σ p_j |y_j − x|
/// ```
///
/// Entry point `row_means`; a walk. Bindings are those of [`SOFTMIN`], but the last holds 48 bytes for every row: first
/// sum and second, third and fourth, reference, Σ p_j, padding.
pub const ROW_MEANS: &str = concat!(
    include_str!("sinkhorn/bits.wgsl"),
    include_str!("sinkhorn/nodes.wgsl"),
    include_str!("sinkhorn/meeting.wgsl"),
    include_str!("sinkhorn/task.wgsl"),
    include_str!("sinkhorn/walk.wgsl"),
    include_str!("sinkhorn/base.wgsl"),
    include_str!("sinkhorn/row_means.wgsl")
);

/// Potentials as the best answers to soft minima T: T itself, T / (1 + ε/ρ) for Kullback–Leibler, T clipped to [−ρ, ρ] for
/// total variation.
///
/// Entry point `answer`, workgroups of 256, one thread per point.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | `first, points, balance: u32, inertia, step, ratio, limit, translation: f32`, a factor as for [`RESCALE_POTENTIALS`] |
/// | 0, 1 | storage, read | T |
/// | 0, 2 | storage, read and write | potentials |
///
/// `balance` is 0 where marginals are met, 1 for Kullback–Leibler, 2 for total variation; `ratio` is ε/ρ, `limit` is ρ in
/// bits, the factor 1 / (1 + ε/ρ).
pub const ANSWER: &str = concat!(
    include_str!("sinkhorn/bits.wgsl"),
    include_str!("sinkhorn/improve.wgsl"),
    include_str!("sinkhorn/answer.wgsl")
);

/// The best answers h, and beyond them by `inertia` times the way that they came since the last time; before, all are
/// moved by the translation that is best for both sides, `translation` · log₂ of a quotient of sums.
///
/// Entry point `extrapolate`. Bindings are those of [`ANSWER`] and
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 3 | storage, read and write | h of the last time |
/// | 0, 4 | storage, read | the sums of [`KEPT`] for source and target, `f32` |
pub const EXTRAPOLATE: &str = concat!(
    include_str!("sinkhorn/bits.wgsl"),
    include_str!("sinkhorn/improve.wgsl"),
    include_str!("sinkhorn/extrapolate.wgsl")
);

/// One measure against itself: `step` of the way to the best answer, and on by `inertia` times the last way.
///
/// Entry point `average`. Bindings are those of [`ANSWER`] and
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 3 | storage, read and write | potentials of the last time |
pub const AVERAGE: &str = concat!(
    include_str!("sinkhorn/bits.wgsl"),
    include_str!("sinkhorn/improve.wgsl"),
    include_str!("sinkhorn/average.wgsl")
);

/// On along the line through the potentials of the last two ε, both in bits of the last.
///
/// Entry point `extend_trail`, workgroups of 256, one thread per point.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | `first, points: u32, part, limit: f32`; no potential is larger than `limit`, unless that is 0 |
/// | 0, 1 | storage, read and write | potentials |
/// | 0, 2 | storage, read and write | those of the ε before; what the potentials were |
pub const EXTEND_TRAIL: &str =
    concat!(include_str!("sinkhorn/bits.wgsl"), include_str!("sinkhorn/extend_trail.wgsl"));

/// Mass that the plan misplaces, summed up over 256 points each: with m = 2^(g − T),
///
/// ```text
/// Σ b |m − 1|        Σ b |m − e^(−g/ρ)| for Kullback–Leibler        see the twin for total variation
/// ```
///
/// Entry point `misplaced`, workgroups of 256, one thread per point.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | as for [`ANSWER`] |
/// | 0, 1 | storage, read | T |
/// | 0, 2 | storage, read | offset and log₂ of the weight of the points |
/// | 0, 3 | storage, write | a sum for every workgroup |
/// | 0, 4 | storage, read | potentials |
pub const MISPLACED: &str = concat!(
    include_str!("sinkhorn/bits.wgsl"),
    include_str!("sinkhorn/improve.wgsl"),
    include_str!("sinkhorn/add_up.wgsl"),
    include_str!("sinkhorn/misplaced.wgsl")
);

/// Σ b e^(−h/ρ) of the best answers h to T, over 256 points each.
///
/// Entry point `kept`. Bindings are those of [`MISPLACED`] without the last.
pub const KEPT: &str = concat!(
    include_str!("sinkhorn/bits.wgsl"),
    include_str!("sinkhorn/improve.wgsl"),
    include_str!("sinkhorn/add_up.wgsl"),
    include_str!("sinkhorn/kept.wgsl")
);

/// The sum of numbers, in a fixed order.
///
/// Entry point `sum_up`, one workgroup of 256.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | `count, place, adds: u32, padding: u32`; `adds` is 1 where the sum is added to what is there |
/// | 0, 1 | storage, read | `f32` each |
/// | 0, 2 | storage, read and write | at `place` the sum |
pub const SUM_UP: &str = include_str!("sinkhorn/sum_up.wgsl");
