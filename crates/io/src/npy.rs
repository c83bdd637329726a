//! NPY and NPZ: arrays of NumPy.
//!
//! npyz reads and writes the headers; the bodies are ours, because npyz reads one number at a time.

mod archive;
mod header;
mod read;
mod write;

pub(crate) use archive::{read as read_archive, read_plan};
pub(crate) use header::read_vector;
pub(crate) use read::read;
pub(crate) use write::{plan, write, write_archive};
