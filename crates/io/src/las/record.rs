//! One point record: where its fields lie, and how rows of them become columns.

use nalgebra::{Point3, Vector3};

use super::extra::ExtraField;
use crate::columns::{Present, Rows};

/// The layout of a record, with the scale and offset of its integers.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub format: u8,
    /// Bytes of a record, extra bytes included.
    pub length: usize,
    pub scale: [f64; 3],
    pub offset: [f64; 3],
    pub normals: Option<[ExtraField; 3]>,
    /// Intensity that the 16-bit field cannot hold.
    pub intensity: Option<ExtraField>,
}

/// Bytes of a record of each format without extra bytes; `None` for a format that is none.
pub(crate) fn base_length(format: u8) -> Option<usize> {
    [20, 28, 26, 34, 57, 63, 30, 36, 38, 59, 67].get(usize::from(format)).copied()
}

impl Record {
    /// Offset of the GPS time, if the format has one.
    pub(crate) fn time_offset(&self) -> Option<usize> {
        match self.format {
            1 | 3 | 4 | 5 => Some(20),
            6.. => Some(22),
            _ => None,
        }
    }

    /// Offset of red, green and blue, if the format has them.
    pub(crate) fn color_offset(&self) -> Option<usize> {
        match self.format {
            2 => Some(20),
            3 | 5 => Some(28),
            7 | 8 | 10 => Some(30),
            _ => None,
        }
    }

    pub(crate) fn present(&self) -> Present {
        Present {
            normals: self.normals.is_some(),
            colors: self.color_offset().is_some(),
            intensities: true,
            times: self.time_offset().is_some(),
        }
    }

    /// Decodes whole records into as many rows.
    pub(crate) fn fill(&self, rows: &mut Rows<'_>, bytes: &[u8]) {
        const INTENSITY: usize = 12;
        let records = || bytes.chunks_exact(self.length);
        let ([sx, sy, sz], [ox, oy, oz]) = (self.scale, self.offset);
        for (position, record) in rows.positions.iter_mut().zip(records()) {
            let [x, y, z] = [0, 4, 8].map(|at| f64::from(i32::from_le_bytes(word(record, at))));
            *position = Point3::new(x * sx + ox, y * sy + oy, z * sz + oz);
        }
        if let (Some(column), Some(fields)) = (&mut rows.normals, &self.normals) {
            for (normal, record) in column.iter_mut().zip(records()) {
                *normal = Vector3::from(fields.each_ref().map(|field| field.value(record)));
            }
        }
        if let (Some(column), Some(at)) = (&mut rows.colors, self.color_offset()) {
            for (color, record) in column.iter_mut().zip(records()) {
                *color = [at, at + 2, at + 4].map(|at| u16::from_le_bytes(word(record, at)));
            }
        }
        if let Some(column) = &mut rows.intensities {
            for (intensity, record) in column.iter_mut().zip(records()) {
                *intensity = match &self.intensity {
                    Some(field) => field.value(record),
                    None => f64::from(u16::from_le_bytes(word(record, INTENSITY))),
                };
            }
        }
        if let (Some(column), Some(at)) = (&mut rows.times, self.time_offset()) {
            for (time, record) in column.iter_mut().zip(records()) {
                *time = f64::from_le_bytes(word(record, at));
            }
        }
    }
}

/// Some bytes of a record, which is as long as its format says.
#[inline]
fn word<const SIZE: usize>(record: &[u8], at: usize) -> [u8; SIZE] {
    let mut word = [0; SIZE];
    word.copy_from_slice(&record[at..at + SIZE]);
    word
}
