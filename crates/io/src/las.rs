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
mod layered;
mod record;
mod times;
mod write;

use std::io;

use rayon::prelude::*;

use crate::columns::Columns;
use crate::error::{Fault, Outcome};
use crate::source::Source;
use header::LasHeader;

pub(crate) use write::{axes, write};

/// Rows decoded by one task.
const CHUNK: usize = 4096;

/// Reads a whole file of either kind, noting what was decided.
pub(crate) fn read(bytes: &[u8], notes: &mut Vec<String>) -> Outcome<Columns> {
    let header = header::parse(bytes)?;
    let columns = match header.compressed {
        true => compressed::decode(bytes, &header)?,
        false => {
            require_points(bytes, &header)?;
            decode(&Source::whole(bytes), &header)?
        }
    };
    Ok(tidied(columns, notes))
}

/// Reads a file without compression part by part; `None` if it is another or wrong, for [`read`] to say.
pub(crate) fn read_parts(source: &Source<'_>, notes: &mut Vec<String>) -> Option<Outcome<Columns>> {
    let header = header::parse(source.head).ok().filter(|header| !header.compressed)?;
    // The records before the points may name extra bytes, so they must be at hand.
    let points = usize::try_from(header.points).ok()?;
    let end = header.body.checked_add(points.checked_mul(header.record.length)?)?;
    if header.body > source.head.len() || end > source.length {
        return None;
    }
    Some(decode(source, &header).map(|columns| tidied(columns, notes)).map_err(Fault::Read))
}

fn tidied(mut columns: Columns, notes: &mut Vec<String>) -> Columns {
    forget_zeros(&mut columns);
    widen_colors(&mut columns, notes);
    columns
}

fn require_points(bytes: &[u8], header: &LasHeader) -> Outcome<()> {
    let record = &header.record;
    let available = bytes.len().saturating_sub(header.body) / record.length;
    if (available as u64) < header.points {
        return Err(Fault::byte(
            bytes.len(),
            format!(
                "the header promises {} points of {} bytes, the file holds {available} of them",
                header.points, record.length
            ),
        ));
    }
    Ok(())
}

/// Decodes the records; that they are there has been looked at.
fn decode(source: &Source<'_>, header: &LasHeader) -> io::Result<Columns> {
    let record = &header.record;
    let mut columns = Columns::zeroed(header.points as usize, record.present());
    columns.rows().chunks(CHUNK).into_par_iter().enumerate().try_for_each_init(
        Vec::new,
        |scratch, (chunk, mut rows)| {
            let start = header.body + chunk * CHUNK * record.length;
            let length = rows.positions.len() * record.length;
            source.with(start, length, scratch, |bytes| record.fill(&mut rows, bytes))
        },
    )?;
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
