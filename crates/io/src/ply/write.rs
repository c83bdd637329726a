//! PLY files made: doubles in binary little endian, or ascii.

use std::fmt::Write;

use barrow_geometry::{Arc, PointCloud};
use nalgebra::Point3;

use crate::color::{eight_bit, is_eight_bit};
use crate::rows::{encode, push_number};

/// The whole file in pieces. Positions are doubles, so nothing is lost; colours are 8-bit where that loses nothing.
pub(crate) fn write(cloud: &PointCloud, ascii: bool) -> Vec<Vec<u8>> {
    let eight = cloud.colors().is_none_or(is_eight_bit);
    let mut header = String::from("ply\n");
    let encoding = if ascii { "ascii" } else { "binary_little_endian" };
    // Writing to a string cannot fail.
    let _ = write!(header, "format {encoding} 1.0\nelement vertex {}\n", cloud.len());
    let mut property = |kind: &str, names: &[&str]| {
        for name in names {
            let _ = writeln!(header, "property {kind} {name}");
        }
    };
    property("double", &["x", "y", "z"]);
    if cloud.normals().is_some() {
        property("double", &["nx", "ny", "nz"]);
    }
    if cloud.colors().is_some() {
        property(if eight { "uchar" } else { "ushort" }, &["red", "green", "blue"]);
    }
    if cloud.intensities().is_some() {
        property("double", &["intensity"]);
    }
    if cloud.times().is_some() {
        property("double", &["time"]);
    }
    header.push_str("end_header\n");
    let mut pieces = vec![header.into_bytes()];
    pieces.extend(encode(cloud.len(), |row, buffer| {
        let put = Put { ascii, begin: buffer.len() };
        put.numbers(buffer, cloud.positions()[row].iter());
        if let Some(normals) = cloud.normals() {
            put.numbers(buffer, normals[row].iter());
        }
        if let Some(colors) = cloud.colors() {
            for channel in colors[row] {
                match (ascii, eight) {
                    (true, true) => put.number(buffer, f64::from(eight_bit(channel))),
                    (true, false) => put.number(buffer, f64::from(channel)),
                    (false, true) => buffer.push(eight_bit(channel)),
                    (false, false) => buffer.extend(channel.to_le_bytes()),
                }
            }
        }
        for column in [cloud.intensities(), cloud.times()].into_iter().flatten() {
            put.number(buffer, column[row]);
        }
        if ascii {
            buffer.push(b'\n');
        }
    }));
    pieces
}

/// Vertices of two clouds, source first, and the arcs between them as edges with mass and cost.
pub(crate) fn write_arcs(source: &PointCloud, target: &PointCloud, arcs: &[Arc]) -> Vec<Vec<u8>> {
    let vertices = source.len() + target.len();
    let header = format!(
        "ply\nformat binary_little_endian 1.0\ncomment vertices: {} of the source, then {} of the target\n\
         element vertex {vertices}\nproperty double x\nproperty double y\nproperty double z\n\
         element edge {}\nproperty int vertex1\nproperty int vertex2\nproperty double mass\nproperty double cost\n\
         end_header\n",
        source.len(),
        target.len(),
        arcs.len()
    );
    let mut pieces = vec![header.into_bytes()];
    let point = |row: usize| -> &Point3<f64> {
        source.positions().get(row).unwrap_or_else(|| &target.positions()[row - source.len()])
    };
    let put = Put { ascii: false, begin: 0 };
    pieces.extend(encode(vertices, |row, buffer| put.numbers(buffer, point(row).iter())));
    pieces.extend(encode(arcs.len(), |row, buffer| {
        let Arc { source: from, target: to, mass, cost } = arcs[row];
        buffer.extend((from as i32).to_le_bytes());
        buffer.extend(((source.len() + to) as i32).to_le_bytes());
        put.numbers(buffer, [mass, cost].iter());
    }));
    pieces
}

/// Writes numbers of one row in either encoding.
#[derive(Clone, Copy)]
struct Put {
    ascii: bool,
    begin: usize,
}

impl Put {
    fn number(self, buffer: &mut Vec<u8>, value: f64) {
        if !self.ascii {
            return buffer.extend(value.to_le_bytes());
        }
        if buffer.len() > self.begin {
            buffer.push(b' ');
        }
        push_number(buffer, value);
    }

    fn numbers<'a>(self, buffer: &mut Vec<u8>, values: impl Iterator<Item = &'a f64>) {
        values.for_each(|&value| self.number(buffer, value));
    }
}
