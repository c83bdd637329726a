//! A registration in progress: `start → step → finish`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use barrow_geometry::{Backend, Convergence, PointCloud, Status};
use nalgebra::{Isometry3, Translation3};

use crate::error::require_positive;
use crate::fit::{agreement, require_finite};
use crate::pose::{NormalEquations, closed_form, retract};
use crate::report::Answer;
use crate::resolution::{GATE, automatic_voxel_size};
use crate::running::Running;
use crate::schedule::{Schedule, StagePlan};
use crate::surface::{Surface, centered};
use crate::{Aligner, Correspondence, Error, Registration, Residual, Result, Stage};

/// Coarseness of the surfaces on which the starts are compared.
const JUDGING: u32 = 2;

/// Agreement above which no other start is tried: of the wrong poses of all real pairs at hand none comes
/// near it.
const CLEAR: f64 = 0.7;

/// What one step of the loop did.
#[derive(Debug, Clone, PartialEq)]
pub struct AlignmentStep {
    /// Name of the stage.
    pub stage: &'static str,
    /// Index of the stage among [`stages`](Self::stages).
    pub stage_index: usize,
    /// Number of stages that will run at most; a start that fits well spares the others.
    pub stages: usize,
    /// Step within the stage, from 1.
    pub iteration: usize,
    /// The pose after the step.
    pub target_from_source: Isometry3<f64>,
    /// Matches found.
    pub correspondences: usize,
    /// Root mean square distance of the matches before the step \[m\].
    pub rmse: f64,
    /// Motion of a point at the source's radius in this step \[m\].
    pub motion: f64,
}

/// A pose, and how the loop came to it.
#[derive(Debug, Clone)]
struct Candidate {
    /// Between the centred clouds.
    pose: Isometry3<f64>,
    /// How the last stage measured its residuals.
    residual: Residual,
    status: Status,
    iterations: usize,
    /// Motion in the last step \[m\].
    motion: f64,
}

/// A registration in progress. The viewer calls [`step`](Self::step) between frames.
pub struct Alignment {
    options: Aligner,
    backend: Backend,
    /// Both clouds about their own centroids; the pose of the loop relates these.
    source: PointCloud,
    target: PointCloud,
    source_origin: Translation3<f64>,
    target_origin: Translation3<f64>,
    voxel_size: f64,
    max_distance: f64,
    /// Root mean square distance of the source to its centroid \[m\].
    radius: f64,
    /// Thinned clouds by coarseness.
    levels: BTreeMap<u32, (Arc<Surface>, Arc<Surface>)>,
    schedule: Schedule,
    /// Index among the starts; their number while the finish runs; one more at the end.
    track: usize,
    /// Index of the stage within the track.
    stage: usize,
    running: Option<Running>,
    current: Candidate,
    /// Ends of the starts, with their agreement.
    candidates: Vec<(f64, Candidate)>,
    stages: Vec<Stage>,
}

impl Alignment {
    pub(crate) fn new(
        options: &Aligner,
        source: &PointCloud,
        target: &PointCloud,
        backend: &Backend,
    ) -> Result<Self> {
        require_finite(&options.initial)?;
        require_positive("tolerance", options.tolerance)?;
        require_positive("max_iterations", options.max_iterations as f64)?;
        let (source, source_origin) = centered(source, "source")?;
        let (target, target_origin) = centered(target, "target")?;
        let voxel_size = match options.voxel_size {
            Some(size) => require_positive("voxel_size", size)?,
            None => automatic_voxel_size(&source, &target)?,
        };
        let max_distance = match options.max_distance {
            Some(distance) => require_positive("max_distance", distance)?,
            None => GATE * voxel_size,
        };
        let squares: f64 = source.positions().iter().map(|point| point.coords.norm_squared()).sum();
        let radius = (squares / source.len() as f64).sqrt();
        let pose = target_origin.inverse() * options.initial * source_origin;
        Ok(Self {
            options: options.clone(),
            backend: backend.clone(),
            source,
            target,
            source_origin,
            target_origin,
            voxel_size,
            max_distance,
            radius,
            levels: BTreeMap::new(),
            schedule: Schedule::of(options.method),
            track: 0,
            stage: 0,
            running: None,
            current: Candidate::at(pose),
            candidates: Vec::new(),
            stages: Vec::new(),
        })
    }

    /// Takes one step; `None` when every stage has ended.
    ///
    /// # Errors
    /// [`Error::NoCorrespondences`] if no start finds a single match; what goes wrong on a device.
    pub fn step(&mut self) -> Result<Option<AlignmentStep>> {
        loop {
            let Some(mut running) = self.next_stage()? else { return Ok(None) };
            let pairs = running.correspond(&self.current.pose)?;
            if pairs.is_empty() {
                // Nothing to hold on to: a start that ends here is no candidate.
                self.stages.push(running.ended());
                self.end_track(false)?;
                continue;
            }
            let rmse = rmse(&pairs, &running.source, &self.current.pose);
            let moved = self.moved(&running, &pairs);
            let motion = self.motion(&(self.current.pose.inverse() * moved));
            running.iterations += 1;
            self.current.pose = moved;
            self.current.motion = motion;
            self.current.iterations += 1;
            self.current.residual = running.residual().unwrap_or(self.current.residual);
            let step = AlignmentStep {
                stage: running.plan.name,
                stage_index: self.stages.len(),
                stages: self.schedule.len(),
                iteration: running.iterations,
                target_from_source: self.target_origin * moved * self.source_origin.inverse(),
                correspondences: pairs.len(),
                rmse,
                motion,
            };
            let settled = motion <= self.options.tolerance * self.scaled(running.plan, self.voxel_size);
            let converged = running.cooled() && settled;
            if converged || running.iterations >= running.limit(self.options.max_iterations) {
                self.current.status = if converged { Status::Converged } else { Status::MaxIterations };
                self.end_stage(running)?;
            } else {
                self.running = Some(running);
            }
            return Ok(Some(step));
        }
    }

    /// The answer: the pose after the last stage, or the best one so far if the loop was stopped.
    ///
    /// # Errors
    /// [`Error::NoCorrespondences`] if no start found a single match.
    pub fn finish(mut self) -> Result<Registration> {
        if let Some(running) = self.running.take() {
            self.stages.push(running.ended());
        }
        let stopped = self.track <= self.schedule.starts.len();
        if self.track < self.schedule.starts.len() {
            self.track = self.schedule.starts.len() - 1;
            self.end_track(true)?;
        }
        let (source, target) = self.level(1)?;
        let ended = self.current;
        Answer {
            pose: ended.pose,
            target_from_source: self.target_origin * ended.pose * self.source_origin.inverse(),
            source_origin: self.source_origin,
            radius: self.radius,
            residual: ended.residual,
            kernel: self.options.kernel,
            voxel_size: self.voxel_size,
            max_distance: self.max_distance,
            convergence: Convergence {
                status: if stopped { Status::Stopped } else { ended.status },
                iterations: ended.iterations,
                residual: ended.motion,
            },
            stages: self.stages,
        }
        .report(&source, &target)
    }

    /// The running stage, or the next one made ready; `None` when all have ended.
    fn next_stage(&mut self) -> Result<Option<Running>> {
        if let Some(running) = self.running.take() {
            return Ok(Some(running));
        }
        let Some(&plan) = self.track_stages().and_then(|stages| stages.get(self.stage)) else {
            return Ok(None);
        };
        let started = Instant::now();
        let level = self.level(plan.coarseness)?;
        let (voxel_size, gate) = (self.scaled(plan, self.voxel_size), self.scaled(plan, self.max_distance));
        Running::new(plan, level, voxel_size, gate, started, &self.backend).map(Some)
    }

    fn track_stages(&self) -> Option<&[StagePlan]> {
        match self.track.checked_sub(self.schedule.starts.len()) {
            None => Some(&self.schedule.starts[self.track]),
            Some(0) => Some(&self.schedule.finish),
            Some(_) => None,
        }
    }

    fn end_stage(&mut self, running: Running) -> Result<()> {
        self.stages.push(running.ended());
        self.stage += 1;
        if self.track_stages().is_some_and(|stages| self.stage < stages.len()) {
            return Ok(());
        }
        self.end_track(true)
    }

    /// Closes a track: the next start begins where all did, the finish where the best start ended.
    fn end_track(&mut self, is_candidate: bool) -> Result<()> {
        let starts = self.schedule.starts.len();
        self.stage = 0;
        self.track += 1;
        if self.track > starts {
            return Ok(());
        }
        let start = self.target_origin.inverse() * self.options.initial * self.source_origin;
        let ended = std::mem::replace(&mut self.current, Candidate::at(start));
        if is_candidate {
            let (source, target) = self.level(JUDGING)?;
            let gate = GATE * f64::from(JUDGING) * self.voxel_size;
            let agreement = agreement(&source, &target, &ended.pose, gate);
            self.candidates.push((agreement, ended));
            if agreement >= CLEAR {
                self.track = starts;
            }
        }
        if self.track == starts {
            self.current = self.best_candidate()?;
        }
        Ok(())
    }

    /// The candidate whose pose lays the clouds together best; the first among equals.
    fn best_candidate(&self) -> Result<Candidate> {
        self.candidates
            .iter()
            .reduce(|best, next| if next.0 > best.0 { next } else { best })
            .map(|(_, best)| best.clone())
            .ok_or_else(|| Error::NoCorrespondences {
                max_distance: self.max_distance * f64::from(self.schedule.coarsest()),
            })
    }

    /// Both clouds at a coarseness, thinned once.
    fn level(&mut self, coarseness: u32) -> Result<(Arc<Surface>, Arc<Surface>)> {
        if let Some(level) = self.levels.get(&coarseness) {
            return Ok(level.clone());
        }
        let size = self.voxel_size * f64::from(coarseness);
        let thinned = |cloud| Surface::thinned(cloud, size).map(Arc::new);
        let level = (thinned(&self.source)?, thinned(&self.target)?);
        self.levels.insert(coarseness, level.clone());
        Ok(level)
    }

    /// The pose after one step on the pairs.
    fn moved(&self, running: &Running, pairs: &[Correspondence]) -> Isometry3<f64> {
        let pose = &self.current.pose;
        let residual = match running.residual() {
            Some(residual) => residual,
            None => match closed_form(pairs, &running.source.positions) {
                Some(moved) => return moved,
                None => Residual::PointToPoint,
            },
        };
        let voxel_size = self.scaled(running.plan, self.voxel_size);
        let equations =
            NormalEquations::new(pairs, &running.source, pose, residual, self.options.kernel, voxel_size);
        let mut step = equations.step(self.radius);
        // The linearisation is worth little further out than the matches themselves were found.
        let length = self.radius * step.fixed_rows::<3>(0).norm() + step.fixed_rows::<3>(3).norm();
        let limit = self.scaled(running.plan, self.max_distance);
        if length > limit {
            step *= limit / length;
        }
        retract(pose, &step)
    }

    /// How far a motion takes a point at the source's radius, at most \[m\].
    fn motion(&self, motion: &Isometry3<f64>) -> f64 {
        self.radius * motion.rotation.angle() + motion.translation.vector.norm()
    }

    fn scaled(&self, plan: StagePlan, length: f64) -> f64 {
        f64::from(plan.coarseness) * length
    }
}

impl Candidate {
    fn at(pose: Isometry3<f64>) -> Self {
        let residual = Residual::Distribution;
        Self { pose, residual, status: Status::MaxIterations, iterations: 0, motion: f64::INFINITY }
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
