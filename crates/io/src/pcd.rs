//! PCD: ascii, binary and binary_compressed.
//!
//! pcd-rs reads the header; the body is ours, because pcd-rs makes vectors of every point and allocates
//! by the sizes that a compressed body claims.
//!
//! # References
//! Point Cloud Library, "The PCD (Point Cloud Data) file format".

mod header;
mod lzf;
mod read;
mod write;

pub(crate) use read::{read, read_parts};
pub(crate) use write::write;
