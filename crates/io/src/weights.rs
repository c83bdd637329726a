//! Weights of points in files of their own.

use std::path::Path;

use crate::error::{Fault, Outcome, Result};
use crate::file;
use crate::number::parse;

/// Reads weights: one number per line, `#` begins a comment; or a one-dimensional `.npy`.
///
/// Values are returned as they are; whether they are finite, >= 0 and as many as points is for the one
/// who uses them to ask.
///
/// # Errors
/// [`Error::Malformed`](crate::Error::Malformed) with the line that is not a number.
pub fn read_weights(path: impl AsRef<Path>) -> Result<Vec<f64>> {
    let path = path.as_ref();
    let bytes = file::read(path)?;
    parse_weights(&bytes).map_err(|fault| fault.named(&file::name(path)))
}

fn parse_weights(bytes: &[u8]) -> Outcome<Vec<f64>> {
    if bytes.starts_with(b"\x93NUMPY") {
        return crate::npy::read_vector(bytes);
    }
    let mut weights = Vec::new();
    for (number, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let line = line.split(|&byte| byte == b'#').next().unwrap_or_default().trim_ascii();
        if line.is_empty() {
            continue;
        }
        let Some((value, _)) = parse(line).filter(|&(_, length)| length == line.len()) else {
            let line = String::from_utf8_lossy(&line[..line.len().min(40)]).into_owned();
            return Err(Fault::line(number + 1, format!("{line:?} is not one number")));
        };
        weights.push(value);
    }
    if weights.is_empty() {
        return Err(Fault::file("no weights; one number per line is needed"));
    }
    Ok(weights)
}
