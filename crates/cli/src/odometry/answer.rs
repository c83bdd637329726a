//! The answer of `barrow odometry`.

use anyhow::Result;
use barrow::io::TrajectoryFormat;
use barrow::registration::{OdometryStep, Track, Tracking};
use serde::Serialize;

use crate::device::DeviceReport;
use crate::report::{Lines, Report, Seconds, count, matrix, number, print};
use crate::settings::Settings;

/// A sequence with its poses.
#[derive(Debug, Serialize)]
pub struct OdometryReport {
    scans: usize,
    tracked: usize,
    lost: usize,
    restarted: usize,
    skipped: usize,
    path_length: f64,
    voxel_size: Option<f64>,
    map_cells: usize,
    /// File that holds the poses; none if the work was interrupted.
    out: Option<String>,
    format: String,
    /// `points` or `index`.
    timestamps: &'static str,
    seconds: Seconds,
    seconds_per_scan: f64,
    device: DeviceReport,
    poses: Vec<ScanReport>,
}

/// One scan with its pose.
#[derive(Debug, Serialize)]
pub struct ScanReport {
    path: String,
    points: usize,
    tracking: &'static str,
    #[serde(rename = "T_world_scan")]
    world_from_scan: [[f64; 4]; 4],
    #[serde(rename = "T_start_end")]
    start_from_end: [[f64; 4]; 4],
    matched_points: usize,
    fitness: f64,
    inlier_rmse: Option<f64>,
    threshold: f64,
    deviation: f64,
    iterations: usize,
    converged: bool,
    degenerate_directions: Vec<[f64; 6]>,
    seconds: f64,
}

impl ScanReport {
    /// What is told of a scan of `points` points.
    pub fn new(path: String, points: usize, step: &OdometryStep) -> Self {
        Self {
            path,
            points,
            tracking: step.tracking.name(),
            world_from_scan: matrix(&step.world_from_scan),
            start_from_end: matrix(&step.start_from_end),
            matched_points: step.points,
            fitness: step.fitness,
            inlier_rmse: step.inlier_rmse,
            threshold: step.threshold,
            deviation: step.deviation,
            iterations: step.iterations,
            converged: step.converged,
            degenerate_directions: step.degenerate_directions.iter().map(|&v| v.into()).collect(),
            seconds: step.seconds,
        }
    }
}

/// What is wrong with the pose of a scan.
pub fn trouble(step: &OdometryStep) -> String {
    let guess = "its pose is a guess from the motion before";
    match step.tracking {
        Tracking::Skipped => {
            format!("skipped: {} points after thinning are too few; {guess}", count(step.points))
        }
        Tracking::Restarted => {
            format!("lost like those before: a new map begins, and {guess}")
        }
        _ => format!("lost: it was not found on the map; {guess}"),
    }
}

impl OdometryReport {
    /// The answer from its parts; `seconds` are those of waiting for files, and all.
    pub fn new(
        track: &Track,
        poses: Vec<ScanReport>,
        format: TrajectoryFormat,
        out: Option<String>,
        from_points: bool,
        seconds: (f64, f64),
        device: DeviceReport,
    ) -> Self {
        let solve: f64 = track.steps.iter().map(|step| step.seconds).sum();
        let (read, all) = seconds;
        Self {
            scans: track.steps.len(),
            tracked: track.count(Tracking::Started) + track.count(Tracking::Tracked),
            lost: track.count(Tracking::Lost),
            restarted: track.count(Tracking::Restarted),
            skipped: track.count(Tracking::Skipped),
            path_length: track.path_length(),
            voxel_size: track.voxel_size,
            map_cells: track.map_cells,
            out,
            format: format.to_string(),
            timestamps: if from_points { "points" } else { "index" },
            seconds: Seconds { read, prepare: (all - read - solve).max(0.0), solve },
            seconds_per_scan: solve / track.steps.len().max(1) as f64,
            device,
            poses,
        }
    }

    /// Prints it.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub fn print(&self, settings: &Settings) -> Result<()> {
        print(self, settings)
    }
}

impl Report for OdometryReport {
    fn text(&self) -> String {
        let mut lines = Lines::default();
        lines.add("scans", format!("{} ({} tracked)", count(self.scans), count(self.tracked)));
        let troubles = [("lost", self.lost), ("restarted", self.restarted), ("skipped", self.skipped)];
        for (name, number) in troubles.into_iter().filter(|trouble| trouble.1 > 0) {
            lines.add(name, count(number));
        }
        lines.add("path", format!("{} m", number(self.path_length)));
        lines.add_some("voxel", self.voxel_size.map(|size| format!("{} m", number(size))));
        let fitness: Vec<f64> =
            self.poses.iter().filter(|pose| pose.tracking == "tracked").map(|pose| pose.fitness).collect();
        if !fitness.is_empty() {
            let mean = fitness.iter().sum::<f64>() / fitness.len() as f64;
            let least = fitness.iter().copied().fold(f64::INFINITY, f64::min);
            lines.add("fitness", format!("{mean:.3} on average, {least:.3} at least"));
        }
        let free = self.poses.iter().filter(|pose| !pose.degenerate_directions.is_empty()).count();
        if free > 0 {
            lines.add(
                "degenerate",
                format!("{} scans with directions that their surroundings leave free", count(free)),
            );
        }
        match &self.out {
            Some(out) => lines.add("written", format!("{out} ({})", self.format)),
            // The answer so far, in the place of the file.
            None => {
                lines.add("poses", self.poses.iter().map(ScanReport::line).collect::<Vec<_>>().join("\n"))
            }
        };
        lines.add_some("device", self.device.text());
        let rate = format!("{:.1} ms a scan", 1e3 * self.seconds_per_scan);
        lines.add("time", format!("{}; {rate}", self.seconds.text()));
        lines.text()
    }
}

impl ScanReport {
    /// The upper rows of the pose on one line.
    fn line(&self) -> String {
        let values = self.world_from_scan[..3].iter().flatten().map(|value| number(*value));
        values.collect::<Vec<_>>().join(" ")
    }
}
