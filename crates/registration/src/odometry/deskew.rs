//! A scan as it would be if the sensor had stood still.

use barrow_geometry::PointCloud;
use nalgebra::Isometry3;

use super::motion::{exp, log};
use super::times::Sweep;
use crate::Result;

/// Carries the points of a scan to where they would have been measured at its first moment, by a sensor that moved with
/// constant velocity: `start_from_end` is its pose at the last moment in its frame at the first, see
/// [`OdometryStep::start_from_end`](super::OdometryStep::start_from_end).
///
/// Normals are turned, attributes carried. A point whose time is not finite or lies far outside of all others stays, and
/// so do all points of a cloud whose times are missing or all equal.
///
/// # Errors
/// If a point is moved out of the range of a cloud.
///
/// ```
/// use barrow_geometry::PointCloud;
/// use barrow_registration::deskew;
/// use nalgebra::{Isometry3, Point3};
///
/// // The same post, seen twice while driving towards it.
/// let seen = vec![Point3::new(10.0, 0.0, 0.0), Point3::new(9.0, 0.0, 0.0)];
/// let scan = PointCloud::new(seen)?.with_times(vec![0.0, 0.1])?;
/// let straight = deskew(&scan, &Isometry3::translation(1.0, 0.0, 0.0))?;
/// assert_eq!(straight.positions()[0], straight.positions()[1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn deskew(cloud: &PointCloud, start_from_end: &Isometry3<f64>) -> Result<PointCloud> {
    let (Some(sweep), Some(times)) = (Sweep::of(cloud), cloud.times()) else { return Ok(cloud.clone()) };
    let twist = log(start_from_end);
    let (mut positions, mut normals) = (cloud.positions().to_vec(), cloud.normals().map(<[_]>::to_vec));
    let mut last = (f64::NAN, Isometry3::identity());
    for (index, time) in times.iter().enumerate() {
        let Some(share) = sweep.share(*time) else { continue };
        if share != last.0 {
            last = (share, exp(&(twist * (share + 0.5))));
        }
        positions[index] = last.1 * positions[index];
        if let Some(normals) = &mut normals {
            normals[index] = last.1.rotation * normals[index];
        }
    }
    let mut straight = PointCloud::new(positions)?.with_times(times.to_vec())?;
    if let Some(normals) = normals {
        straight = straight.with_normals(normals)?;
    }
    if let Some(colors) = cloud.colors() {
        straight = straight.with_colors(colors.to_vec())?;
    }
    if let Some(intensities) = cloud.intensities() {
        straight = straight.with_intensities(intensities.to_vec())?;
    }
    Ok(straight)
}
