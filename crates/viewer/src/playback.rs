//! A registration watched while it runs.

use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use barrow_geometry::{
    BatchSearch, Certificate, KdTree, Measure, PointCloud, Wasserstein, WassersteinProblem, sample,
};
use barrow_registration::{Aligner, AlignmentStep, Registration, automatic_max_distance};
use nalgebra::{Isometry3, Point3};

use crate::Result;

/// Points whose share with a partner is the overlap that is told.
const SAMPLE: usize = 2000;

/// Points between which the transport distance is bounded.
const TRANSPORTED: usize = 200;

/// Relative gap of those bounds.
const GAP: f64 = 0.05;

/// What is known after a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// What the step did.
    pub step: AlignmentStep,
    /// Share of two thousand source points with a target point within the gate.
    pub overlap: f64,
    /// Bounds of the transport distance between two hundred points of each cloud \[m\].
    pub transport: Certificate,
}

/// How far along it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// Steps are taken.
    Running,
    /// It waits to be told.
    Paused,
    /// It has ended.
    Ended(Box<Registration>),
    /// It went wrong.
    Failed(String),
}

enum Told {
    Moment(Box<Moment>),
    Ended(Box<Registration>),
    Failed(String),
}

/// A registration on a thread of its own, which takes a step when the one before has been looked at.
///
/// Dropping it ends the thread after the step in hand.
#[derive(Debug)]
pub struct Playback {
    told: Receiver<Told>,
    /// Every step so far.
    pub moments: Vec<Moment>,
    /// How far along it is.
    pub progress: Progress,
}

impl Playback {
    /// Begins, paused.
    ///
    /// # Errors
    /// If the aligner cannot start: an empty cloud, an option out of range.
    pub fn start(aligner: &Aligner, source: &PointCloud, target: &PointCloud) -> Result<Self> {
        let mut run = aligner.start(source, target)?;
        let measured = Measured::of(source, target)?;
        // One step waits to be looked at, the next one is in the making.
        let (tell, told) = sync_channel(0);
        std::thread::spawn(move || {
            loop {
                let message = match run.step() {
                    Ok(Some(step)) => match measured.moment(step) {
                        Ok(moment) => Told::Moment(Box::new(moment)),
                        Err(error) => Told::Failed(error.to_string()),
                    },
                    Ok(None) => break,
                    Err(error) => Told::Failed(error.to_string()),
                };
                let is_over = matches!(message, Told::Failed(_));
                if tell.send(message).is_err() || is_over {
                    return;
                }
            }
            let last = match run.finish() {
                Ok(registration) => Told::Ended(Box::new(registration)),
                Err(error) => Told::Failed(error.to_string()),
            };
            // Nobody may be listening any more.
            drop(tell.send(last));
        });
        Ok(Self { told, moments: Vec::new(), progress: Progress::Paused })
    }

    /// Whether steps may still come.
    pub fn is_alive(&self) -> bool {
        matches!(self.progress, Progress::Running | Progress::Paused)
    }

    /// Takes the next step if it is there; with `waits` as soon as it is. Returns the pose after it.
    pub fn advance(&mut self, waits: bool) -> Option<Isometry3<f64>> {
        if !self.is_alive() {
            return None;
        }
        let told = match waits {
            true => self.told.recv().map_err(|_| TryRecvError::Disconnected),
            false => self.told.try_recv(),
        };
        match told {
            Ok(Told::Moment(moment)) => {
                let pose = moment.step.target_from_source;
                self.moments.push(*moment);
                Some(pose)
            }
            Ok(Told::Ended(registration)) => {
                let pose = registration.target_from_source;
                self.progress = Progress::Ended(registration);
                Some(pose)
            }
            Ok(Told::Failed(reason)) => {
                self.progress = Progress::Failed(reason);
                None
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.progress = Progress::Failed("the registration broke off".into());
                None
            }
        }
    }
}

/// What is measured at every pose.
struct Measured {
    source: Vec<Point3<f64>>,
    few: [Vec<Point3<f64>>; 2],
    target: KdTree,
    gate: f64,
}

impl Measured {
    fn of(source: &PointCloud, target: &PointCloud) -> Result<Self> {
        let some = |cloud: &PointCloud, count| sample(cloud, count, 0).positions().to_vec();
        Ok(Self {
            source: some(source, SAMPLE),
            few: [some(source, TRANSPORTED), some(target, TRANSPORTED)],
            target: KdTree::new(target.positions()),
            gate: automatic_max_distance(source, target)?,
        })
    }

    fn moment(&self, step: AlignmentStep) -> barrow_geometry::Result<Moment> {
        let pose = step.target_from_source;
        let search = BatchSearch { max_distance: self.gate, pose: Some(pose), guesses: None };
        let found = self.target.nearest_all(&self.source, &search);
        let met = found.iter().filter(|nearest| nearest.is_some()).count();
        let moved: Vec<Point3<f64>> = self.few[0].iter().map(|point| pose * point).collect();
        let problem = WassersteinProblem::new(Measure::uniform(&moved)?, Measure::uniform(&self.few[1])?);
        let solver = Wasserstein { gap: GAP, ..Wasserstein::default() };
        Ok(Moment {
            step,
            overlap: met as f64 / self.source.len() as f64,
            transport: solver.solve(&problem)?.certificate,
        })
    }
}
