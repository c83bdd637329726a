//! A registration in progress: `start → step → finish`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use barrow_geometry::{Backend, Convergence, PointCloud, Status};
use nalgebra::Isometry3;

use crate::error::require_positive;
use crate::fit::require_finite;
use crate::pair::Pair;
use crate::report::Answer;
use crate::resolution::{GATE, automatic_voxel_size};
use crate::running::{Rules, Running};
use crate::scan::Scan;
use crate::schedule::{Schedule, StagePlan};
use crate::search;
use crate::standings::{APART, Standings};
use crate::surface::centered;
use crate::track::{Candidate, Phase, Track, length};
use crate::{Agreement, Aligner, Error, Registration, Result, Stage, Verdict};

/// Ratio of scores at which another scale explains the clouds clearly better.
const CLEARLY_BETTER: f64 = 1.5;

/// What one step of the loop did.
#[derive(Debug, Clone, PartialEq)]
pub struct AlignmentStep {
    /// Name of the stage.
    pub stage: &'static str,
    /// How far along: the phases behind.
    pub phase: usize,
    /// Number of phases in all: what follows from a first pose, the search for others, more from the best of them, the finish.
    /// A pose that fits well spares those in between.
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
    pair: Pair,
    /// No pose was given.
    is_free: bool,
    schedule: Schedule,
    /// Searches made.
    searches: usize,
    phase: Phase,
    /// The track in hand, and those to come.
    current: Track,
    waiting: VecDeque<Track>,
    running: Option<Running>,
    standings: Standings,
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
        let rules = Rules {
            kernel: options.kernel,
            unmatched: options.unmatched,
            max_iterations: options.max_iterations,
            tolerance: options.tolerance,
            radius: (squares / source.len() as f64).sqrt(),
        };
        let initial = options.initial.unwrap_or_default();
        let first = Candidate::at(target_origin.inverse() * initial * source_origin);
        let mut schedule = Schedule::of(options.method, options.initial.is_none());
        if options.full_detail {
            schedule.adds_full_detail();
        }
        let mut waiting: VecDeque<Track> =
            schedule.starts.iter().map(|stages| Track::new(first.clone(), stages)).collect();
        let current = waiting.pop_front().unwrap_or_else(|| Track::new(first, &[]));
        let pair = Pair {
            source: Arc::new(Scan::new(source, source_origin, voxel_size)),
            target: Arc::new(Scan::new(target, target_origin, voxel_size)),
            voxel_size,
            max_distance,
            widening: 1.0,
            rules,
            backend: backend.clone(),
        }
        .widened()?;
        Ok(Self {
            pair,
            is_free: options.initial.is_none(),
            schedule,
            searches: 0,
            phase: Phase::Guess,
            current,
            waiting,
            running: None,
            standings: Standings::default(),
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
                Phase::Settling => return self.settle().map(Some),
                Phase::Guess | Phase::Finish => {}
            }
            let Some(mut running) = self.next_stage()? else {
                self.end_track(true)?;
                continue;
            };
            let candidate = &mut self.current.candidate;
            let Some(stepped) = running.step(candidate, &self.pair.rules)? else {
                // Nothing to hold on to: a track that ends here is no candidate.
                self.record(running.ended());
                self.end_track(false)?;
                continue;
            };
            let step = AlignmentStep {
                stage: running.plan.name,
                iteration: running.iterations,
                correspondences: stepped.correspondences,
                rmse: stepped.rmse,
                motion: candidate.motion,
                ..self.told("", 1, 0)
            };
            if stepped.ended {
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
            self.judge(self.current.candidate.clone())?;
            self.current.candidate = self.best()?;
        }
        let (pair, mut ended) = (&self.pair, self.current.candidate);
        let certainty = if stopped { pair.certainty(&ended)? } else { pair.held(&mut ended)? };
        let agreement = pair.agreement(&ended.pose)?;
        let rival = self.standings.rival(&ended, pair.rules.radius, pair.voxel_size);
        let mut verdict = Verdict::of(&agreement, rival.map(|(agreement, _)| agreement));
        let other_scale =
            if stopped || verdict == Verdict::Failed { None } else { other_scale(pair, &ended, &agreement)? };
        // What the clouds leave free only a given pose can tell.
        if other_scale.is_some() || (self.is_free && !certainty.freedom.is_empty()) {
            verdict = verdict.min(Verdict::Doubtful);
        }
        let (source, target) = pair.level(1.0)?;
        Answer {
            pose: ended.pose,
            target_from_source: outside(pair, &ended.pose),
            source_origin: pair.source.origin,
            certainty,
            voxel_size: pair.voxel_size,
            max_distance: pair.max_distance,
            convergence: Convergence {
                status: if stopped { Status::Stopped } else { ended.status },
                iterations: ended.iterations,
                residual: ended.motion,
            },
            stages: self.stages,
            verdict,
            agreement,
            other_scale,
            runner_up: rival.map(|(_, rival)| outside(pair, &rival.pose)),
        }
        .report(&source, &target)
    }

    /// The running stage, or the track's next one made ready; `None` when the track has none left.
    fn next_stage(&mut self) -> Result<Option<Running>> {
        if let Some(running) = self.running.take() {
            return Ok(Some(running));
        }
        while let Some(&plan) = self.current.stages.last() {
            if self.is_worthwhile(&plan)? {
                let mut running = self.pair.stage(plan)?;
                let next = self.current.stages.iter().rev().nth(1);
                running.is_followed = next.map_or(Ok(false), |next| self.is_worthwhile(next))?;
                return Ok(Some(running));
            }
            self.current.stages.pop();
        }
        Ok(None)
    }

    fn is_worthwhile(&self, plan: &StagePlan) -> Result<bool> {
        Ok(plan.coarseness >= 1.0 || self.pair.has_more(plan.coarseness)?)
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
        // Where the clouds lie is taken for meant; what a search comes up with may fit in several ways.
        if self.standings.is_clear() {
            self.waiting.clear();
        }
        match self.waiting.pop_front() {
            Some(next) => self.current = next,
            None if self.is_free && !(self.standings.is_clear() && self.is_near_its_start()) => {
                self.phase = Phase::Search;
            }
            None => self.begin_finish()?,
        }
        Ok(())
    }

    /// Whether the candidate in hand is still what the clouds' places stood for. A shape that is nearly symmetric draws far starts into
    /// poses that are nearly right, and only another pose can tell.
    fn is_near_its_start(&self) -> bool {
        let candidate = &self.current.candidate;
        length(&(candidate.start.inverse() * candidate.pose), self.pair.rules.radius)
            < APART * self.pair.voxel_size
    }

    /// Looks for poses by points that look alike, and lines up the best of them.
    fn search(&mut self) -> Result<AlignmentStep> {
        let started = Instant::now();
        let found = self.pair.search(self.searches, self.schedule.sifting)?;
        self.searches += 1;
        self.waiting = found.candidates.into_iter().map(|candidate| Track::new(candidate, &[])).collect();
        let pose = self.waiting.front().map_or(self.current.candidate.pose, |best| best.candidate.pose);
        self.record(Stage { name: "search", iterations: 1, seconds: started.elapsed().as_secs_f64() });
        let step = AlignmentStep {
            target_from_source: outside(&self.pair, &pose),
            ..self.told("search", self.searches, found.matches)
        };
        self.phase = Phase::Settling;
        Ok(step)
    }

    /// Takes the best poses of a search further, all at once, and compares them.
    fn settle(&mut self) -> Result<AlignmentStep> {
        let started = Instant::now();
        let candidates: Vec<Candidate> = self.waiting.drain(..).map(|track| track.candidate).collect();
        let settled = self.pair.settled(candidates, self.schedule.settling)?;
        settled.into_iter().for_each(|(agreement, end)| self.standings.add(agreement, end));
        self.record(Stage { name: "settling", iterations: 1, seconds: started.elapsed().as_secs_f64() });
        if let Some(best) = self.standings.best() {
            self.current.candidate = best.clone();
        }
        let step = self.told("settling", self.searches, 0);
        // Several poses have been compared: the best of them need not be clear.
        let is_settled = self.standings.is_settled(self.pair.rules.radius, self.pair.voxel_size);
        if self.searches < search::COUNT && !is_settled {
            self.phase = Phase::Search;
        } else {
            self.begin_finish()?;
        }
        Ok(step)
    }

    fn begin_finish(&mut self) -> Result<()> {
        let best = match self.best() {
            Ok(best) => best,
            // A search that came to nothing leaves the centroids.
            Err(_) if self.is_free => Candidate::at(Isometry3::identity()),
            Err(error) => return Err(error),
        };
        self.current = Track::new(best, &self.schedule.finish);
        self.phase = Phase::Finish;
        Ok(())
    }

    fn best(&self) -> Result<Candidate> {
        self.standings.best().cloned().ok_or_else(|| Error::NoCorrespondences {
            max_distance: self.pair.max_distance * self.schedule.coarsest(),
        })
    }

    /// Adds the end of a track to the others.
    fn judge(&mut self, candidate: Candidate) -> Result<()> {
        self.standings.add(self.pair.agreement(&candidate.pose)?, candidate);
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

    /// A step that says where the candidate in hand stands.
    fn told(&self, stage: &'static str, iteration: usize, correspondences: usize) -> AlignmentStep {
        AlignmentStep {
            stage,
            phase: self.phase as usize,
            phases: Phase::COUNT,
            iteration,
            target_from_source: outside(&self.pair, &self.current.candidate.pose),
            correspondences,
            rmse: 0.0,
            motion: 0.0,
        }
    }
}

/// A pose between the callers' frames.
fn outside(pair: &Pair, pose: &Isometry3<f64>) -> Isometry3<f64> {
    pair.target.origin * pose * pair.source.origin.inverse()
}

/// The scale at which the clouds would agree clearly better than they do, if there is one.
fn other_scale(pair: &Pair, ended: &Candidate, agreement: &Agreement) -> Result<Option<f64>> {
    let other = pair.agreement_at_other_scale(&ended.pose)?;
    let is_better = |other: &Agreement| other.score() > CLEARLY_BETTER * agreement.score();
    Ok(other.filter(|(_, other)| is_better(other)).map(|(scale, _)| scale))
}
