//! The body of a PLY file.

use ply_rs::ply::{ElementDef, Encoding, Header, PropertyType, ScalarType};

use super::header;
use crate::color::ColorScale;
use crate::columns::Columns;
use crate::error::{Fault, Outcome};
use crate::lines::{after_lines, line_number_in};
use crate::records::{self, Field, Layout};
use crate::role::{Assignments, Role};
use crate::scalar::{Endian, Scalar};
use crate::source::Source;
use crate::text::{Declared, Separator, Table};

/// Reads a file of text, or of binary rows with the vertices first, part by part; `None` if it is another or wrong,
/// for [`read`] to say.
pub(crate) fn read_parts(source: &Source<'_>) -> Option<Outcome<Columns>> {
    let (header, start) = header::parse(source.head).ok()?;
    let endian = match header.encoding {
        Encoding::Ascii => return Some(read_body(source, &header, start)),
        Encoding::BinaryLittleEndian => Endian::Little,
        Encoding::BinaryBigEndian => Endian::Big,
    };
    let vertex = header.elements.values().next().filter(|element| is_vertex(element))?;
    let assignments = assignments(vertex);
    let (stride, fields) = fixed_row(vertex)?;
    let whole = start.checked_add(stride.checked_mul(vertex.count)?)? <= source.length;
    if !whole || assignments.missing_axis().is_some() {
        return None;
    }
    let layout = Layout { endian, stride, fields };
    let columns = records::decode_source(source, start, vertex.count, &layout, &assignments)?;
    Some(columns.map_err(Fault::Read))
}

pub(super) fn is_vertex(element: &ElementDef) -> bool {
    matches!(element.name.as_str(), "vertex" | "point" | "points")
}

/// Reads the element `vertex` (or `point`) and skips all others.
pub(crate) fn read(bytes: &[u8]) -> Outcome<Columns> {
    let (header, start) = header::parse(bytes)?;
    read_body(&Source::whole(bytes), &header, start)
}

/// Reads what follows the header; of a binary file, all of it must be at hand.
fn read_body(source: &Source<'_>, header: &Header, start: usize) -> Outcome<Columns> {
    let bytes = source.head;
    let elements: Vec<&ElementDef> = header.elements.values().collect();
    let Some(vertex) = elements.iter().position(|element| is_vertex(element)) else {
        let names: Vec<&str> = elements.iter().map(|element| element.name.as_str()).collect();
        return Err(Fault::header(format!("no element \"vertex\"; there are {names:?}")));
    };
    let (before, vertex, last) = (&elements[..vertex], elements[vertex], vertex + 1 == elements.len());
    let assignments = assignments(vertex);
    if let Some(axis) = assignments.missing_axis() {
        let names: Vec<&String> = vertex.properties.keys().collect();
        return Err(Fault::header(format!("vertices have no scalar property {axis:?}; there are {names:?}")));
    }
    match header.encoding {
        Encoding::Ascii => read_ascii(source, start, before, vertex, last, assignments),
        Encoding::BinaryLittleEndian => {
            read_binary(bytes, start, before, vertex, Endian::Little, assignments)
        }
        Encoding::BinaryBigEndian => read_binary(bytes, start, before, vertex, Endian::Big, assignments),
    }
}

/// The columns to read. A list has no role, so its name is hidden.
fn assignments(vertex: &ElementDef) -> Assignments {
    let roles: Vec<Option<Role>> = vertex
        .properties
        .values()
        .map(|property| match property.data_type {
            PropertyType::Scalar(_) => Role::of(&property.name).filter(|role| *role != Role::Packed),
            PropertyType::List(..) => None,
        })
        .collect();
    Assignments::of_roles(&roles)
}

fn read_ascii(
    source: &Source<'_>,
    start: usize,
    before: &[&ElementDef],
    vertex: &ElementDef,
    last: bool,
    assignments: Assignments,
) -> Outcome<Columns> {
    let after = |start: usize, element: &ElementDef| -> Outcome<usize> {
        if let Some(end) = after_lines(source, start, element.count)? {
            return Ok(end);
        }
        let ElementDef { count, name, .. } = element;
        let problem = format!("the header promises {count} lines of {name:?}; the file ends before that");
        Err(Fault::line(line_number_in(source, source.length)?, problem))
    };
    let start = before.iter().try_fold(start, |start, element| after(start, element))?;
    let end = if last { source.length } else { after(start, vertex)? };
    let first_list =
        vertex.properties.values().position(|property| matches!(property.data_type, PropertyType::List(..)));
    if let Some(list) = first_list
        && let Some(late) = assignments.0.iter().find(|known| known.column > list)
    {
        let name = vertex.properties.keys().nth(late.column).cloned().unwrap_or_default();
        return Err(Fault::header(format!(
            "property {name:?} follows a list, so its column differs from line to line; scalars must come first"
        )));
    }
    let table = Table {
        separator: Separator::Blank,
        width: first_list.unwrap_or(vertex.properties.len()),
        declared: declared_scale(vertex, &assignments),
        assignments,
        comments: &[],
        exact: false,
    };
    let mut columns = table.decode(source, start, end)?;
    if columns.len() < vertex.count {
        let problem =
            format!("the header promises {} vertices, the file has {}", vertex.count, columns.len());
        return Err(Fault::line(line_number_in(source, end)?, problem));
    }
    columns.truncate(vertex.count);
    Ok(columns)
}

/// The scale of text colours by their declared type.
fn declared_scale(vertex: &ElementDef, assignments: &Assignments) -> Declared {
    let red = assignments.0.iter().find(|known| known.role == Role::Color(0));
    let property = red.and_then(|known| vertex.properties.values().nth(known.column));
    match property.map(|property| &property.data_type) {
        Some(PropertyType::Scalar(ScalarType::UChar | ScalarType::Char)) => {
            Declared::Scale(ColorScale::Eight)
        }
        Some(PropertyType::Scalar(ScalarType::UShort | ScalarType::Short)) => {
            Declared::Scale(ColorScale::Sixteen)
        }
        _ => Declared::Unknown,
    }
}

fn read_binary(
    bytes: &[u8],
    start: usize,
    before: &[&ElementDef],
    vertex: &ElementDef,
    endian: Endian,
    assignments: Assignments,
) -> Outcome<Columns> {
    let mut start = start;
    for element in before {
        start = skip(bytes, start, element, endian)?;
    }
    let body = &bytes[start..];
    let Some((stride, fields)) = fixed_row(vertex) else {
        return read_listed(body, start, vertex, endian, &assignments);
    };
    let available = body.len() / stride;
    if available < vertex.count {
        return Err(Fault::byte(
            bytes.len(),
            format!(
                "the header promises {} vertices of {stride} bytes, the file holds {available} of them",
                vertex.count
            ),
        ));
    }
    let layout = Layout { endian, stride, fields };
    Ok(records::decode(body, vertex.count, &layout, &assignments))
}

/// The size and the fields of a row without lists; `None` if there is a list.
pub(super) fn fixed_row(element: &ElementDef) -> Option<(usize, Vec<Field>)> {
    let mut offset = 0;
    let mut fields = Vec::with_capacity(element.properties.len());
    for property in element.properties.values() {
        let PropertyType::Scalar(kind) = &property.data_type else { return None };
        let scalar = scalar(kind);
        fields.push(Field { scalar, offset });
        offset += scalar.size();
    }
    Some((offset, fields))
}

/// Where the rows of an element end.
pub(super) fn skip(bytes: &[u8], start: usize, element: &ElementDef, endian: Endian) -> Outcome<usize> {
    if let Some((stride, _)) = fixed_row(element) {
        let end = stride.checked_mul(element.count).and_then(|length| start.checked_add(length));
        return end.filter(|&end| end <= bytes.len()).ok_or_else(|| short(bytes, element, "fewer"));
    }
    let mut at = start;
    for row in 0..element.count {
        for property in element.properties.values() {
            at = skip_property(bytes, at, &property.data_type, endian)
                .ok_or_else(|| short(bytes, element, &format!("{row}")))?;
        }
    }
    Ok(at)
}

pub(super) fn short(bytes: &[u8], element: &ElementDef, found: &str) -> Fault {
    let ElementDef { count, name, .. } = element;
    Fault::byte(bytes.len(), format!("the header promises {count} rows of {name:?}, the file holds {found}"))
}

/// Where a property ends; `None` beyond the end of the file.
fn skip_property(bytes: &[u8], at: usize, kind: &PropertyType, endian: Endian) -> Option<usize> {
    let end = match kind {
        PropertyType::Scalar(kind) => at.checked_add(scalar(kind).size())?,
        PropertyType::List(count, item) => {
            let count = scalar(count);
            let body = at.checked_add(count.size())?;
            let length = count.read(endian, bytes.get(at..body)?);
            // A negative or huge length ends beyond the file, and so in `None`.
            let items = if length >= 0.0 { length as usize } else { return None };
            body.checked_add(items.checked_mul(scalar(item).size())?)?
        }
    };
    (end <= bytes.len()).then_some(end)
}

/// Reads rows whose lists make them differ in length: one walk to copy the scalars to fixed rows.
fn read_listed(
    body: &[u8],
    start: usize,
    vertex: &ElementDef,
    endian: Endian,
    assignments: &Assignments,
) -> Outcome<Columns> {
    let mut offset = 0;
    let fields: Vec<Field> = vertex
        .properties
        .values()
        .map(|property| match &property.data_type {
            PropertyType::Scalar(kind) => {
                let scalar = scalar(kind);
                offset += scalar.size();
                Field { scalar, offset: offset - scalar.size() }
            }
            PropertyType::List(..) => Field { scalar: Scalar::U8, offset: 0 },
        })
        .collect();
    let mut rows = Vec::new();
    let mut at = 0;
    for row in 0..vertex.count {
        for property in vertex.properties.values() {
            let end = skip_property(body, at, &property.data_type, endian).ok_or_else(|| {
                Fault::byte(
                    start + at,
                    format!("the header promises {} vertices, number {row} is cut off", vertex.count),
                )
            })?;
            if let PropertyType::Scalar(_) = property.data_type {
                rows.extend_from_slice(&body[at..end]);
            }
            at = end;
        }
    }
    let layout = Layout { endian, stride: offset, fields };
    Ok(records::decode(&rows, vertex.count, &layout, assignments))
}

fn scalar(kind: &ScalarType) -> Scalar {
    match kind {
        ScalarType::Char => Scalar::I8,
        ScalarType::UChar => Scalar::U8,
        ScalarType::Short => Scalar::I16,
        ScalarType::UShort => Scalar::U16,
        ScalarType::Int => Scalar::I32,
        ScalarType::UInt => Scalar::U32,
        ScalarType::Float => Scalar::F32,
        ScalarType::Double => Scalar::F64,
    }
}
