//! The resolution at which two clouds are best compared, read off the clouds.

use barrow_geometry::{KdTree, PointCloud, count_voxels, median_spacing};

use crate::Result;

/// Points that the larger cloud keeps: enough to fix a pose to a fraction of the voxel.
const POINTS: f64 = 12_000.0;

/// Corrections of the first guess; each one squares the error of the surface assumption away.
const CORRECTIONS: usize = 4;

/// The gate of a registration in voxels where the caller names none.
pub const GATE: f64 = 3.0;

/// The gate that [`Aligner`](crate::Aligner) takes for two clouds where the caller names none \[m\].
///
/// Three voxels of the size that it would choose. Given to [`evaluate`](crate::evaluate), it judges a
/// pose from elsewhere as strictly as a registration is judged.
///
/// # Errors
/// If a coordinate is so large that a grid over the clouds cannot be told apart.
pub fn automatic_max_distance(source: &PointCloud, target: &PointCloud) -> Result<f64> {
    Ok(GATE * automatic_voxel_size(source, target)?)
}

/// The voxel size \[m\] of a registration where the caller names none: it leaves about 12 000 points in the larger of two clouds,
/// but never fewer than the clouds' own spacing tells apart.
///
/// # Errors
/// If a coordinate is so large that a grid over the clouds cannot be told apart.
pub fn automatic_voxel_size(source: &PointCloud, target: &PointCloud) -> Result<f64> {
    let clouds = [source, target];
    let diagonal = clouds
        .iter()
        .filter_map(|cloud| cloud.bounds())
        .fold(0.0, |largest: f64, bounds| largest.max(bounds.diagonal()));
    if diagonal == 0.0 {
        // All points of each cloud coincide: any size keeps the one point.
        return Ok(1.0);
    }
    let points = source.len().max(target.len()) as f64;
    // On a surface the count goes with the square of the resolution.
    let mut size = diagonal / 200.0;
    for _ in 0..CORRECTIONS {
        let kept = clouds.iter().map(|cloud| Ok(count_voxels(cloud, size)?)).collect::<Result<Vec<_>>>()?;
        let kept = kept.into_iter().max().unwrap_or(1) as f64;
        let mut next = (size * (kept / POINTS).sqrt()).max(diagonal * 1e-4);
        // Where most points keep a voxel to themselves, the spacing is what limits; else it is finer anyway.
        if kept > 0.5 * points {
            next = next.max(spacing(clouds));
        }
        let settled = (next / size - 1.0).abs() < 0.1;
        size = next;
        if settled {
            break;
        }
    }
    Ok(size)
}

/// The larger of the clouds' median spacings \[m\].
fn spacing(clouds: [&PointCloud; 2]) -> f64 {
    clouds
        .iter()
        .filter_map(|cloud| median_spacing(cloud, &KdTree::new(cloud.positions())))
        .fold(0.0, f64::max)
}
