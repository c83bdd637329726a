//! Binary numbers of one layout, decoded in parallel: the bodies of PLY, PCD, NPY, KITTI and VTK.

use std::io;

use rayon::prelude::*;

use crate::color::{ColorScale, unpacked};
use crate::columns::{Columns, Rows};
use crate::role::{Assignments, Role};
use crate::scalar::{Endian, Scalar, gather};
use crate::source::Source;

/// Rows decoded by one task: small enough for a second-level cache with the columns they fill.
const CHUNK: usize = 4096;

/// Where one number of a row lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    pub scalar: Scalar,
    pub offset: usize,
}

/// The layout of a row.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub endian: Endian,
    /// Bytes from one row to the next; at least 1.
    pub stride: usize,
    /// The fields, by the column number that assignments use.
    pub fields: Vec<Field>,
}

/// Numbers of one column, the first of them at the first byte.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Array<'a> {
    pub bytes: &'a [u8],
    pub scalar: Scalar,
    /// Bytes from one number to the next.
    pub stride: usize,
}

/// Decodes `rows` rows that lie one after another.
///
/// # Panics
/// If `body` is shorter than `rows * stride` bytes or an assignment names no field: formats check
/// both, and say what is wrong in their own words.
pub(crate) fn decode(body: &[u8], rows: usize, layout: &Layout, assignments: &Assignments) -> Columns {
    let body = &body[..rows * layout.stride];
    let arrays: Vec<Array<'_>> = layout
        .fields
        .iter()
        .map(|field| Array {
            bytes: body.get(field.offset..).unwrap_or_default(),
            scalar: field.scalar,
            stride: layout.stride,
        })
        .collect();
    decode_arrays(&arrays, rows, layout.endian, assignments)
}

/// Decodes `rows` rows that begin at `start`, each task reading its own; `None` if the scale of the colours needs
/// a look at all of them first.
///
/// # Panics
/// As [`decode`], of the length of the source.
pub(crate) fn decode_source(
    source: &Source<'_>,
    start: usize,
    rows: usize,
    layout: &Layout,
    assignments: &Assignments,
) -> Option<io::Result<Columns>> {
    let fields = &layout.fields;
    let red = assignments.0.iter().find(|known| known.role == Role::Color(0));
    let scale = ColorScale::of_type(red.map(|known| fields[known.column].scalar))?;
    let mut columns = Columns::zeroed(rows, assignments.present());
    let filled = columns.rows().chunks(CHUNK).into_par_iter().enumerate().try_for_each_init(
        Vec::new,
        |scratch, (chunk, mut part)| {
            let (at, length) = (start + chunk * CHUNK * layout.stride, part.positions.len() * layout.stride);
            source.with(at, length, scratch, |bytes| {
                for known in &assignments.0 {
                    let Field { scalar, offset } = fields[known.column];
                    let array = Array { bytes: &bytes[offset..], scalar, stride: layout.stride };
                    fill(&mut part, array, layout.endian, known.role, scale);
                }
            })
        },
    );
    Some(filled.map(|()| columns))
}

/// Decodes `rows` rows out of one array per column.
///
/// # Panics
/// As [`decode`].
pub(crate) fn decode_arrays(
    arrays: &[Array<'_>],
    rows: usize,
    endian: Endian,
    assignments: &Assignments,
) -> Columns {
    let scale = color_scale(arrays, rows, endian, assignments);
    let mut columns = Columns::zeroed(rows, assignments.present());
    columns.rows().chunks(CHUNK).into_par_iter().enumerate().for_each(|(chunk, mut part)| {
        for known in &assignments.0 {
            let array = arrays[known.column];
            let bytes = array.bytes.get(chunk * CHUNK * array.stride..).unwrap_or_default();
            fill(&mut part, Array { bytes, ..array }, endian, known.role, scale);
        }
    });
    columns
}

/// The scale of the colour columns: by type where it tells, else by the largest value in the file.
fn color_scale(arrays: &[Array<'_>], rows: usize, endian: Endian, assignments: &Assignments) -> ColorScale {
    let colors = || {
        let list = assignments.0.iter().filter(|known| matches!(known.role, Role::Color(_)));
        list.map(|known| arrays[known.column])
    };
    let scalar = colors().next().map(|array| array.scalar);
    ColorScale::of_type(scalar).unwrap_or_else(|| {
        let mut largest = 0.0_f64;
        for array in colors() {
            gather(array.scalar, endian, array.bytes, array.stride, rows, |_, value| {
                largest = largest.max(value);
            });
        }
        ColorScale::of_values(largest, !scalar.is_some_and(Scalar::is_float))
    })
}

fn fill(rows: &mut Rows<'_>, array: Array<'_>, endian: Endian, role: Role, scale: ColorScale) {
    let Array { bytes, scalar, stride } = array;
    let count = rows.positions.len();
    macro_rules! each {
        ($put:expr) => {
            gather(scalar, endian, bytes, stride, count, $put)
        };
    }
    match (role, rows) {
        (Role::Position(axis), Rows { positions, .. }) => each!(|row, value| positions[row][axis] = value),
        (Role::Normal(axis), Rows { normals: Some(normals), .. }) => {
            each!(|row, value| normals[row][axis] = value);
        }
        (Role::Color(channel), Rows { colors: Some(colors), .. }) => {
            each!(|row, value| colors[row][channel] = scale.channel(value));
        }
        (Role::Packed, Rows { colors: Some(colors), .. }) => {
            // The four bytes are the word, whatever type they are declared as.
            gather(Scalar::U32, endian, bytes, stride, count, |row, word| {
                colors[row] = unpacked(word as u32);
            });
        }
        (Role::Intensity, Rows { intensities: Some(intensities), .. }) => {
            each!(|row, value| intensities[row] = value);
        }
        (Role::Time, Rows { times: Some(times), .. }) => each!(|row, value| times[row] = value),
        _ => {}
    }
}
