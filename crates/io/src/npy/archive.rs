//! An archive of arrays as a cloud: positions by name, or the only array that can be positions.

use std::io::{Cursor, Read};

use nalgebra::Vector3;
use zip::ZipArchive;

use super::header::{parse, read_vector};
use super::read::{Matrix, read as read_array, triple};
use crate::color::ColorScale;
use crate::columns::Columns;
use crate::error::{Fault, Outcome};
use crate::plan::{ArcPlace, Entry};
use crate::role::Role;
use crate::scalar::Scalar;

/// Reads `positions` (or `points`, `xyz`, ...), `normals`, `colors`, `intensity` and `time`.
pub(crate) fn read(bytes: &[u8], notes: &mut Vec<String>) -> Outcome<Columns> {
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|error| Fault::file(format!("the archive: {error}")))?;
    let mut names: Vec<String> =
        archive.file_names().filter_map(|name| name.strip_suffix(".npy")).map(str::to_owned).collect();
    names.sort();
    let named =
        |wanted: Role| names.iter().find(|name| triple(name).is_some_and(|role| role(0) == wanted)).cloned();
    let Some(positions) = named(Role::Position(0)).or_else(|| only(&names)) else {
        return Err(Fault::file(format!(
            "no array \"positions\", \"points\" or \"xyz\"; there are {names:?}"
        )));
    };
    let inside = |name: &str, fault: Fault| match fault {
        Fault::At(_, problem) => Fault::file(format!("array {name:?}: {problem}")),
        other => other,
    };
    let array = entry(&mut archive, &positions)?;
    let mut columns = read_array(&array, notes).map_err(|fault| inside(&positions, fault))?;
    let points = columns.len();
    for name in &names {
        let (role, width) = match (triple(name), Role::of(name)) {
            (Some(role), _) if role(0) != Role::Position(0) => (role(0), 3),
            (_, Some(role @ (Role::Intensity | Role::Time))) => (role, 1),
            _ => continue,
        };
        let array = entry(&mut archive, name)?;
        let (header, body) = parse(&array).map_err(|fault| inside(name, fault))?;
        let matrix = Matrix::of(&header, body, array.len()).map_err(|fault| inside(name, fault))?;
        if matrix.rows != points || matrix.width < width {
            notes.push(format!("array {name:?} has {} rows for {points} points: it is skipped", matrix.rows));
            continue;
        }
        keep(&mut columns, role, &matrix);
    }
    Ok(columns)
}

/// The columns of a plan: the arrays `source`, `target`, `mass` and `cost`.
pub(crate) fn read_plan(bytes: &[u8]) -> Outcome<Vec<Entry>> {
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|error| Fault::file(format!("the archive: {error}")))?;
    let mut columns: [Vec<f64>; 4] = Default::default();
    for (column, name) in columns.iter_mut().zip(["source", "target", "mass", "cost"]) {
        let array = entry(&mut archive, name)?;
        *column = read_vector(&array).map_err(|fault| match fault {
            Fault::At(place, problem) => Fault::file(format!("array {name:?}: {place}: {problem}")),
            other => other,
        })?;
    }
    let lengths = columns.each_ref().map(Vec::len);
    if lengths.iter().any(|&length| length != lengths[0]) {
        return Err(Fault::file(format!(
            "the arrays source, target, mass and cost have {lengths:?} numbers; as many of each are needed"
        )));
    }
    let row = |row: usize| (ArcPlace::Row(row), columns.each_ref().map(|column| column[row]));
    Ok((0..lengths[0]).map(row).collect())
}

fn keep(columns: &mut Columns, role: Role, matrix: &Matrix<'_>) {
    let rows = || {
        let [x, y, z] = [0, 1, 2].map(|axis| matrix.column(axis));
        x.into_iter().zip(y).zip(z).map(|((x, y), z)| [x, y, z])
    };
    match role {
        Role::Normal(_) => columns.normals = Some(rows().map(Vector3::from).collect()),
        Role::Color(_) => {
            let scale = match matrix.scalar() {
                Scalar::U8 | Scalar::I8 => ColorScale::Eight,
                Scalar::U16 | Scalar::I16 => ColorScale::Sixteen,
                kind => ColorScale::of_values(rows().flatten().fold(0.0, f64::max), !kind.is_float()),
            };
            columns.colors = Some(rows().map(|row| row.map(|value| scale.channel(value))).collect());
        }
        Role::Intensity => columns.intensities = Some(matrix.column(0)),
        Role::Time => columns.times = Some(matrix.column(0)),
        _ => {}
    }
}

/// The name, if there is one alone.
fn only(names: &[String]) -> Option<String> {
    match names {
        [name] => Some(name.clone()),
        _ => None,
    }
}

/// The bytes of an array; they grow as they are inflated.
fn entry(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = archive
        .by_name(&format!("{name}.npy"))
        .map_err(|error| Fault::file(format!("array {name:?}: {error}")))?;
    file.read_to_end(&mut bytes).map_err(|error| Fault::file(format!("array {name:?}: {error}")))?;
    Ok(bytes)
}
