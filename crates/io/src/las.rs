//! LAS 1.0 to 1.4 and LAZ, COPC among it.
//!
//! las reads and writes the headers, laz decompresses the chunks; point records are decoded here, because
//! las makes a point object with every field of the format and does so on one thread.
//!
//! # References
//! ASPRS, "LAS Specification 1.4 - R15", 2019; Martin Isenburg, "LASzip", 2013.

mod compressed;
mod extra;
mod header;
mod record;
mod write;

use rayon::prelude::*;

use crate::columns::Columns;
use crate::error::{Fault, Outcome};

pub(crate) use write::{quantum, write};

/// Rows decoded by one task.
const CHUNK: usize = 4096;

/// Reads a whole file of either kind, noting what was decided.
pub(crate) fn read(bytes: &[u8], notes: &mut Vec<String>) -> Outcome<Columns> {
    let header = header::parse(bytes)?;
    let mut columns = match header.compressed {
        true => compressed::decode(bytes, &header)?,
        false => decode(bytes, &header)?,
    };
    forget_zeros(&mut columns);
    widen_colors(&mut columns, notes);
    Ok(columns)
}

fn decode(bytes: &[u8], header: &header::LasHeader) -> Outcome<Columns> {
    let record = &header.record;
    let body = bytes.get(header.body..).unwrap_or_default();
    let available = body.len() / record.length;
    if (available as u64) < header.points {
        return Err(Fault::byte(
            bytes.len(),
            format!(
                "the header promises {} points of {} bytes, the file holds {available} of them",
                header.points, record.length
            ),
        ));
    }
    let points = header.points as usize;
    let mut columns = Columns::zeroed(points, record.present());
    columns
        .rows()
        .chunks(CHUNK)
        .into_par_iter()
        .zip(body.par_chunks(CHUNK * record.length))
        .for_each(|(mut rows, bytes)| record.fill(&mut rows, bytes));
    Ok(columns)
}

/// A field of zeros is what writers leave where they have nothing to say.
fn forget_zeros(columns: &mut Columns) {
    let zeros = |column: &mut Vec<f64>| column.iter().all(|&value| value == 0.0) && !column.is_empty();
    columns.intensities.take_if(zeros);
    columns.times.take_if(zeros);
    columns.colors.take_if(|column| column.iter().all(|color| *color == [0; 3]) && !column.is_empty());
}

/// The specification wants 16-bit colours; many files hold 8-bit ones unscaled.
fn widen_colors(columns: &mut Columns, notes: &mut Vec<String>) {
    if let Some(colors) = &mut columns.colors
        && !colors.is_empty()
        && colors.par_iter().flatten().all(|&channel| channel <= 255)
    {
        colors.par_iter_mut().flatten().for_each(|channel| *channel *= 257);
        notes.push("no colour channel is above 255: colours are taken as 8-bit".to_owned());
    }
}
