//! LAS and LAZ files made.
//!
//! Version 1.2 with point format 0 to 3, the smallest that holds time and colours; version 1.4 where normals
//! or an intensity that is no 16-bit number go to extra bytes. Coordinates become 32-bit integers: see [`rounding`](crate::rounding).

use std::io::Cursor;

use ::las::raw::Header;
use ::las::raw::vlr::RecordLength;
use barrow_geometry::PointCloud;
use laz::{LazVlr, LazVlrBuilder, ParLasZipCompressor};
use rayon::prelude::*;

use super::extra;
use super::record::base_length;
use crate::rows::encode;

/// The finest step that is tried for coordinates that are decimals already [m].
const FINEST_DECIMAL: i32 = -6;

/// How a coordinate becomes an integer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Axis {
    scale: f64,
    offset: f64,
    min: f64,
    max: f64,
}

/// How each axis is kept.
pub(crate) fn axes(cloud: &PointCloud) -> [Axis; 3] {
    let Some(bounds) = cloud.bounds() else {
        return [Axis { scale: 1e-3, offset: 0.0, min: 0.0, max: 0.0 }; 3];
    };
    [0, 1, 2].map(|axis| {
        let (min, max) = (bounds.min[axis], bounds.max[axis]);
        decimal(cloud, axis, min, max).unwrap_or_else(|| finest(min, max))
    })
}

/// The coarsest decimal step on which all coordinates lie, around zero.
fn decimal(cloud: &PointCloud, axis: usize, min: f64, max: f64) -> Option<Axis> {
    let largest = min.abs().max(max.abs());
    (FINEST_DECIMAL..=-1).rev().find_map(|exponent| {
        let scale = power_of_ten(exponent);
        let fits = largest / scale < f64::from(i32::MAX);
        // A decimal and the product that a reader makes of it may differ in the last bits.
        let exact =
            |value: f64| ((value / scale).round() * scale - value).abs() <= 4.0 * f64::EPSILON * value.abs();
        (fits && cloud.positions().par_iter().all(|point| exact(point[axis]))).then_some(Axis {
            scale,
            offset: 0.0,
            min,
            max,
        })
    })
}

/// The smallest power of ten at which the extent fits, around the middle.
fn finest(min: f64, max: f64) -> Axis {
    let half = max / 2.0 - min / 2.0;
    let exponent = if half > 0.0 { (half / f64::from(i32::MAX - 1)).log10().ceil() as i32 } else { -9 };
    // A whole offset where that leaves room: it is easier to read.
    let middle = min + half;
    let offset = if half == 0.0 || half > 4.0 { middle.trunc() } else { middle };
    let offset = if half == 0.0 { middle } else { offset };
    let scale = power_of_ten(exponent.max(-300));
    let reach = (max - offset).max(offset - min);
    let scale = if reach / scale >= f64::from(i32::MAX) { scale * 10.0 } else { scale };
    Axis { scale, offset, min, max }
}

/// The double that is written `1e<exponent>`, which a product of tens would miss by rounding.
fn power_of_ten(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(f64::MIN_POSITIVE)
}

impl Axis {
    fn integer(&self, value: f64) -> i32 {
        ((value - self.offset) / self.scale).round() as i32
    }

    /// The coordinate that a reader will see.
    pub(crate) fn stored(&self, value: f64) -> f64 {
        f64::from(self.integer(value)) * self.scale + self.offset
    }
}

/// The whole file in pieces, or why it cannot be.
pub(crate) fn write(cloud: &PointCloud, compressed: bool) -> Result<Vec<Vec<u8>>, String> {
    let points = u32::try_from(cloud.len())
        .map_err(|_| format!("{} points; accepted are up to {}", cloud.len(), u32::MAX))?;
    let axes = axes(cloud);
    let small = |value: &f64| value.fract() == 0.0 && (0.0..=65535.0).contains(value);
    let wide_intensity = cloud.intensities().filter(|column| !column.par_iter().all(small));
    let mut descriptions = Vec::new();
    if cloud.normals().is_some() {
        descriptions.extend(["NormalX", "NormalY", "NormalZ"].into_iter().flat_map(extra::describe));
    }
    if wide_intensity.is_some() {
        descriptions.extend(extra::describe("Intensity"));
    }
    let extra_bytes =
        8 * (if cloud.normals().is_some() { 3 } else { 0 } + usize::from(wide_intensity.is_some()));
    let format = u8::from(cloud.times().is_some()) + 2 * u8::from(cloud.colors().is_some());
    let base = base_length(format).unwrap_or_default();

    let pieces = encode(cloud.len(), |row, buffer| {
        let begin = buffer.len();
        for (axis, value) in axes.iter().zip(cloud.positions()[row].iter()) {
            buffer.extend(axis.integer(*value).to_le_bytes());
        }
        let intensity = cloud.intensities().map_or(0.0, |column| column[row]);
        buffer.extend((intensity.round() as u16).to_le_bytes());
        // Return 1 of 1; no class, angle, user data or source.
        buffer.push(0b0000_1001);
        buffer.resize(begin + 20, 0);
        if let Some(times) = cloud.times() {
            buffer.extend(times[row].to_le_bytes());
        }
        if let Some(colors) = cloud.colors() {
            buffer.extend(colors[row].iter().flat_map(|channel| channel.to_le_bytes()));
        }
        if let Some(normals) = cloud.normals() {
            buffer.extend(normals[row].iter().flat_map(|value| value.to_le_bytes()));
        }
        if let Some(intensities) = wide_intensity {
            buffer.extend(intensities[row].to_le_bytes());
        }
    });
    let vlr = LazVlrBuilder::default()
        .with_point_format(format, extra_bytes as u16)
        .map_err(|error| error.to_string())?
        .build();
    let header = header(points, format, base + extra_bytes, &axes, &descriptions, compressed.then_some(&vlr))
        .map_err(|error| error.to_string())?;
    if !compressed {
        return Ok([vec![header], pieces].concat());
    }
    let start = header.len() as u64;
    let mut output = Cursor::new(header);
    output.set_position(start);
    let mut compressor = ParLasZipCompressor::new(output, vlr).map_err(|error| error.to_string())?;
    compressor.compress_many(&pieces.concat()).map_err(|error| error.to_string())?;
    compressor.done().map_err(|error| error.to_string())?;
    Ok(vec![compressor.into_inner().into_inner()])
}

/// The bytes before the points.
fn header(
    points: u32,
    format: u8,
    length: usize,
    axes: &[Axis; 3],
    descriptions: &[u8],
    laszip: Option<&LazVlr>,
) -> ::las::Result<Vec<u8>> {
    let mut records = Vec::new();
    if !descriptions.is_empty() {
        records.push(variable_record("LASF_Spec", 4, descriptions.to_vec()));
    }
    if let Some(laszip) = laszip {
        let mut data = Vec::new();
        laszip.write_to(&mut data)?;
        records.push(variable_record(LazVlr::USER_ID, LazVlr::RECORD_ID, data));
    }
    let version = ::las::Version::new(1, if descriptions.is_empty() { 2 } else { 4 });
    let records_length: usize = records.iter().map(|record| 54 + record.data.len()).sum();
    let [x, y, z] = axes;
    let header = Header {
        version,
        system_identifier: padded("OTHER"),
        generating_software: padded("barrow"),
        header_size: version.header_size(),
        offset_to_point_data: u32::from(version.header_size()) + records_length as u32,
        number_of_variable_length_records: records.len() as u32,
        point_data_record_format: if laszip.is_some() { format | 0x80 } else { format },
        point_data_record_length: length as u16,
        number_of_point_records: points,
        number_of_points_by_return: [points, 0, 0, 0, 0],
        x_scale_factor: x.scale,
        y_scale_factor: y.scale,
        z_scale_factor: z.scale,
        x_offset: x.offset,
        y_offset: y.offset,
        z_offset: z.offset,
        min_x: x.stored(x.min),
        max_x: x.stored(x.max),
        min_y: y.stored(y.min),
        max_y: y.stored(y.max),
        min_z: z.stored(z.min),
        max_z: z.stored(z.max),
        large_file: (!descriptions.is_empty()).then(|| {
            let mut by_return = [0; 15];
            by_return[0] = u64::from(points);
            ::las::raw::header::LargeFile {
                number_of_point_records: u64::from(points),
                number_of_points_by_return: by_return,
            }
        }),
        ..Header::default()
    };
    let mut bytes = Vec::new();
    header.write_to(&mut bytes)?;
    for record in records {
        record.write_to(&mut bytes)?;
    }
    Ok(bytes)
}

fn variable_record(user: &str, id: u16, data: Vec<u8>) -> ::las::raw::Vlr {
    ::las::raw::Vlr {
        user_id: padded(user),
        record_id: id,
        record_length_after_header: RecordLength::Vlr(data.len() as u16),
        data,
        ..Default::default()
    }
}

/// Text in a field of zeros.
fn padded<const SIZE: usize>(text: &str) -> [u8; SIZE] {
    let mut field = [0; SIZE];
    field.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
    field
}
