//! Rows of a cloud encoded in parallel, for every format that is one row after another.

use std::io::Write;

use rayon::prelude::*;

/// Rows encoded by one task.
const CHUNK: usize = 1 << 14;

/// The bytes of `rows` rows, each appended by `encode(row, buffer)`, in order.
pub(crate) fn encode(rows: usize, encode: impl Fn(usize, &mut Vec<u8>) + Sync) -> Vec<Vec<u8>> {
    (0..rows.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let range = chunk * CHUNK..((chunk + 1) * CHUNK).min(rows);
            let mut buffer = Vec::with_capacity(range.len() * 32);
            for row in range {
                encode(row, &mut buffer);
            }
            buffer
        })
        .collect()
}

/// Appends a number in the shortest text that reads back to the same bits.
pub(crate) fn push_number(buffer: &mut Vec<u8>, value: f64) {
    // Writing to a vector cannot fail.
    let _ = match value.abs() {
        // Display never uses an exponent: 1e-300 would take 300 letters.
        magnitude if magnitude != 0.0 && !(1e-5..1e17).contains(&magnitude) && value.is_finite() => {
            write!(buffer, "{value:e}")
        }
        _ if value.is_nan() => write!(buffer, "nan"),
        _ => write!(buffer, "{value}"),
    };
}
