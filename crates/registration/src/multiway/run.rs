//! Many clouds being registered: `start → step → finish`.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use barrow_geometry::{Error as GeometryError, PointCloud, Status};
use nalgebra::{Isometry3, Matrix6};

use super::Multiway;
use super::answer::{Arrangement, PairAnswer, Standing};
use super::evidence::disagreement;
use super::pairs::{Sketches, first, joining};
use super::picture::{Picture, Tried};
use super::shift::Shift;
use crate::error::require_positive;
use crate::{Aligner, Error, Result, Verdict};

/// What one step did: the registration of one pair.
#[derive(Debug, Clone, PartialEq)]
pub struct MultiwayStep {
    /// Index of the cloud that moved.
    pub source: usize,
    /// Index of the cloud that stayed.
    pub target: usize,
    /// The verdict on the two alone.
    pub verdict: Verdict,
    /// Whether the pair was registered from the pose that others imply.
    pub was_guessed: bool,
    /// Pairs behind.
    pub done: usize,
    /// Pairs known of so far, those behind included; what they show may call for more.
    pub planned: usize,
    /// Wall time of the step \[s\].
    pub seconds: f64,
}

/// What the pairs in the queue are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Everything, or one cloud after the other.
    First,
    /// Parts with each other.
    Joining,
    /// Clouds that overlap at the poses found.
    Overlapping,
    Ended,
}

/// Many clouds being registered. The caller may look at each [`step`](Self::step), and stop after any.
pub struct MultiwayRun {
    options: Multiway,
    /// Shifted together, so that numbers are of the size of the clouds.
    clouds: Vec<PointCloud>,
    shift: Shift,
    sketches: Sketches,
    phase: Phase,
    queue: VecDeque<(usize, usize)>,
    tried: Vec<Tried>,
    /// Pairs that were registered, by what they were for: without a guess, and from one.
    without_guess: BTreeSet<(usize, usize)>,
    with_guess: BTreeSet<(usize, usize)>,
}

impl MultiwayRun {
    pub(super) fn new(options: &Multiway, clouds: &[PointCloud]) -> Result<Self> {
        let refuse =
            |name, requirement| Err(GeometryError::InvalidOption { name, requirement, got: 0.0 }.into());
        if clouds.is_empty() {
            return refuse("number of clouds", "at least 1");
        }
        if options.partners == 0 {
            return refuse("partners", "at least 1");
        }
        if let Some(distance) = options.max_disagreement {
            require_positive("max_disagreement", distance)?;
        }
        if let Some(index) = clouds.iter().position(PointCloud::is_empty) {
            return Err(Error::EmptyCloud { index });
        }
        let shift = Shift::of(&clouds[0]);
        let clouds = clouds.iter().map(|cloud| shift.applied(cloud)).collect::<Result<Vec<_>>>()?;
        // One cloud registers with nobody, and yet its options are checked.
        options.aligner.start(&clouds[0], &clouds[0])?;
        let sketches = Sketches::new(&clouds)?;
        let mut run = Self {
            options: options.clone(),
            shift,
            sketches,
            phase: Phase::First,
            queue: VecDeque::new(),
            tried: Vec::new(),
            without_guess: BTreeSet::new(),
            with_guess: BTreeSet::new(),
            clouds,
        };
        run.queue = first(run.clouds.len(), run.budget());
        Ok(run)
    }

    /// Registers one pair; `None` when all that are worth it have been.
    ///
    /// # Errors
    /// If the clouds do not permit a registration at all: a coordinate too large for a grid, say.
    pub fn step(&mut self) -> Result<Option<MultiwayStep>> {
        while self.queue.is_empty() {
            if self.phase == Phase::Ended {
                return Ok(None);
            }
            self.plan()?;
        }
        let Some((source, target)) = self.queue.pop_front() else { return Ok(None) };
        let started = Instant::now();
        let was_guessed = self.phase == Phase::Overlapping;
        let initial = match was_guessed {
            true => {
                // From all that is known by now, the pair before included.
                let poses = self.picture()?.poses;
                Some(poses[target].inv_mul(&poses[source]))
            }
            false => self.options.aligner.initial.map(|pose| self.shift.pose_applied(&pose)),
        };
        let aligner = Aligner { initial, ..self.options.aligner.clone() };
        let found = match aligner.align(&self.clouds[source], &self.clouds[target]) {
            Ok(found) => Some(found),
            // Clouds with nothing in common: that is what the verdict is for.
            Err(Error::NoCorrespondences { .. }) => None,
            Err(error) => return Err(error),
        };
        let verdict = found.as_ref().map_or(Verdict::Failed, |found| found.verdict);
        let tried = if was_guessed { &mut self.with_guess } else { &mut self.without_guess };
        tried.insert((source, target));
        self.remember(Tried { source, target, found, was_guessed });
        let done = self.with_guess.len() + self.without_guess.len();
        Ok(Some(MultiwayStep {
            source,
            target,
            verdict,
            was_guessed,
            done,
            planned: done + self.queue.len(),
            seconds: started.elapsed().as_secs_f64(),
        }))
    }

    /// The poses that follow from the pairs registered so far.
    ///
    /// # Errors
    /// None that [`step`](Self::step) would not have met first.
    pub fn finish(self) -> Result<Arrangement> {
        let picture = self.picture()?;
        let stopped = self.phase != Phase::Ended;
        let part_from_cloud: Vec<Isometry3<f64>> =
            picture.poses.iter().map(|pose| self.shift.pose_undone(pose)).collect();
        let is_first = |cloud: usize| picture.part[cloud] == cloud;
        let clouds = self.clouds.len();
        let parts: Vec<Vec<usize>> = (0..clouds)
            .filter(|&first| is_first(first))
            .map(|first| (0..clouds).filter(|&cloud| picture.part[cloud] == first).collect())
            .collect();
        let world_from_cloud =
            (0..clouds).map(|cloud| (picture.part[cloud] == 0).then_some(part_from_cloud[cloud])).collect();
        let covariances = self.covariances(&picture);
        let pairs = self.tried.iter().enumerate().map(|(index, pair)| {
            let implied = picture.poses[pair.target].inv_mul(&picture.poses[pair.source]);
            let joined = picture.part[pair.source] == picture.part[pair.target];
            PairAnswer {
                source: pair.source,
                target: pair.target,
                registration: pair.found.clone().map(|found| self.shift.registration_undone(found)),
                standing: picture.standings[index],
                disagreement: pair
                    .found
                    .as_ref()
                    .filter(|_| joined)
                    .and_then(|found| disagreement(found, &implied)),
                was_guessed: pair.was_guessed,
            }
        });
        let mut convergence = picture.solution.convergence;
        if stopped {
            convergence.status = Status::Stopped;
        }
        Ok(Arrangement {
            world_from_cloud,
            parts,
            covariances,
            pairs: pairs.collect(),
            part_from_cloud,
            convergence,
        })
    }

    /// Pairs registered without a guess, at most; as many again may follow from one.
    fn budget(&self) -> usize {
        (self.clouds.len() * self.options.partners).div_ceil(2)
    }

    /// Fills the queue, or moves on to the next phase.
    fn plan(&mut self) -> Result<()> {
        match self.phase {
            Phase::First => self.phase = Phase::Joining,
            Phase::Joining => {
                let picture = self.picture()?;
                let next = joining(&picture.part, &self.without_guess);
                match next.filter(|_| self.without_guess.len() < self.budget()) {
                    Some(pair) => self.queue.push_back(pair),
                    None => {
                        self.phase = Phase::Overlapping;
                        self.guess(&picture);
                    }
                }
            }
            Phase::Overlapping => {
                // What was learned may show other overlaps.
                let picture = self.picture()?;
                self.guess(&picture);
                if self.queue.is_empty() {
                    self.phase = Phase::Ended;
                }
            }
            Phase::Ended => {}
        }
        Ok(())
    }

    /// Lines up pairs that overlap at the poses found, and have no registration that is kept.
    fn guess(&mut self, picture: &Picture) {
        let mut barred = self.with_guess.clone();
        for (pair, _) in self.tried.iter().zip(&picture.standings).filter(|&(_, &of)| of == Standing::Kept) {
            barred.insert((pair.source, pair.target));
        }
        let left = self.budget().saturating_sub(self.with_guess.len());
        // Few at a time: what they add changes which say most.
        let few = self.clouds.len().min(left);
        self.queue = self.sketches.overlapping(picture, &barred).into_iter().take(few).collect();
    }

    /// A second registration of a pair takes the place of the first, unless it is worse.
    fn remember(&mut self, next: Tried) {
        let worth = |tried: &Tried| tried.found.as_ref().map(|found| found.verdict);
        match self.tried.iter_mut().find(|known| (known.source, known.target) == (next.source, next.target)) {
            Some(known) if worth(&next) >= worth(known) => *known = next,
            Some(_) => {}
            None => self.tried.push(next),
        }
    }

    fn picture(&self) -> Result<Picture> {
        Picture::of(self.clouds.len(), &self.tried, &self.options)
    }

    /// Covariances in the callers' frames, of the parts that are left as the graph had them.
    fn covariances(&self, picture: &Picture) -> Vec<Option<Matrix6<f64>>> {
        let widening = picture.solution.variance.unwrap_or(1.0).max(1.0);
        let of = |cloud: usize| {
            if picture.part[cloud] == cloud {
                return Some(Matrix6::zeros());
            }
            let known = picture.part[cloud] == picture.solution.part[cloud];
            let covariance = picture.solution.covariances[cloud].filter(|_| known)?;
            Some(self.shift.covariance_undone(&(covariance * widening)))
        };
        (0..self.clouds.len()).map(of).collect()
    }
}
