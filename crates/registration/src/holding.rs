//! The end of a registration: how certain its pose is, and the way back along what nothing holds.

use std::sync::Arc;

use barrow_geometry::Status;

use crate::certainty::{Certainty, Measure};
use crate::pair::Pair;
use crate::pose::{NormalEquations, retract};
use crate::scan::FINEST;
use crate::surface::Surface;
use crate::track::{Candidate, length};
use crate::{Matcher, NearestMatcher, Result};

/// Steps after a pose was held back: the way back is short, or it would have led elsewhere.
const STEPS: usize = 20;

impl Pair {
    /// How certain the pose of a candidate is that was stopped on its way, at one voxel.
    pub fn certainty(&self, candidate: &Candidate) -> Result<Certainty> {
        let (source, target) = self.level(1.0)?;
        Certainty::of((&source, &target), &candidate.pose, self.measure(candidate, 1.0))
    }

    /// How certain the pose of a candidate is at the resolution that it came from. If some motion is free, the pose is moved back
    /// along it to where the candidate began, and settles there: noise has led it on, or a rim of what the scans saw.
    pub fn held(&self, candidate: &mut Candidate) -> Result<Certainty> {
        let coarseness = if self.has_more(FINEST)? { FINEST } else { 1.0 };
        let (source, target) = self.level(coarseness)?;
        let measure = self.measure(candidate, coarseness);
        let found = Certainty::of((&source, &target), &candidate.pose, measure)?;
        if found.freedom.is_empty() {
            return Ok(found);
        }
        candidate.pose = found.freedom.held_back(&candidate.pose, &candidate.start);
        self.settle_across(candidate, (&source, &target), &found, measure)?;
        Certainty::of((&source, &target), &candidate.pose, measure)
    }

    /// Gauss–Newton steps without any motion along what is free.
    fn settle_across(
        &self,
        candidate: &mut Candidate,
        (source, target): (&Arc<Surface>, &Arc<Surface>),
        found: &Certainty,
        measure: Measure,
    ) -> Result<()> {
        let Measure { residual, kernel, voxel_size, max_distance, radius } = measure;
        let keeping = found.freedom.keeping();
        let mut matcher = NearestMatcher::between(source.clone(), target.clone(), max_distance);
        for _ in 0..STEPS.min(self.rules.max_iterations) {
            let pairs = matcher.correspond(&source.positions, &candidate.pose)?;
            let equations =
                NormalEquations::new(&pairs, source, &candidate.pose, residual, kernel, voxel_size);
            let step = equations.kept(&keeping).step(radius);
            let moved = retract(&candidate.pose, &step);
            candidate.motion = length(&candidate.pose.inv_mul(&moved), radius);
            candidate.pose = moved;
            candidate.iterations += 1;
            if candidate.motion <= self.rules.tolerance * voxel_size {
                // Only along what is free the loop may have wandered on.
                candidate.status = Status::Converged;
                break;
            }
        }
        Ok(())
    }

    fn measure(&self, candidate: &Candidate, coarseness: f64) -> Measure {
        Measure {
            residual: candidate.residual,
            kernel: self.rules.kernel,
            voxel_size: coarseness * self.voxel_size,
            max_distance: coarseness * self.max_distance,
            radius: self.rules.radius,
        }
    }
}
