//! Kernels of the sliced distance: projection, a stable sort, and what transport along lines costs.

/// Positions along directions as whole numbers: the first step of a sliced distance.
///
/// ```text
/// key_i = ⌊ ½ + Σ_a F_a X_ai / 2³² ⌋,    Σ_a F_a < 2³²
/// ```
///
/// exactly, in 64 bits; a coordinate whose direction is negative is mirrored, 2³² − X. Its twin is `project_keys` in
/// `barrow-geometry`'s `sliced/gpu/twins.rs`, as for all kernels of the sliced distance.
///
/// Entry point `project_keys`, workgroups of 256, one thread per point and eight directions: a workgroup for each of
/// ⌈count / 256⌉ blocks of points, then for each of ⌈directions / 8⌉ sets of directions.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | `first: u32` (workgroup of the part), `count: u32`, `blocks: u32`, `directions: u32` |
/// | 0, 1 to 3 | storage, read | X, Y and Z, one `u32` per point, at least 1 |
/// | 0, 4 | storage, read | `vec4<u32>` per direction: F, and as bits the axes along which it is negative |
/// | 0, 5 | storage, write | keys, `u32`: direction by direction, point by point |
pub const PROJECT_KEYS: &str = concat!(include_str!("wide.wgsl"), include_str!("project_keys.wgsl"));

/// How often every value of a digit of eight bits occurs in every block of 4096 keys: the first step of a sort.
///
/// Entry point `count_digits`, workgroups of 256: one for every block of every direction.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | `first: u32`, `count: u32` (keys of a direction), `blocks: u32` (of a direction), `shift: u32` |
/// | 0, 1 | storage, read | keys, `u32`: direction by direction |
/// | 0, 2 | storage, write | counts, 256 `u32` per block |
pub const COUNT_DIGITS: &str = include_str!("count_digits.wgsl");

/// Where the keys with every value of a digit go: counts become those of the blocks before.
///
/// Entry point `place_digits`, workgroups of 256: one for every direction.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | `first: u32`, `blocks: u32` (of a direction), `padding: 2 × u32` |
/// | 0, 1 | storage, read and write | counts, 256 `u32` per block |
/// | 0, 2 | storage, write | 256 `u32` per direction: how many keys have a smaller value |
pub const PLACE_DIGITS: &str = include_str!("place_digits.wgsl");

/// Moves keys to their places by one digit, those with equal digits in the order in which they stand.
///
/// Entry point `scatter_keys`, workgroups of 256: one for every block of 4096 keys of every direction.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | as for [`COUNT_DIGITS`] |
/// | 0, 1 | storage, read | keys, `u32` |
/// | 0, 2 and 3 | storage, read | what [`PLACE_DIGITS`] wrote |
/// | 0, 4 | storage, write | the keys, moved |
pub const SCATTER_KEYS: &str = concat!(include_str!("rank_digits.wgsl"), include_str!("scatter_keys.wgsl"));

/// What transport along directions costs between sides without weights, block by block of 4096 points of the larger
/// one.
///
/// ```text
/// part = Σ mass · (|key − other| / largest)^p
/// ```
///
/// over the points of a block and the one or two that each of them meets, masses in units of 1/(larger · smaller). The
/// power is given as a whole number and what is left of it; for p = 1 and 2 `largest` is 1, otherwise the largest
/// distance of the block.
///
/// Entry point `quantile_cost`, workgroups of 256: one for every block of every direction.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | `first`, `larger`, `smaller`, `blocks`, `whole: u32`, `rest: f32`, `padding: 2 × u32` |
/// | 0, 1 | storage, read | sorted keys of the larger side, at most 2³⁰ per direction |
/// | 0, 2 | storage, read | sorted keys of the smaller side |
/// | 0, 3 | storage, read | `vec2<u32>` per block: index · smaller / larger of its first point, and the remainder |
/// | 0, 4 | storage, write | per block `largest: u32, sum: f32` |
pub const QUANTILE_COST: &str = concat!(include_str!("cost_sum.wgsl"), include_str!("quantile_cost.wgsl"));

/// Moves keys as [`SCATTER_KEYS`] does, each with the index of its point.
///
/// Entry point `scatter_pairs`, workgroups of 256: one for every block of 4096 keys of every direction.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | as for [`COUNT_DIGITS`] |
/// | 0, 1 | storage, read | keys, `u32` |
/// | 0, 2 | storage, read | indices, `u32`: not read at shift 0, where points stand in their own order |
/// | 0, 3 and 4 | storage, read | what [`PLACE_DIGITS`] wrote |
/// | 0, 5 and 6 | storage, write | the keys and the indices, moved |
pub const SCATTER_PAIRS: &str = concat!(include_str!("rank_digits.wgsl"), include_str!("scatter_pairs.wgsl"));

/// Masses of blocks of 4096 sorted points, in whole numbers of 64 bits.
///
/// Entry point `sum_masses`, workgroups of 256: one for every block of every direction.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | `first`, `count`, `blocks`, `padding: u32` |
/// | 0, 1 | storage, read | indices of the sorted points, `u32`: direction by direction |
/// | 0, 2 | storage, read | masses by index, `vec2<u32>`, the lower half first |
/// | 0, 3 | storage, write | `vec2<u32>` per block |
pub const SUM_MASSES: &str =
    concat!(include_str!("wide.wgsl"), include_str!("wide_total.wgsl"), include_str!("sum_masses.wgsl"));

/// The mass of every sorted point and of all before it, in whole numbers of 64 bits.
///
/// Entry point `cumulate_masses`, workgroups of 256: one for every block of every direction.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 to 2 | | as for [`SUM_MASSES`] |
/// | 0, 3 | storage, read | what [`SUM_MASSES`] wrote |
/// | 0, 4 | storage, write | `vec2<u32>` per point: direction by direction, rank by rank |
pub const CUMULATE_MASSES: &str =
    concat!(include_str!("wide.wgsl"), include_str!("wide_total.wgsl"), include_str!("cumulate_masses.wgsl"));

/// What transport along directions costs between points with masses, block by block of 4096 points of the one side,
/// then of the other.
///
/// ```text
/// part = Σ mass · (|key − other| / largest)^p
/// ```
///
/// over the moves that end where the mass of a point of the block does, found by binary search; masses in units of the
/// total, 2⁶³. The power and `largest` are as for [`QUANTILE_COST`].
///
/// Entry point `weighted_cost`, workgroups of 256: one for every block of every direction.
///
/// | group, binding | buffer | holds |
/// |---|---|---|
/// | 0, 0 | uniform | `first: u32`, then at 8 `points: vec2<u32>`, `blocks: vec2<u32>`, `whole: u32`, `rest: f32` |
/// | 0, 1 and 2 | storage, read | sorted keys of either side, `u32` |
/// | 0, 3 and 4 | storage, read | cumulated masses of either side, `vec2<u32>` |
/// | 0, 5 | storage, write | per block `largest: u32, sum: f32` |
pub const WEIGHTED_COST: &str =
    concat!(include_str!("wide.wgsl"), include_str!("cost_sum.wgsl"), include_str!("weighted_cost.wgsl"));
