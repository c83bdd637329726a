//! Raw little-endian f32, as the KITTI odometry set has them: x y z reflectance.
//!
//! No library: there is no header to read.

use barrow_geometry::PointCloud;
use rayon::prelude::*;

use crate::columns::Columns;
use crate::error::{Fault, Outcome};
use crate::records::{self, Field, Layout};
use crate::role::{Assignments, Role};
use crate::rows::encode;
use crate::scalar::{Endian, Scalar};

/// Coordinates beyond this are no metres of a scan; raw bytes read with a wrong stride are mostly there.
const FARTHEST: f32 = 1e7;

/// Reads 3, 4 or 5 floats per point; `None` decides by content and says so in a note.
pub(crate) fn read(bytes: &[u8], columns: Option<usize>, notes: &mut Vec<String>) -> Outcome<Columns> {
    let columns = match columns {
        Some(columns @ 3..=5) => columns,
        Some(other) => return Err(Fault::file(format!("{other} floats per point; accepted are 3, 4 and 5"))),
        None => {
            let columns = guess(bytes)?;
            let meaning = ["x y z", "x y z intensity", "x y z intensity ring"][columns - 3];
            notes.push(format!("read as {columns} floats per point ({meaning}), judged by content"));
            columns
        }
    };
    let stride = 4 * columns;
    if !bytes.len().is_multiple_of(stride) {
        let rest = bytes.len() % stride;
        return Err(Fault::byte(
            bytes.len() - rest,
            format!("{rest} bytes are left after {} points of {stride} bytes", bytes.len() / stride),
        ));
    }
    let roles = [Role::Position(0), Role::Position(1), Role::Position(2), Role::Intensity];
    let roles: Vec<Option<Role>> = roles.into_iter().take(columns).map(Some).collect();
    let fields = (0..roles.len()).map(|column| Field { scalar: Scalar::F32, offset: 4 * column }).collect();
    let layout = Layout { endian: Endian::Little, stride, fields };
    Ok(records::decode(bytes, bytes.len() / stride, &layout, &Assignments::of_roles(&roles)))
}

/// Floats per point, of those that divide the size: 4 if every fourth is a reflectance, 5 if every fifth is
/// a small whole number too, else 3.
fn guess(bytes: &[u8]) -> Outcome<usize> {
    let float = |index: usize| Scalar::F32.read(Endian::Little, &bytes[4 * index..]) as f32;
    let points = |columns: usize| bytes.len() / (4 * columns);
    let divides = |columns: usize| bytes.len().is_multiple_of(4 * columns);
    let all = |columns: usize, column: usize, accepts: fn(f32) -> bool| {
        (0..points(columns)).into_par_iter().all(|point| accepts(float(point * columns + column)))
    };
    let reflectance: fn(f32) -> bool = |value| (0.0..=65535.0).contains(&value);
    let ring: fn(f32) -> bool = |value| (0.0..=255.0).contains(&value) && value.fract() == 0.0;
    let near: fn(f32) -> bool = |value| value.abs() < FARTHEST || !value.is_finite();
    let columns = if divides(4) && all(4, 3, reflectance) {
        4
    } else if divides(5) && all(5, 3, reflectance) && all(5, 4, ring) {
        5
    } else if divides(3) {
        3
    } else {
        let problem = format!(
            "{} bytes are neither points of 3, 4 nor of 5 floats with a plausible intensity",
            bytes.len()
        );
        return Err(Fault::file(problem));
    };
    // Bytes of another format make numbers of every magnitude.
    for axis in 0..3 {
        if !all(columns, axis, near) {
            return Err(Fault::file(format!(
                "as {columns} floats per point, coordinates are above {FARTHEST:e}: this is not raw f32, or the number of floats must be given"
            )));
        }
    }
    Ok(columns)
}

/// The whole file in pieces: four floats per point, the intensity 0 where there is none.
pub(crate) fn write(cloud: &PointCloud) -> Vec<Vec<u8>> {
    encode(cloud.len(), |row, buffer| {
        for value in cloud.positions()[row].iter() {
            buffer.extend((*value as f32).to_le_bytes());
        }
        let intensity = cloud.intensities().map_or(0.0, |column| column[row]);
        buffer.extend((intensity as f32).to_le_bytes());
    })
}
