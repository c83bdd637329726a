//! `barrow distance`: how far apart two clouds are.

mod colorize;
mod metrics;
mod nearest;
mod page;
mod slices;
mod wasserstein;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use barrow::geometry::Status;
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;

pub use self::metrics::AT_ONCE;
use self::metrics::sinkhorn;
use self::nearest::{Nearness, nearest};
use self::page::Story;
use self::slices::{max_sliced, sliced};
use self::wasserstein::wasserstein;
use crate::certified::{CertificateReport, Certified};
use crate::clouds::Pair;
use crate::device::DeviceReport;
use crate::entropy::Entropy;
use crate::failure::{Ending, usage};
use crate::output::{self, Kind};
use crate::report::{ConvergenceReport, Lines, Report, Seconds, count, number, print};
use crate::settings::Settings;
use crate::weights::Weighting;

/// Measure how far apart two clouds are.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  barrow distance a.ply b.ply
  barrow distance scan.ply truth.ply --metric fscore --radius 0.01 --radius 0.05
  barrow distance scan.ply truth.ply --colorize errors.ply --colorize-max 0.1
  barrow distance a.ply b.ply --metric wasserstein --gap 0.001 --report distance.html
  barrow distance a.ply b.ply --metric sinkhorn --blur 0.05 --json
  barrow distance a.las b.las --metric sliced --p 1 --projections 1000

Metrics and units of the value:
  chamfer    average of the two directed mean distances to the nearest point [m]
  hausdorff  larger of the two directed maximum distances [m]
  fscore     harmonic mean of precision and recall [1], the shares of the source and of the
             target points that lie within --radius of the other cloud
  wasserstein
             optimal transport distance, the p-th root of the mean cost [m], between proven bounds;
             with --reach what is dropped counts as moved that far, with --mass only what is moved counts
  sinkhorn   debiased entropic transport cost [m^p, times the unit of the weights]
  sliced     mean of the transport costs along lines in all directions, its p-th root [m]
  max-sliced transport distance along the line where it is largest [m]

Chamfer is called what three other numbers are called too. The sum of both directed means is twice this \
value; the sum and the average of the mean squared distances follow from mean_of_squares of both \
directions in the details of --json.

Weights: the scale of the weights does not matter to chamfer, hausdorff and fscore. A point of weight zero \
is not there: it is nobody's nearest point and counts in no mean, share or maximum.

--report writes one page that needs no other file and no network: both clouds, the value and all that is known beside it, \
the proven interval closing over time or misplaced mass by step, a histogram of how far mass travels or of the distances to \
the nearest point, settings and versions. Interrupted, or short of --gap, it shows what there is.")]
pub struct Options {
    /// What is measured.
    #[arg(long, value_enum, default_value_t = Metric::Chamfer)]
    metric: Metric,
    /// Exponent of the distance in the cost: wasserstein, sinkhorn, sliced, max-sliced [default: 2].
    #[arg(long, value_name = "1|2", value_parser = clap::value_parser!(u8).range(1..=2))]
    p: Option<u8>,
    /// Leave the entropic bias in: sinkhorn.
    #[arg(long)]
    no_debias: bool,
    /// Directions to project on, at least 8: sliced, max-sliced [default: 1200, and 160 to start from].
    #[arg(long, value_name = "L")]
    projections: Option<usize>,
    /// Draw every direction by itself instead of spreading them evenly: sliced.
    #[arg(long)]
    monte_carlo: bool,
    /// Write a page for a browser: a picture, numbers, curves, a histogram of distances, settings.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    #[command(flatten)]
    pair: Pair,
    #[command(flatten)]
    nearness: Nearness,
    #[command(flatten)]
    entropy: Entropy,
    #[command(flatten)]
    certified: Certified,
    #[command(flatten)]
    weighting: Weighting,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Metric {
    Chamfer,
    Hausdorff,
    Fscore,
    Wasserstein,
    Sinkhorn,
    Sliced,
    MaxSliced,
}

impl Metric {
    /// As it is typed.
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
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
    /// Bounds that are proven.
    certificate: Option<CertificateReport>,
    details: Value,
    written: Vec<String>,
    #[serde(skip)]
    lines: Vec<(String, String)>,
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
        Metric::Chamfer | Metric::Hausdorff | Metric::Fscore => nearest(options, &clouds, settings),
        Metric::Wasserstein => wasserstein(options, &clouds, settings),
        Metric::Sinkhorn => sinkhorn(options, &clouds, settings),
        Metric::Sliced => sliced(options, &clouds, settings),
        Metric::MaxSliced => max_sliced(options, &clouds, settings),
    }
    .with_context(|| options.pair.names())?;
    let solve = start.elapsed().as_secs_f64() - answer.prepare;
    let status = answer.convergence.status;
    if status == Status::MaxIterations && answer.certificate.is_none() {
        settings.note("the iterations did not converge; more are allowed by --max-iterations");
    }
    let mut report = DistanceReport {
        metric: options.metric,
        value: answer.value,
        unit: answer.unit,
        source_points: clouds.source.len(),
        target_points: clouds.target.len(),
        settings: answer.settings,
        device: answer.device,
        seconds: Seconds { read: clouds.seconds, prepare: answer.prepare, solve },
        convergence: (&answer.convergence).into(),
        certificate: answer.certificate,
        details: answer.details,
        written: Vec::new(),
        lines: answer.lines,
    };
    if let Some(path) = &options.report {
        let (course, lengths, missed) = (&answer.course, answer.lengths, answer.missed);
        Story { options, clouds: &clouds, report: &report, course, lengths, missed }.write(path, settings)?;
        report.written.push(path.display().to_string());
    }
    print(&report, settings)?;
    Ok(match status {
        Status::Stopped => Ending::Interrupted,
        _ if answer.missed => Ending::Missed,
        _ => Ending::Done,
    })
}

impl Options {
    /// Refuses options that the metric would ignore.
    fn check(&self) -> Result<()> {
        use Metric::{Chamfer, Fscore, Hausdorff, MaxSliced, Sinkhorn, Sliced, Wasserstein};
        let given = |option: Option<&'static str>| (option.unwrap_or_default(), option.is_some());
        let (entropic, with_entropy) = given(self.entropy.entropic());
        let (certified, with_certificate) = given(self.certified.given());
        let owners: [(&str, bool, &[Metric]); 9] = [
            ("--p", self.p.is_some(), &[Wasserstein, Sinkhorn, Sliced, MaxSliced]),
            ("--projections", self.projections.is_some(), &[Sliced, MaxSliced]),
            ("--monte-carlo", self.monte_carlo, &[Sliced]),
            ("--no-debias", self.no_debias, &[Sinkhorn]),
            (entropic, with_entropy, &[Sinkhorn]),
            ("--reach", self.entropy.reach.is_some(), &[Wasserstein, Sinkhorn]),
            ("--max-iterations", self.entropy.max_iterations.is_some(), &[Wasserstein, Sinkhorn]),
            (certified, with_certificate, &[Wasserstein]),
            ("the options under Nearest points", self.nearness.is_given(), &[Chamfer, Hausdorff, Fscore]),
        ];
        for (option, given, metrics) in owners {
            if given && !metrics.contains(&self.metric) {
                let metrics: Vec<_> = metrics.iter().map(|metric| metric.name()).collect();
                let message = format!("{option} can be used with --metric {} only", metrics.join(" or "));
                return Err(usage(message));
            }
        }
        self.report.as_deref().map_or(Ok(()), |path| output::check(path, Kind::Page))?;
        self.nearness.check(&self.weighting)
    }

    fn p(&self) -> u8 {
        self.p.unwrap_or(2)
    }
}

impl Report for DistanceReport {
    fn text(&self) -> String {
        let mut lines = Lines::default();
        // A share has no unit to print.
        let value = format!("{} {}", number(self.value), if self.unit == "1" { "" } else { self.unit });
        lines.add(self.metric.name(), value.trim_end());
        lines.add_some("interval", self.certificate.map(|certificate| certificate.text()));
        lines.add(
            "points",
            format!("{} source, {} target", count(self.source_points), count(self.target_points)),
        );
        for (label, value) in &self.lines {
            lines.add(label, value);
        }
        if self.convergence.iterations > 0 {
            let entropic = self.certificate.is_none();
            let text =
                if entropic { self.convergence.text("misplaced mass") } else { self.convergence.short() };
            lines.add("stopped", text);
        }
        lines.add_some("device", self.device.text());
        lines.add("time", self.seconds.text());
        if !self.written.is_empty() {
            lines.add("written", self.written.join("\n"));
        }
        lines.text()
    }
}
