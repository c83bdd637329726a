//! A registration in progress: `start → step → finish`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use barrow_geometry::{Backend, Convergence, PointCloud, Status};
use nalgebra::{Isometry3, Translation3};
use rayon::prelude::*;

use crate::error::require_positive;
use crate::fit::{closeness, require_finite};
use crate::global;
use crate::joint::JointMatcher;
use crate::pose::{NormalEquations, closed_form, retract};
use crate::report::Answer;
use crate::resolution::{GATE, automatic_voxel_size};
use crate::running::Running;
use crate::schedule::{Matching, Schedule, StagePlan};
use crate::similarity::refined;
use crate::surface::{Surface, centered};
use crate::track::{Candidate, Phase, Track};
use crate::{Agreement, Aligner, Correspondence, Error, Registration, Residual, Result, Stage, Verdict};

/// Coarseness of the surfaces on which the ends of tracks are compared.
const JUDGING: f64 = 2.0;

/// Coarseness of the surfaces on which the many poses of a search are compared.
const SIFTING: f64 = 4.0;

/// Coarseness of the surfaces on which points are compared, and radius of their features in voxels of that coarseness, search
/// after search. What repeats at the first size, as the corners of a room do, may not at the second.
const SEARCHES: [(f64, f64); 2] = [(2.0, 5.0), (3.0, 9.0)];

/// Points below which features need every one of them: searches are finer by one then.
const FEW: usize = 4000;

/// Poses of a search that are looked at more closely: the best by their score.
const SIFTED: usize = 14;

/// The same by how near the clouds lie, which forgives a pose that is a little off.
const CLOSEST: usize = 8;

/// The same by the matches that they explain.
const SUPPORTED: usize = 4;

/// Steps each of them may take.
const SIFTING_STEPS: usize = 12;

/// Of these, poses that are settled.
const SETTLED: usize = 6;

/// Of these, poses are left out whose score is below this share of the best one.
const HOPEFUL: f64 = 0.15;

/// Logarithm of a scale that is worth a word: distances that sensors measure are off by less.
const LEAST_SCALE: f64 = 0.01;

/// Ratio of scores at which another scale explains the clouds clearly better.
const CLEARLY_BETTER: f64 = 1.5;

/// Ratio of points at which a finer stage is worth its time.
const WORTHWHILE: f64 = 1.25;

/// Points of one side that transport as a matrix takes at most.
const DENSE: usize = 700;

/// Radius of the looks that transport compares, in voxels of the surfaces that poses are judged on.
const LOOKS: f64 = 5.0;

/// Two poses are not the same if a point at the source's radius is this many voxels from one to the other.
const APART: f64 = 20.0;

/// What one step of the loop did.
#[derive(Debug, Clone, PartialEq)]
pub struct AlignmentStep {
    /// Name of the stage.
    pub stage: &'static str,
    /// How far along: the phases behind.
    pub phase: usize,
    /// Number of phases in all: what follows from a first pose, the search for others, a few steps from all that were
    /// found, more from the best of them, the finish. A pose that fits well spares those in between.
    pub phases: usize,
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
    /// Thinned clouds by the bits of their coarseness.
    levels: BTreeMap<u64, (Arc<Surface>, Arc<Surface>)>,
    schedule: Schedule,
    /// Searches made.
    searches: usize,
    phase: Phase,
    /// The track in hand, and those to come.
    current: Track,
    waiting: VecDeque<Track>,
    running: Option<Running>,
    /// Ends of sifting, with their scores.
    sifted: Vec<(f64, Candidate)>,
    /// Ends of all other tracks, with their agreement.
    judged: Vec<(Agreement, Candidate)>,
    stages: Vec<Stage>,
}

impl Alignment {
    pub(crate) fn new(
        options: &Aligner,
        source: &PointCloud,
        target: &PointCloud,
        backend: &Backend,
    ) -> Result<Self> {
        options.initial.as_ref().map_or(Ok(()), require_finite)?;
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
        let initial = options.initial.unwrap_or_default();
        let first = Candidate::at(target_origin.inverse() * initial * source_origin);
        let schedule = Schedule::of(options.method, options.initial.is_none());
        let mut waiting: VecDeque<Track> =
            schedule.starts.iter().map(|stages| Track::new(first.clone(), stages)).collect();
        let current = waiting.pop_front().unwrap_or_else(|| Track::new(first, &[]));
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
            schedule,
            searches: 0,
            phase: Phase::Guess,
            current,
            waiting,
            running: None,
            sifted: Vec::new(),
            judged: Vec::new(),
            stages: Vec::new(),
        })
    }

    /// Takes one step; `None` when every stage has ended.
    ///
    /// # Errors
    /// [`Error::NoCorrespondences`] if a given pose finds not a single match; what goes wrong on a device.
    pub fn step(&mut self) -> Result<Option<AlignmentStep>> {
        loop {
            match self.phase {
                Phase::Ended => return Ok(None),
                Phase::Search => return self.search().map(Some),
                _ => {}
            }
            let Some(mut running) = self.next_stage()? else {
                self.end_track(true)?;
                continue;
            };
            let pairs = running.correspond(&self.current.candidate.pose)?;
            if pairs.is_empty() {
                // Nothing to hold on to: a track that ends here is no candidate.
                self.record(running.ended());
                self.end_track(false)?;
                continue;
            }
            let rmse = rmse(&pairs, &running.source, &self.current.candidate.pose);
            let moved = self.moved(&running, &pairs);
            let candidate = &mut self.current.candidate;
            let motion = length(&(candidate.pose.inverse() * moved), self.radius);
            running.iterations += 1;
            candidate.pose = moved;
            candidate.motion = motion;
            candidate.iterations += 1;
            candidate.residual = running.residual().unwrap_or(candidate.residual);
            let step =
                self.told(running.plan.name, running.iterations, &moved, pairs.len(), Some((rmse, motion)));
            let settled = motion <= self.options.tolerance * self.scaled(running.plan, self.voxel_size);
            let converged = running.cooled() && settled;
            if converged || running.iterations >= self.limit(&running) {
                self.current.candidate.status =
                    if converged { Status::Converged } else { Status::MaxIterations };
                self.record(running.ended());
                self.current.stages.pop();
                if self.current.stages.is_empty() {
                    self.end_track(true)?;
                }
            } else {
                self.running = Some(running);
            }
            return Ok(Some(step));
        }
    }

    /// The answer: the pose after the last stage, or the best one so far if the loop was stopped.
    ///
    /// # Errors
    /// [`Error::NoCorrespondences`] if a given pose found not a single match.
    pub fn finish(mut self) -> Result<Registration> {
        if let Some(running) = self.running.take() {
            self.record(running.ended());
        }
        let stopped = self.phase != Phase::Ended;
        if stopped && self.phase != Phase::Finish {
            // The best end so far, the track in hand included.
            self.phase = Phase::Settling;
            self.judge(self.current.candidate.clone())?;
            self.current.candidate = self.best()?.1;
        }
        let (source, target) = self.level(JUDGING)?;
        let width = JUDGING * self.voxel_size;
        let agreement = Agreement::of(&source, &target, &self.current.candidate.pose, width);
        let rival = self.rival();
        let mut verdict = Verdict::of(&agreement, rival.as_ref().map(|(agreement, _)| agreement));
        let other_scale = if stopped { None } else { self.other_scale(&agreement)? };
        if other_scale.is_some() {
            verdict = verdict.min(Verdict::Doubtful);
        }
        let (source, target) = self.level(1.0)?;
        let ended = self.current.candidate;
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
            verdict,
            agreement,
            other_scale,
            runner_up: rival.map(|(_, rival)| self.target_origin * rival.pose * self.source_origin.inverse()),
        }
        .report(&source, &target)
    }

    /// The running stage, or the track's next one made ready; `None` when the track has none left.
    fn next_stage(&mut self) -> Result<Option<Running>> {
        if let Some(running) = self.running.take() {
            return Ok(Some(running));
        }
        let Some(&plan) = self.current.stages.last() else { return Ok(None) };
        let started = Instant::now();
        if plan.coarseness < 1.0 && !self.has_more(plan.coarseness)? {
            self.current.stages.pop();
            return self.next_stage();
        }
        if plan.matching == Matching::Transport
            && matches!(self.backend, Backend::Cpu)
            && let Some((source, matcher)) = self.joint_matcher()?
        {
            return Ok(Some(Running::joint(plan, source, matcher, started)));
        }
        let level = self.level(plan.coarseness)?;
        let (voxel_size, gate) = (self.scaled(plan, self.voxel_size), self.scaled(plan, self.max_distance));
        Running::new(plan, level, voxel_size, gate, started, &self.backend).map(Some)
    }

    /// Whether a cloud has clearly more points at a finer grid than at one voxel; if not, there is nothing to be gained there.
    fn has_more(&mut self, coarseness: f64) -> Result<bool> {
        let (source, target) = self.level(1.0)?;
        let (fine_source, fine_target) = self.level(coarseness)?;
        let more = |fine: &Surface, plain: &Surface| {
            fine.positions.len() as f64 > WORTHWHILE * plain.positions.len() as f64
        };
        Ok(more(&fine_source, &source) || more(&fine_target, &target))
    }

    /// Transport between places and looks, on surfaces coarse enough for a matrix; `None` without normals.
    fn joint_matcher(&mut self) -> Result<Option<(Arc<Surface>, JointMatcher)>> {
        let mut coarseness = SIFTING;
        let (mut source, mut target) = self.level(coarseness)?;
        while source.positions.len().max(target.positions.len()) > DENSE && coarseness < 1e3 {
            coarseness *= 1.25;
            (source, target) = self.level(coarseness)?;
        }
        let (fine_source, fine_target) = self.level(JUDGING)?;
        let (width, radius) = (coarseness * self.voxel_size, LOOKS * JUDGING * self.voxel_size);
        let matcher = JointMatcher::new((&source, &target), (&fine_source, &fine_target), radius, width);
        Ok(matcher.map(|matcher| (source, matcher)))
    }

    /// Steps that a stage may take: a pose that is only sifted gets few.
    fn limit(&self, running: &Running) -> usize {
        let limit = running.limit(self.options.max_iterations);
        if self.phase == Phase::Sifting { limit.min(SIFTING_STEPS) } else { limit }
    }

    /// Closes the track in hand and begins the next, or the next phase.
    fn end_track(&mut self, is_candidate: bool) -> Result<()> {
        if self.phase == Phase::Finish {
            self.phase = Phase::Ended;
            return Ok(());
        }
        if is_candidate {
            self.judge(self.current.candidate.clone())?;
        }
        // Where the clouds lie is taken for meant; what a search came up with may fit in several ways.
        if self.phase == Phase::Guess && self.is_clear() {
            self.waiting.clear();
        }
        match self.waiting.pop_front() {
            Some(next) => self.current = next,
            None => self.end_phase()?,
        }
        Ok(())
    }

    /// Whether another pose is to be looked for, once all tracks have ended.
    fn searches_on(&self) -> bool {
        let found = match self.phase {
            Phase::Guess => self.is_clear(),
            // Several poses have been compared: the best of them need not be clear.
            _ => self.judged.iter().any(|(agreement, _)| Verdict::of(agreement, None) == Verdict::Accepted),
        };
        self.options.initial.is_none() && self.searches < SEARCHES.len() && !found
    }

    fn is_clear(&self) -> bool {
        self.judged.last().is_some_and(|(agreement, _)| agreement.is_clear())
    }

    fn end_phase(&mut self) -> Result<()> {
        match self.phase {
            Phase::Guess | Phase::Settling if self.searches_on() => {
                self.phase = Phase::Search;
                Ok(())
            }
            Phase::Sifting => {
                self.phase = Phase::Settling;
                let apart = 2.0 * SIFTING * self.voxel_size;
                let mut sifted = distinct(std::mem::take(&mut self.sifted), apart, self.radius);
                let least = sifted.first().map_or(0.0, |(best, _)| HOPEFUL * best);
                sifted.retain(|(score, _)| *score >= least);
                self.line_up(sifted.into_iter().take(SETTLED), &self.schedule.settling.clone())
            }
            _ => self.begin_finish(),
        }
    }

    /// Makes tracks of some candidates; without any the search has come to nothing.
    fn line_up(
        &mut self,
        candidates: impl Iterator<Item = (f64, Candidate)>,
        stages: &[StagePlan],
    ) -> Result<()> {
        self.waiting = candidates.map(|(_, candidate)| Track::new(candidate, stages)).collect();
        match self.waiting.pop_front() {
            Some(next) => self.current = next,
            None => {
                self.phase = Phase::Settling;
                self.end_phase()?;
            }
        }
        Ok(())
    }

    fn begin_finish(&mut self) -> Result<()> {
        let best = match self.best() {
            Ok((_, best)) => best,
            // A search that came to nothing leaves the centroids.
            Err(_) if self.options.initial.is_none() => Candidate::at(Isometry3::identity()),
            Err(error) => return Err(error),
        };
        self.current = Track::new(best, &self.schedule.finish);
        self.phase = Phase::Finish;
        Ok(())
    }

    /// The end whose pose is borne out best; the first among equals.
    fn best(&self) -> Result<(Agreement, Candidate)> {
        let best =
            self.judged.iter().reduce(|best, next| if next.0.score() > best.0.score() { next } else { best });
        best.cloned().ok_or_else(|| Error::NoCorrespondences {
            max_distance: self.max_distance * self.schedule.coarsest(),
        })
    }

    /// The best end that is another pose than the current one.
    fn rival(&self) -> Option<(Agreement, Candidate)> {
        let back = self.current.candidate.pose.inverse();
        let apart = APART * self.voxel_size;
        let others =
            self.judged.iter().filter(|(_, other)| length(&(back * other.pose), self.radius) > apart);
        others.reduce(|best, next| if next.0.score() > best.0.score() { next } else { best }).cloned()
    }

    /// The scale at which the clouds would agree clearly better than they do, if there is one.
    fn other_scale(&mut self, agreement: &Agreement) -> Result<Option<f64>> {
        if Verdict::of(agreement, None) == Verdict::Failed {
            return Ok(None);
        }
        let width = JUDGING * self.voxel_size;
        let start = (1.0, &self.current.candidate.pose);
        let (scale, pose) = refined(&self.source, &self.target, start, width, self.options.kernel)?;
        if scale.ln().abs() < LEAST_SCALE {
            return Ok(None);
        }
        let source = Surface::thinned(&self.source.scaled(scale)?, width)?;
        let (_, target) = self.level(JUDGING)?;
        let better = Agreement::of(&source, &target, &pose, width);
        Ok((better.score() > CLEARLY_BETTER * agreement.score()).then_some(scale))
    }

    /// Looks for poses by points that look alike, and lines up the best of them.
    fn search(&mut self) -> Result<AlignmentStep> {
        let started = Instant::now();
        let fine = self.level(1.0)?;
        let points = fine.0.positions.len().max(fine.1.positions.len());
        let (coarseness, radius) = SEARCHES[self.searches];
        let coarseness = if points < FEW { coarseness - 1.0 } else { coarseness };
        self.searches += 1;
        let (source, target) = self.level(coarseness)?;
        let voxel_size = coarseness * self.voxel_size;
        let places = global::matched_places(&source, &target, radius * voxel_size);
        let found = global::hypotheses(&places, voxel_size);
        let (source, target) = self.level(SIFTING)?;
        let width = SIFTING * self.voxel_size;
        let judged: Vec<[f64; 3]> = found
            .par_iter()
            .map(|one| {
                let agreement = Agreement::of(&source, &target, &one.pose, width);
                let near = closeness(&source, &target, &one.pose, 2.0 * width);
                [agreement.score(), near, one.support as f64]
            })
            .collect();
        // Mostly by what has proved best; the other two know cases of their own.
        let mut lined_up = Vec::new();
        for (by, most) in [SIFTED, CLOSEST, SUPPORTED].into_iter().enumerate() {
            let candidates =
                found.iter().zip(&judged).map(|(one, by_all)| (by_all[by], Candidate::at(one.pose)));
            let ranked = distinct(candidates.collect(), 2.0 * width, self.radius);
            lined_up.extend(ranked.into_iter().take(most));
        }
        let pose = lined_up.first().map_or(self.current.candidate.pose, |(_, best)| best.pose);
        self.record(Stage { name: "search", iterations: 1, seconds: started.elapsed().as_secs_f64() });
        let step = self.told("search", 1, &pose, places.len(), None);
        self.phase = Phase::Sifting;
        self.line_up(lined_up.into_iter(), &self.schedule.sifting.clone())?;
        Ok(step)
    }

    /// Adds the end of a track to its like.
    fn judge(&mut self, candidate: Candidate) -> Result<()> {
        let sifting = self.phase == Phase::Sifting;
        let coarseness = if sifting { SIFTING } else { JUDGING };
        let (source, target) = self.level(coarseness)?;
        let width = coarseness * self.voxel_size;
        if sifting {
            let agreement = Agreement::of(&source, &target, &candidate.pose, width);
            self.sifted.push((agreement.score(), candidate));
        } else {
            self.judged.push((Agreement::of(&source, &target, &candidate.pose, width), candidate));
        }
        Ok(())
    }

    /// Adds a stage to the account, to its namesake if there is one.
    fn record(&mut self, stage: Stage) {
        match self.stages.iter_mut().find(|known| known.name == stage.name) {
            Some(known) => {
                known.iterations += stage.iterations;
                known.seconds += stage.seconds;
            }
            None => self.stages.push(stage),
        }
    }

    fn told(
        &self,
        stage: &'static str,
        iteration: usize,
        pose: &Isometry3<f64>,
        correspondences: usize,
        measured: Option<(f64, f64)>,
    ) -> AlignmentStep {
        let (rmse, motion) = measured.unwrap_or_default();
        AlignmentStep {
            stage,
            phase: self.phase as usize,
            phases: Phase::COUNT,
            iteration,
            target_from_source: self.target_origin * pose * self.source_origin.inverse(),
            correspondences,
            rmse,
            motion,
        }
    }

    /// Both clouds at a coarseness, thinned once.
    fn level(&mut self, coarseness: f64) -> Result<(Arc<Surface>, Arc<Surface>)> {
        if let Some(level) = self.levels.get(&coarseness.to_bits()) {
            return Ok(level.clone());
        }
        let size = self.voxel_size * coarseness;
        let thinned = |cloud| Surface::thinned(cloud, size).map(Arc::new);
        let level = (thinned(&self.source)?, thinned(&self.target)?);
        self.levels.insert(coarseness.to_bits(), level.clone());
        Ok(level)
    }

    /// The pose after one step on the pairs.
    fn moved(&self, running: &Running, pairs: &[Correspondence]) -> Isometry3<f64> {
        let pose = &self.current.candidate.pose;
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

    fn scaled(&self, plan: StagePlan, length: f64) -> f64 {
        plan.coarseness * length
    }
}

/// How far a motion takes a point at a distance from the origin, at most \[m\].
fn length(motion: &Isometry3<f64>, radius: f64) -> f64 {
    radius * motion.rotation.angle() + motion.translation.vector.norm()
}

/// Candidates by falling score, without those that are within `apart` \[m\] of a better one.
fn distinct(mut candidates: Vec<(f64, Candidate)>, apart: f64, radius: f64) -> Vec<(f64, Candidate)> {
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

fn rmse(pairs: &[Correspondence], source: &Surface, pose: &Isometry3<f64>) -> f64 {
    let squares: f64 = pairs
        .iter()
        .map(|pair| pair.weight * (pose * source.positions[pair.source] - pair.target).norm_squared())
        .sum();
    let weight: f64 = pairs.iter().map(|pair| pair.weight).sum();
    (squares / weight.max(f64::MIN_POSITIVE)).sqrt()
}
