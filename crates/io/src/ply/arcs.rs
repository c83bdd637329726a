//! The arcs of a plan out of a PLY file: edges between the vertices of two clouds.

use ply_rs::ply::{ElementDef, Encoding};

use super::header;
use super::read::{fixed_row, is_vertex, short, skip};
use crate::error::{Fault, Outcome};
use crate::number::parse;
use crate::plan::{ArcPlace, Entry};
use crate::scalar::Endian;

/// Reads the element `edge` with `vertex1`, `vertex2`, `mass` and `cost`; vertices of the source come first.
pub(crate) fn read_arcs(bytes: &[u8], sources: usize, targets: usize) -> Outcome<Vec<Entry>> {
    let (header, start) = header::parse(bytes)?;
    let elements: Vec<&ElementDef> = header.elements.values().collect();
    let named = |wanted: fn(&ElementDef) -> bool, name: &str| {
        elements.iter().position(|element| wanted(element)).ok_or_else(|| {
            let names: Vec<&str> = elements.iter().map(|element| element.name.as_str()).collect();
            Fault::header(format!("no element {name:?}, so this is no plan; there are {names:?}"))
        })
    };
    let vertices = elements[named(is_vertex, "vertex")?].count;
    if sources.checked_add(targets) != Some(vertices) {
        return Err(Fault::header(format!(
            "{vertices} vertices; the plan is to be between {sources} source and {targets} target points"
        )));
    }
    let edge = named(|element| element.name == "edge", "edge")?;
    let (before, edge) = (&elements[..edge], elements[edge]);
    let mut places = [0; 4];
    for (place, wanted) in places.iter_mut().zip(["vertex1", "vertex2", "mass", "cost"]) {
        *place = edge.properties.keys().position(|name| name == wanted).ok_or_else(|| {
            let names: Vec<&String> = edge.properties.keys().collect();
            Fault::header(format!("edges have no property {wanted:?}; there are {names:?}"))
        })?;
    }
    let rows = match header.encoding {
        Encoding::Ascii => text_rows(bytes, start, before, edge, places)?,
        Encoding::BinaryLittleEndian => binary_rows(bytes, start, before, edge, places, Endian::Little)?,
        Encoding::BinaryBigEndian => binary_rows(bytes, start, before, edge, places, Endian::Big)?,
    };
    // A vertex below the first of the target becomes a negative index, which is refused like any other.
    let entry = |(row, [from, to, mass, cost]): (usize, [f64; 4])| {
        (ArcPlace::Row(row), [from, to - sources as f64, mass, cost])
    };
    Ok(rows.into_iter().enumerate().map(entry).collect())
}

fn binary_rows(
    bytes: &[u8],
    start: usize,
    before: &[&ElementDef],
    edge: &ElementDef,
    places: [usize; 4],
    endian: Endian,
) -> Outcome<Vec<[f64; 4]>> {
    let start = before.iter().try_fold(start, |start, element| skip(bytes, start, element, endian))?;
    let end = skip(bytes, start, edge, endian)?;
    let Some((stride, fields)) = fixed_row(edge) else {
        return Err(Fault::header("edges with a list; accepted are numbers"));
    };
    let row =
        |row: &[u8]| places.map(|place| fields[place].scalar.read(endian, &row[fields[place].offset..]));
    Ok(bytes[start..end].chunks_exact(stride).map(row).collect())
}

fn text_rows(
    bytes: &[u8],
    start: usize,
    before: &[&ElementDef],
    edge: &ElementDef,
    places: [usize; 4],
) -> Outcome<Vec<[f64; 4]>> {
    let mut lines =
        bytes[start..].split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|l| !l.is_empty());
    for element in before {
        for row in 0..element.count {
            lines.next().ok_or_else(|| short(bytes, element, &row.to_string()))?;
        }
    }
    let mut rows = Vec::new();
    for row in 0..edge.count {
        let line = lines.next().ok_or_else(|| short(bytes, edge, &row.to_string()))?;
        let words: Vec<&[u8]> = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
        let mut values = [0.0; 4];
        for (value, place) in values.iter_mut().zip(places) {
            let word = words.get(place).copied().unwrap_or_default();
            let parsed = parse(word).filter(|&(_, length)| length == word.len());
            let Some((number, _)) = parsed else {
                let line = String::from_utf8_lossy(&line[..line.len().min(40)]).into_owned();
                return Err(Fault::file(format!(
                    "arc {row}: {line:?} is no row of {} numbers",
                    edge.properties.len()
                )));
            };
            *value = number;
        }
        rows.push(values);
    }
    Ok(rows)
}
