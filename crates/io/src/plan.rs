//! Sparse transport plans in files: `.npz`, `.csv` and `.ply`.

mod read;
mod write;

pub use read::read_plan;
pub(crate) use read::{ArcPlace, Entry};
pub use write::write_plan;
