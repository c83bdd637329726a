//! An array as a cloud: rows of numbers, or a structured array with named fields.

use npyz::{DType, NpyHeader, Order};

use super::header::{parse, scalar};
use crate::columns::Columns;
use crate::error::{Fault, Outcome};
use crate::records::{self, Array};
use crate::role::{Assignments, Role};
use crate::scalar::{Endian, Scalar};
use crate::xyz::roles;

/// Rows looked at to find out what unnamed columns mean.
const SAMPLE: usize = 256;

/// No cloud has more columns; an image does.
const WIDEST: u64 = 64;

/// Reads an array.
pub(crate) fn read(bytes: &[u8], notes: &mut Vec<String>) -> Outcome<Columns> {
    let (header, body) = parse(bytes)?;
    match header.dtype() {
        DType::Plain(_) => {
            let matrix = Matrix::of(&header, body, bytes.len())?;
            let roles = roles(matrix.width, &matrix.sample());
            let unread = roles.iter().filter(|role| role.is_none()).count();
            if unread > 0 {
                let width = matrix.width;
                notes.push(format!("{unread} of {width} columns have no clear meaning; they are skipped"));
            }
            matrix.decode(&Assignments::of_roles(&roles))
        }
        DType::Record(fields) => read_records(&header, &fields, body, bytes.len()),
        other => {
            Err(Fault::header(format!("an array of {}; numbers or named fields are needed", other.descr())))
        }
    }
}

/// Rows of numbers of one type.
pub(crate) struct Matrix<'a> {
    body: &'a [u8],
    scalar: Scalar,
    endian: Endian,
    order: Order,
    pub rows: usize,
    pub width: usize,
}

impl<'a> Matrix<'a> {
    /// All axes but the last are rows; an axis alone is one column.
    pub(crate) fn of(header: &NpyHeader, body: &'a [u8], file_length: usize) -> Outcome<Self> {
        let DType::Plain(kind) = header.dtype() else {
            return Err(Fault::header("numbers are needed, this array is structured"));
        };
        let Some((scalar, endian)) = scalar(&kind) else {
            return Err(Fault::header(format!("numbers of type {kind}; accepted are f4, f8 and integers")));
        };
        let (rows, width) = match header.shape() {
            [rows] => (*rows, 1),
            [rows, width] => (*rows, *width),
            [rest @ .., width] if header.order() == Order::C && !rest.is_empty() => {
                (rest.iter().product(), *width)
            }
            shape => {
                return Err(Fault::header(format!("the shape {shape:?}; accepted is (n, 3) and the like")));
            }
        };
        let needed = (rows as usize).checked_mul(width as usize).and_then(|n| n.checked_mul(scalar.size()));
        if needed.is_none_or(|needed| needed > body.len()) {
            let found = body.len();
            let problem =
                format!("the shape {:?} promises more than the {found} bytes that follow", header.shape());
            return Err(Fault::byte(file_length, problem));
        }
        if width > WIDEST {
            let shape = header.shape();
            return Err(Fault::header(format!("the shape {shape:?}; accepted are up to {WIDEST} columns")));
        }
        let (rows, width) = (rows as usize, width as usize);
        Ok(Self { body, scalar, endian, order: header.order(), rows, width })
    }

    fn array(&self, column: usize) -> Array<'a> {
        let size = self.scalar.size();
        let (start, stride) = match self.order {
            Order::C => (column * size, self.width * size),
            Order::Fortran => (column * self.rows * size, size),
        };
        Array { bytes: self.body.get(start..).unwrap_or_default(), scalar: self.scalar, stride }
    }

    fn value(&self, row: usize, column: usize) -> f64 {
        let Array { bytes, scalar, stride } = self.array(column);
        scalar.read(self.endian, &bytes[row * stride..])
    }

    /// Some rows, spread over all.
    fn sample(&self) -> Vec<Vec<f64>> {
        let step = (self.rows / SAMPLE).max(1);
        let row = |row: usize| (0..self.width).map(|column| self.value(row, column)).collect();
        (0..self.rows).step_by(step).map(row).collect()
    }

    /// The columns that are assigned.
    pub(crate) fn decode(&self, assignments: &Assignments) -> Outcome<Columns> {
        if let Some(axis @ ("x" | "y")) = assignments.missing_axis() {
            let (rows, width) = (self.rows, self.width);
            let problem =
                format!("{rows} rows of {width} columns have no {axis}; accepted are 2 columns and more");
            return Err(Fault::header(problem));
        }
        let arrays: Vec<Array<'_>> = (0..self.width).map(|column| self.array(column)).collect();
        Ok(records::decode_arrays(&arrays, self.rows, self.endian, assignments))
    }

    /// One column as numbers.
    pub(crate) fn column(&self, column: usize) -> Vec<f64> {
        (0..self.rows).map(|row| self.value(row, column)).collect()
    }

    pub(crate) fn scalar(&self) -> Scalar {
        self.scalar
    }
}

/// Reads rows with named fields.
fn read_records(
    header: &NpyHeader,
    fields: &[npyz::Field],
    body: &[u8],
    file_length: usize,
) -> Outcome<Columns> {
    let mut arrays: Vec<Array<'_>> = Vec::new();
    let mut roles: Vec<Option<Role>> = Vec::new();
    let mut order: Option<Endian> = None;
    let stride = header.dtype().num_bytes().filter(|&stride| stride > 0);
    let Some(stride) = stride else {
        return Err(Fault::header("rows of no fixed size; accepted are fields of numbers"));
    };
    let rows = header.len() as usize;
    if body.len() / stride < rows {
        let found = body.len() / stride;
        return Err(Fault::byte(
            file_length,
            format!("the shape promises {rows} rows, the file has {found}"),
        ));
    }
    let mut offset = 0;
    for field in fields {
        for (role, kind, at) in parts(&field.name, &field.dtype) {
            let Some((scalar, endian)) = scalar(&kind) else { continue };
            if scalar.size() > 1 && *order.get_or_insert(endian) != endian {
                return Err(Fault::header("fields of both byte orders; accepted is one of them"));
            }
            arrays.push(Array { bytes: body.get(offset + at..).unwrap_or_default(), scalar, stride });
            roles.push(Some(role));
        }
        offset += field.dtype.num_bytes().unwrap_or(0);
    }
    let assignments = Assignments::of_roles(&roles);
    if let Some(axis @ ("x" | "y")) = assignments.missing_axis() {
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        return Err(Fault::header(format!("no field {axis:?}; the fields are {names:?}")));
    }
    Ok(records::decode_arrays(&arrays, rows, order.unwrap_or(Endian::Little), &assignments))
}

/// The numbers of a field that have a meaning: their roles, types and offsets in the field.
fn parts(name: &str, kind: &DType) -> Vec<(Role, npyz::TypeStr, usize)> {
    match kind {
        DType::Plain(kind) => {
            let role = Role::of(name).filter(|role| *role != Role::Packed);
            role.map(|role| (role, kind.clone(), 0)).into_iter().collect()
        }
        DType::Array(3 | 4, inner) => {
            let (Some(role), DType::Plain(kind)) = (triple(name), inner.as_ref()) else { return Vec::new() };
            let size = kind.num_bytes().unwrap_or(0);
            (0..3).map(|axis| (role(axis), kind.clone(), axis * size)).collect()
        }
        _ => Vec::new(),
    }
}

/// What an array of three numbers means by its name.
pub(crate) fn triple(name: &str) -> Option<fn(usize) -> Role> {
    match name.to_ascii_lowercase().as_str() {
        "xyz" | "points" | "point" | "positions" | "position" | "pos" | "coords" | "vertices" => {
            Some(Role::Position)
        }
        "normals" | "normal" => Some(Role::Normal),
        "colors" | "color" | "colours" | "rgb" => Some(Role::Color),
        _ => None,
    }
}
