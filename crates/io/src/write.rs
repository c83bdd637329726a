//! Writing clouds: the format by extension or by name, the file whole or not at all.

use std::io::{self, Write};
use std::path::Path;

use barrow_geometry::PointCloud;
use nalgebra::Point3;

use crate::error::{Error, Result};
use crate::xyz::Style;
use crate::{Format, e57, file, kitti, las, npy, obj, pcd, ply, vtk, xyz};

/// How to write a cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteOptions {
    /// The format; `None` takes it from the extension.
    pub format: Option<Format>,
    /// Text instead of binary, where the format has both (PLY, PCD, VTK).
    pub ascii: bool,
}

/// Writes a cloud with all attributes that the format has.
///
/// Coordinates are written as doubles where the format has them, so that reading gives the same bits.
/// The file is made beside its place and then moved there: a reader sees the old file or the new one,
/// never half of one.
///
/// # Errors
/// [`Error::UnknownFormat`] if the extension is none of ours, [`Error::Write`] if the system refuses,
/// [`Error::Unwritable`] if the format cannot hold the cloud.
///
/// ```
/// use barrow_geometry::PointCloud;
/// use barrow_io::{ReadOptions, WriteOptions};
/// use nalgebra::Point3;
///
/// let cloud = PointCloud::new(vec![Point3::new(5.4e6, 0.1, 1e-7)]).unwrap();
/// let directory = tempfile::tempdir().unwrap();
/// let path = directory.path().join("cloud.ply");
/// barrow_io::write(&path, &cloud, &WriteOptions::default())?;
/// assert_eq!(barrow_io::read(&path, &ReadOptions::default())?.cloud, cloud);
/// # Ok::<(), barrow_io::Error>(())
/// ```
pub fn write(path: impl AsRef<Path>, cloud: &PointCloud, options: &WriteOptions) -> Result<()> {
    let path = path.as_ref();
    let format = options.format.or_else(|| Format::from_extension(path));
    let Some(format) = format else {
        let problem = "the extension names none".to_owned();
        return Err(Error::UnknownFormat { name: file::name(path), problem });
    };
    let unwritable = |problem| Error::Unwritable { name: file::name(path), format, problem };
    let failed = |cause| Error::Write { name: file::name(path), cause };
    let pieces = match format {
        Format::Ply => ply::write(cloud, options.ascii),
        Format::Pcd => pcd::write(cloud, options.ascii),
        Format::Las => las::write(cloud, false).map_err(unwritable)?,
        Format::Laz => las::write(cloud, true).map_err(unwritable)?,
        Format::E57 => e57::write(cloud).map_err(unwritable)?,
        Format::Kitti => kitti::write(cloud),
        Format::Npy => npy::write(cloud).map_err(failed)?,
        Format::Npz => npy::write_archive(cloud).map_err(failed)?,
        Format::Xyz => xyz::write(cloud, style(path)),
        Format::Obj => obj::write(cloud),
        Format::Vtk => vtk::write(cloud, options.ascii),
    };
    replace(path, &pieces)
}

/// The farthest that a coordinate of this cloud moves by being written in a format, in its unit; 0 where every bit is kept.
///
/// LAS and LAZ keep 32-bit integers of a power of ten: where all coordinates of an axis are decimals of up to six digits that
/// step, and nothing is lost but what a decimal and its double differ by; otherwise the smallest at which the extent fits, 1e-7 for
/// a room and 1e-6 for a kilometre. KITTI keeps f32, whose steps grow with the distance from the origin.
///
/// ```
/// use barrow_geometry::PointCloud;
/// use barrow_io::{Format, rounding};
/// use nalgebra::Point3;
///
/// let cloud = PointCloud::new(vec![Point3::origin(), Point3::new(637300.25, 851210.51, 406.75)])?;
/// assert!(rounding(&cloud, Format::Las) < 1e-9);
/// assert!((rounding(&cloud, Format::Kitti) - 0.01).abs() < 1e-9);
/// assert_eq!(rounding(&cloud, Format::Ply), 0.0);
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
pub fn rounding(cloud: &PointCloud, format: Format) -> f64 {
    let moved = |stored: &dyn Fn(usize, f64) -> f64| {
        let of_point = |point: &Point3<f64>| {
            (0..3).map(|axis| (stored(axis, point[axis]) - point[axis]).abs()).fold(0.0, f64::max)
        };
        cloud.positions().iter().map(of_point).fold(0.0, f64::max)
    };
    match format {
        Format::Las | Format::Laz => {
            let axes = las::axes(cloud);
            moved(&|axis, value| axes[axis].stored(value))
        }
        Format::Kitti => moved(&|_, value| f64::from(value as f32)),
        _ => 0.0,
    }
}

/// Attributes of a cloud that a format has no place for, by their names: a file of that format would be without them.
///
/// ```
/// use barrow_geometry::PointCloud;
/// use barrow_io::{Format, lost_attributes};
/// use nalgebra::{Point3, Vector3};
///
/// let cloud = PointCloud::new(vec![Point3::origin()])?.with_normals(vec![Vector3::z()])?.with_intensities(vec![0.5])?;
/// assert_eq!(lost_attributes(&cloud, Format::Kitti), ["normals"]);
/// assert_eq!(lost_attributes(&cloud, Format::Obj), ["intensity"]);
/// assert!(lost_attributes(&cloud, Format::Ply).is_empty());
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
pub fn lost_attributes(cloud: &PointCloud, format: Format) -> Vec<&'static str> {
    let is_lost = |name: &&str| match format {
        Format::Kitti => *name != "intensity",
        Format::Obj => matches!(*name, "intensity" | "time"),
        _ => false,
    };
    cloud.attributes().into_iter().filter(is_lost).collect()
}

fn style(path: &Path) -> Style {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => Style::Commas,
        Some("pts") => Style::Counted,
        _ => Style::Blanks,
    }
}

/// Puts a file in place of another in one step.
pub(crate) fn replace(path: &Path, pieces: &[Vec<u8>]) -> Result<()> {
    let fail = |cause: io::Error| Error::Write { name: file::name(path), cause };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".barrow-").suffix(".part");
    #[cfg(unix)]
    {
        // As an ordinary new file: the default of a temporary file hides it from other users.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut part = builder.tempfile_in(directory).map_err(fail)?;
    for piece in pieces {
        part.write_all(piece).map_err(fail)?;
    }
    part.persist(path).map_err(|error| fail(error.error))?;
    Ok(())
}
