//! NPY and NPZ made.

use std::io::{Cursor, Write};

use barrow_geometry::Arc;
use npyz::npz::NpzWriter;
use npyz::zip::write::FileOptions;
use npyz::{AutoSerialize, WriterBuilder};

/// The columns of a plan as four arrays of one archive.
pub(crate) fn plan(arcs: &[Arc]) -> std::io::Result<Vec<Vec<u8>>> {
    let mut archive = NpzWriter::new(Cursor::new(Vec::new()));
    column(&mut archive, "source", arcs.iter().map(|arc| arc.source as i64))?;
    column(&mut archive, "target", arcs.iter().map(|arc| arc.target as i64))?;
    column(&mut archive, "mass", arcs.iter().map(|arc| arc.mass))?;
    column(&mut archive, "cost", arcs.iter().map(|arc| arc.cost))?;
    Ok(vec![archive.zip_writer().finish()?.into_inner()])
}

fn column<T: AutoSerialize + bytemuck::Pod>(
    archive: &mut NpzWriter<Cursor<Vec<u8>>>,
    name: &str,
    values: impl ExactSizeIterator<Item = T>,
) -> std::io::Result<()> {
    let options = FileOptions::default().last_modified_time(Default::default());
    let shape = [values.len() as u64];
    let writer = archive.array::<T>(name, options)?.default_dtype().shape(&shape);
    // One block instead of one call per number: the default type is the machine's own.
    let writer = writer.write_header_only()?;
    writer.write_all(bytemuck::cast_slice(&values.collect::<Vec<T>>()))
}
