//! Poses on their way: where they began, what is still to be run, and how they ended.

use barrow_geometry::Status;
use nalgebra::Isometry3;

use crate::Residual;
use crate::schedule::StagePlan;

/// A pose, and how the loop came to it.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// Between the centred clouds.
    pub pose: Isometry3<f64>,
    /// Where it began.
    pub start: Isometry3<f64>,
    /// How the last stage measured its residuals.
    pub residual: Residual,
    pub status: Status,
    pub iterations: usize,
    /// Motion in the last step \[m\].
    pub motion: f64,
}

impl Candidate {
    /// A pose that nothing has been done about.
    pub fn at(pose: Isometry3<f64>) -> Self {
        let residual = Residual::Distribution;
        let status = Status::MaxIterations;
        Self { pose, start: pose, residual, status, iterations: 0, motion: f64::INFINITY }
    }
}

/// A candidate and the stages that it is still to go through.
#[derive(Debug, Clone)]
pub(crate) struct Track {
    pub candidate: Candidate,
    /// Last one first.
    pub stages: Vec<StagePlan>,
}

impl Track {
    pub fn new(candidate: Candidate, stages: &[StagePlan]) -> Self {
        Self { candidate, stages: stages.iter().rev().copied().collect() }
    }
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Steps from the pose given, or from where the clouds lie.
    Guess,
    /// Poses from points that look alike, a few steps from each.
    Search,
    /// More from the best of them.
    Settling,
    /// The best of all, to the end.
    Finish,
    Ended,
}

impl Phase {
    /// How many there are before the end.
    pub const COUNT: usize = Self::Ended as usize;
}

/// How far a motion takes a point at a distance from the origin, at most \[m\].
pub(crate) fn length(motion: &Isometry3<f64>, radius: f64) -> f64 {
    radius * motion.rotation.angle() + motion.translation.vector.norm()
}

/// Candidates by falling score, without those that are within `apart` \[m\] of a better one.
pub(crate) fn distinct(
    mut candidates: Vec<(f64, Candidate)>,
    apart: f64,
    radius: f64,
) -> Vec<(f64, Candidate)> {
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut kept: Vec<(f64, Candidate)> = Vec::new();
    for (score, candidate) in candidates {
        let back = candidate.pose.inverse();
        if kept.iter().all(|(_, better)| length(&(back * better.pose), radius) > apart) {
            kept.push((score, candidate));
        }
    }
    kept
}
