//! What is known about one scan of a sequence.

use std::fmt;

use nalgebra::{Isometry3, Matrix6, Vector6};

/// Whether the pose of a scan can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tracking {
    /// The first scan that could be used: its frame is the world.
    Started,
    /// The scan was found on the map.
    Tracked,
    /// The scan was not found on the map; its pose is a guess from the motion before, and the map was not touched.
    Lost,
    /// Too many scans in a row were lost: a new map begins here. Poses from here on fit each other, but only a guess
    /// relates them to those before.
    Restarted,
    /// The scan has too few points to be looked for; its pose is a guess from the motion before.
    Skipped,
}

impl Tracking {
    /// Whether the pose was measured and not guessed.
    pub fn is_measured(self) -> bool {
        matches!(self, Self::Started | Self::Tracked)
    }

    /// The lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Tracked => "tracked",
            Self::Lost => "lost",
            Self::Restarted => "restarted",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for Tracking {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// One scan of a sequence, with its pose.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OdometryStep {
    /// Number of the scan, from 0; skipped ones count.
    pub scan: usize,
    /// Whether the pose can be relied on.
    pub tracking: Tracking,
    /// Where the sensor was when it measured the scan's first point; the world is that frame of the first scan.
    pub world_from_scan: Isometry3<f64>,
    /// Motion of the sensor from the scan's first point to its last: the pose of the end in the frame of the start.
    /// The identity where points have no times. See [`deskew`](super::deskew).
    pub start_from_end: Isometry3<f64>,
    /// Points that were looked for, after thinning.
    pub points: usize,
    /// Points that have a plane of the map near them.
    pub matched: usize,
    /// Points that lie on their plane.
    pub inliers: usize,
    /// Inliers ÷ points.
    pub fitness: f64,
    /// Root mean square distance of the inliers to their planes \[m\]; `None` without inliers.
    pub inlier_rmse: Option<f64>,
    /// Distance from its place on the map up to which a point was looked for \[m\]; follows from how well the motion
    /// before has foretold the poses so far.
    pub threshold: f64,
    /// Distance between the expected and the measured place of the sensor, with what the turn between both moves at a
    /// typical range \[m\].
    pub deviation: f64,
    /// Steps of the solver.
    pub iterations: usize,
    /// Whether the last one was small enough.
    pub converged: bool,
    /// Σ w Jᵀ J of the pose, rotation first, for a perturbation on its right; residuals in metres.
    pub information: Matrix6<f64>,
    /// Directions (ω, v) along which the surfaces around tell the place of the sensor worse than to a share of a cell:
    /// there the pose is held where the motion before has it. In the frame of the sensor in the middle of the scan, of
    /// unit length after scaling rotations by the typical range.
    pub degenerate_directions: Vec<Vector6<f64>>,
    /// Wall-clock time \[s\].
    pub seconds: f64,
}
