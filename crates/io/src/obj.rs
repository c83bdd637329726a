//! The vertices of a Wavefront OBJ: `v x y z [r g b]`, and `vn` where there is one per vertex.
//!
//! No library: those for OBJ load meshes and drop vertices that no face uses.

use barrow_geometry::PointCloud;
use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

use crate::color::{ColorScale, eight_bit, is_eight_bit};
use crate::columns::Columns;
use crate::error::{Fault, Outcome};
use crate::lines::{line_number, next_line, parts};
use crate::number::parse;
use crate::rows::{encode, push_number};
use crate::source::Source;

/// One part of the file.
#[derive(Default)]
struct Part {
    positions: Vec<Point3<f64>>,
    colors: Vec<[f64; 3]>,
    normals: Vec<Vector3<f64>>,
}

/// Reads all vertices; faces, texture and all else is skipped.
pub(crate) fn read(bytes: &[u8], notes: &mut Vec<String>) -> Outcome<Columns> {
    let parts: Vec<Part> = parts(&Source::whole(bytes), 0, bytes.len())?
        .into_par_iter()
        .map(|part| {
            let text = &bytes[part.start..part.start + part.length];
            decode(text).map_err(|(offset, problem)| (part.start + offset, problem))
        })
        .collect::<Vec<_>>()
        .into_iter()
        .collect::<Result<_, (usize, String)>>()
        .map_err(|(at, problem)| Fault::line(line_number(bytes, at), problem))?;
    let whole = parts.into_iter().fold(Part::default(), |mut whole, part| {
        whole.positions.extend(part.positions);
        whole.colors.extend(part.colors);
        whole.normals.extend(part.normals);
        whole
    });
    let Part { positions, colors, normals } = whole;
    if positions.is_empty() {
        return Err(Fault::file("no line \"v x y z\""));
    }
    let vertices = positions.len();
    for (name, length) in [("colours", colors.len()), ("normals", normals.len())] {
        if length != 0 && length != vertices {
            notes.push(format!("{length} {name} for {vertices} vertices: they are skipped"));
        }
    }
    let values = || colors.iter().flatten();
    // Few writers use 0 to 255; a whole 0 or 1 means the same in both readings of the common scale.
    let largest = values().fold(0.0_f64, |largest, &value| largest.max(value));
    let scale = if largest <= 1.0 { ColorScale::Unit } else { ColorScale::Eight };
    let convert = |color: &[f64; 3]| color.map(|value| scale.channel(value));
    Ok(Columns {
        colors: (colors.len() == vertices).then(|| colors.iter().map(convert).collect()),
        normals: (normals.len() == vertices).then_some(normals),
        positions,
        ..Columns::default()
    })
}

/// The vertices of some lines, or where and why they are wrong.
fn decode(chunk: &[u8]) -> Result<Part, (usize, String)> {
    let mut part = Part::default();
    let mut at = 0;
    while at < chunk.len() {
        let end = next_line(chunk, at);
        let line = chunk[at..end].trim_ascii();
        if let Some(rest) = line.strip_prefix(b"v ").or_else(|| line.strip_prefix(b"v\t")) {
            let (values, count) = numbers(rest).map_err(|problem| (at, problem))?;
            match count {
                // A fourth number is a weight of 1.
                3 | 4 => {}
                6 | 7 => part.colors.push([values[count - 3], values[count - 2], values[count - 1]]),
                _ => return Err((at, format!("a vertex of {count} numbers; accepted are 3, 4, 6 and 7"))),
            }
            part.positions.push(Point3::new(values[0], values[1], values[2]));
        } else if let Some(rest) = line.strip_prefix(b"vn ") {
            let (values, count) = numbers(rest).map_err(|problem| (at, problem))?;
            if count != 3 {
                return Err((at, format!("a normal of {count} numbers; accepted are 3")));
            }
            part.normals.push(Vector3::new(values[0], values[1], values[2]));
        }
        at = end;
    }
    Ok(part)
}

/// The numbers of a line, at most eight of them, before a comment.
fn numbers(line: &[u8]) -> Result<([f64; 8], usize), String> {
    let (mut values, mut count) = ([0.0; 8], 0);
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() && rest[0] != b'#' && count < values.len() {
        let parsed = parse(rest).filter(|&(_, length)| rest.get(length).is_none_or(u8::is_ascii_whitespace));
        let Some((value, length)) = parsed else {
            let word = rest.split(u8::is_ascii_whitespace).next().unwrap_or_default();
            let word = String::from_utf8_lossy(&word[..word.len().min(40)]).into_owned();
            return Err(format!("{word:?} is not a number"));
        };
        values[count] = value;
        count += 1;
        rest = rest[length..].trim_ascii_start();
    }
    Ok((values, count))
}

/// The whole file in pieces: vertices with colours from 0 to 1, then normals.
pub(crate) fn write(cloud: &PointCloud) -> Vec<Vec<u8>> {
    let eight = cloud.colors().is_none_or(is_eight_bit);
    let mut pieces = encode(cloud.len(), |row, buffer| {
        buffer.push(b'v');
        for value in cloud.positions()[row].iter() {
            buffer.push(b' ');
            push_number(buffer, *value);
        }
        for channel in cloud.colors().map(|colors| colors[row]).into_iter().flatten() {
            let value =
                if eight { f64::from(eight_bit(channel)) / 255.0 } else { f64::from(channel) / 65535.0 };
            buffer.push(b' ');
            push_number(buffer, value);
        }
        buffer.push(b'\n');
    });
    if let Some(normals) = cloud.normals() {
        pieces.extend(encode(cloud.len(), |row, buffer| {
            buffer.extend_from_slice(b"vn");
            for value in normals[row].iter() {
                buffer.push(b' ');
                push_number(buffer, *value);
            }
            buffer.push(b'\n');
        }));
    }
    pieces
}
