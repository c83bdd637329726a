//! `barrow odometry`: the pose of every scan of a moving sensor.

mod answer;
mod reader;
mod sequence;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail};
use barrow::io::{Trajectory, TrajectoryFormat, write_trajectory};
use barrow::registration::Odometry;
use clap::Args;

use self::answer::{OdometryReport, ScanReport};
use self::reader::Reader;
use crate::failure::{Ending, Hint};
use crate::interrupt;
use crate::output::{self, Kind};
use crate::progress::Progress;
use crate::settings::Settings;

/// Find the pose of every scan of a sequence.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  barrow odometry scans/ --out poses.txt
  barrow odometry scans/*.pcd --out poses.txt --format tum --json
  barrow synth street --scans 100 --distorted --out drive && barrow odometry drive --out poses.txt
  barrow evaluate --trajectory poses.txt --reference drive/poses.txt

A pose takes coordinates of its scan to those of the first: x_world = T * x_scan. Where points carry \
times, it is the pose of the sensor at the first point of the scan, and the motion during the scan is \
straightened. Scans that are not found on the map are told, and their poses are guesses.

Scans come in natural order (scan_9 before scan_10). Of a folder the files of its most frequent cloud \
format are taken, text only where there is no other. kitti writes 12 numbers a line, the upper rows of T; \
tum writes time, translation, quaternion x y z w: the time is that of the first point where all scans \
have rising times, else the number of the scan.")]
pub struct Options {
    /// A folder of scans, or the scans in any number.
    #[arg(required = true, value_name = "DIR|FILE")]
    scans: Vec<PathBuf>,
    /// Write the poses, one a line.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// What a line holds: kitti or tum.
    #[arg(long, value_name = "FORMAT", default_value_t = TrajectoryFormat::Kitti)]
    format: TrajectoryFormat,
    /// Edge of the cubes that scans are thinned by [m] [default: from the first scan].
    #[arg(long, value_name = "METRES", allow_negative_numbers = true)]
    voxel_size: Option<f64>,
    /// Leave out nearer points: what carries the sensor [m].
    #[arg(long, value_name = "METRES", default_value_t = 0.0, allow_negative_numbers = true)]
    min_range: f64,
    /// Leave out farther points [m] [default: none].
    #[arg(long, value_name = "METRES", allow_negative_numbers = true)]
    max_range: Option<f64>,
    /// Take points as measured at one moment even where they have times.
    #[arg(long)]
    no_deskew: bool,
    /// Exit with code 4 unless every scan was found.
    #[arg(long)]
    require_tracked: bool,
    /// Refuse points that are not finite, and scans without points, instead of leaving them out.
    #[arg(long)]
    strict: bool,
    /// Numbers per point of a raw KITTI .bin: 3, 4 or 5 [default: told by the content].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(3..=5))]
    kitti_columns: Option<u8>,
}

/// Reads the scans one after the other, and follows them.
///
/// # Errors
/// If a scan cannot be read, no scan can be used, an option is out of range, or the poses cannot be written.
pub fn run(options: &Options, settings: &Settings) -> Result<Ending> {
    output::check(&options.out, Kind::Text)?;
    let odometry = Odometry {
        voxel_size: options.voxel_size,
        min_range: options.min_range,
        max_range: options.max_range.unwrap_or(f64::INFINITY),
        deskew: !options.no_deskew,
        ..Odometry::default()
    };
    let mut run = odometry.start()?;
    let paths = sequence::scans(&options.scans, settings)?;
    let all = paths.len();

    interrupt::hold();
    let progress = Progress::new(settings.progress, "odometry");
    let started = Instant::now();
    let mut reader = Reader::start(paths, options.strict, options.kitti_columns);
    let (mut reports, mut times, mut reading) = (Vec::new(), Vec::new(), 0.0);
    while !interrupt::asked() {
        let waiting = Instant::now();
        let Some(scan) = reader.next() else { break };
        let scan = scan?;
        reading += waiting.elapsed().as_secs_f64();
        for note in &scan.notes {
            settings.note(note);
        }
        let step = run.push(&scan.cloud);
        progress.at(step.scan + 1, all, || format!("{} of {all} scans", step.scan + 1));
        if !step.tracking.is_measured() {
            settings.note(format!("{}: {}", scan.name, answer::trouble(step)));
        }
        times.push(sequence::first_time(&scan.cloud));
        reports.push(ScanReport::new(scan.name, scan.cloud.len(), step));
    }
    drop(progress);
    let track = run.finish();
    let stopped = track.steps.len() < all;
    if track.voxel_size.is_none() && !stopped {
        let hint = "scans need points that are not all the same, within --min-range and --max-range";
        let error = anyhow::anyhow!("none of {all} scans has enough points to be followed");
        return Err(error.context(Hint(hint.into())));
    }

    let stamps = sequence::stamps(&times);
    let from_points = stamps.is_some();
    let written = if stopped {
        None
    } else {
        let trajectory = Trajectory { poses: track.poses(), times: stamps };
        write_trajectory(&options.out, &trajectory, options.format)?;
        Some(options.out.display().to_string())
    };
    let seconds = (reading, started.elapsed().as_secs_f64());
    let device = settings.device.cpu_only("odometry");
    let report = OdometryReport::new(&track, reports, options.format, written, from_points, seconds, device);
    report.print(settings)?;
    Ok(match (stopped, options.require_tracked && !track.is_complete()) {
        (true, _) => Ending::Interrupted,
        (false, true) => Ending::Missed,
        (false, false) => Ending::Done,
    })
}

/// Refuses a list of scans without any.
fn require_some(paths: &[PathBuf], what: &str) -> Result<()> {
    if paths.is_empty() {
        bail!("{what}: holds no clouds; accepted are {}", barrow::io::Format::NAMES);
    }
    Ok(())
}
