//! NPY and NPZ made.

use std::io::{Cursor, Result, Write};

use barrow_geometry::{Arc, PointCloud};
use npyz::{AutoSerialize, DType, Field, WriteOptions, WriterBuilder};
use zip::ZipWriter;
use zip::write::FileOptions;

use crate::rows::encode;

/// One array: n rows of three doubles, or with attributes n records with named fields.
pub(crate) fn write(cloud: &PointCloud) -> Result<Vec<Vec<u8>>> {
    let rows = cloud.len() as u64;
    let bare = cloud.attributes().is_empty();
    let header = if bare {
        let options = WriteOptions::<f64>::new().default_dtype().shape(&[rows, 3]);
        options.writer(Vec::new()).write_header_only()?
    } else {
        let options = WriteOptions::new_header_only().dtype(record(cloud)).shape(&[rows]);
        options.writer(Vec::new()).write_header_only()?
    };
    let mut pieces = vec![header];
    pieces.extend(encode(cloud.len(), |row, buffer| {
        let mut put = |value: f64| buffer.extend(value.to_le_bytes());
        cloud.positions()[row].iter().for_each(|value| put(*value));
        if let Some(normals) = cloud.normals() {
            normals[row].iter().for_each(|value| put(*value));
        }
        for column in [cloud.intensities(), cloud.times()].into_iter().flatten() {
            put(column[row]);
        }
        for channel in cloud.colors().map(|colors| colors[row]).into_iter().flatten() {
            buffer.extend(channel.to_le_bytes());
        }
    }));
    Ok(pieces)
}

/// The fields of a record.
fn record(cloud: &PointCloud) -> DType {
    let mut names = vec!["x", "y", "z"];
    if cloud.normals().is_some() {
        names.extend(["nx", "ny", "nz"]);
    }
    names.extend(cloud.intensities().map(|_| "intensity"));
    names.extend(cloud.times().map(|_| "time"));
    let doubles = names.len();
    if cloud.colors().is_some() {
        names.extend(["red", "green", "blue"]);
    }
    let kind = |column: usize| if column < doubles { f64::default_dtype() } else { u16::default_dtype() };
    let field = |(column, name): (usize, &str)| Field { name: name.to_owned(), dtype: kind(column) };
    DType::Record(names.into_iter().enumerate().map(field).collect())
}

/// One array per column: `positions`, `normals`, `colors`, `intensity`, `time`.
pub(crate) fn write_archive(cloud: &PointCloud) -> Result<Vec<Vec<u8>>> {
    let mut archive = Archive::new();
    let rows = cloud.len() as u64;
    archive.array::<f64>("positions", &[rows, 3], bytemuck::cast_slice(cloud.positions()))?;
    if let Some(normals) = cloud.normals() {
        archive.array::<f64>("normals", &[rows, 3], bytemuck::cast_slice(normals))?;
    }
    if let Some(colors) = cloud.colors() {
        archive.array::<u16>("colors", &[rows, 3], colors.as_flattened())?;
    }
    for (name, column) in [("intensity", cloud.intensities()), ("time", cloud.times())] {
        if let Some(column) = column {
            archive.array::<f64>(name, &[rows], column)?;
        }
    }
    archive.finish()
}

/// The columns of a plan as four arrays of one archive.
pub(crate) fn plan(arcs: &[Arc]) -> Result<Vec<Vec<u8>>> {
    let mut archive = Archive::new();
    let shape = [arcs.len() as u64];
    let index = |pick: fn(&Arc) -> usize| arcs.iter().map(|arc| pick(arc) as i64).collect::<Vec<_>>();
    let number = |pick: fn(&Arc) -> f64| arcs.iter().map(pick).collect::<Vec<_>>();
    archive.array("source", &shape, &index(|arc| arc.source))?;
    archive.array("target", &shape, &index(|arc| arc.target))?;
    archive.array("mass", &shape, &number(|arc| arc.mass))?;
    archive.array("cost", &shape, &number(|arc| arc.cost))?;
    archive.finish()
}

/// An archive in the making. Arrays are stored as they are: numbers of measurements hardly compress.
struct Archive(ZipWriter<Cursor<Vec<u8>>>);

impl Archive {
    fn new() -> Self {
        Self(ZipWriter::new(Cursor::new(Vec::new())))
    }

    /// Adds an array; the default type of a number is the one of this machine, so its bytes are the array.
    fn array<T: AutoSerialize + bytemuck::Pod>(
        &mut self,
        name: &str,
        shape: &[u64],
        values: &[T],
    ) -> Result<()> {
        let options = FileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .large_file(size_of_val(values) as u64 > u64::from(u32::MAX / 2))
            .last_modified_time(Default::default());
        self.0.start_file(format!("{name}.npy"), options)?;
        let options = WriteOptions::<T>::new().default_dtype().shape(shape);
        self.0.write_all(&options.writer(Vec::new()).write_header_only()?)?;
        self.0.write_all(bytemuck::cast_slice(values))
    }

    fn finish(mut self) -> Result<Vec<Vec<u8>>> {
        Ok(vec![self.0.finish()?.into_inner()])
    }
}
