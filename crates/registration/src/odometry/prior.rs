//! What the motion so far makes likely for the next scan, and how sure that is.

use nalgebra::{Isometry3, SMatrix, Vector6};

use super::motion::{Motion, exp, log};
use super::solve::{Matrix12, Vector12};
use crate::Kernel;

/// Scans that a running mean remembers.
const MEMORY: f64 = 20.0;

/// Change of the motion from one scan to the next before any was seen: a share of the motion, or of a cell.
const FIRST_CHANGE: f64 = 0.1;

/// Least standard deviation of what is expected, in cells.
const LEAST: f64 = 1e-3;

/// Standard deviations at which what was expected begins to be doubted.
const WIDTH: f64 = 3.0;

/// What is expected of a scan: to start where the scan before and its velocity lead, and to move on during the scan as the
/// sensor has moved since the start of the one before.
#[derive(Debug, Clone)]
pub(crate) struct Prior {
    /// Start of the scan before.
    pub before: Isometry3<f64>,
    /// Time from that to the start of this scan, in durations of this scan.
    pub gap: f64,
    /// Expected start.
    pub start: Isometry3<f64>,
    /// Whether points have times, and so there is a twist.
    pub timed: bool,
    /// Inverse variances of the start, zero where nothing is known yet.
    pub start_information: Vector6<f64>,
    /// Inverse variances of the twist, whatever holds it where there is none.
    pub twist_information: Vector6<f64>,
}

impl Prior {
    /// Where the scan is expected.
    pub fn motion(&self) -> Motion {
        Motion::from_start(&self.start, self.twist_to(&self.start))
    }

    /// The twist of a scan that starts somewhere, if the sensor moves on as it came.
    pub fn twist_to(&self, start: &Isometry3<f64>) -> Vector6<f64> {
        if self.timed { log(&(self.before.inverse() * start)) / self.gap } else { Vector6::zeros() }
    }

    /// How far a motion starts from where it was expected, and how much its twist differs from the motion before.
    fn off(&self, motion: &Motion) -> (Vector6<f64>, Vector6<f64>) {
        let start = motion.start();
        (log(&(self.start.inverse() * start)), motion.twist - self.twist_to(&start))
    }

    /// Derivatives of both by pose and twist, for small turns.
    fn derivatives(&self) -> [SMatrix<f64, 6, 12>; 2] {
        // The start moves with the middle, and against half of the twist.
        let of = |pose: f64, twist: f64| {
            SMatrix::<f64, 6, 12>::from_fn(|row, column| match column {
                _ if column == row => pose,
                _ if column == row + 6 => twist,
                _ => 0.0,
            })
        };
        match self.timed {
            true => [of(1.0, -0.5), of(-1.0 / self.gap, 1.0 + 0.5 / self.gap)],
            false => [of(1.0, 0.0), of(0.0, 1.0)],
        }
    }

    /// Adds what is expected to the normal equations of a step from a motion on.
    pub fn add(&self, motion: &Motion, hessian: &mut Matrix12, gradient: &mut Vector12) {
        let (start, twist) = self.off(motion);
        let terms = [(start, self.start_information), (twist, self.twist_information)];
        for ((off, information), derivative) in terms.into_iter().zip(self.derivatives()) {
            // A bump or a brake is no small deviation: far from what was expected, the map alone decides.
            let square = off.component_mul(&off).dot(&information) / 6.0;
            let information = information * Kernel::GemanMcClure.weight(square.sqrt(), WIDTH);
            for at in 0..6 {
                let row = derivative.row(at);
                *hessian += row.transpose() * row * information[at];
                *gradient += row.transpose() * (information[at] * off[at]);
            }
        }
    }
}

/// Running mean squares of how far scans were from where they were expected, rotation \[rad²\] and translation \[m²\] apart.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Deviations {
    /// Number of scans, at most the memory; starts and twists are observed apart.
    weights: [f64; 2],
    start: [f64; 2],
    twist: [f64; 2],
}

impl Deviations {
    /// Takes in how far off a solved motion is, and how uncertain it is itself: what the prior held it to would otherwise
    /// make the prior ever surer of itself.
    ///
    /// # References
    /// Shumway and Stoffer, *An approach to time series smoothing and forecasting using the EM algorithm*, 1982.
    pub fn observe(&mut self, prior: &Prior, motion: &Motion, covariance: &Matrix12) {
        let (start, twist) = prior.off(motion);
        let [start_by, twist_by] = prior.derivatives();
        let squares = |off: &Vector6<f64>, by: &SMatrix<f64, 6, 12>| {
            let uncertain = by * covariance * by.transpose();
            let square = |at: usize| off[at] * off[at] + uncertain[(at, at)].max(0.0);
            [0, 3].map(|from| (from..from + 3).map(square).sum::<f64>() / 3.0)
        };
        let mut take = |which: usize, mean: &mut [f64; 2], squares: [f64; 2]| {
            let weight = &mut self.weights[which];
            *weight = (*weight + 1.0).min(MEMORY);
            for (mean, square) in mean.iter_mut().zip(squares) {
                *mean += (square - *mean) / *weight;
            }
        };
        take(0, &mut self.start, squares(&start, &start_by));
        if prior.timed {
            take(1, &mut self.twist, squares(&twist, &twist_by));
        }
    }

    /// What is guessed of the change of motion before any was seen.
    pub fn guess(&mut self, motion: &Vector6<f64>, edge: f64, radius: f64) {
        if self.weights[1] == 0.0 {
            let moved = motion.fixed_rows::<3>(3).norm() + radius * motion.fixed_rows::<3>(0).norm();
            let change = FIRST_CHANGE * moved.max(edge);
            self.twist = [change * change / (radius * radius), change * change];
        }
    }

    /// Inverse variances of the start and of the twist; zero before anything was observed.
    pub fn information(&self, edge: f64, radius: f64) -> (Vector6<f64>, Vector6<f64>) {
        let least = LEAST * edge * LEAST * edge;
        let inverse = |[turn, shift]: [f64; 2]| {
            let of = |variance: f64, least: f64| if variance > 0.0 { 1.0 / variance.max(least) } else { 0.0 };
            let (turn, shift) = (of(turn, least / (radius * radius)), of(shift, least));
            Vector6::new(turn, turn, turn, shift, shift, shift)
        };
        (inverse(self.start), inverse(self.twist))
    }

    /// Standard deviation of where a point at `radius` \[m\] is expected; `None` before anything was observed.
    pub fn length(&self, radius: f64) -> Option<f64> {
        let [turn, shift] = self.start;
        (self.weights[0] > 0.0).then(|| (3.0 * (shift + radius * radius * turn)).sqrt())
    }
}

/// Where a sensor that starts somewhere and moves with a velocity starts its next scan.
pub(crate) fn next_start(start: &Isometry3<f64>, velocity: &Vector6<f64>, gap: f64) -> Isometry3<f64> {
    start * exp(&(velocity * gap))
}
