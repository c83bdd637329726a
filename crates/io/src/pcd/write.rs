//! PCD files made: version 0.7, binary or ascii, doubles.

use std::fmt::Write;

use barrow_geometry::PointCloud;

use crate::color::packed;
use crate::rows::{encode, push_number};

/// The whole file in pieces. Positions are doubles, so nothing is lost; colours are 8-bit, as PCD has them.
pub(crate) fn write(cloud: &PointCloud, ascii: bool) -> Vec<Vec<u8>> {
    let mut names = vec!["x", "y", "z"];
    if cloud.normals().is_some() {
        names.extend(["normal_x", "normal_y", "normal_z"]);
    }
    if cloud.intensities().is_some() {
        names.push("intensity");
    }
    if cloud.times().is_some() {
        names.push("timestamp");
    }
    let doubles = names.len();
    names.extend(cloud.colors().map(|_| "rgb"));
    let column = |double: &str, word: &str| {
        (0..names.len()).map(|i| if i < doubles { double } else { word }).collect::<Vec<_>>().join(" ")
    };
    let mut header = String::from("# .PCD v0.7 - Point Cloud Data file format\nVERSION 0.7\n");
    // Writing to a string cannot fail.
    let _ = writeln!(header, "FIELDS {}", names.join(" "));
    let _ =
        writeln!(header, "SIZE {}\nTYPE {}\nCOUNT {}", column("8", "4"), column("F", "U"), column("1", "1"));
    let _ = writeln!(header, "WIDTH {0}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {0}", cloud.len());
    let _ = writeln!(header, "DATA {}", if ascii { "ascii" } else { "binary" });
    let mut pieces = vec![header.into_bytes()];
    pieces.extend(encode(cloud.len(), |row, buffer| {
        let begin = buffer.len();
        let put = |buffer: &mut Vec<u8>, value: f64| {
            if !ascii {
                return buffer.extend(value.to_le_bytes());
            }
            if buffer.len() > begin {
                buffer.push(b' ');
            }
            push_number(buffer, value);
        };
        cloud.positions()[row].iter().for_each(|&value| put(buffer, value));
        if let Some(normals) = cloud.normals() {
            normals[row].iter().for_each(|&value| put(buffer, value));
        }
        for column in [cloud.intensities(), cloud.times()].into_iter().flatten() {
            put(buffer, column[row]);
        }
        if let Some(colors) = cloud.colors() {
            let word = packed(colors[row]);
            if ascii {
                put(buffer, f64::from(word));
            } else {
                buffer.extend(word.to_le_bytes());
            }
        }
        if ascii {
            buffer.push(b'\n');
        }
    }));
    pieces
}
