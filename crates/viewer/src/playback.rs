//! A registration watched while it runs.

use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use barrow_geometry::{
    BatchSearch, Certificate, KdTree, Measure, Moved, PointCloud, Wasserstein, WassersteinProblem,
    count_voxels, sample, voxel_downsample,
};
use barrow_registration::{Aligner, AlignmentStep, Registration, automatic_max_distance};
use nalgebra::{Isometry3, Point3};

use crate::Result;

/// Points whose share with a partner is the overlap that is told.
const SAMPLE: usize = 2000;

/// Of these so many are shown with their partners.
const SHOWN: usize = 400;

/// Points that are put into groups, and groups at most between which the transport distance is bounded.
const GROUPED: usize = 20_000;
const GROUPS: usize = 500;

/// Mass that would have to go farther than this part of the target's diagonal has no partner and is dropped.
const REACH: f64 = 0.1;

/// Relative gap of those bounds.
const GAP: f64 = 0.05;

/// What is known after a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// What the step did.
    pub step: AlignmentStep,
    /// Share of two thousand source points with a target point within the gate.
    pub overlap: f64,
    /// Bounds of the transport distance between some hundred groups of points of each cloud, each in its middle \[m\]. Mass without a
    /// partner within a tenth of the target's diagonal is dropped at the price of going that far.
    pub transport: Certificate,
    /// Some source points, in their own frame, each with the nearest target point at that pose; without those that have none within a
    /// tenth of the target's diagonal.
    pub matches: Vec<[Point3<f64>; 2]>,
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
    groups: [Groups; 2],
    target: KdTree,
    /// Of the tree.
    points: Vec<Point3<f64>>,
    gate: f64,
    reach: f64,
}

impl Measured {
    fn of(source: &PointCloud, target: &PointCloud) -> Result<Self> {
        let diagonal = target.bounds().map_or(0.0, |bounds| bounds.diagonal());
        let gate = automatic_max_distance(source, target)?;
        Ok(Self {
            source: sample(source, SAMPLE, 0).positions().to_vec(),
            groups: [Groups::of(source)?, Groups::of(target)?],
            target: KdTree::new(target.positions()),
            points: target.positions().to_vec(),
            gate,
            reach: (REACH * diagonal).max(gate),
        })
    }

    fn moment(&self, step: AlignmentStep) -> barrow_geometry::Result<Moment> {
        let pose = step.target_from_source;
        let search = BatchSearch { max_distance: self.reach, pose: Some(pose), guesses: None };
        let found = self.target.nearest_all(&self.source, &search);
        let gate_squared = self.gate * self.gate;
        let met = found.iter().flatten().filter(|nearest| nearest.distance_squared <= gate_squared).count();
        let few = self.source.iter().zip(&found).step_by(self.source.len().div_ceil(SHOWN).max(1));
        let matches =
            few.filter_map(|(point, nearest)| Some([*point, self.points[nearest.as_ref()?.index]])).collect();
        let [source, target] = &self.groups;
        let moved: Vec<Point3<f64>> = source.middles.iter().map(|point| pose * point).collect();
        let (source, target) =
            (Measure::weighted(&moved, &source.shares)?, Measure::weighted(&target.middles, &target.shares)?);
        let solver = Wasserstein { gap: GAP, ..Wasserstein::default() };
        let problem = WassersteinProblem {
            moved: Moved::Within(self.reach),
            ..WassersteinProblem::new(source, target)
        };
        Ok(Moment {
            step,
            overlap: met as f64 / self.source.len() as f64,
            transport: solver.solve(&problem)?.certificate,
            matches,
        })
    }
}

/// A cloud as few points with masses. Between the middles of groups transport tells how clouds lie; between as few single points
/// it would tell how these happened to be drawn.
struct Groups {
    middles: Vec<Point3<f64>>,
    /// Of the points, those that are nearest.
    shares: Vec<f64>,
}

impl Groups {
    fn of(cloud: &PointCloud) -> Result<Self> {
        let points = PointCloud::new(sample(cloud, GROUPED, 0).positions().to_vec())?;
        let diagonal = points.bounds().map_or(0.0, |bounds| bounds.diagonal());
        let mut size = if diagonal > 0.0 { diagonal / GROUPS as f64 } else { 1.0 };
        while count_voxels(&points, size)? > GROUPS {
            size *= 1.2;
        }
        let middles = voxel_downsample(&points, size)?.positions().to_vec();
        let search = BatchSearch { max_distance: f64::INFINITY, pose: None, guesses: None };
        let mut shares = vec![0.0; middles.len()];
        for nearest in KdTree::new(&middles).nearest_all(points.positions(), &search).iter().flatten() {
            shares[nearest.index] += 1.0 / points.len() as f64;
        }
        Ok(Self { middles, shares })
    }
}
