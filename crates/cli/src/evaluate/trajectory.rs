//! How far one trajectory is from another.

use std::path::Path;

use anyhow::{Context, Result, bail};
use barrow::io::{Trajectory, read_trajectory};
use barrow::registration::{ErrorStatistics, absolute_error, drift, drift_lengths, relative_error};
use nalgebra::Isometry3;
use serde::Serialize;

use crate::report::{Lines, Report, count, matrix, number};

/// Share of the time between two poses, the lower quartile of the reference, up to which poses of two files are of the same moment.
const SAME_MOMENT: f64 = 0.5;

/// Errors of a trajectory.
#[derive(Debug, Serialize)]
pub struct TrajectoryReport {
    poses: usize,
    matched_by: &'static str,
    path_length: f64,
    drift: Drift,
    ate: Errors,
    rpe: Errors,
    #[serde(rename = "T_reference_estimate")]
    reference_from_estimate: [[f64; 4]; 4],
}

/// Errors over stretches of the way.
#[derive(Debug, Serialize)]
struct Drift {
    translation_percent: f64,
    rotation_deg_per_100m: f64,
    stretches: usize,
    by_length: Vec<DriftOver>,
}

#[derive(Debug, Serialize)]
struct DriftOver {
    length: f64,
    translation_percent: f64,
    rotation_deg_per_100m: f64,
    stretches: usize,
}

#[derive(Debug, Serialize)]
struct Errors {
    translation: Statistics,
    rotation_deg: Statistics,
}

#[derive(Debug, Serialize)]
struct Statistics {
    rmse: f64,
    mean: f64,
    median: f64,
    max: f64,
}

impl Statistics {
    fn of(errors: &ErrorStatistics, unit: f64) -> Self {
        let ErrorStatistics { rmse, mean, median, max } = errors;
        Self { rmse: rmse * unit, mean: mean * unit, median: median * unit, max: max * unit }
    }
}

/// A rate per metre as one per hundred: percent of a length, degrees of an angle.
fn per_hundred(rate: f64) -> f64 {
    100.0 * rate
}

impl TrajectoryReport {
    /// Reads both files and compares them; without lengths, those of the benchmark.
    ///
    /// # Errors
    /// If a file is no trajectory, or they cannot be compared.
    pub fn new(estimate: &Path, reference: &Path, lengths: &[f64]) -> Result<Self> {
        let names = || format!("{} against {}", estimate.display(), reference.display());
        let (measured, truth) = (read_trajectory(estimate)?, read_trajectory(reference)?);
        let (estimate, reference, matched_by) = matched(measured, truth).with_context(names)?;
        let lengths = if lengths.is_empty() { drift_lengths(&reference) } else { lengths.to_vec() };
        let over = drift(&estimate, &reference, &lengths).with_context(names)?;
        let absolute = absolute_error(&estimate, &reference).with_context(names)?;
        let relative = relative_error(&estimate, &reference, 1).with_context(names)?;
        let errors = |translation: &ErrorStatistics, rotation: &ErrorStatistics| Errors {
            translation: Statistics::of(translation, 1.0),
            rotation_deg: Statistics::of(rotation, 1f64.to_degrees()),
        };
        let step = |pair: &[Isometry3<f64>]| (pair[1].translation.vector - pair[0].translation.vector).norm();
        Ok(Self {
            poses: estimate.len(),
            matched_by,
            path_length: reference.windows(2).map(step).sum(),
            drift: Drift {
                translation_percent: per_hundred(over.translation),
                rotation_deg_per_100m: per_hundred(over.rotation.to_degrees()),
                stretches: over.stretches,
                by_length: over
                    .by_length
                    .iter()
                    .map(|&(length, translation, rotation, stretches)| DriftOver {
                        length,
                        translation_percent: per_hundred(translation),
                        rotation_deg_per_100m: per_hundred(rotation.to_degrees()),
                        stretches,
                    })
                    .collect(),
            },
            ate: errors(&absolute.translation, &absolute.rotation),
            rpe: errors(&relative.translation, &relative.rotation),
            reference_from_estimate: matrix(&absolute.reference_from_estimate),
        })
    }
}

type Poses = Vec<Isometry3<f64>>;

/// Poses that belong together: of the same moment where both have times, else in order.
fn matched(estimate: Trajectory, reference: Trajectory) -> Result<(Poses, Poses, &'static str)> {
    let (Some(times), Some(true_times)) = (&estimate.times, &reference.times) else {
        return Ok((estimate.poses, reference.poses, "order"));
    };
    if let Some(at) = true_times.windows(2).position(|pair| pair[0] >= pair[1]) {
        bail!("times of the reference must rise, got {} after {}", true_times[at + 1], true_times[at]);
    }
    let mut gaps: Vec<f64> = true_times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_by(f64::total_cmp);
    let limit = SAME_MOMENT * gaps.get(gaps.len() / 4).copied().unwrap_or(f64::INFINITY);
    let (mut poses, mut truth) = (Vec::new(), Vec::new());
    for (time, pose) in times.iter().zip(&estimate.poses) {
        let after = true_times.partition_point(|at| at < time);
        let nearest = [after.checked_sub(1), Some(after)]
            .into_iter()
            .flatten()
            .filter(|&at| at < true_times.len())
            .min_by(|&a, &b| (true_times[a] - time).abs().total_cmp(&(true_times[b] - time).abs()));
        if let Some(at) = nearest.filter(|&at| (true_times[at] - time).abs() <= limit) {
            poses.push(*pose);
            truth.push(reference.poses[at]);
        }
    }
    if poses.is_empty() {
        bail!("no pose has a time within {limit} s of one of the reference");
    }
    Ok((poses, truth, "time"))
}

impl Report for TrajectoryReport {
    fn text(&self) -> String {
        let mut lines = Lines::default();
        lines.add("poses", format!("{} (matched by {})", count(self.poses), self.matched_by));
        lines.add("path", format!("{} m", number(self.path_length)));
        let rates = |translation: f64, rotation: f64| format!("{translation:.4} %, {rotation:.4}° per 100 m");
        let Drift { translation_percent, rotation_deg_per_100m, stretches, by_length } = &self.drift;
        let drift = rates(*translation_percent, *rotation_deg_per_100m);
        lines.add("drift", format!("{drift} (mean of {} stretches)", count(*stretches)));
        for over in by_length {
            let rates = rates(over.translation_percent, over.rotation_deg_per_100m);
            lines.add(format!("  over {} m", number(over.length)), rates);
        }
        let errors = |errors: &Errors| {
            let (shift, turn) = (&errors.translation, &errors.rotation_deg);
            format!(
                "{} m rmse, {} m at most; {}° rmse, {}° at most",
                number(shift.rmse),
                number(shift.max),
                number(turn.rmse),
                number(turn.max)
            )
        };
        lines.add("absolute error", errors(&self.ate));
        lines.add("relative error", errors(&self.rpe));
        lines.text()
    }
}
