//! E57 files made: one cloud of doubles.

use std::io::Cursor;

use ::e57::{E57Writer, Extension, IntensityLimits, Record, RecordDataType, RecordName, RecordValue};
use barrow_geometry::PointCloud;

use crate::color::{eight_bit, is_eight_bit};

/// The whole file, or why it cannot be. Nothing is lost; normals go to the extension of libe57.
pub(crate) fn write(cloud: &PointCloud) -> Result<Vec<Vec<u8>>, String> {
    encode(cloud).map_err(|error| error.to_string())
}

fn encode(cloud: &PointCloud) -> ::e57::Result<Vec<Vec<u8>>> {
    const NORMALS: &str = "nor";
    let double = RecordDataType::Double { min: None, max: None };
    let record = |name, data_type: &RecordDataType| Record { name, data_type: data_type.clone() };
    let mut prototype = vec![
        record(RecordName::CartesianX, &double),
        record(RecordName::CartesianY, &double),
        record(RecordName::CartesianZ, &double),
    ];
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = E57Writer::new(&mut bytes, &identity(cloud, "file"))?;
    if cloud.normals().is_some() {
        writer.register_extension(Extension::new(
            NORMALS,
            "http://www.libe57.org/E57_NOR_surface_normals.txt",
        ))?;
        for axis in ["normalX", "normalY", "normalZ"] {
            let name = RecordName::Unknown { namespace: NORMALS.to_owned(), name: axis.to_owned() };
            prototype.push(record(name, &double));
        }
    }
    let eight = cloud.colors().is_none_or(is_eight_bit);
    if cloud.colors().is_some() {
        let channel = RecordDataType::Integer { min: 0, max: if eight { 255 } else { 65535 } };
        for name in [RecordName::ColorRed, RecordName::ColorGreen, RecordName::ColorBlue] {
            prototype.push(record(name, &channel));
        }
    }
    if cloud.intensities().is_some() {
        prototype.push(record(RecordName::Intensity, &double));
    }
    if cloud.times().is_some() {
        prototype.push(record(RecordName::TimeStamp, &double));
    }
    let mut points = writer.add_pointcloud(&identity(cloud, "cloud"), prototype)?;
    if let Some(intensities) = cloud.intensities() {
        let bound = |fold: fn(f64, f64) -> f64, start: f64| {
            let value = intensities.iter().copied().fold(start, fold);
            value.is_finite().then_some(RecordValue::Double(value))
        };
        points.set_intensity_limits(Some(IntensityLimits {
            intensity_min: bound(f64::min, f64::INFINITY),
            intensity_max: bound(f64::max, f64::NEG_INFINITY),
        }));
    }
    for row in 0..cloud.len() {
        let mut values: Vec<RecordValue> =
            cloud.positions()[row].iter().map(|value| RecordValue::Double(*value)).collect();
        if let Some(normals) = cloud.normals() {
            values.extend(normals[row].iter().map(|value| RecordValue::Double(*value)));
        }
        for channel in cloud.colors().map(|colors| colors[row]).into_iter().flatten() {
            let value = if eight { eight_bit(channel).into() } else { i64::from(channel) };
            values.push(RecordValue::Integer(value));
        }
        for column in [cloud.intensities(), cloud.times()].into_iter().flatten() {
            values.push(RecordValue::Double(column[row]));
        }
        points.add_point(values)?;
    }
    points.finalize()?;
    writer.finalize()?;
    drop(writer);
    Ok(vec![bytes.into_inner()])
}

/// An identifier made of the content, so that the same cloud gives the same bytes.
fn identity(cloud: &PointCloud, part: &str) -> String {
    // FNV-1a, 64 bits.
    let hash = cloud
        .positions()
        .iter()
        .flat_map(|point| point.coords.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
        .chain(part.bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!(
        "{{{:08X}-{:04X}-4{:03X}-8000-{:012X}}}",
        hash >> 32,
        hash >> 16 & 0xffff,
        hash & 0xfff,
        cloud.len()
    )
}
