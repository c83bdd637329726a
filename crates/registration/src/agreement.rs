//! Whether two surfaces agree where they meet: what tells a right pose from one that only looks near.

use barrow_geometry::{BatchSearch, fold_ordered};
use nalgebra::Isometry3;

use crate::surface::Surface;

/// Points closer than this many voxels have met.
const NEAR: f64 = 1.5;

/// Points closer than this many voxels, which are more than [`NEAR`], lie beside it.
const BESIDE: f64 = 2.0;

/// Points farther than this many voxels from everything lie outside the other cloud.
const FAR: f64 = 6.0;

/// Surfaces that agree are no farther apart than this many voxels along the normal.
const GAP: f64 = 0.3;

/// Normals of surfaces that agree have at least this cosine between them.
const PARALLEL: f64 = 0.85;

/// How two surfaces thinned to one voxel size agree at a pose. Shares are of all points of a cloud, and of the two
/// directions each holds the worse.
///
/// Points fall into three kinds: those that meet the other cloud, those that pass it by at a few voxels, and those with nothing
/// near them, about which nothing can be said. At the right pose surfaces meet or there is nothing; a wrong one that brings
/// many points near the other cloud also brings many just past it, and those that meet do so at odd angles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// Share of the points that meet the other cloud, within 1.5 voxels.
    pub met: f64,
    /// Share of the points that meet it, lie within 0.3 voxels of its tangent plane, and have its normal.
    pub supported: f64,
    /// Supported points ÷ points with anything of the other cloud within 6 voxels.
    pub consistency: f64,
    /// The same with points weighed by how rare their normals are: large planes fit in many ways, and the few points between them tell
    /// which is right.
    pub balanced: f64,
    /// Median distance to the tangent plane over the points that meet the other cloud \[voxels\]; infinite if none does.
    pub gap: f64,
}

impl Agreement {
    /// Measures a pose on two surfaces of the same voxel size \[m\].
    pub(crate) fn of(source: &Surface, target: &Surface, pose: &Isometry3<f64>, voxel_size: f64) -> Self {
        Self::with_closeness(source, target, pose, voxel_size).0
    }

    /// The same, and how near the clouds lie, in \[0, 1\]: the mean over both directions of 1 − d²/g² up to g = 2 voxels, times the
    /// agreement of the normals |n·m|.
    pub(crate) fn with_closeness(
        source: &Surface,
        target: &Surface,
        pose: &Isometry3<f64>,
        voxel_size: f64,
    ) -> (Self, f64) {
        let there = Directed::of(source, target, pose, voxel_size);
        let back = Directed::of(target, source, &pose.inverse(), voxel_size);
        let worse = |share: fn(&Directed) -> f64| share(&there).min(share(&back));
        let agreement = Self {
            met: worse(|one| one.met as f64 / one.points as f64),
            supported: worse(|one| one.supported as f64 / one.points as f64),
            consistency: worse(|one| one.supported as f64 / one.close.max(1) as f64),
            balanced: worse(|one| one.supported_weight / one.close_weight.max(f64::MIN_POSITIVE)),
            gap: there.gap.max(back.gap),
        };
        let nearness = |one: &Directed| one.nearness / one.points as f64;
        (agreement, 0.5 * (nearness(&there) + nearness(&back)))
    }

    /// What poses are ranked by: how much of the clouds agrees, and still more how much of what could agree does, in every direction.
    /// Scenes that repeat themselves offer wrong poses with more of the first.
    pub(crate) fn score(&self) -> f64 {
        self.supported * self.balanced * self.balanced
    }
}

/// Numbers of points of one cloud, by what they find of the other.
#[derive(Default)]
struct Directed {
    points: usize,
    close: usize,
    met: usize,
    supported: usize,
    close_weight: f64,
    supported_weight: f64,
    /// Sum over the points.
    nearness: f64,
    /// Median \[voxels\].
    gap: f64,
}

impl Directed {
    fn of(from: &Surface, onto: &Surface, pose: &Isometry3<f64>, voxel_size: f64) -> Self {
        let search = BatchSearch { max_distance: FAR * voxel_size, pose: Some(*pose), guesses: None };
        let found = onto.tree.nearest_all(&from.tree, &search);
        let rarity = from.rarity();
        let part = |range: std::ops::Range<usize>| {
            let (mut sums, mut gaps) = (Self::default(), Vec::new());
            for index in range {
                let Some(nearest) = found[index] else { continue };
                sums.close += 1;
                sums.close_weight += rarity[index];
                let squared = nearest.distance_squared / (voxel_size * voxel_size);
                if squared > BESIDE * BESIDE {
                    continue;
                }
                let line = pose * from.positions[index] - onto.positions[nearest.index];
                let (gap, parallel) = match (&from.normals, &onto.normals) {
                    (Some(n), Some(m)) => {
                        let (n, m) = (pose.rotation * n[index], m[nearest.index]);
                        (line.dot(&m).abs() / voxel_size, n.dot(&m).abs())
                    }
                    _ => (line.norm() / voxel_size, 1.0),
                };
                sums.nearness += (1.0 - squared / (BESIDE * BESIDE)).max(0.0) * parallel;
                if squared <= NEAR * NEAR {
                    if gap <= GAP && parallel >= PARALLEL {
                        sums.supported += 1;
                        sums.supported_weight += rarity[index];
                    }
                    gaps.push(gap);
                }
            }
            (sums, gaps)
        };
        let merged = |(a, mut gaps): (Self, Vec<f64>), (b, others): (Self, Vec<f64>)| {
            gaps.extend(others);
            let sums = Self {
                close: a.close + b.close,
                supported: a.supported + b.supported,
                close_weight: a.close_weight + b.close_weight,
                supported_weight: a.supported_weight + b.supported_weight,
                nearness: a.nearness + b.nearness,
                ..a
            };
            (sums, gaps)
        };
        let (sums, mut gaps) = fold_ordered(found.len(), part, merged).unwrap_or_default();
        let middle = gaps.len() / 2;
        let gap = match gaps.len() {
            0 => f64::INFINITY,
            _ => *gaps.select_nth_unstable_by(middle, f64::total_cmp).1,
        };
        Self { points: found.len(), met: gaps.len(), gap, ..sums }
    }
}
