//! Reading clouds: the format by content, then by extension.

use std::io::Read;
use std::path::Path;

use barrow_geometry::PointCloud;

use crate::error::{Error, Fault, Outcome, Result};
use crate::file::Opened;
use crate::format::is_text;
use crate::guard::guarded;
use crate::role::Role;
use crate::source::{Source, read_at};
use crate::{Format, e57, file, kitti, las, npy, obj, pcd, ply, precision, vtk, xyz};

/// How to read a cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// The format; `None` finds it by content first and by extension second.
    pub format: Option<Format>,
    /// Refuse clouds with non-finite points instead of dropping these.
    pub strict: bool,
    /// Floats per point in a raw `.bin`: 3, 4 or 5; `None` decides by content.
    pub kitti_columns: Option<usize>,
}

/// A cloud that was read, and what happened on the way.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Loaded {
    /// The points, in the order of the file.
    pub cloud: PointCloud,
    /// The format it was read as.
    pub format: Format,
    /// Points left out because a coordinate was NaN or infinite, or the file marks them as invalid.
    pub dropped_nonfinite: usize,
    /// What a user should know: a pose not applied, coordinates quantised by the file, columns skipped.
    pub notes: Vec<String>,
}

/// Reads a cloud from a file.
///
/// A valid file with no points gives an empty cloud; a file that promises points that it does not hold is an error.
/// Memory is bounded by the bytes that are there, never by what a header claims.
///
/// # Errors
/// [`Error::Read`] if the system refuses, [`Error::UnknownFormat`] if neither content nor extension tell,
/// [`Error::Malformed`] with the place and the reason, [`Error::NonFinite`] if `strict`.
///
/// # Determinism
/// The same file gives the same bits on any number of threads.
///
/// ```
/// use barrow_io::ReadOptions;
///
/// let directory = tempfile::tempdir().unwrap();
/// let path = directory.path().join("two.csv");
/// std::fs::write(&path, "x;y;z;intensity\n0;0;0;7\nnan;1;2;8\n").unwrap();
/// let loaded = barrow_io::read(&path, &ReadOptions::default())?;
/// assert_eq!(loaded.cloud.len(), 1);
/// assert_eq!(loaded.cloud.intensities(), Some(&[7.0][..]));
/// assert_eq!(loaded.dropped_nonfinite, 1);
/// # Ok::<(), barrow_io::Error>(())
/// ```
pub fn read(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Loaded> {
    let path = path.as_ref();
    let name = file::name(path);
    let fail = |cause| Error::Read { name: name.clone(), cause };
    let opened = file::open(path)?;
    let by_extension = Format::from_extension(path);
    if let Some(loaded) = read_parts(&opened, &name, by_extension, options) {
        return loaded;
    }
    let bytes = opened.read().map_err(fail)?;
    decode(&bytes, &name, by_extension, options)
}

/// Bytes at the beginning that tell the format.
const HEAD: usize = 1 << 16;

/// Reads a large file of rows part by part; `None` if it is another, to be read as a whole.
fn read_parts(
    opened: &Opened,
    name: &str,
    by_extension: Option<Format>,
    options: &ReadOptions,
) -> Option<Result<Loaded>> {
    const LARGE: usize = 1 << 20;
    let length = opened.length.filter(|&length| length > LARGE)?;
    let mut head = vec![0; HEAD];
    read_at(&opened.file, &mut head, 0).ok()?;
    let source = Source::parts(&head, &opened.file, length);
    let format = options.format.or_else(|| detect(&head, by_extension))?;
    let mut notes = Vec::new();
    let columns = match format {
        Format::Ply => ply::read_parts(&source),
        Format::Pcd => pcd::read_parts(&source, &mut notes),
        Format::Las => las::read_parts(&source, &mut notes),
        Format::Xyz => xyz::read_parts(&source, &mut notes),
        _ => None,
    }?;
    let finished = columns.and_then(|columns| columns.finish(options.strict));
    let loaded = |(cloud, dropped)| loaded(cloud, format, dropped, notes);
    Some(finished.map(loaded).map_err(|fault| fault.named(name)))
}

/// The format, by content first and by extension second; text without a signature tells by its first line.
fn detect(bytes: &[u8], by_extension: Option<Format>) -> Option<Format> {
    let head = &bytes[..bytes.len().min(HEAD)];
    Format::from_content(head).or(by_extension).or_else(|| by_text(head))
}

/// Reads a cloud from a stream, such as standard input, that messages call `name`.
///
/// # Errors
/// As [`read()`]; without an extension to fall back on, raw KITTI needs `options.format`.
pub fn read_from(mut reader: impl Read, name: &str, options: &ReadOptions) -> Result<Loaded> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(|cause| Error::Read { name: name.to_owned(), cause })?;
    decode(&bytes, name, None, options)
}

fn decode(bytes: &[u8], name: &str, by_extension: Option<Format>, options: &ReadOptions) -> Result<Loaded> {
    if bytes.is_empty() {
        return Err(Fault::file("the file is empty").named(name));
    }
    let format = options.format.or_else(|| detect(bytes, by_extension));
    let format = format.ok_or_else(|| Error::UnknownFormat {
        name: name.to_owned(),
        problem: "no signature in the content and none by the extension".to_owned(),
    })?;
    let mut notes = Vec::new();
    let (cloud, dropped_nonfinite) =
        decode_as(bytes, format, options, &mut notes).map_err(|fault| fault.named(name))?;
    Ok(loaded(cloud, format, dropped_nonfinite, notes))
}

fn loaded(cloud: PointCloud, format: Format, dropped_nonfinite: usize, mut notes: Vec<String>) -> Loaded {
    // Text has the digits that it has.
    if !matches!(format, Format::Xyz | Format::Obj) {
        notes.extend(precision::note(&cloud));
    }
    Loaded { cloud, format, dropped_nonfinite, notes }
}

/// Text whose first line of content is numbers, or names x and y.
fn by_text(bytes: &[u8]) -> Option<Format> {
    if !is_text(bytes) {
        return None;
    }
    let line = bytes
        .split(|&byte| byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .find(|line| !line.is_empty() && !line.starts_with(b"#") && !line.starts_with(b"//"))?;
    if line.starts_with(b"v ") {
        return Some(Format::Obj);
    }
    let mut words = line.split(|byte| byte.is_ascii_whitespace() || b",;".contains(byte));
    let number = |word: &[u8]| {
        word.is_empty() || crate::number::parse(word).is_some_and(|(_, length)| length == word.len())
    };
    let is = |axis: usize| {
        move |word: &[u8]| std::str::from_utf8(word).ok().and_then(Role::of) == Some(Role::Position(axis))
    };
    let named = words.clone().any(is(0)) && words.clone().any(is(1));
    (named || words.all(number)).then_some(Format::Xyz)
}

fn decode_as(
    bytes: &[u8],
    format: Format,
    options: &ReadOptions,
    notes: &mut Vec<String>,
) -> Outcome<(PointCloud, usize)> {
    let columns = match format {
        Format::Ply => ply::read(bytes)?,
        Format::Pcd => pcd::read(bytes, notes)?,
        Format::Las | Format::Laz => guarded(|| las::read(bytes, notes))?,
        Format::E57 => guarded(|| e57::read(bytes, notes))?,
        Format::Kitti => kitti::read(bytes, options.kitti_columns, notes)?,
        Format::Npy => guarded(|| npy::read(bytes, notes))?,
        Format::Npz => guarded(|| npy::read_archive(bytes, notes))?,
        Format::Xyz => xyz::read(bytes, notes)?,
        Format::Obj => obj::read(bytes, notes)?,
        Format::Vtk => vtk::read(bytes, notes)?,
    };
    columns.finish(options.strict)
}
