//! Legacy VTK: the points of polydata, unstructured and structured grids, ASCII or big-endian binary, versions 1 to 5.1.
//!
//! No library: those for VTK read the XML formats or lack the attributes of points.
//!
//! # References
//! Kitware, "VTK File Formats for VTK Version 4.2", simple legacy formats; the OFFSETS and CONNECTIVITY of 5.1.

mod body;
mod read;
mod write;

pub(crate) use read::read;
pub(crate) use write::write;
