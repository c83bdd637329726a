//! `barrow deform`: the smooth map that lays one cloud onto another which has another shape.

mod answer;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use barrow::geometry::{PointCloud, Status};
use barrow::registration::{Deformation, Deformer};
use clap::Args;

use self::answer::DeformReport;
use crate::clouds::{LoadedPair, Pair};
use crate::failure::{Ending, Hint};
use crate::interrupt;
use crate::output::{self, Kind};
use crate::progress::Progress;
use crate::report::{Seconds, number, print};
use crate::settings::Settings;
use crate::weights::Weighting;

/// Bend SOURCE smoothly onto TARGET.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  barrow deform inhale.ply exhale.ply --aligned moved.ply
  barrow deform a.ply b.ply --aligned moved.ply --field field.csv --stiffness 0.1
  barrow deform a.ply b.ply --init T.txt --width 0.2 --json

The map is T(x) = s R (x + v(x)) + t: a motion, and a field v in which near points move alike. It is led by \
transport plans under a falling blur. Points without a partner on the other side are carried along. Without \
--init all rotations are tried first.

--field holds one line for every source point: x,y,z,dx,dy,dz with T(x, y, z) = (x + dx, y + dy, z + dz).")]
pub struct Options {
    /// Write the source laid onto the target, attributes included.
    #[arg(long, value_name = "FILE")]
    aligned: Option<PathBuf>,
    /// Write the displacement of every source point, numbers as text.
    #[arg(long, value_name = "FILE")]
    field: Option<PathBuf>,
    /// How much bending costs against distance; more is stiffer.
    #[arg(long, value_name = "NUMBER", default_value_t = Deformer::default().stiffness, allow_negative_numbers = true)]
    stiffness: f64,
    /// Length over which points move alike [m] [default: 0.8 times the radius of the source].
    #[arg(long, value_name = "METRES", allow_negative_numbers = true)]
    width: Option<f64>,
    /// Blur of the last plans [m] [default: 0.7 times the spacing of the points].
    #[arg(long, value_name = "METRES", allow_negative_numbers = true)]
    blur: Option<f64>,
    /// Distance in blurs beyond which mass is rather left behind than moved.
    #[arg(long, value_name = "NUMBER", default_value_t = Deformer::default().reach, allow_negative_numbers = true)]
    reach: f64,
    /// Keep the scale; only turn, move and bend.
    #[arg(long)]
    keep_scale: bool,
    /// Pose to start from: four lines of four numbers [default: searched].
    #[arg(long, value_name = "FILE")]
    init: Option<PathBuf>,
    /// Points of a cloud that plans are made between; larger clouds are thinned for that.
    #[arg(long, value_name = "N", default_value_t = Deformer::default().max_points as u32,
        value_parser = clap::value_parser!(u32).range(1..))]
    max_points: u32,
    /// Steps at the last blur.
    #[arg(long, value_name = "N", default_value_t = Deformer::default().max_iterations as u32,
        value_parser = clap::value_parser!(u32).range(1..))]
    max_iterations: u32,
    /// Exit with code 4 unless the iterations converged; the answer is still printed.
    #[arg(long)]
    require_converged: bool,
    #[command(flatten)]
    weighting: Weighting,
    #[command(flatten)]
    pair: Pair,
}

/// Reads both clouds, bends one onto the other, writes what was asked for.
///
/// # Errors
/// If a file cannot be read or written, or an option is out of range.
pub fn run(options: &Options, settings: &Settings) -> Result<Ending> {
    for (path, kind) in [(&options.aligned, Kind::Cloud), (&options.field, Kind::Text)] {
        if let Some(path) = path {
            output::check(path, kind)?;
        }
    }
    let initial = options.init.as_ref().map(barrow::io::read_transform).transpose()?;
    let clouds = options.pair.read(settings)?;
    let deformer = Deformer {
        stiffness: options.stiffness,
        width: options.width,
        blur: options.blur,
        reach: options.reach,
        scale: !options.keep_scale,
        initial,
        max_points: options.max_points as usize,
        max_iterations: options.max_iterations as usize,
        ..Deformer::default()
    };
    interrupt::hold();
    let (deformation, seconds) = deform(&deformer, options, &clouds, settings)
        .with_context(|| options.pair.names())
        .context(Hint("--init takes a first guess; without it all rotations are tried".into()))?;
    let status = deformation.convergence.status;
    let stopped = status == Status::Stopped;

    let written = if stopped {
        settings.note("interrupted: this is the field so far, and no file is written");
        Vec::new()
    } else {
        options.write(&deformation, &clouds.source, settings)?
    };
    if status == Status::MaxIterations {
        settings.note("the iterations did not converge; the field is the last one");
    }
    if deformation.smoothness.folded > 0.0 {
        settings.note("the map folds over itself; more --stiffness or --width keeps it from doing so");
    }
    print(&DeformReport::new(&deformation, &clouds, options, seconds, written, settings), settings)?;
    Ok(match status {
        Status::Converged => Ending::Done,
        _ if stopped => Ending::Interrupted,
        _ if options.require_converged => Ending::Missed,
        _ => Ending::Done,
    })
}

fn deform(
    deformer: &Deformer,
    options: &Options,
    clouds: &LoadedPair,
    settings: &Settings,
) -> Result<(Deformation, Seconds)> {
    let progress = Progress::new(settings.progress, "deforming");
    let start = Instant::now();
    let weights = options.weighting.read(clouds, &options.pair)?;
    let (source, target) = weights.measures(clouds, &options.pair)?;
    let mut run = deformer.start(source, target)?;
    let prepare = start.elapsed().as_secs_f64();
    while let Some(step) = run.step()? {
        progress.at(step.iteration, step.iterations, || {
            format!("{}, blur {} m, rmse {} m", step.stage, number(step.blur), number(step.rmse))
        });
        if interrupt::asked() {
            break;
        }
    }
    let deformation = run.finish();
    let solve = start.elapsed().as_secs_f64() - prepare;
    Ok((deformation, Seconds { read: clouds.seconds, prepare, solve }))
}

impl Options {
    /// Writes the files asked for and returns their names.
    fn write(
        &self,
        deformation: &Deformation,
        source: &PointCloud,
        settings: &Settings,
    ) -> Result<Vec<String>> {
        let _progress = Progress::new(settings.progress, "writing");
        let mut written = Vec::new();
        let mut note = |path: &Path| written.push(path.display().to_string());
        if let Some(path) = &self.aligned {
            output::write_cloud(path, &deformation.apply(source)?, false, settings)?;
            note(path);
        }
        if let Some(path) = &self.field {
            output::write_whole(path, field_text(deformation, source).as_bytes())?;
            note(path);
        }
        Ok(written)
    }
}

/// One line a point, every number with all its digits.
fn field_text(deformation: &Deformation, source: &PointCloud) -> String {
    let mut text = String::from("x,y,z,dx,dy,dz\n");
    for (point, shift) in source.positions().iter().zip(&deformation.displacements) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{},{},{},{},{},{}", point.x, point.y, point.z, shift.x, shift.y, shift.z);
    }
    text
}
