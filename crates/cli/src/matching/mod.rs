//! `barrow match`: which mass goes where.

mod entropic;
mod sparse;

use std::path::PathBuf;

use anyhow::{Context, Result};
use barrow::geometry::{Arc, Convergence, Status};
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use self::entropic::entropic;
use self::sparse::sparse;
use crate::certified::{CertificateReport, Certified};
use crate::clouds::Pair;
use crate::device::DeviceReport;
use crate::entropy::Entropy;
use crate::failure::{Ending, usage};
use crate::interrupt;
use crate::output::{self, Kind};
use crate::report::{ConvergenceReport, Lines, Report, Seconds, count, number, print};
use crate::settings::Settings;
use crate::weights::Weighting;

/// Match two clouds by optimal transport and write the plan.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  barrow match source.ply target.ply --out plan.npz
  barrow match source.ply target.ply --out plan.csv --blur 0.05 --reach 1 --json
  barrow match source.ply target.ply --out plan.npz --gap 0.01

Without more the plan is entropic: fuzzy below the blur, its small entries left out. With --gap, --mass or \
--max-seconds it is sparse, at most one arc for each point but one, all of them written, and its cost is \
proven to be within the gap of the optimum.

A plan has the columns source, target (indices into the files' finite points), mass and cost (of \
one unit of mass). A .ply holds both clouds, the arcs between them as edges.")]
pub struct Options {
    /// Write the plan: .npz, .csv or .ply.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Exponent of the distance in the cost.
    #[arg(long, value_name = "1|2", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2))]
    p: u8,
    /// Leave out arcs that hold less than this part of their source point's mass, above 0, at most 1; of
    /// an entropic plan [default: 0.001].
    #[arg(long, value_name = "PART", allow_negative_numbers = true)]
    threshold: Option<f64>,
    #[command(flatten)]
    entropy: Entropy,
    #[command(flatten)]
    certified: Certified,
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
    /// The transport distance [m], of a plan without entropy.
    distance: Option<f64>,
    /// Bounds on it that are proven; an entropic plan comes without.
    certificate: Option<CertificateReport>,
    convergence: ConvergenceReport,
    device: DeviceReport,
    seconds: Seconds,
    arcs_mass: f64,
    source_points: usize,
    target_points: usize,
    settings: Value,
    written: Vec<String>,
    #[serde(skip)]
    unit_of_cost: &'static str,
    #[serde(skip)]
    line: Option<(&'static str, String)>,
}

#[derive(Debug, Serialize)]
struct MarginalErrorReport {
    source: f64,
    target: f64,
}

/// A plan and what is known about it.
struct Found {
    arcs: Vec<Arc>,
    transported_mass: f64,
    cost: f64,
    /// Of source and target, in parts of their totals.
    marginal_error: (f64, f64),
    distance: Option<f64>,
    certificate: Option<CertificateReport>,
    /// Whether a limit ended the work before what was asked for was reached.
    missed: bool,
    convergence: Convergence,
    /// Where it was computed.
    device: DeviceReport,
    /// What it was computed with.
    settings: Value,
    /// What else a reader should know.
    line: Option<(&'static str, String)>,
    /// Time until the solver started [s].
    prepare: f64,
    /// Time of the solver [s].
    solve: f64,
}

/// Reads both clouds, solves, writes the plan.
///
/// # Errors
/// If a file cannot be read or written, an option is out of range, or options contradict each other.
pub fn run(options: &Options, settings: &Settings) -> Result<Ending> {
    let certified = options.certified()?;
    output::check(&options.out, Kind::Plan)?;
    let clouds = options.pair.read(settings)?;
    interrupt::hold();
    let solve = if certified { sparse } else { entropic };
    let found = solve(options, &clouds, settings).with_context(|| options.pair.names())?;
    let status = found.convergence.status;
    let mut written = Vec::new();
    if status == Status::Stopped {
        settings.note(format!("interrupted: {} is not written", options.out.display()));
    } else {
        barrow::io::write_plan(&options.out, &clouds.source, &clouds.target, &found.arcs)?;
        written.push(options.out.display().to_string());
    }
    let report = MatchReport {
        arcs: found.arcs.len(),
        transported_mass: found.transported_mass,
        cost: found.cost,
        marginal_error: MarginalErrorReport {
            source: found.marginal_error.0,
            target: found.marginal_error.1,
        },
        distance: found.distance,
        certificate: found.certificate,
        convergence: (&found.convergence).into(),
        device: found.device,
        seconds: Seconds { read: clouds.seconds, prepare: found.prepare, solve: found.solve },
        arcs_mass: found.arcs.iter().map(|arc| arc.mass).sum(),
        source_points: clouds.source.len(),
        target_points: clouds.target.len(),
        settings: found.settings,
        written,
        unit_of_cost: if options.p == 1 { "m" } else { "m^2" },
        line: found.line,
    };
    print(&report, settings)?;
    Ok(match status {
        Status::Stopped => Ending::Interrupted,
        _ if found.missed => Ending::Missed,
        _ => Ending::Done,
    })
}

impl Options {
    /// Whether a plan without entropy is asked for.
    fn certified(&self) -> Result<bool> {
        let threshold = self.threshold.map(|_| "--threshold");
        let Some(certified) = self.certified.given() else { return Ok(false) };
        match self.entropy.entropic().or(threshold) {
            None => Ok(true),
            Some(entropic) => Err(usage(format!(
                "{certified} asks for a plan without entropy, {entropic} belongs to one with; give one of them"
            ))),
        }
    }
}

impl Report for MatchReport {
    fn text(&self) -> String {
        let mut lines = Lines::default();
        let (source, target) = (count(self.source_points), count(self.target_points));
        lines.add("points", format!("{source} source, {target} target"));
        lines.add_some("distance", self.distance.map(|distance| format!("{} m", number(distance))));
        lines.add_some("interval", self.certificate.map(|certificate| certificate.text()));
        lines.add("arcs", format!("{} with mass {}", count(self.arcs), number(self.arcs_mass)));
        lines.add("mass", number(self.transported_mass));
        lines.add("cost", format!("{} {}", number(self.cost), self.unit_of_cost));
        if let Some((label, value)) = &self.line {
            lines.add(*label, value);
        }
        let MarginalErrorReport { source, target } = &self.marginal_error;
        lines.add("marginal error", format!("source {}, target {}", number(*source), number(*target)));
        let entropic = self.certificate.is_none();
        let text = if entropic { self.convergence.text("misplaced mass") } else { self.convergence.short() };
        lines.add("stopped", text);
        lines.add_some("device", self.device.text());
        lines.add("time", self.seconds.text());
        if !self.written.is_empty() {
            lines.add("written", self.written.join("\n"));
        }
        lines.text()
    }
}
