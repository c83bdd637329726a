//! `barrow register`: the pose that lays one cloud onto another.

mod answer;
mod certainty;
mod page;
mod plan;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use barrow::geometry::Status;
use barrow::registration::{
    Aligner, AlignmentStep, Kernel, Method, Registration, SimilarityAligner, Unmatched, Verdict,
};
use clap::{Args, ValueEnum};
use nalgebra::Similarity3;

use self::answer::RegisterReport;
use self::page::Story;
use crate::clouds::{LoadedPair, Pair};
use crate::device::DeviceReport;
use crate::failure::{Ending, Hint, usage};
use crate::interrupt;
use crate::multiway;
use crate::output::{self, Kind};
use crate::page::Trace;
use crate::picture;
use crate::progress::Progress;
use crate::report::{Seconds, number, print, significant};
use crate::settings::Settings;

/// Find the pose that lays SOURCE onto TARGET, or the poses of many clouds that agree with each other.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  barrow register source.ply target.ply
  barrow register source.pcd target.pcd --out T.txt --aligned moved.pcd --picture match.png
  barrow register model.ply scan.ply --scale --aligned model-in-scan.ply
  barrow register source.ply target.ply --report registration.html
  barrow register source.ply target.ply --init T.txt --method gicp --max-distance 1 --json
  barrow register a.ply b.ply c.ply d.ply --out poses --aligned all.ply

The pose T takes source coordinates to target coordinates: x_target = T * x_source. Files hold \
four lines of four numbers. Fitness is the share of source points, one a voxel, that have a target \
point within --max-distance after the motion.

The verdict is `accepted`, `doubtful` or `failed`. A failed pose is most likely wrong: it is printed, no file is \
written but the report, and the command exits with code 4.

Ctrl-C ends with the best pose so far, and no file is written but the report; Ctrl-Z pauses, fg goes on.

--report writes one page that needs no other file and no network: both clouds before and after, the verdict and its numbers, \
the pose, distances of source points to the target before and after, residual, motion and matches by step, stages, settings and \
versions. It is written of a failed and of an interrupted registration too, as it shows why.

Certain to: the standard deviations of the pose, from how the matches scatter and how they respond to a motion; the whole \
`covariance` is in the JSON object. Motions that the clouds leave free are named, along axes of the source: a corridor is free to slide, a \
cylinder to turn as well. Along them the pose stays as --init has it; without --init it is doubtful.

--plan holds the matches at the final pose: every source point with its nearest target point, if \
that is within --max-distance. With --method ot it is a transport plan, as sharp as points lie apart, that moves mass no \
farther than --max-distance and leaves the rest: arcs with their masses, of a total of one if everything has a partner.

Three clouds and more are placed in the frame of the first one. Pairs are registered one by one, and \
the poses found are those that most of them agree on: registrations that contradict the others are outvoted. \
--out is then a folder, for a file A.txt with the pose of each cloud A that was placed; --aligned is the cloud of all of them. \
A cloud that nothing sure joins with the first one is not placed, and the command exits with code 4. The JSON object holds \
`clouds` (each with `path`, `points`, `T_world_cloud` or null, `covariance`), `parts` (the clouds that hang together, by \
number), `unplaced`, `edges` (each pair with `source`, `target`, `verdict`, `standing`: kept, outvoted, unconfirmed \
or failed, `guessed`, `overlap`, `disagreement` of its matches with the poses [m], `T_target_source`), `convergence`, \
`seconds`, `device` and `written`.")]
pub struct Options {
    /// How points are matched.
    #[arg(long, value_enum, default_value_t = MethodChoice::Auto)]
    method: MethodChoice,
    /// How much pairs with large residuals still count.
    #[arg(long, value_enum, default_value_t = KernelChoice::GemanMcclure)]
    kernel: KernelChoice,
    /// What transport (--method ot) does with points that have no partner.
    #[arg(long, value_enum, default_value_t = UnmatchedChoice::Relaxed)]
    unmatched: UnmatchedChoice,
    /// Pose to start from: four lines of four numbers [default: none; any pose may be the right one].
    #[arg(long, value_name = "FILE")]
    init: Option<PathBuf>,
    /// Look for the pose from anywhere, which is what happens without --init.
    #[arg(long, conflicts_with = "init")]
    global: bool,
    /// Find a scale as well: the clouds show the same at different sizes.
    #[arg(long, conflicts_with = "init")]
    scale: bool,
    /// Edge of the grid that thins both clouds [m] [default: from the clouds].
    #[arg(long, value_name = "METRES", allow_negative_numbers = true)]
    voxel_size: Option<f64>,
    /// Largest distance of a match at the finest stage [m] [default: from the clouds].
    #[arg(long, value_name = "METRES", allow_negative_numbers = true)]
    max_distance: Option<f64>,
    /// End with a stage on all points of both clouds, as dense as they are.
    #[arg(long)]
    full_detail: bool,
    /// Steps that one stage may take.
    #[arg(long, value_name = "N", default_value_t = Aligner::default().max_iterations as u32,
        value_parser = clap::value_parser!(u32).range(1..))]
    max_iterations: u32,
    /// Write the pose: four lines of four numbers.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write the source in the target's frame, attributes included.
    #[arg(long, value_name = "FILE")]
    aligned: Option<PathBuf>,
    /// Write the matches at the final pose: .npz, .csv or .ply.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Write a picture of both clouds before and after: .png.
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// Write a page for a browser, whatever becomes of the pose: pictures, numbers, curves, residuals, settings.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Exit with code 4 unless the iterations converged; the answer is still printed.
    #[arg(long)]
    require_converged: bool,
    #[command(flatten)]
    pair: Pair,
    /// More clouds: all are placed in the frame of the first one.
    #[arg(value_name = "CLOUD")]
    more: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MethodChoice {
    /// Several coarse starts, the best of them refined.
    Auto,
    /// Transport plans under a falling blur, then generalised ICP.
    Ot,
    /// Transport along lines under a falling blur, then generalised ICP: nearly as far from, in half the time.
    Sliced,
    /// Generalised ICP: points as small planes on both sides.
    Gicp,
    /// Generalised ICP onto the cells of a grid, without a search for neighbours.
    Voxels,
    /// ICP along the mean of both normals.
    Symmetric,
    /// ICP, point to plane.
    Plane,
    /// ICP, point to point.
    Point,
}

impl From<MethodChoice> for Method {
    fn from(choice: MethodChoice) -> Self {
        match choice {
            MethodChoice::Auto => Self::Auto,
            MethodChoice::Ot => Self::Transport,
            MethodChoice::Sliced => Self::Sliced,
            MethodChoice::Gicp => Self::Gicp,
            MethodChoice::Voxels => Self::VoxelGicp,
            MethodChoice::Symmetric => Self::Symmetric,
            MethodChoice::Plane => Self::PointToPlane,
            MethodChoice::Point => Self::PointToPoint,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KernelChoice {
    /// All the same.
    LeastSquares,
    /// Less and less, but never without influence.
    Huber,
    /// Less still.
    Cauchy,
    /// Hardly at all.
    GemanMcclure,
    /// Not at all beyond three standard deviations.
    Tukey,
    /// As the residuals themselves make likeliest.
    Adaptive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum UnmatchedChoice {
    /// Every point keeps a part of its mass, more the farther it would have to go.
    Relaxed,
    /// What would have to go too far stays as a whole.
    Cut,
}

impl From<UnmatchedChoice> for Unmatched {
    fn from(choice: UnmatchedChoice) -> Self {
        match choice {
            UnmatchedChoice::Relaxed => Self::Relaxed,
            UnmatchedChoice::Cut => Self::Cut,
        }
    }
}

impl From<KernelChoice> for Kernel {
    fn from(choice: KernelChoice) -> Self {
        match choice {
            KernelChoice::LeastSquares => Self::LeastSquares,
            KernelChoice::Huber => Self::Huber,
            KernelChoice::Cauchy => Self::Cauchy,
            KernelChoice::GemanMcclure => Self::GemanMcClure,
            KernelChoice::Tukey => Self::Tukey,
            KernelChoice::Adaptive => Self::Adaptive,
        }
    }
}

/// Reads both clouds, registers them, writes what was asked for.
///
/// # Errors
/// If a file cannot be read or written, an option is out of range, or no point has a match.
pub fn run(options: &Options, settings: &Settings) -> Result<Ending> {
    if !options.more.is_empty() {
        return multiway::run(&options.of_many()?, settings);
    }
    options.check_outputs()?;
    let initial = options.init.as_ref().map(barrow::io::read_transform).transpose()?;
    let mut clouds = options.pair.read(settings)?;
    let aligner = Aligner { initial, ..options.aligner() };
    interrupt::hold();
    let Found { registration, scale, device, seconds, trace } =
        align(&aligner, options.scale, &clouds, settings)
            .with_context(|| options.pair.names())
            .context(Hint("--init takes a first guess, --max-distance a wider gate".into()))?;
    // What follows sees a source of the target's size.
    if let Some(scale) = scale {
        clouds.source = clouds.source.scaled(scale)?;
    }
    let stopped = registration.convergence.status == Status::Stopped;

    let failed = registration.verdict == Verdict::Failed;
    let written = if stopped {
        let but = options.but_the_report();
        settings.note(format!("interrupted: this is the pose so far, and no file is written{but}"));
        Vec::new()
    } else if failed {
        let but = options.but_the_report();
        settings.note(format!("failed: the clouds do not bear this pose out, and no file is written{but}"));
        if let (Some(ratio), false) = (sizes(&clouds), options.scale) {
            let ratio = significant(ratio, 2);
            settings.note(format!(
                "the target is {ratio} times the size of the source: --scale looks for that as well"
            ));
        }
        Vec::new()
    } else {
        options.write(&registration, scale, &clouds, settings)?
    };
    let mut report = RegisterReport::new(&registration, scale, seconds, written, device);
    if let Some(path) = &options.report {
        let story =
            Story { options, clouds: &clouds, registration: &registration, report: &report, trace: &trace };
        story.write(path, settings)?;
        report.written.push(path.display().to_string());
    }
    if registration.convergence.status != Status::Converged && !stopped {
        settings.note("the iterations did not converge; the pose is the best one found");
    }
    print(&report, settings)?;
    Ok(match registration.convergence.status {
        _ if stopped => Ending::Interrupted,
        _ if failed => Ending::Missed,
        Status::Converged => Ending::Done,
        _ if options.require_converged => Ending::Missed,
        _ => Ending::Done,
    })
}

/// What came of a registration.
struct Found {
    registration: Registration,
    /// The scale that the source was brought to before, if one was asked for.
    scale: Option<f64>,
    device: DeviceReport,
    seconds: Seconds,
    trace: Trace<AlignmentStep>,
}

fn align(aligner: &Aligner, finds_scale: bool, clouds: &LoadedPair, settings: &Settings) -> Result<Found> {
    let progress = Progress::new(settings.progress, "registering");
    let start = Instant::now();
    let (backend, device) =
        settings.device.if_asked("clouds thinned for a pose are little work for a device");
    let mut trace = Trace::new();
    let mut watch = |step: &AlignmentStep| {
        trace.push(step.clone());
        progress.at(step.phase, step.phases, || {
            format!("{}, step {}, rmse {} m", step.stage, step.iteration, number(step.rmse))
        });
        if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    if finds_scale {
        let device = settings.device.cpu_only("matching nearest points");
        let aligner = SimilarityAligner { aligner: aligner.clone(), ..SimilarityAligner::default() };
        let found = aligner.align_with(&clouds.source, &clouds.target, watch)?;
        let seconds = Seconds { read: clouds.seconds, prepare: 0.0, solve: start.elapsed().as_secs_f64() };
        let scale = Some(found.target_from_source.scaling());
        return Ok(Found { registration: found.registration, scale, device, seconds, trace });
    }
    let mut run = aligner.start_on(&clouds.source, &clouds.target, &backend)?;
    let prepare = start.elapsed().as_secs_f64();
    while let Some(step) = run.step()? {
        if watch(&step).is_break() {
            break;
        }
    }
    let registration = run.finish()?;
    let solve = start.elapsed().as_secs_f64() - prepare;
    // The stage that solves transport, and with it the device, may have been spared.
    let transported = registration.stages.iter().any(|stage| stage.name == "transport");
    let device = if transported { device } else { settings.device.cpu_only("matching nearest points") };
    let seconds = Seconds { read: clouds.seconds, prepare, solve };
    Ok(Found { registration, scale: None, device, seconds, trace })
}

impl Options {
    fn aligner(&self) -> Aligner {
        Aligner {
            method: self.method.into(),
            voxel_size: self.voxel_size,
            max_distance: self.max_distance,
            max_iterations: self.max_iterations as usize,
            kernel: self.kernel.into(),
            unmatched: self.unmatched.into(),
            full_detail: self.full_detail,
            ..Aligner::default()
        }
    }

    /// The same of more than two clouds, without what makes sense for a pair only.
    fn of_many(&self) -> Result<multiway::Request<'_>> {
        let of_pairs = [
            ("--init", self.init.is_some()),
            ("--plan", self.plan.is_some()),
            ("--picture", self.picture.is_some()),
            ("--report", self.report.is_some()),
            ("--scale", self.scale),
        ];
        if let Some((option, _)) = of_pairs.iter().find(|(_, given)| *given) {
            return Err(usage(format!("{option} is for two clouds, not for {}", 2 + self.more.len())));
        }
        let pair = [&self.pair.source, &self.pair.target];
        Ok(multiway::Request {
            paths: pair.into_iter().chain(&self.more).cloned().collect(),
            reading: &self.pair.reading,
            aligner: self.aligner(),
            out: self.out.as_deref(),
            aligned: self.aligned.as_deref(),
            require_converged: self.require_converged,
        })
    }

    /// What is written where nothing else is.
    fn but_the_report(&self) -> &'static str {
        if self.report.is_some() { " but the report" } else { "" }
    }

    fn check_outputs(&self) -> Result<()> {
        let outputs = [
            (&self.out, Kind::Text),
            (&self.aligned, Kind::Cloud),
            (&self.plan, Kind::Plan),
            (&self.picture, Kind::Picture),
            (&self.report, Kind::Page),
        ];
        for (path, kind) in outputs {
            if let Some(path) = path {
                output::check(path, kind)?;
            }
        }
        Ok(())
    }

    /// Writes the files asked for and returns their names.
    fn write(
        &self,
        registration: &Registration,
        scale: Option<f64>,
        LoadedPair { source, target, .. }: &LoadedPair,
        settings: &Settings,
    ) -> Result<Vec<String>> {
        let _progress = Progress::new(settings.progress, "writing");
        let pose = &registration.target_from_source;
        let mut written = Vec::new();
        let mut note = |path: &Path| written.push(path.display().to_string());
        if let Some(path) = &self.out {
            match scale {
                Some(scale) => {
                    barrow::io::write_similarity(path, &Similarity3::from_isometry(*pose, scale))?;
                }
                None => barrow::io::write_transform(path, pose)?,
            }
            note(path);
        }
        if let Some(path) = &self.aligned {
            output::write_cloud(path, &source.transformed(pose), false, settings)?;
            note(path);
        }
        if let Some(path) = &self.plan {
            let moved = source.transformed(pose);
            let arcs = plan::of(self.method.into(), &moved, target, registration.max_distance, settings)?;
            barrow::io::write_plan(path, &moved, target, &arcs)?;
            note(path);
        }
        if let Some(path) = &self.picture {
            picture::write(path, source, target, pose)?;
            note(path);
        }
        Ok(written)
    }
}

/// How many times as large the target is as the source, if that is so much that hardly any motion alone will do.
fn sizes(clouds: &LoadedPair) -> Option<f64> {
    const OTHER_UNIT: f64 = 5.0;
    let (source, target) = (clouds.source.bounds()?.diagonal(), clouds.target.bounds()?.diagonal());
    let ratio = target / source;
    (ratio.is_finite() && ratio > 0.0 && !(1.0 / OTHER_UNIT..OTHER_UNIT).contains(&ratio)).then_some(ratio)
}
