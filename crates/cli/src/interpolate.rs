//! `barrow interpolate`: clouds on the way from one to another.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use barrow::geometry::{Certificate, Convergence, Displacement, SparsePlan, Wasserstein, WassersteinProblem};
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use crate::certified::{self, CertificateReport};
use crate::clouds::{LoadedPair, Pair};
use crate::device::DeviceReport;
use crate::distance::AT_ONCE;
use crate::failure::{Ending, usage};
use crate::interrupt;
use crate::output;
use crate::progress::Progress;
use crate::report::{ConvergenceReport, Lines, Report, Seconds, count, number, print};
use crate::settings::Settings;
use crate::weights::Weighting;

/// Move one cloud onto another along a transport plan and write the clouds on the way.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  barrow interpolate a.ply b.ply --frames 30 --out frames
  barrow match a.ply b.ply --out plan.npz && \\
  barrow interpolate a.ply b.ply --frames 30 --out frames --plan plan.npz --means

The frames are DIR/000.ply, 001.ply, ...: the first has the points of the source, the last those of the \
target. Every arc of the plan is a point that moves in a straight line at constant speed. Colours, \
intensities, times and normals change on the way where both clouds have them, and are left out otherwise.")]
pub struct Options {
    /// How many clouds to write, both ends included.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    frames: u32,
    /// Folder to write them to; made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Follow this plan, as `barrow match` writes it [default: an optimal one for the squared distance is found].
    #[arg(long, value_name = "PLAN")]
    plan: Option<PathBuf>,
    /// One point per source point, towards the mean of its targets, instead of one per arc.
    #[arg(long)]
    means: bool,
    /// How far from optimal the plan that is found may be: relative gap of the proven interval of its distance, below 1;
    /// 0 asks for the optimum [default: 0.01].
    #[arg(long, value_name = "PART", allow_negative_numbers = true, conflicts_with = "plan")]
    gap: Option<f64>,
    #[command(flatten)]
    weighting: Weighting,
    #[command(flatten)]
    pair: Pair,
}

#[derive(Debug, Serialize)]
struct InterpolateReport {
    frames: Vec<Frame>,
    attributes: Vec<&'static str>,
    arcs: usize,
    transported_mass: f64,
    source_points: usize,
    target_points: usize,
    settings: Value,
    device: DeviceReport,
    seconds: Seconds,
    convergence: ConvergenceReport,
    /// Of the distance between the clouds; not known of a plan from a file.
    certificate: Option<CertificateReport>,
    written: Vec<String>,
}

/// What is known of a plan.
struct Found {
    convergence: Convergence,
    certificate: Option<Certificate>,
    /// The gap asked for.
    gap: Option<f64>,
}

impl Found {
    /// A plan from a file.
    fn by_another() -> Self {
        Self { convergence: AT_ONCE, certificate: None, gap: None }
    }
}

#[derive(Debug, Serialize)]
struct Frame {
    path: String,
    t: f64,
    points: usize,
}

/// Reads, solves unless there is a plan, and writes one cloud after the other.
///
/// # Errors
/// If a file cannot be read or written, the plan does not fit the clouds or is empty, or an option is out of range.
pub fn run(options: &Options, settings: &Settings) -> Result<Ending> {
    if options.plan.is_some() && options.weighting.is_given() {
        return Err(usage("--plan has masses already: the options under Weights would be ignored"));
    }
    let clouds = options.pair.read(settings)?;
    interrupt::hold();
    let progress = Progress::new(settings.progress, "interpolating");
    let start = Instant::now();
    let (plan, found) = match &options.plan {
        Some(path) => {
            (barrow::io::read_plan(path, clouds.source.len(), clouds.target.len())?, Found::by_another())
        }
        None => solved(options, &clouds, &progress)?,
    };
    if let (Some(path), true) = (&options.plan, plan.arcs().is_empty()) {
        bail!("{}: the plan moves no mass; at least one arc is needed", path.display());
    }
    let prepare = start.elapsed().as_secs_f64();

    std::fs::create_dir_all(&options.out)
        .with_context(|| format!("{}: cannot be made a folder", options.out.display()))?;
    let way = Displacement::new(&clouds.source, &clouds.target, &plan)?;
    let last = options.frames - 1;
    let mut report = InterpolateReport {
        frames: Vec::new(),
        attributes: Vec::new(),
        arcs: plan.arcs().len(),
        transported_mass: plan.mass(),
        source_points: clouds.source.len(),
        target_points: clouds.target.len(),
        settings: json!({
            "plan": options.plan.as_ref().map(|path| path.display().to_string()),
            "gap": found.gap,
            "means": options.means,
            "weights": options.plan.is_none().then(|| options.weighting.text()),
        }),
        device: settings.device.cpu_only("interpolation"),
        seconds: Seconds { read: clouds.seconds, prepare, solve: 0.0 },
        convergence: (&found.convergence).into(),
        certificate: found.certificate.map(CertificateReport::from),
        written: Vec::new(),
    };
    for index in 0..options.frames {
        if interrupt::asked() {
            break;
        }
        progress.at(index as usize, options.frames as usize, || "writing".into());
        let t = f64::from(index) / f64::from(last);
        let displaced = if options.means { way.means_at(t) } else { way.at(t) }?;
        let path = output::frame_path(&options.out, index, last, "ply");
        output::write_cloud(&path, &displaced.cloud, false, settings)?;
        report.attributes = displaced.cloud.attributes();
        let path = path.display().to_string();
        report.written.push(path.clone());
        report.frames.push(Frame { path, t, points: displaced.cloud.len() });
    }
    drop(progress);
    report.seconds.solve = start.elapsed().as_secs_f64() - prepare;
    let complete = report.frames.len() == options.frames as usize;
    if !complete {
        settings.note(format!(
            "interrupted: {} of {} frames are written",
            report.frames.len(),
            options.frames
        ));
    }
    print(&report, settings)?;
    Ok(if complete { Ending::Done } else { Ending::Interrupted })
}

/// A plan that is optimal within the gap.
fn solved(options: &Options, clouds: &LoadedPair, progress: &Progress) -> Result<(SparsePlan, Found)> {
    let weights = options.weighting.read(clouds, &options.pair)?;
    let (source, target) = weights.measures(clouds, &options.pair)?;
    let default = Wasserstein::default();
    let solver = Wasserstein { gap: options.gap.unwrap_or(default.gap), ..default };
    let problem = WassersteinProblem::new(source, target);
    let answer = certified::planned(&solver, &problem, progress).with_context(|| options.pair.names())?;
    let certificate = Some(answer.certificate);
    Ok((answer.plan, Found { convergence: answer.convergence, certificate, gap: Some(solver.gap) }))
}

impl Report for InterpolateReport {
    fn text(&self) -> String {
        let mut lines = Lines::default();
        let (source, target) = (count(self.source_points), count(self.target_points));
        let attributes = if self.attributes.is_empty() { "none".into() } else { self.attributes.join(", ") };
        lines.add("points", format!("{source} source, {target} target"));
        lines.add("arcs", format!("{} with mass {}", count(self.arcs), number(self.transported_mass)));
        lines.add("attributes", attributes);
        if self.convergence.iterations > 0 {
            lines.add("stopped", self.convergence.text("gap"));
        }
        lines.add_some("device", self.device.text());
        lines.add("time", self.seconds.text());
        if let (Some(first), Some(last)) = (self.written.first(), self.written.last()) {
            lines.add("written", format!("{} frames, {first} to {last}", self.written.len()));
        }
        lines.text()
    }
}
