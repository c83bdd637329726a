//! The answer of odometry: a pose for every scan.

use nalgebra::Isometry3;

use super::{OdometryStep, Tracking};

/// Every scan of a sequence with its pose.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Track {
    /// The scans, in order.
    pub steps: Vec<OdometryStep>,
    /// Edge of the cubes that scans were thinned by \[m\]; `None` if no scan could be used.
    pub voxel_size: Option<f64>,
    /// Cells of the local map at the end.
    pub map_cells: usize,
}

impl Track {
    /// `world_from_scan` of every scan.
    pub fn poses(&self) -> Vec<Isometry3<f64>> {
        self.steps.iter().map(|step| step.world_from_scan).collect()
    }

    /// Number of scans that ended so.
    pub fn count(&self, tracking: Tracking) -> usize {
        self.steps.iter().filter(|step| step.tracking == tracking).count()
    }

    /// Whether every pose was measured.
    pub fn is_complete(&self) -> bool {
        self.steps.iter().all(|step| step.tracking.is_measured())
    }

    /// Length of the way from scan to scan \[m\].
    pub fn path_length(&self) -> f64 {
        let way = |pair: &[OdometryStep]| {
            let [from, to] = [0, 1].map(|at| pair[at].world_from_scan.translation.vector);
            (to - from).norm()
        };
        self.steps.windows(2).map(way).sum()
    }
}
