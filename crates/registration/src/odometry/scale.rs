//! Lengths read off a scan.

use barrow_geometry::PointCloud;
use nalgebra::Vector3;

use super::solve::SourcePoint;
use crate::cells::{CellTable, place};

/// Points that a scan is matched by, about.
const MATCHED: usize = 2500;

/// Least points of the scan for each of them: the map of one scan has as many for a plane.
const LEAST_SHARE: usize = 4;

/// Halvings of the extent between which the size of a voxel is sought.
const SMALLEST: f64 = 16.0;

/// Bisections of that range: to a tenth of a percent.
const BISECTIONS: usize = 14;

/// A scan whose centroid is this many times as far from the origin as its points are from each other is not in the frame
/// of a sensor: its coordinates have an offset.
const FAR: f64 = 10.0;

/// Where the sensor is taken to be: the origin, or the middle of a cloud that lies far away from it.
pub(crate) fn origin(cloud: &PointCloud) -> Vector3<f64> {
    let (Some(centroid), Some(bounds)) = (cloud.centroid(), cloud.bounds()) else { return Vector3::zeros() };
    if centroid.coords.norm() > FAR * bounds.diagonal() { centroid.coords } else { Vector3::zeros() }
}

/// The voxel size that leaves about as many points as a scan is matched by; `None` if all points are one.
pub(crate) fn automatic_voxel_size(points: &[SourcePoint]) -> Option<f64> {
    let first = points.first()?.position;
    let (low, high) = points
        .iter()
        .fold((first, first), |(low, high), point| (low.inf(&point.position), high.sup(&point.position)));
    let extent = (high - low).norm();
    if extent <= 0.0 {
        return None;
    }
    let wanted = MATCHED.min(points.len() / LEAST_SHARE).max(1);
    let occupied = |size: f64| {
        let mut table = CellTable::with_room(wanted);
        for place in points.iter().filter_map(|point| place(&(point.position - low), size)) {
            table.insert(place);
        }
        table.len()
    };
    // The number of voxels falls with their size, nearly: bisection of its logarithm.
    let (mut small, mut large) = (-SMALLEST, 0.0);
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (small + large);
        if occupied(extent * f64::exp2(middle)) > wanted {
            small = middle;
        } else {
            large = middle;
        }
    }
    Some(extent * f64::exp2(large))
}
