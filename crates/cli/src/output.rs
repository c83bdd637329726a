//! Files that are written whole or not at all, and places checked before the work.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use barrow::geometry::PointCloud;
use barrow::io::{Format, WriteOptions};

use crate::failure::usage;
use crate::report::number;
use crate::settings::Settings;

/// Rounding below this part of a cloud's diagonal is not worth a word.
const VISIBLE: f64 = 1e-5;

/// Writes a file through a neighbour with a temporary name, which then takes its place.
///
/// # Errors
/// If the folder cannot be written. Nothing is left behind then.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name: OsString = path.as_os_str().into();
    name.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(name);
    let written = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        // The first error is the one to report; there may be no file to remove.
        drop(std::fs::remove_file(&part));
    }
    written.with_context(|| format!("{}: cannot be written", path.display()))
}

/// `DIR/007.ply`, with as many digits as the last frame needs.
pub fn frame_path(folder: &Path, index: u32, last: u32, extension: &str) -> PathBuf {
    let digits = last.to_string().len().max(3);
    folder.join(format!("{index:0digits$}.{extension}"))
}

/// Writes a cloud, and tells if its format rounds coordinates visibly or has no place for an attribute. Returns the attributes that the
/// file has.
///
/// # Errors
/// If the format cannot hold the cloud or the file cannot be written.
pub fn write_cloud(
    path: &Path,
    cloud: &PointCloud,
    ascii: bool,
    settings: &Settings,
) -> Result<Vec<&'static str>> {
    let mut attributes = cloud.attributes();
    barrow::io::write(path, cloud, &WriteOptions { ascii, ..WriteOptions::default() })?;
    if let (Some(format), Some(bounds)) = (Format::from_extension(path), cloud.bounds()) {
        let lost = barrow::io::lost_attributes(cloud, format);
        if !lost.is_empty() {
            let path = path.display();
            settings
                .note(format!("{path}: {format} has no place for {}, which are left out", lost.join(", ")));
            attributes.retain(|name| !lost.contains(name));
        }
        let moved = barrow::io::rounding(cloud, format);
        if moved > VISIBLE * bounds.diagonal() {
            let path = path.display();
            settings.note(format!("{path}: {format} moves these coordinates by up to {} m", number(moved)));
        }
    }
    Ok(attributes)
}

/// What a file is to hold, which its extension must agree with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A point cloud.
    Cloud,
    /// Arcs of a plan.
    Plan,
    /// A picture.
    Picture,
    /// A page for a browser.
    Page,
    /// Lines of numbers, under any name.
    Text,
}

/// Refuses a file that could not be written in the end, before hours of work.
///
/// # Errors
/// If the path is a folder, its folder does not exist, or its extension stands for something else.
pub fn check(path: &Path, kind: Kind) -> Result<()> {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    let is = |names: &[&str]| extension.as_ref().is_some_and(|e| names.iter().any(|&name| e == name));
    let (fits, accepted) = match kind {
        Kind::Cloud => (Format::from_extension(path).is_some(), Format::NAMES),
        Kind::Plan => (is(&["npz", "csv", "ply"]), "npz, csv, ply"),
        Kind::Picture => (is(&["png"]), "png"),
        Kind::Page => (is(&["html", "htm"]), "html, htm"),
        Kind::Text => (true, ""),
    };
    if !fits {
        let message =
            format!("{}: the extension tells what to write; accepted are {accepted}", path.display());
        return Err(usage(message));
    }
    if path.is_dir() {
        bail!("{}: is a folder; give the name of a file to write", path.display());
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => return Ok(()),
    };
    if !folder.is_dir() {
        bail!("{}: cannot be written: there is no folder {}", path.display(), folder.display());
    }
    Ok(())
}
