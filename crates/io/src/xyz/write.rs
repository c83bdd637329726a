//! Text made: blanks with a commented header, or commas with a header for `.csv`.

use barrow_geometry::PointCloud;

use crate::color::{eight_bit, is_eight_bit};
use crate::rows::{encode, push_number};

/// How the text is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Blanks between; a line `# x y z ...` if there is more than positions.
    Blanks,
    /// Commas between; a first line of names.
    Commas,
    /// Blanks between; a first line with the number of points, as in PTS.
    Counted,
}

/// The whole file in pieces. Numbers are the shortest that read back to the same bits.
pub(crate) fn write(cloud: &PointCloud, style: Style) -> Vec<Vec<u8>> {
    let eight = cloud.colors().is_none_or(is_eight_bit);
    let mut names = vec!["x", "y", "z"];
    if cloud.normals().is_some() {
        names.extend(["nx", "ny", "nz"]);
    }
    if cloud.colors().is_some() {
        names.extend(if eight { ["red", "green", "blue"] } else { ["red16", "green16", "blue16"] });
    }
    if cloud.intensities().is_some() {
        names.push("intensity");
    }
    if cloud.times().is_some() {
        names.push("time");
    }
    let separator = if style == Style::Commas { b',' } else { b' ' };
    let header = match style {
        Style::Commas => format!("{}\n", names.join(",")),
        Style::Blanks if names.len() > 3 => format!("# {}\n", names.join(" ")),
        Style::Blanks => String::new(),
        Style::Counted if names.len() > 3 => format!("# {}\n{}\n", names.join(" "), cloud.len()),
        Style::Counted => format!("{}\n", cloud.len()),
    };
    let mut pieces = vec![header.into_bytes()];
    pieces.extend(encode(cloud.len(), |row, buffer| {
        let begin = buffer.len();
        let mut put = |value: f64| {
            if buffer.len() > begin {
                buffer.push(separator);
            }
            push_number(buffer, value);
        };
        cloud.positions()[row].iter().for_each(|&value| put(value));
        if let Some(normals) = cloud.normals() {
            normals[row].iter().for_each(|&value| put(value));
        }
        if let Some(colors) = cloud.colors() {
            for channel in colors[row] {
                put(if eight { f64::from(eight_bit(channel)) } else { f64::from(channel) });
            }
        }
        for column in [cloud.intensities(), cloud.times()].into_iter().flatten() {
            put(column[row]);
        }
        buffer.push(b'\n');
    }));
    pieces
}
