//! NPY and NPZ: arrays of NumPy.
//!
//! npyz reads and writes the headers; the bodies are ours, because npyz reads one number at a time.

mod header;
mod write;

pub(crate) use header::read_vector;
pub(crate) use write::plan;
