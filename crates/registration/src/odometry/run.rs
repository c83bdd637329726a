//! Odometry in progress: scan in, pose out.

use std::time::Instant;

use barrow_geometry::PointCloud;
use nalgebra::{Isometry3, Matrix6, Translation3, Vector3, Vector6};

use super::map::LocalMap;
use super::motion::{Motion, Unroll, adjoint, exp, log};
use super::prior::{Deviations, Prior, next_start};
use super::scale::{automatic_voxel_size, origin};
use super::solve::{Effort, Solved, SourcePoint, solve, untold};
use super::times::Sweep;
use super::{Odometry, OdometryStep, Track, Tracking};
use crate::cells::{CellTable, place};

/// Cells of the map along one voxel of the scan.
const CELLS: f64 = 3.0;

/// Fewer points than this are not looked for: six unknowns, and something to doubt them by.
const LEAST_POINTS: usize = 20;

/// Coarser maps that a scan may be looked for on, in cells of the finest.
const COARSENESS: [i32; 4] = [1, 2, 4, 8];

/// Standard deviations from where it is expected within which a scan is looked for.
const DEVIATIONS: f64 = 3.0;

/// Distance to its plane up to which a point is an inlier, in cells.
const GATE: f64 = 0.25;

/// Least share of the points near the map that lie on it, for a scan to be found.
const LEAST_AGREEMENT: f64 = 0.6;

/// Least share of the fitness of the scans before.
const LEAST_SHARE: f64 = 0.5;

/// Scans that the mean fitness remembers.
const MEMORY: f64 = 20.0;

/// The map reaches this many times as far as the farthest points do.
const MARGIN: f64 = 1.2;

/// Share of the reach after which the sensor has moved enough for the map to forget what is left behind.
const FORGETTING: f64 = 0.1;

/// Share of the farthest points that lies beyond the range.
const FARTHEST: f64 = 0.01;

/// Shortest gap between two scans, in durations of a scan, that is believed.
const LEAST_GAP: f64 = 0.25;

/// Times that the first scan is laid anew.
const RELAID: usize = 3;

/// Information that holds a twist to the motion before, in inverse squares of a cell.
const HELD: f64 = 1e8;

/// Longest gap between two scans through which motion is foretold, in durations of a scan.
const LONGEST_GAP: f64 = 5.0;

/// A sequence in progress. See [`Odometry`].
#[derive(Debug, Clone)]
pub struct OdometryRun {
    options: Odometry,
    scene: Option<Scene>,
    last: Option<Last>,
    deviations: Deviations,
    /// Mean fitness of the scans found so far, and their number up to the memory.
    fitness: (f64, f64),
    lost: usize,
    /// Whether a motion was seen, so that the next can be foretold.
    moved: bool,
    steps: Vec<OdometryStep>,
}

/// What began with the first scan.
#[derive(Debug, Clone)]
struct Scene {
    /// Taken from every coordinate \[m\].
    origin: Vector3<f64>,
    voxel_size: f64,
    map: LocalMap,
    /// Range of the farthest points \[m\], and the root mean square range.
    range: f64,
    radius: f64,
    /// Where the map last forgot.
    forgot_at: Vector3<f64>,
    /// The first scan, until the motion during it is known.
    first: Option<Measured>,
}

/// The scan before.
#[derive(Debug, Clone)]
struct Last {
    start: Isometry3<f64>,
    /// Motion in unit time, the duration of a scan or the time to the next.
    velocity: Vector6<f64>,
    sweep: Option<Sweep>,
}

/// The usable points of a scan.
#[derive(Debug, Clone)]
struct Measured {
    points: Vec<SourcePoint>,
    sweep: Option<Sweep>,
}

impl OdometryRun {
    pub(super) fn new(options: &Odometry) -> Self {
        Self {
            options: options.clone(),
            scene: None,
            last: None,
            deviations: Deviations::default(),
            fitness: (0.0, 0.0),
            lost: 0,
            moved: false,
            steps: Vec::new(),
        }
    }

    /// The scans so far.
    pub fn steps(&self) -> &[OdometryStep] {
        &self.steps
    }

    /// Takes the next scan in and tells its pose.
    ///
    /// A scan without enough points is [`Skipped`](Tracking::Skipped) and counted, one that cannot be found is
    /// [`Lost`](Tracking::Lost): a sequence goes on after either. Points whose time is not finite, or far outside of all
    /// others, are left out where others have one.
    pub fn push(&mut self, scan: &PointCloud) -> &OdometryStep {
        let started = Instant::now();
        let mut step = self.place(scan);
        step.seconds = started.elapsed().as_secs_f64();
        self.steps.push(step);
        &self.steps[self.steps.len() - 1]
    }

    /// The answer: the poses of all scans so far.
    pub fn finish(self) -> Track {
        Track {
            voxel_size: self.scene.as_ref().map(|scene| scene.voxel_size),
            map_cells: self.scene.as_ref().map_or(0, |scene| scene.map.len()),
            steps: self.steps,
        }
    }

    fn place(&mut self, scan: &PointCloud) -> OdometryStep {
        if self.scene.is_none() {
            return self.begin(scan);
        }
        let Some(mut scene) = self.scene.take() else { return self.begin(scan) };
        let step = self.follow(scan, &mut scene);
        self.scene = Some(scene);
        step
    }

    /// Looks for a first scan that can be used.
    fn begin(&mut self, scan: &PointCloud) -> OdometryStep {
        let origin = origin(scan);
        let measured = Measured::of(scan, &origin, &self.options);
        if measured.points.len() < LEAST_POINTS {
            return self.guessed(Tracking::Skipped, 0);
        }
        let voxel_size = match self.options.voxel_size {
            Some(size) => size,
            None => match automatic_voxel_size(&measured.points) {
                Some(size) => size,
                None => return self.guessed(Tracking::Skipped, 0),
            },
        };
        let motion = Motion { middle: Isometry3::identity(), twist: Vector6::zeros() };
        let mut map = LocalMap::new(voxel_size / CELLS);
        map.insert(&measured.unrolled(&motion));
        let (range, radius) = measured.ranges();
        self.last = Some(Last {
            start: Isometry3::identity(),
            velocity: Vector6::zeros(),
            sweep: measured.sweep.clone(),
        });
        let step = OdometryStep { points: measured.points.len(), ..self.guessed(Tracking::Started, 0) };
        let forgot_at = Vector3::zeros();
        self.scene = Some(Scene { origin, voxel_size, map, range, radius, forgot_at, first: Some(measured) });
        step
    }

    /// Moves a scan onto the map.
    fn follow(&mut self, scan: &PointCloud, scene: &mut Scene) -> OdometryStep {
        let measured = Measured::of(scan, &scene.origin, &self.options);
        let source = measured.thinned(scene.voxel_size);
        let prior = self.prior(measured.sweep.as_ref(), scene);
        if source.len() < LEAST_POINTS {
            self.carry_on(&prior, measured.sweep);
            return self.step(Tracking::Skipped, scene, &prior, None, source.len(), 0.0);
        }
        let effort = Effort {
            max_iterations: self.options.max_iterations,
            tolerance: self.options.tolerance,
            radius: scene.radius,
            gate: GATE * scene.map.edge,
        };
        let reach = self.deviations.length(scene.radius).map_or(f64::INFINITY, |length| DEVIATIONS * length);
        let known = scene.map.edge;
        let coarsest = COARSENESS.iter().position(|&factor| f64::from(factor) * known >= reach);
        let mut coarsest = coarsest.unwrap_or(COARSENESS.len() - 1);
        let mut solved = search(&mut scene.map, &source, prior.motion(), &prior, &effort, coarsest);
        if !self.accepts(&solved, source.len()) {
            // From farther away, and without trust in the motion before.
            coarsest = COARSENESS.len() - 1;
            let still = self.last.as_ref().map_or(prior.start, |last| last.start);
            let doubting = Prior { start_information: prior.start_information * 1e-4, ..prior.clone() };
            for start in [prior.motion(), Motion::from_start(&still, Vector6::zeros())] {
                let other = search(&mut scene.map, &source, start, &doubting, &effort, coarsest);
                if other.inliers > solved.inliers {
                    solved = other;
                }
            }
        }
        let threshold = f64::from(COARSENESS[coarsest]) * known;
        if !self.accepts(&solved, source.len()) {
            self.lost += 1;
            let restarts = self.lost > self.options.patience;
            let step_kind = if restarts { Tracking::Restarted } else { Tracking::Lost };
            self.carry_on(&prior, measured.sweep.clone());
            if restarts {
                // As with the first scan, but for its place: neither the map nor the motion is known.
                self.lost = 0;
                self.fitness = (0.0, 0.0);
                self.moved = false;
                self.deviations = Deviations::default();
                if let Some(last) = &mut self.last {
                    last.velocity = Vector6::zeros();
                }
                scene.map = LocalMap::new(known);
                scene.map.insert(&measured.unrolled(&Motion::from_start(&prior.start, Vector6::zeros())));
                scene.first = Some(measured);
            }
            return self.step(step_kind, scene, &prior, None, source.len(), threshold);
        }
        if let Some(first) = scene.first.take().filter(|first| prior.timed && first.sweep.is_some()) {
            // The motion during the first scan is known by now: its points are laid anew.
            for _ in 0..RELAID {
                let twist = prior.twist_to(&solved.motion.start());
                scene.map = LocalMap::new(known);
                scene.map.insert(&first.unrolled(&Motion::from_start(&prior.before, twist)));
                solved = search(&mut scene.map, &source, solved.motion, &prior, &effort, 0);
            }
        }
        self.lost = 0;
        let weight = (self.fitness.1 + 1.0).min(MEMORY);
        let fitness = solved.inliers as f64 / source.len() as f64;
        self.fitness = (self.fitness.0 + (fitness - self.fitness.0) / weight, weight);
        if self.moved {
            self.deviations.observe(&prior, &solved.motion, &solved.covariance);
        } else {
            let motion = prior.twist_to(&solved.motion.start());
            self.deviations.guess(&motion, known, scene.radius);
            self.moved = true;
        }
        scene.map.insert(&measured.unrolled(&solved.motion));
        let place = solved.motion.middle.translation.vector;
        let (range, _) = measured.ranges();
        scene.range = scene.range.max(range);
        let radius = MARGIN * scene.range;
        if (place - scene.forgot_at).norm() > FORGETTING * radius {
            scene.map.forget_beyond(&place, radius);
            scene.forgot_at = place;
        }
        let step = self.step(Tracking::Tracked, scene, &prior, Some(&solved), source.len(), threshold);
        let start = solved.motion.start();
        let velocity = match (&measured.sweep, &self.last) {
            (Some(_), _) => solved.motion.twist,
            (None, Some(last)) => log(&(last.start.inverse() * start)),
            (None, None) => Vector6::zeros(),
        };
        self.last = Some(Last { start, velocity, sweep: measured.sweep });
        step
    }

    /// What the motion so far makes likely.
    fn prior(&self, sweep: Option<&Sweep>, scene: &Scene) -> Prior {
        let (start_information, twist_information) =
            self.deviations.information(scene.map.edge, scene.radius);
        let at_origin = Last { start: Isometry3::identity(), velocity: Vector6::zeros(), sweep: None };
        let last = self.last.as_ref().unwrap_or(&at_origin);
        let (mut passed, mut gap) = (1.0, 1.0);
        if let (Some(before), Some(now)) = (&last.sweep, sweep) {
            // Where every scan counts from zero, one begins where the other ends.
            let elapsed = (now.start - before.start) / before.duration;
            if elapsed > LEAST_GAP {
                passed = elapsed.min(LONGEST_GAP);
                gap = (elapsed * before.duration / now.duration).max(LEAST_GAP);
            }
        }
        let start = next_start(&last.start, &last.velocity, passed);
        let timed = sweep.is_some();
        // Nothing is known of a change before a first motion: the twist follows the motion from scan to scan.
        let shift = HELD / (scene.map.edge * scene.map.edge);
        let turn = shift * scene.radius * scene.radius;
        let held = Vector6::new(turn, turn, turn, shift, shift, shift);
        let twist_information = if self.moved && timed { twist_information } else { held };
        Prior { before: last.start, gap, start, timed, start_information, twist_information }
    }

    /// Goes on as expected after a scan that told nothing.
    fn carry_on(&mut self, prior: &Prior, sweep: Option<Sweep>) {
        if let Some(last) = &mut self.last {
            last.start = prior.start;
            last.sweep = sweep.or_else(|| {
                // As if it had come in time.
                let before = last.sweep.as_ref()?;
                Some(Sweep { start: before.start + before.duration, duration: before.duration })
            });
        }
    }

    /// Whether a scan was found: most of what lies near the map lies on it, and that is not much less than before.
    fn accepts(&self, solved: &Solved, points: usize) -> bool {
        let fitness = solved.inliers as f64 / points as f64;
        solved.inliers >= LEAST_POINTS
            && solved.inliers as f64 >= LEAST_AGREEMENT * solved.matched as f64
            && fitness >= LEAST_SHARE * self.fitness.0
    }

    /// A step without a measurement, before there is a map.
    fn guessed(&self, tracking: Tracking, points: usize) -> OdometryStep {
        OdometryStep {
            scan: self.steps.len(),
            tracking,
            world_from_scan: Isometry3::identity(),
            start_from_end: Isometry3::identity(),
            points,
            matched: 0,
            inliers: 0,
            fitness: 0.0,
            inlier_rmse: None,
            threshold: 0.0,
            deviation: 0.0,
            iterations: 0,
            converged: false,
            information: Matrix6::zeros(),
            degenerate_directions: Vec::new(),
            seconds: 0.0,
        }
    }

    fn step(
        &self,
        tracking: Tracking,
        scene: &Scene,
        prior: &Prior,
        solved: Option<&Solved>,
        points: usize,
        threshold: f64,
    ) -> OdometryStep {
        let to_origin = Translation3::from(scene.origin);
        let motion = solved.map_or_else(|| prior.motion(), |solved| solved.motion);
        let outside = |pose: Isometry3<f64>| to_origin * pose * to_origin.inverse();
        let guessed = OdometryStep {
            world_from_scan: outside(motion.start()),
            start_from_end: outside(exp(&motion.twist)),
            threshold,
            ..self.guessed(tracking, points)
        };
        let Some(solved) = solved else { return guessed };
        let off = log(&(prior.start.inverse() * motion.start()));
        let [turn, shift] = [off.fixed_rows::<3>(0).norm(), off.fixed_rows::<3>(3).norm()];
        // δ of the middle from δ of the start, in the coordinates of the cloud.
        let carry = adjoint(&(outside(exp(&(motion.twist * -0.5))) * to_origin)).try_inverse();
        let carry = carry.unwrap_or_else(Matrix6::identity);
        OdometryStep {
            matched: solved.matched,
            inliers: solved.inliers,
            fitness: solved.inliers as f64 / points as f64,
            inlier_rmse: solved.inlier_rmse,
            deviation: shift + 2.0 * scene.radius * (0.5 * turn).sin(),
            iterations: solved.iterations,
            converged: solved.converged,
            information: carry.transpose() * solved.hessian * carry,
            degenerate_directions: untold(&solved.hessian, solved.noise, scene.map.edge, scene.radius),
            ..guessed
        }
    }
}

/// From a coarse map to the finest. What the finest does not tell, coarser ones have made up: along such directions the
/// scan goes back to where it was expected.
fn search(
    map: &mut LocalMap,
    source: &[SourcePoint],
    start: Motion,
    prior: &Prior,
    effort: &Effort,
    coarsest: usize,
) -> Solved {
    let solved = descend(map, source, start, prior, effort, coarsest);
    let untold = untold(&solved.hessian, solved.noise, map.edge, effort.radius);
    if coarsest == 0 || untold.is_empty() {
        return solved;
    }
    let expected = prior.motion().middle;
    let lengths = |off: Vector6<f64>, by: f64| {
        Vector6::new(off[0] * by, off[1] * by, off[2] * by, off[3], off[4], off[5])
    };
    let mut off = lengths(log(&(expected.inverse() * solved.motion.middle)), effort.radius);
    for direction in untold {
        off -= direction * direction.dot(&off);
    }
    let middle = expected * exp(&lengths(off, effort.radius.recip()));
    let again = solve(map, source, Motion { middle, ..solved.motion }, prior, effort);
    Solved { iterations: solved.iterations + again.iterations, ..again }
}

/// From a coarse map to the finest.
fn descend(
    map: &mut LocalMap,
    source: &[SourcePoint],
    start: Motion,
    prior: &Prior,
    effort: &Effort,
    coarsest: usize,
) -> Solved {
    let mut motion = start;
    let mut iterations = 0;
    for &factor in COARSENESS[1..=coarsest].iter().rev() {
        let mut coarse = map.coarsened(factor);
        let solved = solve(&mut coarse, source, motion, prior, effort);
        motion = solved.motion;
        iterations += solved.iterations;
    }
    let mut solved = solve(map, source, motion, prior, effort);
    solved.iterations += iterations;
    solved
}

impl Measured {
    fn of(scan: &PointCloud, origin: &Vector3<f64>, options: &Odometry) -> Self {
        let sweep = if options.deskew { Sweep::of(scan) } else { None };
        let [least, most] = [options.min_range, options.max_range].map(|range| range * range);
        let mut points = Vec::with_capacity(scan.len());
        for (index, position) in scan.positions().iter().enumerate() {
            let position = position.coords - origin;
            let squared = position.norm_squared();
            if squared < least || squared > most {
                continue;
            }
            let share = match (&sweep, scan.times()) {
                (Some(sweep), Some(times)) => sweep.share(times[index]),
                _ => Some(0.0),
            };
            if let Some(share) = share {
                points.push(SourcePoint { position, share });
            }
        }
        Self { points, sweep }
    }

    /// The first point of every voxel.
    fn thinned(&self, voxel_size: f64) -> Vec<SourcePoint> {
        let mut table = CellTable::with_room(self.points.len() / 8);
        let is_first = |point: &&SourcePoint| {
            place(&point.position, voxel_size).is_some_and(|place| table.insert(place).1)
        };
        self.points.iter().filter(is_first).copied().collect()
    }

    /// The points in the world.
    fn unrolled(&self, motion: &Motion) -> Vec<Vector3<f64>> {
        let rotation = motion.middle.rotation.to_rotation_matrix().into_inner();
        let shift = motion.middle.translation.vector;
        let mut unroll = Unroll::new(motion.twist);
        let place = |point: &SourcePoint| rotation * unroll.point(&point.position, point.share) + shift;
        self.points.iter().map(place).collect()
    }

    /// Range of the farthest points but a few, and the root mean square range \[m\].
    fn ranges(&self) -> (f64, f64) {
        let mut squares: Vec<f64> = self.points.iter().map(|point| point.position.norm_squared()).collect();
        if squares.is_empty() {
            return (0.0, 0.0);
        }
        let mean = squares.iter().map(|square| square / squares.len() as f64).sum::<f64>();
        let at = squares.len() - 1 - (FARTHEST * squares.len() as f64) as usize;
        let farthest = *squares.select_nth_unstable_by(at, f64::total_cmp).1;
        (farthest.sqrt(), mean.sqrt())
    }
}
