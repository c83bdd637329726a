//! Plans written.

use std::io::Write;
use std::path::Path;

use barrow_geometry::{Arc, PointCloud};

use crate::error::{Error, Result};
use crate::rows::{encode, push_number};
use crate::{file, npy, ply, write};

/// Writes the arcs of a plan: `.npz` or `.csv` with the columns `source`, `target`, `mass`, `cost`, or `.ply` with the
/// arcs as edges between the vertices of the two clouds.
///
/// # Errors
/// [`Error::UnknownFormat`] for another extension, [`Error::Unwritable`] for an arc whose index is beyond
/// its cloud, [`Error::Write`] if the system refuses.
pub fn write_plan(
    path: impl AsRef<Path>,
    source: &PointCloud,
    target: &PointCloud,
    arcs: &[Arc],
) -> Result<()> {
    let path = path.as_ref();
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let unwritable = |format, problem| Error::Unwritable { name: file::name(path), format, problem };
    if let Some(arc) = arcs.iter().find(|arc| arc.source >= source.len() || arc.target >= target.len()) {
        let problem = format!(
            "the arc from {} to {} leaves clouds of {} and {} points",
            arc.source,
            arc.target,
            source.len(),
            target.len()
        );
        return Err(unwritable(crate::Format::Npz, problem));
    }
    let pieces = match extension.to_ascii_lowercase().as_str() {
        "csv" => csv(arcs),
        "npz" => npy::plan(arcs).map_err(|cause| Error::Write { name: file::name(path), cause })?,
        "ply" if source.len() + target.len() > i32::MAX as usize => {
            let problem = "more than 2147483647 vertices".to_owned();
            return Err(unwritable(crate::Format::Ply, problem));
        }
        "ply" => ply::write_arcs(source, target, arcs),
        _ => {
            let problem = format!("a plan is written as .npz, .csv or .ply, not as {extension:?}");
            return Err(Error::UnknownFormat { name: file::name(path), problem });
        }
    };
    write::replace(path, &pieces)
}

fn csv(arcs: &[Arc]) -> Vec<Vec<u8>> {
    let mut pieces = vec![b"source,target,mass,cost\n".to_vec()];
    pieces.extend(encode(arcs.len(), |row, buffer| {
        let Arc { source, target, mass, cost } = arcs[row];
        // Writing to a vector cannot fail.
        let _ = write!(buffer, "{source},{target},");
        push_number(buffer, mass);
        buffer.push(b',');
        push_number(buffer, cost);
        buffer.push(b'\n');
    }));
    pieces
}
