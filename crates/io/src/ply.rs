//! PLY: ascii, binary little endian and big endian.
//!
//! ply-rs reads the header; the body is ours, because ply-rs makes a hash map of every point.
//!
//! # References
//! Greg Turk, "The PLY Polygon File Format", 1994.

mod arcs;
mod header;
mod read;
mod write;

pub(crate) use arcs::read_arcs;
pub(crate) use read::{read, read_parts};
pub(crate) use write::{write, write_arcs};
