//! `barrow view`: clouds, where their mass goes, and how they come together, in a window or as pictures.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use barrow::geometry::{Measure, PointCloud, Status, Wasserstein, WassersteinProblem};
use barrow::registration::{AlignmentStep, Verdict};
use barrow_viewer::{
    ArcChoice, ArcColor, ColorBy, Controls, Look, Picture, SIDES, Scene, Up, Viewer, WindowOptions,
};
use clap::{Args, ValueEnum};
use nalgebra::Isometry3;
use serde::Serialize;
use serde_json::{Value, json};

use crate::certified;
use crate::clouds::{Reading, name};
use crate::failure::{Ending, usage};
use crate::interrupt;
use crate::output::{self, Kind};
use crate::progress::Progress;
use crate::report::{Lines, Report, Seconds, count, matrix, print};
use crate::settings::Settings;

/// Look at one cloud or two, at a transport plan between them, or at their registration.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  barrow view scan.las --color height
  barrow view source.ply target.ply --register
  barrow view a.ply b.ply --transport --arcs 5
  barrow view a.ply b.ply --plan plan.npz --color mass --screenshot plan.png
  barrow view a.ply b.ply --transport --time 0.5 --screenshot half.png --size 1600x1000
  barrow view a.ply b.ply --transport --frames 60 --out frames

In the window: drag turns, right drag moves, the wheel comes closer; a click tells what a point is and where its mass \
goes, a double click looks at it; Shift and a drag move the source by hand, and a registration starts from there. H lists all keys.

--screenshot and --frames draw without a window and need no display; a graphics card they use if there is one.

With --frames the pictures DIR/000.png, 001.png, ... show the way along the plan from time 0 to 1, or with --register the \
registration step by step (its last pictures repeat the end).")]
pub struct Options {
    /// The cloud; of two the one that moves. `-` for standard input.
    source: PathBuf,
    /// The cloud that stays.
    target: Option<PathBuf>,
    /// Show this plan between them, as `barrow match` writes it.
    #[arg(long, value_name = "PLAN", requires = "target")]
    plan: Option<PathBuf>,
    /// Find a plan that is optimal to within one percent, and show it.
    #[arg(long, requires = "target", conflicts_with = "plan")]
    transport: bool,
    /// Register the source onto the target: step by step in a window, at once for a picture.
    #[arg(long, requires = "target", conflicts_with_all = ["plan", "transport"])]
    register: bool,
    /// Show the source at this pose: four lines of four numbers.
    #[arg(long, value_name = "FILE", requires = "target")]
    init: Option<PathBuf>,
    /// What colors tell.
    #[arg(long, value_name = "WHAT", default_value_t = ColorBy::Cloud)]
    color: ColorBy,
    /// Edge of a point [pixel].
    #[arg(long, value_name = "PIXELS", default_value_t = Look::default().point_size)]
    point_size: f32,
    /// Color behind everything: six hexadecimal digits, red, green, blue.
    #[arg(long, value_name = "RRGGBB", value_parser = background)]
    background: Option<[u8; 3]>,
    /// The axis that points up.
    #[arg(long, value_enum, default_value_t = UpChoice::Z)]
    up: UpChoice,
    /// Draw this share of the plan's arcs [%].
    #[arg(long, value_name = "PERCENT")]
    arcs: Option<f64>,
    /// Draw the arcs of most mass instead of a fair sample.
    #[arg(long, requires = "arcs")]
    heaviest: bool,
    /// What colors of arcs tell.
    #[arg(long, value_enum, default_value_t = ArcColorChoice::Length)]
    arc_color: ArcColorChoice,
    /// Show the clouds on their way along the plan, from 0 (source) to 1 (target).
    #[arg(long, value_name = "T", conflicts_with = "frames")]
    time: Option<f64>,
    /// Look from this angle about the axis that is up, and from this angle above the horizon [degree].
    #[arg(long, value_name = "YAW,PITCH", value_parser = angles, allow_hyphen_values = true)]
    from: Option<[f64; 2]>,
    /// Come closer by this factor.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    zoom: f64,
    /// Write a picture and open no window: .png.
    #[arg(long, value_name = "FILE", conflicts_with = "frames")]
    screenshot: Option<PathBuf>,
    /// Write so many pictures along the way and open no window.
    #[arg(long, value_name = "N", requires = "out", value_parser = clap::value_parser!(u32).range(2..=100_000))]
    frames: Option<u32>,
    /// Folder of the pictures; made if it is not there.
    #[arg(long, value_name = "DIR", requires = "frames")]
    out: Option<PathBuf>,
    /// Width and height of the window or the pictures [pixel].
    #[arg(long, value_name = "WxH", value_parser = size, default_value = "1280x800")]
    size: [u32; 2],
    /// Draw the panel in pictures as well.
    #[arg(long)]
    panel: bool,
    /// Draw no axes, no scale bar and no legend.
    #[arg(long)]
    no_guides: bool,
    #[command(flatten)]
    reading: Reading,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum UpChoice {
    X,
    Y,
    Z,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ArcColorChoice {
    /// How far the mass goes.
    Length,
    /// How much it is.
    Mass,
}

#[derive(Debug, Serialize)]
struct ViewReport {
    source_points: usize,
    target_points: Option<usize>,
    /// Arcs of the plan.
    arcs: Option<usize>,
    /// Of the registration, if there was one.
    verdict: Option<String>,
    #[serde(rename = "T_target_source")]
    target_from_source: Option<[[f64; 4]; 4]>,
    settings: Value,
    seconds: Seconds,
    written: Vec<String>,
}

/// Draws what was asked for.
///
/// # Errors
/// If a file cannot be read or written, colors ask for what the clouds have not, or there is nothing to draw with.
pub fn run(options: &Options, settings: &Settings) -> Result<Ending> {
    let look = options.look()?;
    if let Some(path) = &options.screenshot {
        output::check(path, Kind::Picture)?;
    }
    let start = Instant::now();
    let mut scene = options.read(settings)?;
    let read = start.elapsed().as_secs_f64();
    let needs_plan = options.needs_plan() && scene.plan.is_none();
    if needs_plan && !transport(&mut scene, settings)? {
        return Ok(Ending::Interrupted);
    }
    let prepare = start.elapsed().as_secs_f64() - read;
    let mut report = ViewReport {
        source_points: scene.source.len(),
        target_points: scene.target.as_ref().map(PointCloud::len),
        arcs: scene.plan.as_ref().map(|plan| plan.arcs().len()),
        verdict: None,
        target_from_source: None,
        settings: options.settings(&look),
        seconds: Seconds { read, prepare, solve: 0.0 },
        written: Vec::new(),
    };
    let mut viewer = Viewer::new(scene, look)?;
    options.look_at(&mut viewer);
    let draws_pictures = options.screenshot.is_some() || options.frames.is_some();
    if !draws_pictures {
        let title = format!("barrow: {}", name(&options.source));
        let window = WindowOptions {
            title,
            size: options.size,
            registers: options.register,
            ..WindowOptions::default()
        };
        viewer.open(&window)?;
        return Ok(Ending::Done);
    }
    let ending = options.draw(&mut viewer, &mut report, settings)?;
    report.seconds.solve = start.elapsed().as_secs_f64() - read - prepare;
    print(&report, settings)?;
    Ok(ending)
}

impl Options {
    fn look(&self) -> Result<Look> {
        let within = |name: &str, value: f64, range: std::ops::RangeInclusive<f64>| {
            if range.contains(&value) {
                return Ok(value);
            }
            Err(usage(format!("{name} must be from {} to {}, got {value}", range.start(), range.end())))
        };
        within("--point-size", f64::from(self.point_size), 1.0..=64.0)?;
        within("--zoom", self.zoom, 0.01..=10_000.0)?;
        if let Some([yaw, pitch]) = self.from {
            within("the yaw of --from", yaw, -720.0..=720.0)?;
            within("the pitch of --from", pitch, -90.0..=90.0)?;
        }
        if self.target.is_none() && (self.needs_plan() || self.frames.is_some()) {
            return Err(usage(
                "arcs, times, frames, masses and potentials are between two clouds; one is given",
            ));
        }
        let default = Look::default();
        Ok(Look {
            color: self.color,
            point_size: self.point_size,
            background: self.background.unwrap_or(default.background),
            up: match self.up {
                UpChoice::X => Up::X,
                UpChoice::Y => Up::Y,
                UpChoice::Z => Up::Z,
            },
            time: self.time.map(|time| within("--time", time, 0.0..=1.0)).transpose()?,
            arcs: self.arcs.map_or(Ok(0.0), |percent| within("--arcs", percent, 0.0..=100.0))? / 100.0,
            arc_choice: if self.heaviest { ArcChoice::Heaviest } else { ArcChoice::Sampled },
            arc_color: match self.arc_color {
                ArcColorChoice::Length => ArcColor::Length,
                ArcColorChoice::Mass => ArcColor::Mass,
            },
            shows_guides: !self.no_guides,
            ..default
        })
    }

    /// Whether something is to be seen that only a plan tells.
    fn needs_plan(&self) -> bool {
        let of_plan = matches!(self.color, ColorBy::Mass | ColorBy::Potential);
        let travels = self.frames.is_some() && !self.register;
        self.transport || self.arcs.is_some() || self.time.is_some() || of_plan || travels
    }

    fn read(&self, settings: &Settings) -> Result<Scene> {
        let paths: Vec<PathBuf> = std::iter::once(&self.source).chain(&self.target).cloned().collect();
        let read = |path: &PathBuf| Ok::<_, anyhow::Error>(self.reading.read(path, &paths, settings)?.cloud);
        let source = read(&self.source)?;
        let target = self.target.as_ref().map(read).transpose()?;
        let targets = target.as_ref().map_or(0, PointCloud::len);
        let plan = self.plan.as_ref().map(|path| barrow::io::read_plan(path, source.len(), targets));
        let pose = self.init.as_ref().map(barrow::io::read_transform).transpose()?;
        let called = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let names = [Some(&self.source), self.target.as_ref()]
            .map(|path| path.and_then(|path| called(path)).unwrap_or_default());
        Ok(Scene {
            source,
            target,
            target_from_source: pose.unwrap_or_default(),
            plan: plan.transpose()?,
            potentials: None,
            names,
        })
    }

    fn settings(&self, look: &Look) -> Value {
        json!({
            "color": look.color.name(),
            "point_size": look.point_size,
            "arcs": look.arcs,
            "time": look.time,
            "size": self.size,
            "plan": self.plan.as_ref().map(|path| path.display().to_string()),
            "register": self.register,
        })
    }

    /// Puts the eye where everything is seen from the side that was asked for.
    fn look_at(&self, viewer: &mut Viewer) {
        viewer.eye.size = self.size.map(f64::from);
        if let Some([yaw, pitch]) = self.from {
            (viewer.eye.yaw, viewer.eye.pitch) = (yaw.to_radians(), pitch.to_radians());
        }
        viewer.refit();
        viewer.eye.zoom(1.0 / self.zoom);
    }

    /// Draws the pictures that were asked for.
    fn draw(&self, viewer: &mut Viewer, report: &mut ViewReport, settings: &Settings) -> Result<Ending> {
        let controls = if self.panel { Controls::Panel } else { Controls::Hidden };
        interrupt::hold();
        let (poses, ending) = match self.register {
            true => registered(viewer, report, settings)?,
            false => (Vec::new(), Ending::Done),
        };
        if let Some(path) = &self.screenshot {
            if let Some(&last) = poses.last() {
                viewer.set_pose(last);
                self.look_at(viewer);
            }
            let picture = viewer.picture(self.size, controls)?;
            output::write_whole(path, &picture.png()?)?;
            report.written.push(path.display().to_string());
            return Ok(ending);
        }
        let (Some(frames), Some(folder)) = (self.frames, &self.out) else { return Ok(ending) };
        std::fs::create_dir_all(folder)
            .with_context(|| format!("{}: cannot be made a folder", folder.display()))?;
        let last = frames - 1;
        let progress = Progress::new(settings.progress, "drawing");
        let mut failed = None;
        let set = |viewer: &mut Viewer, index: usize| {
            let part = index as f64 / f64::from(last);
            match poses.len() {
                0 => viewer.look.time = Some(part),
                steps => viewer.set_pose(poses[((part * steps as f64) as usize).min(steps - 1)]),
            }
            Ok(())
        };
        let take = |index: usize, picture: Picture| {
            progress.at(index, frames as usize, || "drawing".into());
            let path = output::frame_path(folder, index as u32, last, "png");
            let wrote =
                picture.png().map_err(Into::into).and_then(|bytes| output::write_whole(&path, &bytes));
            match wrote {
                Ok(()) => report.written.push(path.display().to_string()),
                Err(error) => failed = Some(error),
            }
            if failed.is_some() { ControlFlow::Break(()) } else { interrupt::flow() }
        };
        viewer.pictures(self.size, controls, frames as usize, set, take)?;
        if let Some(error) = failed {
            return Err(error);
        }
        if report.written.len() < frames as usize {
            settings.note(format!("interrupted: {} of {frames} pictures are written", report.written.len()));
            return Ok(Ending::Interrupted);
        }
        Ok(ending)
    }
}

/// Finds a plan between the clouds as they are drawn. Returns whether it was found before the user stopped it.
fn transport(scene: &mut Scene, settings: &Settings) -> Result<bool> {
    let Some(target) = &scene.target else { return Ok(true) };
    interrupt::hold();
    let progress = Progress::new(settings.progress, "transport");
    let moved = scene.moved_source();
    let problem = WassersteinProblem::new(Measure::uniform(&moved)?, Measure::uniform(target.positions())?);
    let found = certified::planned(&Wasserstein::default(), &problem, &progress)?;
    if found.convergence.status == Status::Stopped {
        settings.note("interrupted: there is no plan to show yet");
        return Ok(false);
    }
    scene.plan = Some(found.plan);
    scene.potentials = Some([found.potentials.source, found.potentials.target]);
    Ok(true)
}

/// Registers the source and tells how that ended. Returns the pose after every step.
fn registered(
    viewer: &Viewer,
    report: &mut ViewReport,
    settings: &Settings,
) -> Result<(Vec<Isometry3<f64>>, Ending)> {
    let scene = viewer.scene();
    let Some(target) = &scene.target else { bail!("a registration is of two clouds") };
    let progress = Progress::new(settings.progress, "registering");
    let mut poses = vec![scene.target_from_source];
    let watch = |step: &AlignmentStep| {
        poses.push(step.target_from_source);
        progress.at(step.phase, step.phases, || format!("{}, step {}", step.stage, step.iteration));
        interrupt::flow()
    };
    let found = viewer.aligner_from_here().align_with(&scene.source, target, watch)?;
    poses.push(found.target_from_source);
    report.verdict = Some(found.verdict.to_string());
    report.target_from_source = Some(matrix(&found.target_from_source));
    let ending = match (found.convergence.status, found.verdict) {
        (Status::Stopped, _) => Ending::Interrupted,
        (_, Verdict::Failed) => Ending::Missed,
        _ => Ending::Done,
    };
    Ok((poses, ending))
}

impl Report for ViewReport {
    fn text(&self) -> String {
        let mut lines = Lines::default();
        let target = self.target_points.map_or(String::new(), |points| format!(", {} target", count(points)));
        lines.add("points", format!("{} source{target}", count(self.source_points)));
        lines.add_some("arcs", self.arcs.map(count));
        lines.add_some("verdict", self.verdict.clone());
        lines.add("time", self.seconds.text());
        lines.add_some(
            "written",
            match self.written.as_slice() {
                [] => None,
                [one] => Some(one.clone()),
                [first, .., last] => Some(format!("{} pictures, {first} to {last}", self.written.len())),
            },
        );
        lines.text()
    }
}

/// `1280x800`.
fn size(text: &str) -> Result<[u32; 2], String> {
    let sides = text.split_once(['x', 'X']).and_then(|(w, h)| Some([w.parse().ok()?, h.parse().ok()?]));
    let within = |sides: &[u32; 2]| sides.iter().all(|side| SIDES.contains(side));
    let range = format!("width and height from {} to {}", SIDES.start(), SIDES.end());
    sides.filter(within).ok_or_else(|| format!("expected {range}, such as 1280x800"))
}

/// `30,-15`.
fn angles(text: &str) -> Result<[f64; 2], String> {
    let angles = text
        .split_once(',')
        .and_then(|(yaw, pitch)| Some([yaw.trim().parse().ok()?, pitch.trim().parse().ok()?]));
    angles.ok_or_else(|| "expected two angles in degrees, such as 30,-15".into())
}

/// `1a1b20`, with or without a number sign.
fn background(text: &str) -> Result<[u8; 3], String> {
    let digits = text.trim_start_matches('#');
    let wrong = || "expected six hexadecimal digits, such as ffffff".to_owned();
    if digits.len() != 6 || !digits.is_ascii() {
        return Err(wrong());
    }
    let channel = |first: usize| u8::from_str_radix(&digits[first..first + 2], 16).map_err(|_| wrong());
    Ok([channel(0)?, channel(2)?, channel(4)?])
}
