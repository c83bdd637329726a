//! One stage of the loop while it runs: its matcher, its steps, and when it has had enough.

use std::sync::Arc;
use std::time::Instant;

use barrow_geometry::Status;
use nalgebra::Isometry3;

use crate::joint::JointMatcher;
use crate::pose::{NormalEquations, closed_form, retract};
use crate::schedule::{Matching, StagePlan};
use crate::sliced::SlicedMatcher;
use crate::surface::Surface;
use crate::track::{Candidate, length};
use crate::{
    Correspondence, Kernel, Matcher, NearestMatcher, Residual, Result, Stage, TransportMatcher, Unmatched,
    VoxelMatcher,
};

/// Factor of the tolerance for a stage that is followed by a finer one.
const PASSING: f64 = 10.0;

/// What all stages of one registration hold to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub kernel: Kernel,
    pub unmatched: Unmatched,
    pub max_iterations: usize,
    /// Share of a stage's voxel.
    pub tolerance: f64,
    /// Root mean square distance of the source to its centroid \[m\].
    pub radius: f64,
}

/// What a step has done to a candidate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stepped {
    /// Matches found.
    pub correspondences: usize,
    /// Root mean square distance of the matches before the step \[m\].
    pub rmse: f64,
    /// Whether the stage is at its end.
    pub ended: bool,
}

/// A stage in progress.
pub(crate) struct Running {
    pub plan: StagePlan,
    source: Arc<Surface>,
    matcher: StageMatcher,
    /// The stage's own voxel and gate \[m\].
    voxel_size: f64,
    max_distance: f64,
    /// A finer stage comes after: what is left to do here that can do better.
    pub is_followed: bool,
    /// Steps taken.
    pub iterations: usize,
    started: Instant,
}

/// How a stage finds its matches.
pub(crate) enum StageMatcher {
    Nearest(NearestMatcher),
    Voxels(VoxelMatcher),
    Transport(TransportMatcher),
    Joint(JointMatcher),
    Sliced(SlicedMatcher),
}

impl Running {
    /// A stage made ready; `voxel_size` and `max_distance` \[m\] are its own.
    pub fn new(
        plan: StagePlan,
        source: Arc<Surface>,
        matcher: StageMatcher,
        (voxel_size, max_distance): (f64, f64),
        started: Instant,
    ) -> Self {
        Self { plan, source, matcher, voxel_size, max_distance, is_followed: false, iterations: 0, started }
    }

    /// Takes one step; `None` if not a single match was found.
    pub fn step(&mut self, candidate: &mut Candidate, rules: &Rules) -> Result<Option<Stepped>> {
        let pairs = self.correspond(&candidate.pose)?;
        if pairs.is_empty() {
            return Ok(None);
        }
        let (moved, rmse) = self.moved(&candidate.pose, &pairs, rules);
        let motion = length(&(candidate.pose.inverse() * moved), rules.radius);
        self.iterations += 1;
        candidate.pose = moved;
        candidate.motion = motion;
        candidate.iterations += 1;
        candidate.residual = self.residual().unwrap_or(candidate.residual);
        let least = if self.is_followed { PASSING * rules.tolerance } else { rules.tolerance };
        let converged = self.cooled() && motion <= least * self.voxel_size;
        let ended = converged || self.iterations >= self.limit(rules.max_iterations);
        if ended {
            candidate.status = if converged { Status::Converged } else { Status::MaxIterations };
        }
        Ok(Some(Stepped { correspondences: pairs.len(), rmse, ended }))
    }

    /// Takes all steps; `None` if matches ran out on the way.
    pub fn run(&mut self, mut candidate: Candidate, rules: &Rules) -> Result<Option<Candidate>> {
        loop {
            match self.step(&mut candidate, rules)? {
                None => return Ok(None),
                Some(stepped) if stepped.ended => return Ok(Some(candidate)),
                Some(_) => {}
            }
        }
    }

    /// The matches of all source points at a pose.
    fn correspond(&mut self, pose: &Isometry3<f64>) -> Result<Vec<Correspondence>> {
        match &mut self.matcher {
            StageMatcher::Nearest(matcher) => matcher.correspond(&self.source.positions, pose),
            StageMatcher::Voxels(matcher) => matcher.correspond(&self.source.positions, pose),
            StageMatcher::Transport(matcher) => matcher.correspond(&self.source.positions, pose),
            StageMatcher::Joint(matcher) => matcher.correspond(&self.source.positions, pose),
            StageMatcher::Sliced(matcher) => matcher.correspond(&self.source.positions, pose),
        }
    }

    /// The pose after one step on the pairs, and their root mean square distance before it \[m\].
    fn moved(&self, pose: &Isometry3<f64>, pairs: &[Correspondence], rules: &Rules) -> (Isometry3<f64>, f64) {
        let residual = match self.residual() {
            Some(residual) => residual,
            None => match closed_form(pairs, &self.source.positions) {
                Some(moved) => return (moved, rmse(pairs, &self.source, pose)),
                None => Residual::PointToPoint,
            },
        };
        let equations =
            NormalEquations::new(pairs, &self.source, pose, residual, rules.kernel, self.voxel_size);
        let mut step = equations.step(rules.radius);
        // The linearisation is worth little further out than the matches themselves were found.
        let length = rules.radius * step.fixed_rows::<3>(0).norm() + step.fixed_rows::<3>(3).norm();
        if length > self.max_distance {
            step *= self.max_distance / length;
        }
        (retract(pose, &step), equations.rmse())
    }

    /// How the residual is measured; `None` where the matches are solved in closed form.
    fn residual(&self) -> Option<Residual> {
        match self.plan.matching {
            Matching::Nearest(residual) => Some(residual),
            Matching::Voxels => Some(Residual::Distribution),
            Matching::Transport | Matching::Sliced => None,
        }
    }

    /// Whether the matches have reached their final sharpness.
    fn cooled(&self) -> bool {
        match &self.matcher {
            StageMatcher::Nearest(_) | StageMatcher::Voxels(_) => true,
            StageMatcher::Transport(matcher) => matcher.cooled(),
            StageMatcher::Joint(matcher) => matcher.annealing().cooled(),
            StageMatcher::Sliced(matcher) => matcher.annealing().cooled(),
        }
    }

    /// Steps this stage may take: an annealed one is not cut before it is cool.
    fn limit(&self, max_iterations: usize) -> usize {
        match &self.matcher {
            StageMatcher::Nearest(_) | StageMatcher::Voxels(_) => max_iterations,
            StageMatcher::Transport(matcher) => matcher.levels() + max_iterations,
            // Beyond its last blur its matches change little; finer stages do better.
            StageMatcher::Joint(matcher) => matcher.annealing().levels(),
            StageMatcher::Sliced(matcher) => matcher.annealing().levels(),
        }
    }

    /// What the result says about it.
    pub fn ended(self) -> Stage {
        let seconds = self.started.elapsed().as_secs_f64();
        Stage { name: self.plan.name, iterations: self.iterations, seconds }
    }
}

fn rmse(pairs: &[Correspondence], source: &Surface, pose: &Isometry3<f64>) -> f64 {
    let squares: f64 = pairs
        .iter()
        .map(|pair| pair.weight * (pose * source.positions[pair.source] - pair.target).norm_squared())
        .sum();
    let weight: f64 = pairs.iter().map(|pair| pair.weight).sum();
    (squares / weight.max(f64::MIN_POSITIVE)).sqrt()
}
