//! E57: every cloud of the file, moved by its pose, one after the other.
//!
//! e57 decodes; its raw iterator is used, because the simple one narrows colours and intensities to f32.
//!
//! # References
//! ASTM E2807-11, "Standard Specification for 3D Imaging Data Exchange".

mod read;
mod write;

pub(crate) use read::read;
pub(crate) use write::write;
