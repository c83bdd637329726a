//! `barrow evaluate`: how well a pose lays one cloud onto another, or a trajectory follows the true one.

mod trajectory;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use barrow::geometry::NearestDistances;
use barrow::registration::{Fit, automatic_max_distance};
use clap::Args;
use serde::Serialize;

use self::trajectory::TrajectoryReport;
use crate::clouds::{LoadedPair, Pair, Reading};
use crate::crossover::Work;
use crate::device::DeviceReport;
use crate::failure::{Ending, usage};
use crate::progress::Progress;
use crate::report::{Lines, Report, Seconds, count, number, print};
use crate::settings::Settings;

/// Measure how well a pose lays SOURCE onto TARGET, or how far a trajectory drifts from the true one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  barrow evaluate source.ply target.ply --transform T.txt
  barrow evaluate source.ply target.ply --transform T.txt --reference truth.txt --json
  barrow evaluate --trajectory poses.txt --reference truth.txt

Fitness is the share of source points that have a target point within --max-distance once moved by \
T; all points count, none are thinned out. Errors are those of T against the reference: the angle of \
the rotation between both, and the distance between both translations.

Trajectories are files of 12 numbers a line (KITTI) or 8 (TUM). Poses belong together by their times if \
both files have times, else by their order. Drift is that of the KITTI benchmark: errors of the motion \
over 100 to 800 m of the way, shorter where the way is, per length. The absolute error (ATE) is that of \
positions after the best rigid alignment, the relative error (RPE) that of the motion from pose to pose.")]
pub struct Options {
    /// The cloud that moves; `-` for standard input.
    #[arg(required_unless_present = "trajectory", conflicts_with = "trajectory")]
    source: Option<PathBuf>,
    /// The cloud that stays; `-` for standard input.
    #[arg(required_unless_present = "trajectory", conflicts_with = "trajectory")]
    target: Option<PathBuf>,
    /// The pose to measure: four lines of four numbers.
    #[arg(long, value_name = "FILE", required_unless_present = "trajectory", conflicts_with = "trajectory")]
    transform: Option<PathBuf>,
    /// The trajectory to measure instead of a pose: one pose a line.
    #[arg(long, value_name = "FILE", requires = "reference")]
    trajectory: Option<PathBuf>,
    /// The true pose, or the true trajectory, to compare it with.
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
    /// Lengths of the way over which a trajectory's drift is measured [m] [default: from the way].
    #[arg(
        long,
        value_name = "METRES",
        value_delimiter = ',',
        requires = "trajectory",
        allow_negative_numbers = true
    )]
    lengths: Vec<f64>,
    /// Largest distance of an inlier [m] [default: that of `barrow register` for these clouds].
    #[arg(long, value_name = "METRES", conflicts_with = "trajectory", allow_negative_numbers = true)]
    max_distance: Option<f64>,
    #[command(flatten)]
    reading: Reading,
}

#[derive(Debug, Serialize)]
struct EvaluateReport {
    fitness: f64,
    inlier_rmse: Option<f64>,
    chamfer: f64,
    rotation_error_deg: Option<f64>,
    translation_error: Option<f64>,
    inliers: usize,
    overlap: f64,
    max_distance: f64,
    source_points: usize,
    target_points: usize,
    seconds: Seconds,
    device: DeviceReport,
}

/// Reads both clouds and the poses, or both trajectories, and measures.
///
/// # Errors
/// If a file cannot be read or an option is out of range.
pub fn run(options: &Options, settings: &Settings) -> Result<Ending> {
    if let (Some(trajectory), Some(reference)) = (&options.trajectory, &options.reference) {
        print(&TrajectoryReport::new(trajectory, reference, &options.lengths)?, settings)?;
        return Ok(Ending::Done);
    }
    let (Some(source), Some(target), Some(transform)) =
        (&options.source, &options.target, &options.transform)
    else {
        return Err(usage(
            "either SOURCE, TARGET and --transform are needed, or --trajectory and --reference",
        ));
    };
    let pair = Pair { source: source.clone(), target: target.clone(), reading: options.reading.clone() };
    let pose = barrow::io::read_transform(transform)?;
    let reference = options.reference.as_ref().map(barrow::io::read_transform).transpose()?;
    let clouds = pair.read(settings)?;
    let progress = Progress::new(settings.progress, "evaluating");
    let start = Instant::now();
    let LoadedPair { source, target, .. } = &clouds;
    let names = || pair.names();
    let max_distance = match options.max_distance {
        Some(distance) => distance,
        None => automatic_max_distance(source, target).with_context(names)?,
    };
    let prepare = start.elapsed().as_secs_f64();
    let moved = source.transformed(&pose);
    let work = Work::nearest(source.len(), target.len());
    let between = |backend: &_| Ok(NearestDistances::between_on(&moved, target, backend)?);
    let (nearest, device) = settings.dense(work, between).with_context(names)?;
    let fit = Fit::of_distances(&nearest, max_distance).with_context(names)?;
    let chamfer = nearest.mean();
    let solve = start.elapsed().as_secs_f64() - prepare;
    drop(progress);

    let report = EvaluateReport {
        fitness: fit.fitness,
        inlier_rmse: fit.inlier_rmse,
        chamfer,
        rotation_error_deg: reference.map(|truth| truth.rotation.angle_to(&pose.rotation).to_degrees()),
        translation_error: reference.map(|truth| (truth.translation.vector - pose.translation.vector).norm()),
        inliers: fit.inliers,
        overlap: fit.overlap,
        max_distance,
        source_points: source.len(),
        target_points: target.len(),
        seconds: Seconds { read: clouds.seconds, prepare, solve },
        device,
    };
    print(&report, settings)?;
    Ok(Ending::Done)
}

impl Report for EvaluateReport {
    fn text(&self) -> String {
        let mut lines = Lines::default();
        let (inliers, points) = (count(self.inliers), count(self.source_points));
        let gate = number(self.max_distance);
        lines.add("fitness", format!("{:.4} ({inliers} of {points} points within {gate} m)", self.fitness));
        let rmse = self.inlier_rmse.map_or("none".into(), |rmse| format!("{} m", number(rmse)));
        lines.add("inlier rmse", rmse);
        lines.add("overlap", format!("{:.4}", self.overlap));
        lines.add("chamfer", format!("{} m", number(self.chamfer)));
        let angle = self.rotation_error_deg.map(|angle| format!("{}°", number(angle)));
        lines.add_some("rotation error", angle);
        let length = self.translation_error.map(|length| format!("{} m", number(length)));
        lines.add_some("translation error", length);
        lines.add_some("device", self.device.text());
        lines.add("time", self.seconds.text());
        lines.text()
    }
}
