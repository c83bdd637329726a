//! Writing clouds: the format by extension or by name, the file whole or not at all.

use std::io::{self, Write};
use std::path::Path;

use barrow_geometry::PointCloud;

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

/// Distance between neighbouring coordinates that a format can tell apart in this cloud, in its unit; 0 if it keeps every bit.
///
/// LAS and LAZ keep 32-bit integers of a power of ten: where all coordinates of an axis are decimals of up to six digits that
/// step, and nothing is lost; otherwise the smallest at which the extent fits, 1e-7 for a room and 1e-6 for a kilometre.
/// KITTI keeps f32, whose step grows with the distance from the origin.
///
/// ```
/// use barrow_geometry::PointCloud;
/// use barrow_io::{Format, quantum};
/// use nalgebra::Point3;
///
/// let cloud = PointCloud::new(vec![Point3::origin(), Point3::new(637300.25, 851210.51, 406.75)])?;
/// assert_eq!(quantum(&cloud, Format::Las), 0.01);
/// assert_eq!(quantum(&cloud, Format::Kitti), 0.0625);
/// assert_eq!(quantum(&cloud, Format::Ply), 0.0);
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
pub fn quantum(cloud: &PointCloud, format: Format) -> f64 {
    match format {
        Format::Las | Format::Laz => las::quantum(cloud),
        Format::Kitti => {
            let values = cloud.positions().iter().flat_map(|point| point.iter());
            let largest = values.fold(0.0_f64, |largest, value| largest.max(value.abs())) as f32;
            f64::from(largest.next_up()) - f64::from(largest)
        }
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
