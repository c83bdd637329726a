//! Reading and writing point clouds, transforms, trajectories and transport plans.
//!
//! One call reads any format, found by content first and by extension second; coordinates stay `f64`
//! from the file to the answer. Every file is treated as hostile: it loads completely or is refused with
//! the place and the reason, and memory follows the bytes that are there, never the sizes that a header
//! claims.
//!
//! # Units
//! Positions and times are in the unit of the file; nothing is converted.

mod color;
mod columns;
mod e57;
mod error;
mod file;
mod format;
mod guard;
mod kitti;
mod las;
mod lines;
mod npy;
mod number;
mod obj;
mod pcd;
mod plan;
mod ply;
mod precision;
mod read;
mod records;
mod role;
mod rows;
mod scalar;
mod source;
mod text;
mod trajectory;
mod transform;
mod vtk;
mod weights;
mod write;
mod xyz;

pub use error::{Error, Place, Result};
pub use format::Format;
pub use plan::{read_plan, write_plan};
pub use read::{Loaded, ReadOptions, read, read_from};
pub use trajectory::{Trajectory, TrajectoryFormat, read_trajectory, write_trajectory};
pub use transform::{read_transform, write_similarity, write_transform};
pub use weights::read_weights;
pub use write::{WriteOptions, lost_attributes, rounding, write};
