//! The formats, their names, and how a file says which one it is.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// A point cloud format.
///
/// ```
/// use barrow_io::Format;
/// assert_eq!("las".parse::<Format>()?, Format::Las);
/// assert_eq!(Format::Xyz.to_string(), "xyz");
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// Polygon File Format: ascii, binary little endian or big endian.
    Ply,
    /// Point Cloud Library: ascii, binary or binary_compressed.
    Pcd,
    /// ASPRS LAS 1.0 to 1.4.
    Las,
    /// LASzip-compressed LAS, COPC among it.
    Laz,
    /// ASTM E2807.
    E57,
    /// Raw little-endian f32, as in the KITTI data set.
    Kitti,
    /// A NumPy array.
    Npy,
    /// An archive of NumPy arrays.
    Npz,
    /// Text with one point per line: XYZ, TXT, PTS, CSV.
    Xyz,
    /// Vertices of a Wavefront OBJ.
    Obj,
    /// Legacy VTK.
    Vtk,
}

impl Format {
    /// All names, for messages.
    pub const NAMES: &'static str = "ply, pcd, las, laz, e57, kitti, npy, npz, xyz, obj, vtk";

    /// All formats.
    pub const ALL: [Format; 11] = [
        Format::Ply,
        Format::Pcd,
        Format::Las,
        Format::Laz,
        Format::E57,
        Format::Kitti,
        Format::Npy,
        Format::Npz,
        Format::Xyz,
        Format::Obj,
        Format::Vtk,
    ];

    /// The lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Format::Ply => "ply",
            Format::Pcd => "pcd",
            Format::Las => "las",
            Format::Laz => "laz",
            Format::E57 => "e57",
            Format::Kitti => "kitti",
            Format::Npy => "npy",
            Format::Npz => "npz",
            Format::Xyz => "xyz",
            Format::Obj => "obj",
            Format::Vtk => "vtk",
        }
    }

    /// The format that an extension stands for, in either case.
    pub fn from_extension(path: &Path) -> Option<Format> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match extension.as_str() {
            "bin" => Format::Kitti,
            "txt" | "pts" | "csv" | "tsv" | "asc" | "xyzn" | "xyzrgb" => Format::Xyz,
            other => other.parse().ok().filter(|&format| format != Format::Kitti)?,
        })
    }

    /// The format whose signature a content carries; `None` for raw numbers and text without one.
    pub(crate) fn from_content(bytes: &[u8]) -> Option<Format> {
        const LAS_POINT_FORMAT: usize = 104;
        let starts = |signature: &[u8]| bytes.starts_with(signature);
        if starts(b"ply\n") || starts(b"ply\r") || starts(b"ply ") || bytes == b"ply" {
            Some(Format::Ply)
        } else if starts(b"LASF") {
            // LASzip marks compressed records by setting the high bit of the point format.
            let compressed = bytes.get(LAS_POINT_FORMAT).is_some_and(|format| format & 0x80 != 0);
            Some(if compressed { Format::Laz } else { Format::Las })
        } else if starts(b"ASTM-E57") {
            Some(Format::E57)
        } else if starts(b"\x93NUMPY") {
            Some(Format::Npy)
        } else if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") {
            Some(Format::Npz)
        } else if starts(b"# vtk DataFile") {
            Some(Format::Vtk)
        } else if starts(b"# .PCD") || is_pcd_keyword(bytes) {
            Some(Format::Pcd)
        } else {
            None
        }
    }
}

/// Whether the first word is one that only a PCD header begins with.
fn is_pcd_keyword(bytes: &[u8]) -> bool {
    let word = bytes.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    let rest = &bytes[word.len()..bytes.len().min(4096)];
    (word == b"VERSION" && rest.windows(6).any(|window| window == b"FIELDS"))
        || (word == b"FIELDS" && rest.windows(4).any(|window| window == b"SIZE"))
}

/// Whether some bytes look like text: no control characters but blanks and line ends.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(4096)];
    sample.iter().all(|&byte| byte >= 0x20 || byte.is_ascii_whitespace()) && !sample.is_empty()
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Format::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| format!("unknown format {name:?}; accepted are {}", Format::NAMES))
    }
}
