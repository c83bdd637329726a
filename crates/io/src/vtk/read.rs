//! The sections of a legacy VTK file, of which points and their obvious attributes are kept.

use nalgebra::{Point3, Vector3};

use super::body::{Body, Kind};
use crate::color::ColorScale;
use crate::columns::Columns;
use crate::error::{Fault, Outcome};
use crate::role::Role;
use crate::scalar::Scalar;

/// Whose attributes follow.
#[derive(Clone, Copy, PartialEq)]
enum Owner {
    Points,
    Others,
}

/// Reads the points and their normals, colours, intensity and time, noting where it stopped.
pub(crate) fn read(bytes: &[u8], notes: &mut Vec<String>) -> Outcome<Columns> {
    let mut body = Body { bytes, at: 0, binary: false };
    header(&mut body)?;
    let mut columns: Option<Columns> = None;
    let mut attributes = (Owner::Others, 0);
    while let Some((at, line)) = body.line() {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let keyword = words.first().map(|word| word.to_ascii_uppercase()).unwrap_or_default();
        let section = Section { at, line, words: &words };
        match keyword.as_str() {
            "DATASET" | "DIMENSIONS" => dataset(&body, &section)?,
            "POINTS" => {
                let (count, kind) = (section.count(&body, 1)?, section.kind(&body, 2)?);
                let values = body.numbers(kind, section.times(&body, count, 3)?)?;
                let positions =
                    values.as_chunks().0.iter().map(|xyz: &[f64; 3]| Point3::from(*xyz)).collect();
                columns = Some(Columns { positions, ..Columns::default() });
            }
            "VERTICES" | "LINES" | "POLYGONS" | "TRIANGLE_STRIPS" | "CELLS" => cells(&mut body, &section)?,
            "CELL_TYPES" => body.skip(Kind::Number(Scalar::I32), section.count(&body, 1)?)?,
            "POINT_DATA" => {
                let count = section.count(&body, 1)?;
                let points = columns.as_ref().map_or(0, Columns::len);
                let owner = if count == points { Owner::Points } else { Owner::Others };
                attributes = (owner, count);
            }
            "CELL_DATA" => attributes = (Owner::Others, section.count(&body, 1)?),
            "METADATA" => skip_metadata(&mut body),
            _ => match attribute(&mut body, &section, &keyword, attributes.1)? {
                Some(arrays) => {
                    if let (Owner::Points, Some(columns)) = (attributes.0, &mut columns) {
                        arrays.into_iter().for_each(|array| array.keep(columns));
                    }
                }
                None => {
                    let word = words.first().copied().unwrap_or("binary data");
                    notes.push(format!("byte {at}: {word:?} is no known section; what follows is skipped"));
                    break;
                }
            },
        }
    }
    columns.ok_or_else(|| Fault::file("there is no section POINTS"))
}

fn header(body: &mut Body<'_>) -> Outcome<()> {
    let end = |bytes: &[u8]| Fault::byte(bytes.len(), "the header of four lines is cut off");
    let (_, signature) = body.line().ok_or_else(|| end(body.bytes))?;
    if !signature.starts_with("# vtk DataFile") {
        return Err(Fault::line(1, "the first line is not \"# vtk DataFile Version ...\""));
    }
    // The title may be blank, so the lines are counted as they are.
    body.at = crate::lines::next_line(body.bytes, body.at);
    let (at, encoding) = body.line().ok_or_else(|| end(body.bytes))?;
    body.binary = match encoding.to_ascii_uppercase().as_str() {
        "ASCII" => false,
        "BINARY" => true,
        _ => return Err(body.fault(at, format!("{encoding:?}; accepted are ASCII and BINARY"))),
    };
    Ok(())
}

/// One keyword line.
struct Section<'a> {
    at: usize,
    line: &'a str,
    words: &'a [&'a str],
}

impl Section<'_> {
    fn count(&self, body: &Body<'_>, word: usize) -> Outcome<usize> {
        self.words.get(word).and_then(|word| word.parse().ok()).ok_or_else(|| {
            body.fault(self.at, format!("{:?}: word {} is not a number of things", self.line, word + 1))
        })
    }

    fn kind(&self, body: &Body<'_>, word: usize) -> Outcome<Kind> {
        self.words.get(word).and_then(|word| Kind::of(word)).ok_or_else(|| {
            body.fault(
                self.at,
                format!("{:?}: word {} is not a type such as float or double", self.line, word + 1),
            )
        })
    }

    fn times(&self, body: &Body<'_>, count: usize, factor: usize) -> Outcome<usize> {
        count
            .checked_mul(factor)
            .ok_or_else(|| body.fault(self.at, format!("{:?}: more numbers than memory can hold", self.line)))
    }
}

fn dataset(body: &Body<'_>, section: &Section<'_>) -> Outcome<()> {
    match section.words.get(1).map(|word| word.to_ascii_uppercase()).as_deref() {
        Some("STRUCTURED_POINTS" | "RECTILINEAR_GRID" | "FIELD") => {
            let problem = format!(
                "{:?} has no points; accepted are POLYDATA, UNSTRUCTURED_GRID and STRUCTURED_GRID",
                section.line
            );
            Err(body.fault(section.at, problem))
        }
        _ => Ok(()),
    }
}

/// Passes over cells: lengths and indices in one array, or since 5.1 in two with names and types of their own.
fn cells(body: &mut Body<'_>, section: &Section<'_>) -> Outcome<()> {
    let (first, second) = (section.count(body, 1)?, section.count(body, 2)?);
    let start = body.at;
    let Some((at, line)) = body.line() else {
        return if second == 0 {
            Ok(())
        } else {
            Err(body.fault(start, "the file ends before its cells".to_owned()))
        };
    };
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    if words.first() != Some(&"OFFSETS") {
        body.at = start;
        return body.skip(Kind::Number(Scalar::I32), second);
    }
    let offsets = Section { at, line, words: &words };
    let kind = offsets.kind(body, 1)?;
    body.skip(kind, first)?;
    let Some((at, line)) = body.line() else { return Ok(()) };
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let connectivity = Section { at, line, words: &words };
    let kind = connectivity.kind(body, 1)?;
    body.skip(kind, second)
}

/// Metadata end at a blank line.
fn skip_metadata(body: &mut Body<'_>) {
    while body.at < body.bytes.len() {
        let begin = body.at;
        body.at = crate::lines::next_line(body.bytes, begin);
        if body.bytes[begin..body.at].trim_ascii().is_empty() {
            break;
        }
    }
}

/// An attribute that was read.
struct Array {
    role: Meaning,
    kind: Kind,
    components: usize,
    values: Vec<f64>,
}

/// What an attribute means for a cloud.
#[derive(Clone, Copy)]
enum Meaning {
    Normals,
    Colors,
    Intensity,
    Time,
}

impl Meaning {
    fn of(name: &str, components: usize) -> Option<Meaning> {
        let name = name.to_ascii_lowercase();
        match (name.as_str(), components, Role::of(&name)) {
            ("normals" | "normal" | "pointnormals", 3, _) => Some(Meaning::Normals),
            ("rgb" | "rgba" | "color" | "colors" | "colour" | "colours" | "rgbcolors", 3 | 4, _) => {
                Some(Meaning::Colors)
            }
            (_, 1, Some(Role::Intensity)) => Some(Meaning::Intensity),
            (_, 1, Some(Role::Time)) => Some(Meaning::Time),
            _ => None,
        }
    }
}

impl Array {
    fn keep(self, columns: &mut Columns) {
        let Array { role, kind, components, values } = self;
        let rows = || values.chunks_exact(components);
        match role {
            Meaning::Normals => {
                columns.normals = Some(rows().map(|row| Vector3::new(row[0], row[1], row[2])).collect());
            }
            Meaning::Colors => {
                let scale = match kind {
                    Kind::Number(Scalar::U16) => ColorScale::Sixteen,
                    Kind::Number(scalar) if scalar.is_float() => {
                        ColorScale::of_values(values.iter().fold(0.0, |a: f64, &b| a.max(b)), false)
                    }
                    _ => ColorScale::Eight,
                };
                let channels = |row: &[f64]| [row[0], row[1], row[2]].map(|value| scale.channel(value));
                columns.colors = Some(rows().map(channels).collect());
            }
            Meaning::Intensity => columns.intensities = Some(values),
            Meaning::Time => columns.times = Some(values),
        }
    }
}

/// Reads or skips one attribute of `count` tuples; `None` if the keyword is no attribute.
fn attribute(
    body: &mut Body<'_>,
    section: &Section<'_>,
    keyword: &str,
    count: usize,
) -> Outcome<Option<Vec<Array>>> {
    let name = section.words.get(1).copied().unwrap_or_default();
    let float = Kind::Number(Scalar::F32);
    let (kind, components, meaning) = match keyword {
        "SCALARS" => {
            let components = if section.words.len() > 3 { section.count(body, 3)? } else { 1 };
            // The line LOOKUP_TABLE is part of it; some writers leave it out.
            let start = body.at;
            if body.line().is_none_or(|(_, line)| !line.to_ascii_uppercase().starts_with("LOOKUP_TABLE")) {
                body.at = start;
            }
            (section.kind(body, 2)?, components, Meaning::of(name, components))
        }
        "COLOR_SCALARS" => {
            let components = section.count(body, 2)?;
            let kind = if body.binary { Kind::Number(Scalar::U8) } else { float };
            (kind, components, (components == 3 || components == 4).then_some(Meaning::Colors))
        }
        "LOOKUP_TABLE" => {
            let size = section.times(body, section.count(body, 2)?, 4)?;
            body.skip(if body.binary { Kind::Number(Scalar::U8) } else { float }, size)?;
            return Ok(Some(Vec::new()));
        }
        "NORMALS" => (section.kind(body, 2)?, 3, Some(Meaning::Normals)),
        "VECTORS" => (section.kind(body, 2)?, 3, Meaning::of(name, 3)),
        "TENSORS" => (section.kind(body, 2)?, 9, None),
        "TENSORS6" => (section.kind(body, 2)?, 6, None),
        "TEXTURE_COORDINATES" => (section.kind(body, 3)?, section.count(body, 2)?, None),
        "GLOBAL_IDS" | "PEDIGREE_IDS" => (section.kind(body, 2)?, 1, None),
        "FIELD" => return field(body, section, count).map(Some),
        _ => return Ok(None),
    };
    let numbers = section.times(body, count, components)?;
    Ok(Some(array(body, kind, components, numbers, meaning)?.into_iter().collect()))
}

fn array(
    body: &mut Body<'_>,
    kind: Kind,
    components: usize,
    numbers: usize,
    meaning: Option<Meaning>,
) -> Outcome<Option<Array>> {
    match meaning {
        Some(role) => Ok(Some(Array { role, kind, components, values: body.numbers(kind, numbers)? })),
        None => body.skip(kind, numbers).map(|()| None),
    }
}

/// Arrays with names, components, tuples and types of their own.
fn field(body: &mut Body<'_>, section: &Section<'_>, count: usize) -> Outcome<Vec<Array>> {
    let arrays = section.count(body, 2)?;
    let mut kept = Vec::new();
    let mut read = 0;
    while read < arrays {
        let Some((at, line)) = body.line() else {
            return Err(body.fault(body.at, format!("{arrays} arrays are promised, the file has {read}")));
        };
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        if words.first() == Some(&"METADATA") {
            skip_metadata(body);
            continue;
        }
        let part = Section { at, line, words: &words };
        let (components, tuples) = (part.count(body, 1)?, part.count(body, 2)?);
        let kind = part.kind(body, 3)?;
        let meaning = Meaning::of(words[0], components).filter(|_| tuples == count);
        let numbers = part.times(body, tuples, components)?;
        kept.extend(array(body, kind, components, numbers, meaning)?);
        read += 1;
    }
    Ok(kept)
}
