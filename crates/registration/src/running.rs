//! One stage of the loop while it runs: its matcher, and when it has had enough.

use std::sync::Arc;
use std::time::Instant;

use barrow_geometry::Backend;
use nalgebra::Isometry3;

use crate::joint::JointMatcher;
use crate::schedule::{Matching, StagePlan};
use crate::surface::Surface;
use crate::{Correspondence, Matcher, NearestMatcher, Residual, Result, Stage, TransportMatcher};

/// A stage in progress.
pub(crate) struct Running {
    pub plan: StagePlan,
    pub source: Arc<Surface>,
    matcher: StageMatcher,
    /// Steps taken.
    pub iterations: usize,
    started: Instant,
}

enum StageMatcher {
    Nearest(NearestMatcher),
    Transport(TransportMatcher),
    Joint(JointMatcher),
}

impl Running {
    /// Makes a stage of nearest neighbours or plain transport ready on two surfaces; `voxel_size` and `max_distance` \[m\] are
    /// the stage's own. Transport is solved on the backend.
    pub fn new(
        plan: StagePlan,
        (source, target): (Arc<Surface>, Arc<Surface>),
        voxel_size: f64,
        max_distance: f64,
        started: Instant,
        backend: &Backend,
    ) -> Result<Self> {
        let matcher = match plan.matching {
            Matching::Nearest(_) => StageMatcher::Nearest(NearestMatcher::over(target, max_distance)),
            Matching::Transport => {
                StageMatcher::Transport(TransportMatcher::over(target, voxel_size, backend))
            }
        };
        Ok(Self { plan, source, matcher, iterations: 0, started })
    }

    /// Makes a stage of transport between places and looks ready.
    pub fn joint(plan: StagePlan, source: Arc<Surface>, matcher: JointMatcher, started: Instant) -> Self {
        Self { plan, source, matcher: StageMatcher::Joint(matcher), iterations: 0, started }
    }

    /// The matches of all source points at a pose.
    pub fn correspond(&mut self, pose: &Isometry3<f64>) -> Result<Vec<Correspondence>> {
        match &mut self.matcher {
            StageMatcher::Nearest(matcher) => matcher.correspond(&self.source.positions, pose),
            StageMatcher::Transport(matcher) => matcher.correspond(&self.source.positions, pose),
            StageMatcher::Joint(matcher) => matcher.correspond(&self.source.positions, pose),
        }
    }

    /// How the residual is measured; `None` where the matches are solved in closed form.
    pub fn residual(&self) -> Option<Residual> {
        match self.plan.matching {
            Matching::Nearest(residual) => Some(residual),
            Matching::Transport => None,
        }
    }

    /// Whether the matches have reached their final sharpness.
    pub fn cooled(&self) -> bool {
        match &self.matcher {
            StageMatcher::Nearest(_) => true,
            StageMatcher::Transport(matcher) => matcher.cooled(),
            StageMatcher::Joint(matcher) => matcher.cooled(),
        }
    }

    /// Steps this stage may take: an annealed one is not cut before it is cool.
    pub fn limit(&self, max_iterations: usize) -> usize {
        match &self.matcher {
            StageMatcher::Nearest(_) => max_iterations,
            StageMatcher::Transport(matcher) => matcher.levels() + max_iterations,
            // Beyond its last blur its matches change little; finer stages do better.
            StageMatcher::Joint(matcher) => matcher.levels(),
        }
    }

    /// What the result says about it.
    pub fn ended(self) -> Stage {
        let seconds = self.started.elapsed().as_secs_f64();
        Stage { name: self.plan.name, iterations: self.iterations, seconds }
    }
}
