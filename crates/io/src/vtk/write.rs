//! Legacy VTK files made: polydata of version 3.0 with a vertex cell per point, doubles, binary or ASCII.

use barrow_geometry::PointCloud;

use crate::color::{eight_bit, is_eight_bit};
use crate::rows::{encode, push_number};

/// Writes numbers in either encoding.
#[derive(Clone, Copy)]
struct Put {
    ascii: bool,
}

impl Put {
    fn row<'a>(self, buffer: &mut Vec<u8>, values: impl IntoIterator<Item = &'a f64>) {
        for &value in values {
            if self.ascii {
                push_number(buffer, value);
                buffer.push(b' ');
            } else {
                buffer.extend(value.to_be_bytes());
            }
        }
        self.end(buffer);
    }

    fn end(self, buffer: &mut Vec<u8>) {
        if self.ascii {
            buffer.pop_if(|byte| *byte == b' ');
            buffer.push(b'\n');
        }
    }
}

/// The whole file in pieces.
pub(crate) fn write(cloud: &PointCloud, ascii: bool) -> Vec<Vec<u8>> {
    let (put, points) = (Put { ascii }, cloud.len());
    let encoding = if ascii { "ASCII" } else { "BINARY" };
    let mut pieces = Vec::new();
    let mut section = |title: String, rows: Vec<Vec<u8>>| {
        pieces.push(title.into_bytes());
        pieces.extend(rows);
        pieces.push(b"\n".to_vec());
    };
    section(
        format!("# vtk DataFile Version 3.0\nbarrow\n{encoding}\nDATASET POLYDATA\nPOINTS {points} double\n"),
        encode(points, |row, buffer| put.row(buffer, cloud.positions()[row].iter())),
    );
    section(
        format!("VERTICES {points} {}\n", 2 * points),
        encode(points, |row, buffer| {
            if ascii {
                buffer.extend_from_slice(format!("1 {row}\n").as_bytes());
            } else {
                buffer.extend(1_i32.to_be_bytes());
                buffer.extend((row as i32).to_be_bytes());
            }
        }),
    );
    section(format!("POINT_DATA {points}\n"), Vec::new());
    if let Some(normals) = cloud.normals() {
        section(
            "NORMALS normals double\n".to_owned(),
            encode(points, |row, buffer| put.row(buffer, normals[row].iter())),
        );
    }
    if let Some(colors) = cloud.colors() {
        let eight = is_eight_bit(colors);
        let kind = if eight { "unsigned_char" } else { "unsigned_short" };
        section(
            format!("SCALARS rgb {kind} 3\nLOOKUP_TABLE default\n"),
            encode(points, |row, buffer| {
                for channel in colors[row] {
                    match (ascii, eight) {
                        (false, true) => buffer.push(eight_bit(channel)),
                        (false, false) => buffer.extend(channel.to_be_bytes()),
                        (true, true) => {
                            buffer.extend_from_slice(format!("{} ", eight_bit(channel)).as_bytes())
                        }
                        (true, false) => buffer.extend_from_slice(format!("{channel} ").as_bytes()),
                    }
                }
                put.end(buffer);
            }),
        );
    }
    for (name, column) in [("intensity", cloud.intensities()), ("time", cloud.times())] {
        if let Some(column) = column {
            section(
                format!("SCALARS {name} double 1\nLOOKUP_TABLE default\n"),
                encode(points, |row, buffer| put.row(buffer, [&column[row]])),
            );
        }
    }
    pieces
}
