//! The body of a PCD file.

use pcd_rs::metas::{DataKind, PcdMeta, ValueKind};

use super::{header, lzf};
use crate::columns::Columns;
use crate::error::{Fault, Outcome};
use crate::lines::line_number_in;
use crate::records::{self, Array, Field, Layout};
use crate::role::{Assignment, Assignments, Role};
use crate::scalar::{Endian, Scalar};
use crate::source::Source;
use crate::text::{Declared, Separator, Table};

/// Reads a file of text or of binary rows part by part; `None` if it is another or wrong, for [`read`] to say.
pub(crate) fn read_parts(source: &Source<'_>, notes: &mut Vec<String>) -> Option<Outcome<Columns>> {
    let (meta, start) = header::parse(source.head).ok()?;
    let fields = fields(&meta).ok()?;
    let assignments = assignments(&fields);
    let stride: usize = fields.iter().map(FileField::bytes).sum();
    let rows = usize::try_from(meta.num_points).ok()?;
    if assignments.missing_axis().is_some() || meta.data == DataKind::BinaryCompressed {
        return None;
    }
    if meta.data == DataKind::Ascii {
        note_header(&meta, notes);
        return Some(read_ascii(source, start, rows, &fields, assignments));
    }
    if start.checked_add(stride.checked_mul(rows)?)? > source.length {
        return None;
    }
    let layout = Layout { endian: Endian::Little, stride, fields: row_layout(&fields) };
    let columns = records::decode_source(source, start, rows, &layout, &assignments)?;
    note_header(&meta, notes);
    Some(columns.map_err(Fault::Read))
}

/// The fields to read. A packed colour is four bytes.
fn assignments(fields: &[FileField]) -> Assignments {
    let mut assignments = Assignments::of(fields.iter().map(|field| field.name.as_str()));
    assignments.0.retain(|known| known.role != Role::Packed || fields[known.column].scalar.size() == 4);
    assignments
}

/// Reads a whole file, noting what was not honoured.
pub(crate) fn read(bytes: &[u8], notes: &mut Vec<String>) -> Outcome<Columns> {
    let (meta, start) = header::parse(bytes)?;
    let rows = usize::try_from(meta.num_points)
        .map_err(|_| Fault::header(format!("POINTS {} is more than memory can hold", meta.num_points)))?;
    let fields: Vec<FileField> = fields(&meta)?;
    let assignments = assignments(&fields);
    if let Some(axis) = assignments.missing_axis() {
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        return Err(Fault::header(format!("no field {axis:?}; FIELDS are {names:?}")));
    }
    note_header(&meta, notes);
    match meta.data {
        DataKind::Ascii => read_ascii(&Source::whole(bytes), start, rows, &fields, assignments),
        DataKind::Binary => {
            let stride = fields.iter().map(FileField::bytes).sum();
            let available = (bytes.len() - start) / stride;
            if available < rows {
                return Err(Fault::byte(
                    bytes.len(),
                    format!("POINTS promises {rows} of {stride} bytes, the file holds {available} of them"),
                ));
            }
            let layout = Layout { endian: Endian::Little, stride, fields: row_layout(&fields) };
            Ok(records::decode(&bytes[start..], rows, &layout, &assignments))
        }
        DataKind::BinaryCompressed => read_compressed(bytes, start, rows, &fields, &assignments),
    }
}

/// A field of the file, its sizes checked.
struct FileField {
    name: String,
    scalar: Scalar,
    kind: ValueKind,
    count: usize,
}

impl FileField {
    fn bytes(&self) -> usize {
        self.scalar.size() * self.count
    }
}

fn fields(meta: &PcdMeta) -> Outcome<Vec<FileField>> {
    /// Bytes of a row beyond which a header lies: PCL's largest point type has about 5 kB.
    const LARGEST_ROW: u64 = 1 << 24;
    let mut total = 0_u64;
    meta.field_defs
        .iter()
        .map(|field| {
            let scalar = header::scalar(field.kind);
            total = total.saturating_add(field.count.saturating_mul(scalar.size() as u64));
            if total > LARGEST_ROW {
                let (name, count) = (&field.name, field.count);
                return Err(Fault::header(format!(
                    "COUNT {count} of field {name:?} makes rows of {total} bytes"
                )));
            }
            let kind = field.kind;
            Ok(FileField { name: field.name.clone(), scalar, kind, count: field.count as usize })
        })
        .collect()
}

/// Offsets in a row, the first value of every field standing for it.
fn row_layout(fields: &[FileField]) -> Vec<Field> {
    let mut offset = 0;
    fields
        .iter()
        .map(|field| {
            let at = offset;
            offset += field.bytes();
            Field { scalar: field.scalar, offset: at }
        })
        .collect()
}

fn read_ascii(
    source: &Source<'_>,
    start: usize,
    rows: usize,
    fields: &[FileField],
    assignments: Assignments,
) -> Outcome<Columns> {
    let mut width = 0;
    let columns: Vec<usize> = fields
        .iter()
        .map(|field| {
            width += field.count;
            width - field.count
        })
        .collect();
    let packed_float = assignments
        .0
        .iter()
        .any(|known| known.role == Role::Packed && fields[known.column].kind == ValueKind::F32);
    let table = Table {
        separator: Separator::Blank,
        assignments: Assignments(
            assignments
                .0
                .iter()
                .map(|known| Assignment { column: columns[known.column], role: known.role })
                .collect(),
        ),
        width,
        declared: if packed_float { Declared::PackedFloat } else { Declared::Unknown },
        comments: &[b"#"],
        exact: false,
    };
    let mut columns = table.decode(source, start, source.length)?;
    if columns.len() < rows {
        return Err(Fault::line(
            line_number_in(source, source.length)?,
            format!("POINTS promises {rows}, the file has {}", columns.len()),
        ));
    }
    columns.truncate(rows);
    Ok(columns)
}

fn read_compressed(
    bytes: &[u8],
    start: usize,
    rows: usize,
    fields: &[FileField],
    assignments: &Assignments,
) -> Outcome<Columns> {
    let stride: usize = fields.iter().map(FileField::bytes).sum();
    let word = |at: usize| -> Option<usize> {
        let word: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(word) as usize)
    };
    let (Some(compressed), Some(inflated)) = (word(start), word(start + 4)) else {
        return Err(Fault::byte(bytes.len(), "the two sizes of the compressed body are cut off"));
    };
    let needed = rows.checked_mul(stride);
    if needed.is_none_or(|needed| needed > inflated) {
        return Err(Fault::byte(
            start + 4,
            format!("POINTS promises {rows} of {stride} bytes, the compressed body claims {inflated} bytes"),
        ));
    }
    if rows == 0 {
        return Ok(Columns::zeroed(0, assignments.present()));
    }
    let body_start = start + 8;
    let Some(body) = bytes.get(body_start..body_start.saturating_add(compressed)) else {
        return Err(Fault::byte(
            bytes.len(),
            format!("the compressed body claims {compressed} bytes, {} follow", bytes.len() - body_start),
        ));
    };
    // Equal sizes would mean that the body is stored as it is; PCL never writes that.
    let Some(body) = lzf::decompress(body, inflated).filter(|body| body.len() == inflated) else {
        return Err(Fault::byte(body_start, format!("the body is not LZF of {inflated} bytes")));
    };
    Ok(decode_columns(&body, rows, fields, assignments))
}

/// Decodes a body in which each field is one array after another: rows whose stride is one field.
fn decode_columns(body: &[u8], rows: usize, fields: &[FileField], assignments: &Assignments) -> Columns {
    let mut start = 0;
    let arrays: Vec<Array<'_>> = fields
        .iter()
        .map(|field| {
            let bytes = &body[start..start + field.bytes() * rows];
            start += bytes.len();
            Array { bytes, scalar: field.scalar, stride: field.bytes() }
        })
        .collect();
    records::decode_arrays(&arrays, rows, Endian::Little, assignments)
}

/// Positions in PCD are in the frame of the file; the viewpoint says where the sensor stood in it.
fn note_header(meta: &PcdMeta, notes: &mut Vec<String>) {
    if meta.width.checked_mul(meta.height) != Some(meta.num_points) {
        notes.push(format!(
            "POINTS {} is not WIDTH {} times HEIGHT {}; POINTS is taken",
            meta.num_points, meta.width, meta.height
        ));
    }
    let v = &meta.viewpoint;
    if [v.tx, v.ty, v.tz, v.qw, v.qx, v.qy, v.qz] != [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0] {
        notes.push(format!(
            "VIEWPOINT {} {} {} {} {} {} {} is the sensor's pose; positions are taken as they are",
            v.tx, v.ty, v.tz, v.qw, v.qx, v.qy, v.qz
        ));
    }
}
