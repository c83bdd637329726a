//! WGSL kernels of barrow, as text.

mod lowest;
mod sliced;

pub use lowest::LOWEST;
pub use sliced::{
    COUNT_DIGITS, CUMULATE_MASSES, PLACE_DIGITS, PROJECT_KEYS, QUANTILE_COST, SCATTER_KEYS, SCATTER_PAIRS,
    SUM_MASSES, WEIGHTED_COST,
};

pub const SCALE: &str = include_str!("scale.wgsl");
pub const RESCALE: &str = concat!(include_str!("bits.wgsl"), include_str!("rescale.wgsl"));
pub const ANSWER: &str =
    concat!(include_str!("bits.wgsl"), include_str!("improve.wgsl"), include_str!("answer.wgsl"));
pub const EXTRAPOLATE: &str =
    concat!(include_str!("bits.wgsl"), include_str!("improve.wgsl"), include_str!("extrapolate.wgsl"));
pub const AVERAGE: &str =
    concat!(include_str!("bits.wgsl"), include_str!("improve.wgsl"), include_str!("average.wgsl"));
pub const MISPLACED: &str =
    concat!(include_str!("bits.wgsl"), include_str!("improve.wgsl"), include_str!("misplaced.wgsl"));
pub const REDUCE: &str = include_str!("reduce.wgsl");
pub const TILE_PLANES: &str = concat!(
    include_str!("bits.wgsl"),
    include_str!("nodes.wgsl"),
    include_str!("planes.wgsl"),
    include_str!("tile_planes.wgsl")
);
pub const GROUP_PLANES: &str = concat!(
    include_str!("bits.wgsl"),
    include_str!("nodes.wgsl"),
    include_str!("planes.wgsl"),
    include_str!("group_planes.wgsl")
);
pub const AIM: &str =
    concat!(include_str!("bits.wgsl"), include_str!("nodes.wgsl"), include_str!("aim.wgsl"));
pub const SOFTMIN: &str = concat!(
    include_str!("bits.wgsl"),
    include_str!("nodes.wgsl"),
    include_str!("meeting.wgsl"),
    include_str!("walk.wgsl"),
    include_str!("base.wgsl"),
    include_str!("online.wgsl"),
    include_str!("merged.wgsl"),
    include_str!("softmin.wgsl")
);
pub const ROW_MEANS: &str = concat!(
    include_str!("bits.wgsl"),
    include_str!("nodes.wgsl"),
    include_str!("meeting.wgsl"),
    include_str!("walk.wgsl"),
    include_str!("base.wgsl"),
    include_str!("row_means.wgsl")
);

pub const SOFTMIN_DENSE: &str = concat!(
    include_str!("bits.wgsl"),
    include_str!("nodes.wgsl"),
    include_str!("meeting.wgsl"),
    include_str!("online.wgsl"),
    include_str!("softmin_dense.wgsl")
);
pub const MERGE: &str = concat!(
    include_str!("bits.wgsl"),
    include_str!("nodes.wgsl"),
    include_str!("base.wgsl"),
    include_str!("merged.wgsl"),
    include_str!("merge.wgsl")
);
pub const EXTEND: &str = concat!(include_str!("bits.wgsl"), include_str!("extend.wgsl"));
