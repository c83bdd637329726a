//! `barrow match`: which mass goes where.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use barrow::geometry::{Backend, Status, TransportPlan};
use clap::Args;
use serde::Serialize;

use crate::clouds::Pair;
use crate::entropy::{BLUR_OF_MATCH, Entropy, EntropySettings, step_text};
use crate::failure::Ending;
use crate::interrupt;
use crate::output::{self, Kind};
use crate::progress::Progress;
use crate::report::{ConvergenceReport, DeviceReport, Lines, Report, Seconds, count, number, print};
use crate::settings::Settings;
use crate::weights::Weighting;

/// Match two clouds by optimal transport and write the plan.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  barrow match source.ply target.ply --out plan.npz
  barrow match source.ply target.ply --out plan.csv --blur 0.05 --reach 1 --json

A plan has the columns source, target (indices into the files' finite points), mass and cost (of \
one unit of mass). A .ply holds both clouds, the arcs between them as edges.")]
pub struct Options {
    /// Write the plan: .npz, .csv or .ply.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Exponent of the distance in the cost.
    #[arg(long, value_name = "1|2", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2))]
    p: u8,
    /// Leave out arcs that hold less than this part of their source point's mass, above 0, at most 1.
    #[arg(long, value_name = "PART", default_value_t = 1e-3, allow_negative_numbers = true)]
    threshold: f64,
    #[command(flatten)]
    entropy: Entropy,
    #[command(flatten)]
    weighting: Weighting,
    #[command(flatten)]
    pair: Pair,
}

#[derive(Debug, Serialize)]
struct MatchReport {
    arcs: usize,
    transported_mass: f64,
    cost: f64,
    marginal_error: MarginalErrorReport,
    /// Bounds that are proven; an entropic plan comes without.
    certificate: Option<()>,
    convergence: ConvergenceReport,
    device: DeviceReport,
    seconds: Seconds,
    arcs_mass: f64,
    source_points: usize,
    target_points: usize,
    settings: EntropySettings,
    written: Vec<String>,
}

#[derive(Debug, Serialize)]
struct MarginalErrorReport {
    source: f64,
    target: f64,
}

/// Reads both clouds, solves, writes the plan.
///
/// # Errors
/// If a file cannot be read or written or an option is out of range.
pub fn run(options: &Options, settings: &Settings) -> Result<Ending> {
    output::check(&options.out, Kind::Plan)?;
    let clouds = options.pair.read(settings)?;
    interrupt::hold();
    let progress = Progress::new(settings.progress, "solving transport");
    let start = Instant::now();
    let names = || options.pair.names();
    let weights = options.weighting.read(&clouds, &options.pair)?;
    let measures = weights.measures(&clouds, &options.pair)?;
    let problem = options.entropy.problem(measures, &clouds, options.p, BLUR_OF_MATCH);
    let prepare = start.elapsed().as_secs_f64();
    let observe = |step: &_| {
        progress.say(|| step_text(step));
        interrupt::flow()
    };
    let plan: TransportPlan =
        options.entropy.solver().solve_with(&problem, &Backend::Cpu, observe).with_context(names)?;
    let arcs = plan.arcs(options.threshold).with_context(names)?;
    let (convergence, error) = (plan.convergence(), plan.marginal_error());
    let solve = start.elapsed().as_secs_f64() - prepare;
    let mut written = Vec::new();
    if convergence.status == Status::Stopped {
        settings.note(format!("interrupted: {} is not written", options.out.display()));
    } else {
        barrow::io::write_plan(&options.out, &clouds.source, &clouds.target, &arcs)?;
        written.push(options.out.display().to_string());
    }
    drop(progress);
    if convergence.status == Status::MaxIterations {
        settings.note("the iterations did not converge; more are allowed by --max-iterations");
    }

    let report = MatchReport {
        arcs: arcs.len(),
        transported_mass: plan.mass(),
        cost: plan.transport_cost(),
        marginal_error: MarginalErrorReport { source: error.source, target: error.target },
        certificate: None,
        convergence: (&convergence).into(),
        device: settings.device,
        seconds: Seconds { read: clouds.seconds, prepare, solve },
        arcs_mass: arcs.iter().map(|arc| arc.mass).sum(),
        source_points: clouds.source.len(),
        target_points: clouds.target.len(),
        settings: options.entropy.settings(&problem, options.p, &options.weighting),
        written,
    };
    print(&report, settings)?;
    Ok(if convergence.status == Status::Stopped { Ending::Interrupted } else { Ending::Done })
}

impl Report for MatchReport {
    fn text(&self) -> String {
        let mut lines = Lines::default();
        let (source, target) = (count(self.source_points), count(self.target_points));
        let unit = if self.settings.p == 1 { "m" } else { "m^2" };
        lines.add("points", format!("{source} source, {target} target"));
        lines.add("arcs", format!("{} with mass {}", count(self.arcs), number(self.arcs_mass)));
        lines.add("mass", number(self.transported_mass));
        lines.add("cost", format!("{} {unit}", number(self.cost)));
        lines.add("blur", format!("{} m", number(self.settings.blur)));
        let MarginalErrorReport { source, target } = &self.marginal_error;
        lines.add("marginal error", format!("source {}, target {}", number(*source), number(*target)));
        lines.add("stopped", self.convergence.text("misplaced mass"));
        lines.add("time", self.seconds.text());
        if !self.written.is_empty() {
            lines.add("written", self.written.join("\n"));
        }
        lines.text()
    }
}
