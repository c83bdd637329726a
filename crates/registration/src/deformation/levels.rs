//! A measure at several resolutions: a blurred plan needs no more points than its blur tells apart.

use barrow_geometry::{KdTree, Measure, PointCloud, count_voxels, median_spacing};
use nalgebra::{Point3, Vector3};

use crate::Result;

/// Ratio of successive grid sizes.
const STEP: f64 = std::f64::consts::SQRT_2;

/// Levels with fewer points are not thinned further.
const FEWEST: usize = 300;

/// Corrections of the grid that holds the finest level to its limit.
const CORRECTIONS: usize = 40;

/// Spacings below this share of the radius are taken for duplicates.
const LEAST_SPACING: f64 = 1e-4;

/// Points closer than this share of the spacing are merged: of thousands at one place the plan needs one.
const MERGED: f64 = 0.1;

/// Points with masses that sum to one.
#[derive(Debug, Clone)]
pub(super) struct Level {
    /// Edge of the grid that thinned the points; zero where none did.
    pub voxel: f64,
    pub positions: Vec<Point3<f64>>,
    pub masses: Vec<f64>,
}

/// The resolutions of one measure, finest first.
#[derive(Debug, Clone)]
pub(super) struct Levels {
    pub levels: Vec<Level>,
    /// Median distance between neighbours at the finest level.
    pub spacing: f64,
}

impl Levels {
    /// Thins a measure whose root mean square radius is about one; the finest level has at most about
    /// `limit` points.
    pub fn new(positions: Vec<Point3<f64>>, measure: &Measure, limit: usize) -> Result<Self> {
        let cloud = PointCloud::new(positions)?;
        let total = measure.total();
        let masses = (0..measure.len()).map(|index| measure.weight(index) / total).collect::<Vec<_>>();
        let mut finest = Level { voxel: 0.0, positions: cloud.positions().to_vec(), masses };
        if cloud.len() > limit {
            finest = finest.thinned(limiting_voxel(&cloud, limit)?);
        }
        // A point given twice must not make the spacing zero.
        let cloud = PointCloud::new(finest.thinned(LEAST_SPACING).positions)?;
        let spacing = median_spacing(&cloud, &KdTree::new(cloud.positions())).unwrap_or(0.0);
        let spacing = spacing.max(finest.voxel).max(LEAST_SPACING);
        let finest = Level { voxel: finest.voxel, ..finest.thinned(MERGED * spacing) };
        let mut levels = vec![finest];
        let mut voxel = STEP * spacing;
        while voxel < 1.0 && levels[levels.len() - 1].positions.len() > FEWEST {
            let next = levels[0].thinned(voxel);
            if next.positions.len() < levels[levels.len() - 1].positions.len() {
                levels.push(next);
            }
            voxel *= STEP;
        }
        Ok(Self { levels, spacing })
    }

    /// Index of the coarsest level whose grid is no wider than a length.
    pub fn within(&self, length: f64) -> usize {
        self.levels.iter().rposition(|level| level.voxel <= length).unwrap_or(0)
    }

    /// The measure thinned to at most `count` points.
    pub fn thinned_to(&self, count: usize) -> Level {
        let coarse = |level: &&Level| level.positions.len() <= count;
        let mut level =
            self.levels.iter().find(coarse).unwrap_or(&self.levels[self.levels.len() - 1]).clone();
        let mut voxel = level.voxel.max(self.spacing);
        while level.positions.len() > count {
            voxel *= STEP;
            level = self.levels[0].thinned(voxel);
        }
        level
    }
}

impl Level {
    /// One point per occupied cube: the centre of mass of its members, with their mass.
    fn thinned(&self, voxel: f64) -> Self {
        let key = |point: &Point3<f64>| point.coords.map(|value| (value / voxel).floor() as i64);
        let mut keyed: Vec<([i64; 3], usize)> =
            self.positions.iter().enumerate().map(|(index, point)| (key(point).into(), index)).collect();
        keyed.sort_unstable();
        let mut thinned = Self { voxel, positions: Vec::new(), masses: Vec::new() };
        for cell in keyed.chunk_by(|a, b| a.0 == b.0) {
            let members = || cell.iter().map(|&(_, index)| index);
            let first = self.positions[cell[0].1];
            let mass: f64 = members().map(|index| self.masses[index]).sum();
            let moment: Vector3<f64> =
                members().map(|index| (self.positions[index] - first) * self.masses[index]).sum();
            // Where no member weighs anything, neither does the point.
            let shift = if mass > 0.0 { moment / mass } else { Vector3::zeros() };
            thinned.positions.push(first + shift);
            thinned.masses.push(mass);
        }
        thinned
    }
}

/// A grid that leaves at most `limit` points, and not many fewer.
fn limiting_voxel(cloud: &PointCloud, limit: usize) -> Result<f64> {
    let diagonal = cloud.bounds().map_or(0.0, |bounds| bounds.diagonal());
    let mut voxel = (diagonal / 200.0).max(LEAST_SPACING);
    for _ in 0..CORRECTIONS {
        let kept = count_voxels(cloud, voxel)? as f64 / limit as f64;
        if kept <= 1.0 && kept > 0.8 {
            break;
        }
        let next = (voxel * (kept / 0.9).sqrt()).max(LEAST_SPACING);
        if next == voxel {
            break;
        }
        voxel = next;
    }
    Ok(voxel)
}
