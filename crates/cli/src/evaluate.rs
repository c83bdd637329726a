//! `barrow evaluate`: how well a pose lays one cloud onto another.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use barrow::geometry::NearestDistances;
use barrow::registration::{Fit, automatic_max_distance};
use clap::Args;
use serde::Serialize;

use crate::clouds::{LoadedPair, Pair};
use crate::crossover::Work;
use crate::device::DeviceReport;
use crate::failure::Ending;
use crate::progress::Progress;
use crate::report::{Lines, Report, Seconds, count, number, print};
use crate::settings::Settings;

/// Measure how well a pose lays SOURCE onto TARGET.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  barrow evaluate source.ply target.ply --transform T.txt
  barrow evaluate source.ply target.ply --transform T.txt --reference truth.txt --json

Fitness is the share of source points that have a target point within --max-distance once moved by \
T; all points count, none are thinned out. Errors are those of T against the reference: the angle of \
the rotation between both, and the distance between both translations.")]
pub struct Options {
    /// The pose to measure: four lines of four numbers.
    #[arg(long, value_name = "FILE")]
    transform: PathBuf,
    /// The true pose to compare it with.
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
    /// Largest distance of an inlier [m] [default: that of `barrow register` for these clouds].
    #[arg(long, value_name = "METRES", allow_negative_numbers = true)]
    max_distance: Option<f64>,
    #[command(flatten)]
    pair: Pair,
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

/// Reads both clouds and the poses, and measures.
///
/// # Errors
/// If a file cannot be read or an option is out of range.
pub fn run(options: &Options, settings: &Settings) -> Result<Ending> {
    let pose = barrow::io::read_transform(&options.transform)?;
    let reference = options.reference.as_ref().map(barrow::io::read_transform).transpose()?;
    let clouds = options.pair.read(settings)?;
    let progress = Progress::new(settings.progress, "evaluating");
    let start = Instant::now();
    let LoadedPair { source, target, .. } = &clouds;
    let names = || options.pair.names();
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
