//! Point clouds in 3D: columns of attributes, exact neighbours, metrics and optimal transport.
//!
//! This crate knows no files, windows or trajectories. Lengths are in metres and every public number is
//! `f64`. The same input and options give the same bits on any number of threads.

mod arc;
mod bounds;
mod cloud;
mod error;
mod kdtree;
mod neighborhood;
mod ordered;
mod sample;
mod voxel;

pub use arc::Arc;
pub use bounds::Bounds;
pub use cloud::{Color, PointCloud};
pub use error::{Error, Result};
pub use kdtree::{KdTree, Neighbor};
pub use neighborhood::{estimate_covariances, estimate_normals, median_spacing};
pub use ordered::fold_ordered;
pub use sample::sample;
pub use voxel::voxel_downsample;
