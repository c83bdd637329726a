//! Downsampling by a grid of cubes.

use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

use crate::error::require_positive;
use crate::{Color, Error, PointCloud, Result};

/// Cells along one axis that a packed key can tell apart.
const MAX_CELLS: f64 = (1u64 << 42) as f64;

/// One point per occupied cube: the mean position and the mean of every attribute of its members.
///
/// The grid starts at the cloud's smallest corner. Points come out in the order of their cells (x
/// slowest, z fastest). A mean normal is scaled to unit length, and stays zero where members cancel.
///
/// # Errors
/// [`Error::InvalidOption`] unless `voxel_size` \[m\] is finite, positive and above 2⁻⁴² of the extent.
///
/// # Determinism
/// Members are averaged in index order: the same bits on any number of threads.
///
/// ```
/// use barrow_geometry::{PointCloud, voxel_downsample};
/// use nalgebra::Point3;
///
/// let cloud = PointCloud::new((0..100).map(|i| Point3::new(0.01 * i as f64, 0.0, 0.0)).collect())?;
/// assert_eq!(voxel_downsample(&cloud, 0.25)?.len(), 4);
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
pub fn voxel_downsample(cloud: &PointCloud, voxel_size: f64) -> Result<PointCloud> {
    averaged(cloud, &Cells::of(cloud, voxel_size)?)
}

/// Number of occupied cubes, which is the number of points that [`voxel_downsample`] leaves, at a fraction of
/// its cost.
///
/// # Errors
/// As [`voxel_downsample`].
///
/// ```
/// use barrow_geometry::{PointCloud, count_voxels};
/// use nalgebra::Point3;
///
/// let cloud = PointCloud::new((0..100).map(|i| Point3::new(0.01 * i as f64, 0.0, 0.0)).collect())?;
/// assert_eq!(count_voxels(&cloud, 0.25)?, 4);
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
pub fn count_voxels(cloud: &PointCloud, voxel_size: f64) -> Result<usize> {
    let Some(grid) = Grid::of(cloud, voxel_size)? else { return Ok(0) };
    Ok(if grid.is_small {
        distinct(cloud, |point| grid.word(point))
    } else {
        distinct(cloud, |point| grid.wide(point))
    })
}

fn distinct<K: Ord + Send>(cloud: &PointCloud, key: impl Fn(&Point3<f64>) -> K + Send + Sync) -> usize {
    let mut keys: Vec<K> = cloud.positions().par_iter().map(key).collect();
    keys.par_sort_unstable();
    keys.dedup();
    keys.len()
}

/// Cubes that start at a cloud's smallest corner, by keys that sort x first, z last.
struct Grid {
    corner: Point3<f64>,
    voxel_size: f64,
    /// 21 bits an axis suffice: keys fit one word, which sorts in half the time of two.
    is_small: bool,
}

impl Grid {
    /// `None` for a cloud without points.
    fn of(cloud: &PointCloud, voxel_size: f64) -> Result<Option<Self>> {
        require_positive("voxel_size", voxel_size)?;
        let Some(bounds) = cloud.bounds() else { return Ok(None) };
        let cells = bounds.extent().max() / voxel_size;
        if cells >= MAX_CELLS {
            let requirement = "above 2^-42 of the cloud's extent";
            return Err(Error::InvalidOption { name: "voxel_size", requirement, got: voxel_size });
        }
        Ok(Some(Self { corner: bounds.min, voxel_size, is_small: cells < (1 << 21) as f64 }))
    }

    fn cell(&self, point: &Point3<f64>) -> Vector3<u64> {
        ((point - self.corner) / self.voxel_size).map(|v| v as u64)
    }

    fn word(&self, point: &Point3<f64>) -> u64 {
        let cell = self.cell(point);
        cell.x << 42 | cell.y << 21 | cell.z
    }

    fn wide(&self, point: &Point3<f64>) -> u128 {
        let cell = self.cell(point).map(u128::from);
        cell.x << 84 | cell.y << 42 | cell.z
    }
}

/// Point indices sorted by cell, then index, and where each cell starts among them.
struct Cells {
    order: Vec<usize>,
    starts: Vec<usize>,
}

impl Cells {
    fn of(cloud: &PointCloud, voxel_size: f64) -> Result<Self> {
        let Some(grid) = Grid::of(cloud, voxel_size)? else {
            return Ok(Self { order: Vec::new(), starts: Vec::new() });
        };
        Ok(if grid.is_small {
            Self::sorted(cloud, |point| grid.word(point))
        } else {
            Self::sorted(cloud, |point| grid.wide(point))
        })
    }

    fn sorted<K: Ord + Copy + Send + Sync>(
        cloud: &PointCloud,
        key: impl Fn(&Point3<f64>) -> K + Sync,
    ) -> Self {
        let mut keyed: Vec<(K, usize)> =
            cloud.positions().par_iter().enumerate().map(|(index, point)| (key(point), index)).collect();
        keyed.par_sort_unstable();
        let begins = |&at: &usize| at == 0 || keyed[at - 1].0 != keyed[at].0;
        let starts = (0..keyed.len()).filter(begins).collect();
        Self { starts, order: keyed.into_iter().map(|(_, index)| index).collect() }
    }

    /// One value per cell, made from the indices of its members.
    fn each<T: Send>(&self, mean: impl Fn(&[usize]) -> T + Sync) -> Vec<T> {
        let end = |cell: usize| self.starts.get(cell + 1).copied().unwrap_or(self.order.len());
        (0..self.starts.len())
            .into_par_iter()
            .map(|cell| mean(&self.order[self.starts[cell]..end(cell)]))
            .collect()
    }
}

fn averaged(cloud: &PointCloud, cells: &Cells) -> Result<PointCloud> {
    let positions = cloud.positions();
    // Relative to the first member: exact for one point, and no digits lost far from the origin.
    let mut result = PointCloud::new(cells.each(|members| {
        let first = positions[members[0]];
        first + members.iter().map(|&i| positions[i] - first).sum::<Vector3<f64>>() / members.len() as f64
    }))?;
    if let Some(normals) = cloud.normals() {
        result = result.with_normals(cells.each(|members| {
            let sum: Vector3<f64> = members.iter().map(|&i| normals[i]).sum();
            sum.try_normalize(0.0).unwrap_or_else(Vector3::zeros)
        }))?;
    }
    if let Some(colors) = cloud.colors() {
        result = result.with_colors(cells.each(|members| mean_color(colors, members)))?;
    }
    let scalar = |column: &[f64], members: &[usize]| {
        let first = column[members[0]];
        first + members.iter().map(|&i| column[i] - first).sum::<f64>() / members.len() as f64
    };
    if let Some(intensities) = cloud.intensities() {
        result = result.with_intensities(cells.each(|members| scalar(intensities, members)))?;
    }
    if let Some(times) = cloud.times() {
        result = result.with_times(cells.each(|members| scalar(times, members)))?;
    }
    Ok(result)
}

fn mean_color(colors: &[Color], members: &[usize]) -> Color {
    let count = members.len() as u64;
    std::array::from_fn(|channel| {
        let sum: u64 = members.iter().map(|&i| u64::from(colors[i][channel])).sum();
        ((sum + count / 2) / count) as u16
    })
}
