//! Text with one point per line: XYZ, TXT, PTS, CSV.
//!
//! No library: the format has no specification, only habits.

mod guess;
mod read;
mod write;

pub(crate) use guess::roles;
pub(crate) use read::{read, read_parts};
pub(crate) use write::{Style, write};
