//! The body of a LAZ file: chunks decompressed in parallel, block by block, each block into its rows.
//!
//! laz is asked for one chunk at a time and not for the whole: it would allocate by the sizes that the chunk
//! table and the layers claim, and it would decompress layers that nobody here reads.

use std::io::Cursor;

use laz::laszip::ChunkTable;
use laz::record::{LayeredPointRecordDecompressor, RecordDecompressor, SequentialPointRecordDecompressor};
use laz::{DecompressionSelection, LasZipError, LazItem, LazItemType, LazVlr};
use rayon::prelude::*;

use super::CHUNK;
use super::header::{Kind, LasHeader, Laszip};
use super::layered::Points;
use super::record::Record;
use super::times::Times;
use crate::columns::{Columns, Rows};
use crate::error::{Fault, Outcome};

/// No file holds more: a point takes three symbols at least, each of 0.002 bits at best, since the models count every
/// other symbol once in 32768. That makes about 800 equal points in a byte.
const MOST_POINTS_PER_BYTE: usize = 4096;

/// A run of compressed points.
struct Chunk<'a> {
    bytes: &'a [u8],
    /// Index of its first point.
    first: usize,
    points: usize,
}

/// Decompresses and decodes all points.
pub(crate) fn decode(bytes: &[u8], header: &LasHeader) -> Outcome<Columns> {
    let present = header.record.present();
    if header.points == 0 {
        return Ok(Columns::zeroed(0, present));
    }
    let Some(laszip) = &header.laszip else {
        return Err(Fault::header("the points are compressed, but there is no laszip record"));
    };
    let chunks = chunks(bytes, header, laszip)?;
    let held: usize = chunks.iter().map(|chunk| chunk.bytes.len()).sum();
    let points: Vec<usize> = chunks.iter().map(|chunk| chunk.points).collect();
    let promised: usize = points.iter().sum();
    if promised / MOST_POINTS_PER_BYTE > held {
        let problem =
            format!("the header promises {promised} points in {held} bytes, more than LASzip can hold");
        return Err(Fault::header(problem));
    }
    let mut columns = Columns::zeroed(promised, present);
    columns
        .rows()
        .split(&points)
        .into_par_iter()
        .zip(&chunks)
        .map(|(rows, chunk)| decode_chunk(chunk, laszip, &header.record, rows))
        .collect::<Outcome<()>>()?;
    Ok(columns)
}

/// The chunks that hold the points of the header, checked against the bytes that are there.
fn chunks<'a>(bytes: &'a [u8], header: &LasHeader, laszip: &Laszip) -> Outcome<Vec<Chunk<'a>>> {
    let points = usize::try_from(header.points).map_err(|_| {
        Fault::header(format!("the header promises {} points, more than memory can hold", header.points))
    })?;
    let cut = || Fault::byte(bytes.len(), "the file ends before its compressed points");
    if laszip.kind == Kind::Whole {
        return Ok(vec![Chunk { bytes: bytes.get(header.body..).ok_or_else(cut)?, first: 0, points }]);
    }
    let table = chunk_table(bytes, header.body, &laszip.record)?;
    let mut chunks = Vec::new();
    let (mut at, mut first) = (header.body + ChunkTable::OFFSET_SIZE, 0);
    for entry in table.as_ref() {
        if first == points {
            break;
        }
        let left = points - first;
        let held = usize::try_from(entry.point_count).unwrap_or(usize::MAX).min(left);
        let end = usize::try_from(entry.byte_count).ok().and_then(|length| at.checked_add(length));
        let Some(body) = end.and_then(|end| bytes.get(at..end)) else {
            return Err(Fault::byte(
                at,
                format!(
                    "chunk {} claims {} bytes, {} follow",
                    chunks.len(),
                    entry.byte_count,
                    bytes.len() - at
                ),
            ));
        };
        chunks.push(Chunk { bytes: body, first, points: held });
        first += held;
        at += body.len();
    }
    if first < points {
        return Err(Fault::header(format!("the header promises {points} points, its chunks hold {first}")));
    }
    Ok(chunks)
}

/// The chunk table, after a look at whether it can be as long as it claims.
fn chunk_table(bytes: &[u8], body: usize, laszip: &LazVlr) -> Outcome<ChunkTable> {
    /// A chunk holds its first point as it is: the smallest record has 20 bytes.
    const SMALLEST_CHUNK: usize = 20;
    let word = |at: usize| -> Option<i64> {
        Some(i64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
    };
    let none = || Fault::byte(body, "there is no chunk table, so the chunks cannot be found");
    // Writers that cannot seek leave the offset at the end of the file.
    let behind = |offset: &i64| usize::try_from(*offset).is_ok_and(|offset| offset > body);
    let offset = word(body)
        .filter(behind)
        .or_else(|| word(bytes.len().checked_sub(8)?).filter(behind))
        .ok_or_else(none)? as usize;
    let count = bytes.get(offset..offset.saturating_add(8)).ok_or_else(none)?;
    let count = u32::from_le_bytes(count[4..].try_into().unwrap_or_default()) as usize;
    if count > (offset - body) / SMALLEST_CHUNK {
        let problem = format!("the chunk table claims {count} chunks in {} bytes", offset - body);
        return Err(Fault::byte(offset + 4, problem));
    }
    let mut source = Cursor::new(bytes);
    source.set_position(body as u64);
    ChunkTable::read_from(&mut source, laszip)
        .map_err(|error| Fault::byte(offset, format!("the chunk table: {error}")))
}

fn decode_chunk(chunk: &Chunk<'_>, laszip: &Laszip, record: &Record, rows: Rows<'_>) -> Outcome<()> {
    let mut decompressor = decompressor(chunk, laszip, record)?;
    let mut buffer = vec![0; chunk.points.min(CHUNK) * record.length];
    for (block, mut rows) in rows.chunks(CHUNK).into_iter().enumerate() {
        let count = rows.positions.len();
        let bytes = &mut buffer[..count * record.length];
        decompressor.decompress_many(bytes).map_err(|error| {
            let index = chunk.first + block * CHUNK;
            Fault::point(
                index,
                format!("this point or one of the next {count} cannot be decompressed: {error}"),
            )
        })?;
        record.fill(&mut rows, bytes);
    }
    Ok(())
}

type Decompressor<'a> = Box<dyn RecordDecompressor<Cursor<&'a [u8]>> + 'a>;

fn decompressor<'a>(chunk: &Chunk<'a>, laszip: &Laszip, record: &Record) -> Outcome<Decompressor<'a>> {
    // Asked before laz makes models for every byte that an item claims.
    let described: usize = laszip.record.items().iter().map(|item| usize::from(item.size())).sum();
    if described != record.length {
        let length = record.length;
        let problem =
            format!("the laszip record describes points of {described} bytes, the header of {length}");
        return Err(Fault::header(problem));
    }
    let source = Cursor::new(chunk.bytes);
    let items = laszip.record.items();
    let mut decompressor = match laszip.kind {
        Kind::Layered => {
            check_layers(chunk, &laszip.record, record)?;
            layered(source, items)
        }
        Kind::Whole | Kind::Chunked => sequential(source, items),
    }
    .map_err(|error| Fault::header(error.to_string()))?;
    if decompressor.record_size() != record.length {
        return Err(Fault::header(format!(
            "the laszip record describes points of {} bytes, the header of {}",
            decompressor.record_size(),
            record.length
        )));
    }
    decompressor.set_selection(selection(record));
    Ok(decompressor)
}

/// Fields one after the other in one stream.
fn sequential<'a>(source: Cursor<&'a [u8]>, items: &[LazItem]) -> Result<Decompressor<'a>, LasZipError> {
    let mut decompressor = SequentialPointRecordDecompressor::new(source);
    for item in items {
        match (item.item_type(), item.version()) {
            (LazItemType::GpsTime, 2) => decompressor.add_field_decompressor(Times::of_all()),
            _ => decompressor.set_fields_from(&vec![*item])?,
        }
    }
    Ok(Box::new(decompressor))
}

/// Every field in layers of its own.
fn layered<'a>(source: Cursor<&'a [u8]>, items: &[LazItem]) -> Result<Decompressor<'a>, LasZipError> {
    let mut decompressor = LayeredPointRecordDecompressor::new(source);
    for item in items {
        match (item.item_type(), item.version()) {
            (LazItemType::Point14, version @ 3..=4) => {
                decompressor.add_field_decompressor(Points::new(version));
            }
            _ => decompressor.set_fields_from(&vec![*item])?,
        }
    }
    Ok(Box::new(decompressor))
}

/// The layers that a cloud can carry; all others are not decompressed.
fn selection(record: &Record) -> DecompressionSelection {
    let mut selection = DecompressionSelection::base().decompress_z().decompress_intensity();
    if record.time_offset().is_some() {
        selection = selection.decompress_gps_time();
    }
    if record.color_offset().is_some() {
        selection = selection.decompress_rgb();
    }
    if record.normals.is_some() || record.intensity.is_some() {
        selection = selection.decompress_extra_bytes();
    }
    selection
}

/// Refuses layers that claim more bytes than the chunk has: laz would allocate what they claim.
fn check_layers(chunk: &Chunk<'_>, laszip: &LazVlr, record: &Record) -> Outcome<()> {
    const COUNT: usize = 4;
    let layers: usize = laszip
        .items()
        .iter()
        .map(|item| match item.item_type() {
            LazItemType::Point14 => 9,
            LazItemType::RGBNIR14 => 2,
            LazItemType::Byte14(bytes) => usize::from(bytes),
            _ => 1,
        })
        .sum();
    let sizes = record.length + COUNT..record.length + COUNT + 4 * layers;
    let claimed = chunk.bytes.get(sizes.clone()).map(|sizes| {
        sizes
            .chunks_exact(4)
            .map(|size| u64::from(u32::from_le_bytes(size.try_into().unwrap_or_default())))
            .sum::<u64>()
    });
    let available = chunk.bytes.len().saturating_sub(sizes.end) as u64;
    match claimed {
        Some(claimed) if claimed <= available => Ok(()),
        claimed => Err(Fault::point(
            chunk.first,
            format!(
                "the layers of its chunk claim {} bytes, the chunk has {available}",
                claimed.map_or("an unknown number of".to_owned(), |claimed| claimed.to_string())
            ),
        )),
    }
}

#[cfg(test)]
mod tests;
