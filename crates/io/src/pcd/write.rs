//! PCD files made: version 0.7, binary or ascii.

use std::fmt::Write;

use barrow_geometry::PointCloud;
use rayon::prelude::*;

use crate::color::packed;
use crate::rows::{encode, push_number};

/// Whether columns are written as floats.
///
/// Only where that loses nothing; but then, because PCL and Open3D do not read doubles.
#[derive(Clone, Copy)]
struct Single {
    positions: bool,
    normals: bool,
    intensities: bool,
    times: bool,
}

impl Single {
    fn of(cloud: &PointCloud) -> Self {
        let single = |value: &f64| f64::from(*value as f32) == *value || value.is_nan();
        let column = |column: Option<&[f64]>| column.is_none_or(|column| column.par_iter().all(single));
        Self {
            positions: cloud.positions().par_iter().all(|point| point.iter().all(single)),
            normals: cloud.normals().is_none_or(|normals| normals.par_iter().all(|n| n.iter().all(single))),
            intensities: column(cloud.intensities()),
            times: column(cloud.times()),
        }
    }
}

/// The whole file in pieces. Colours are 8-bit, as PCD has them; nothing else is lost.
pub(crate) fn write(cloud: &PointCloud, ascii: bool) -> Vec<Vec<u8>> {
    let single = Single::of(cloud);
    let mut pieces = vec![header(cloud, single, ascii).into_bytes()];
    pieces.extend(encode(cloud.len(), |row, buffer| {
        let begin = buffer.len();
        let put = |buffer: &mut Vec<u8>, value: f64, single: bool| match (ascii, single) {
            (false, true) => buffer.extend((value as f32).to_le_bytes()),
            (false, false) => buffer.extend(value.to_le_bytes()),
            (true, _) => {
                if buffer.len() > begin {
                    buffer.push(b' ');
                }
                push_number(buffer, value);
            }
        };
        cloud.positions()[row].iter().for_each(|&value| put(buffer, value, single.positions));
        if let Some(normals) = cloud.normals() {
            normals[row].iter().for_each(|&value| put(buffer, value, single.normals));
        }
        if let Some(intensities) = cloud.intensities() {
            put(buffer, intensities[row], single.intensities);
        }
        if let Some(times) = cloud.times() {
            put(buffer, times[row], single.times);
        }
        if let Some(colors) = cloud.colors() {
            let word = packed(colors[row]);
            if ascii {
                put(buffer, f64::from(word), false);
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

fn header(cloud: &PointCloud, single: Single, ascii: bool) -> String {
    let mut fields: Vec<(&str, u8, char)> = Vec::new();
    let mut add = |names: &[&'static str], single: bool| {
        fields.extend(names.iter().map(|name| (*name, if single { 4 } else { 8 }, 'F')));
    };
    add(&["x", "y", "z"], single.positions);
    if cloud.normals().is_some() {
        add(&["normal_x", "normal_y", "normal_z"], single.normals);
    }
    if cloud.intensities().is_some() {
        add(&["intensity"], single.intensities);
    }
    if cloud.times().is_some() {
        add(&["timestamp"], single.times);
    }
    if cloud.colors().is_some() {
        fields.push(("rgb", 4, 'U'));
    }
    let line =
        |value: fn(&(&str, u8, char)) -> String| fields.iter().map(value).collect::<Vec<_>>().join(" ");
    let mut header = String::from("# .PCD v0.7 - Point Cloud Data file format\nVERSION 0.7\n");
    // Writing to a string cannot fail.
    let _ = writeln!(header, "FIELDS {}", line(|(name, _, _)| (*name).to_owned()));
    let _ = writeln!(header, "SIZE {}", line(|(_, size, _)| size.to_string()));
    let _ = writeln!(header, "TYPE {}", line(|(_, _, kind)| kind.to_string()));
    let _ = writeln!(header, "COUNT {}", line(|_| "1".to_owned()));
    let _ = writeln!(header, "WIDTH {0}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {0}", cloud.len());
    let _ = writeln!(header, "DATA {}", if ascii { "ascii" } else { "binary" });
    header
}
