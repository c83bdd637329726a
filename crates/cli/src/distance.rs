//! `barrow distance`: how far apart two clouds are.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, Result};
use barrow::geometry::{
    Backend, Chamfer, Convergence, DirectedChamfer, DivergenceTerm, MarginalError, SinkhornDivergence,
    SinkhornStep, Sliced, Status, TransportPlan, chamfer,
};
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::{Value, json};

use crate::clouds::{LoadedPair, Pair};
use crate::entropy::{BLUR_OF_DISTANCE, Entropy, step_text};
use crate::failure::{Ending, usage};
use crate::interrupt;
use crate::progress::Progress;
use crate::report::{ConvergenceReport, DeviceReport, Lines, Report, Seconds, count, number, print};
use crate::settings::Settings;
use crate::weights::Weighting;

/// Measure how far apart two clouds are.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  barrow distance a.ply b.ply
  barrow distance a.ply b.ply --metric sinkhorn --blur 0.05 --json
  barrow distance a.las b.las --metric sliced --p 1 --projections 1000

Metrics and units of the value:
  chamfer    average of the two directed mean distances to the nearest point [m]
  hausdorff  larger of the two directed maximum distances [m]
  sinkhorn   debiased entropic transport cost [m^p, times the unit of the weights]
  sliced     mean of the transport costs along lines in all directions, its p-th root [m]")]
pub struct Options {
    /// What is measured.
    #[arg(long, value_enum, default_value_t = Metric::Chamfer)]
    metric: Metric,
    /// Exponent of the distance in the cost: sinkhorn, sliced [default: 2].
    #[arg(long, value_name = "1|2", value_parser = clap::value_parser!(u8).range(1..=2))]
    p: Option<u8>,
    /// Leave the entropic bias in: sinkhorn.
    #[arg(long)]
    no_debias: bool,
    /// Directions to project on, at least 8: sliced [default: 400].
    #[arg(long, value_name = "L")]
    projections: Option<usize>,
    #[command(flatten)]
    entropy: Entropy,
    #[command(flatten)]
    weighting: Weighting,
    #[command(flatten)]
    pair: Pair,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Metric {
    Chamfer,
    Hausdorff,
    Sinkhorn,
    Sliced,
}

#[derive(Debug, Serialize)]
struct DistanceReport {
    metric: Metric,
    value: f64,
    unit: &'static str,
    source_points: usize,
    target_points: usize,
    settings: Value,
    device: DeviceReport,
    seconds: Seconds,
    convergence: ConvergenceReport,
    /// Bounds that are proven; none of these metrics gives them.
    certificate: Option<()>,
    details: Value,
    #[serde(skip)]
    lines: Vec<(String, String)>,
}

/// What a metric gives.
struct Answer {
    value: f64,
    unit: &'static str,
    settings: Value,
    convergence: Convergence,
    details: Value,
    /// The details for a reader.
    lines: Vec<(String, String)>,
    prepare: f64,
}

/// Reads both clouds and measures.
///
/// # Errors
/// If an option does not belong to the metric or is out of range, or a file cannot be read.
pub fn run(options: &Options, settings: &Settings) -> Result<Ending> {
    options.check()?;
    let clouds = options.pair.read(settings)?;
    let start = Instant::now();
    let answer = match options.metric {
        Metric::Chamfer | Metric::Hausdorff => nearest(options, &clouds, settings),
        Metric::Sinkhorn => sinkhorn(options, &clouds, settings),
        Metric::Sliced => sliced(options, &clouds, settings),
    }
    .with_context(|| options.pair.names())?;
    let solve = start.elapsed().as_secs_f64() - answer.prepare;
    let status = answer.convergence.status;
    if status == Status::MaxIterations {
        settings.note("the iterations did not converge; more are allowed by --max-iterations");
    }
    let report = DistanceReport {
        metric: options.metric,
        value: answer.value,
        unit: answer.unit,
        source_points: clouds.source.len(),
        target_points: clouds.target.len(),
        settings: answer.settings,
        device: settings.device,
        seconds: Seconds { read: clouds.seconds, prepare: answer.prepare, solve },
        convergence: (&answer.convergence).into(),
        certificate: None,
        details: answer.details,
        lines: answer.lines,
    };
    print(&report, settings)?;
    Ok(if status == Status::Stopped { Ending::Interrupted } else { Ending::Done })
}

impl Options {
    /// Refuses options that the metric would ignore.
    fn check(&self) -> Result<()> {
        use Metric::{Sinkhorn, Sliced};
        let owners: [(&str, bool, &[Metric]); 5] = [
            ("--p", self.p.is_some(), &[Sinkhorn, Sliced]),
            ("--projections", self.projections.is_some(), &[Sliced]),
            ("--no-debias", self.no_debias, &[Sinkhorn]),
            ("the options under Transport", self.entropy.is_given(), &[Sinkhorn]),
            ("the options under Weights", self.weighting.is_given(), &[Sinkhorn, Sliced]),
        ];
        for (option, given, metrics) in owners {
            if given && !metrics.contains(&self.metric) {
                let metrics: Vec<_> =
                    metrics.iter().map(|metric| format!("{metric:?}").to_lowercase()).collect();
                let message = format!("{option} can be used with --metric {} only", metrics.join(" or "));
                return Err(usage(message));
            }
        }
        Ok(())
    }

    fn p(&self) -> u8 {
        self.p.unwrap_or(2)
    }
}

/// Unit of a cost between points: m^p.
fn unit_of_cost(p: u8) -> &'static str {
    if p == 1 { "m" } else { "m^2" }
}

fn nearest(options: &Options, clouds: &LoadedPair, settings: &Settings) -> Result<Answer> {
    let _progress = Progress::new(settings.progress, "measuring");
    let chamfer = chamfer(&clouds.source, &clouds.target)?;
    let Chamfer { source_to_target: forth, target_to_source: back, .. } = chamfer;
    let value = match options.metric {
        Metric::Hausdorff => forth.maximum.max(back.maximum),
        _ => chamfer.value,
    };
    let line = |side: &DirectedChamfer| {
        format!(
            "mean {} m, rms {} m, median {} m, 95 % {} m, maximum {} m",
            number(side.mean),
            number(side.rms),
            number(side.median),
            number(side.percentile_95),
            number(side.maximum)
        )
    };
    Ok(Answer {
        value,
        unit: "m",
        settings: json!({}),
        convergence: Convergence { status: Status::Converged, iterations: 0, residual: 0.0 },
        details: json!({
            "source_to_target": directed(&forth, forth.maximum_from, forth.maximum_to),
            "target_to_source": directed(&back, back.maximum_to, back.maximum_from),
        }),
        lines: vec![("source to target".into(), line(&forth)), ("target to source".into(), line(&back))],
        prepare: 0.0,
    })
}

fn directed(side: &DirectedChamfer, source: usize, target: usize) -> Value {
    json!({
        "mean": side.mean,
        "mean_of_squares": side.mean_of_squares,
        "rms": side.rms,
        "median": side.median,
        "percentile_95": side.percentile_95,
        "maximum": side.maximum,
        "maximum_at": { "source": source, "target": target },
    })
}

fn sinkhorn(options: &Options, clouds: &LoadedPair, settings: &Settings) -> Result<Answer> {
    interrupt::hold();
    let progress = Progress::new(settings.progress, "solving transport");
    let start = Instant::now();
    let weights = options.weighting.read(clouds, &options.pair)?;
    let measures = weights.measures(clouds, &options.pair)?;
    let problem = options.entropy.problem(measures, clouds, options.p(), BLUR_OF_DISTANCE);
    let solver = options.entropy.solver();
    let prepare = start.elapsed().as_secs_f64();
    let observe = |step: &SinkhornStep| {
        progress.say(|| step_text(step));
        interrupt::flow()
    };
    let (value, mass_term, terms) = if options.no_debias {
        let plan = solver.solve_with(&problem, &Backend::Cpu, observe)?;
        (plan.value(), 0.0, vec![("cross", Term::of_plan(&plan))])
    } else {
        let answer = SinkhornDivergence::solve_with(&solver, &problem, &Backend::Cpu, observe)?;
        let terms = [("cross", answer.cross), ("source", answer.source), ("target", answer.target)];
        (answer.value, answer.mass_term, terms.map(|(name, term)| (name, Term::from(term))).into())
    };
    let mut entropy =
        serde_json::to_value(options.entropy.settings(&problem, options.p(), &options.weighting))?;
    entropy["debias"] = (!options.no_debias).into();
    Ok(Answer {
        value,
        unit: unit_of_cost(options.p()),
        settings: entropy,
        convergence: weakest(&terms),
        details: json!({
            "terms": terms.iter().map(|(name, term)| (*name, term.json())).collect::<BTreeMap<_, _>>(),
            "mass_term": mass_term,
        }),
        lines: vec![("blur".into(), format!("{} m", number(problem.blur)))],
        prepare,
    })
}

/// One of the transport values of a divergence.
struct Term {
    value: f64,
    convergence: Convergence,
    marginal_error: MarginalError,
}

impl From<DivergenceTerm> for Term {
    fn from(term: DivergenceTerm) -> Self {
        Self { value: term.value, convergence: term.convergence, marginal_error: term.marginal_error }
    }
}

impl Term {
    fn of_plan(plan: &TransportPlan) -> Self {
        let (value, convergence, marginal_error) = (plan.value(), plan.convergence(), plan.marginal_error());
        Self { value, convergence, marginal_error }
    }

    fn json(&self) -> Value {
        let MarginalError { source, target, .. } = self.marginal_error;
        json!({
            "value": self.value,
            "marginal_error": { "source": source, "target": target },
            "convergence": ConvergenceReport::from(&self.convergence),
        })
    }
}

/// The convergence of the whole: as good as that of its weakest term.
fn weakest(terms: &[(&str, Term)]) -> Convergence {
    let rank = |status: Status| match status {
        Status::Stopped => 2,
        Status::Converged => 0,
        _ => 1,
    };
    let all = || terms.iter().map(|(_, term)| term.convergence);
    Convergence {
        status: all().map(|c| c.status).max_by_key(|&status| rank(status)).unwrap_or(Status::Converged),
        iterations: all().map(|c| c.iterations).sum(),
        residual: all().map(|c| c.residual).fold(0.0, f64::max),
    }
}

fn sliced(options: &Options, clouds: &LoadedPair, settings: &Settings) -> Result<Answer> {
    let _progress = Progress::new(settings.progress, "projecting");
    let start = Instant::now();
    let weights = options.weighting.read(clouds, &options.pair)?;
    let (source, target) = weights.measures(clouds, &options.pair)?;
    let prepare = start.elapsed().as_secs_f64();
    let projections = options.projections.unwrap_or(Sliced::default().projections);
    let solver = Sliced { p: options.p().into(), projections, seed: settings.seed };
    let answer = solver.distance(&source, &target)?;
    Ok(Answer {
        value: answer.value,
        unit: "m",
        settings: json!({
            "p": options.p(),
            "projections": projections,
            "seed": settings.seed,
            "weights": options.weighting.text(),
        }),
        convergence: Convergence { status: Status::Converged, iterations: 0, residual: 0.0 },
        details: json!({ "standard_error": answer.standard_error }),
        lines: vec![("standard error".into(), format!("{} m", number(answer.standard_error)))],
        prepare,
    })
}

impl Report for DistanceReport {
    fn text(&self) -> String {
        let mut lines = Lines::default();
        let metric = format!("{:?}", self.metric).to_lowercase();
        lines.add(metric, format!("{} {}", number(self.value), self.unit));
        lines.add(
            "points",
            format!("{} source, {} target", count(self.source_points), count(self.target_points)),
        );
        for (label, value) in &self.lines {
            lines.add(label, value);
        }
        if self.convergence.iterations > 0 {
            lines.add("stopped", self.convergence.text("misplaced mass"));
        }
        lines.add("time", self.seconds.text());
        lines.text()
    }
}
