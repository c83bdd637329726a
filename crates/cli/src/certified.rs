//! Transport without entropy: options, the run, and what it proves.

use anyhow::Result;
use barrow::geometry::{
    Certificate, Measure, Moved, Status, Wasserstein, WassersteinPlan, WassersteinProblem, WassersteinStage,
    WassersteinStep,
};
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use crate::device::DeviceReport;
use crate::entropy::Entropy;
use crate::interrupt;
use crate::page::Trace;
use crate::progress::Progress;
use crate::report::{above, below, number, significant};
use crate::settings::Settings;
use crate::weights::Weighting;

/// Options of a transport problem without entropy; those that it shares with an entropic one are there.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Transport without entropy")]
pub struct Certified {
    /// Relative gap of the proven interval, (upper - lower) / upper, at which the work ends, below 1;
    /// 0 asks for the optimum. Exit code 4 if a limit ends the work before [default: 0.01].
    #[arg(long, value_name = "PART", allow_negative_numbers = true)]
    pub gap: Option<f64>,
    /// Move only the cheapest part of this mass, in the unit of the weights [default: all mass is moved].
    #[arg(long, value_name = "MASS", allow_negative_numbers = true, conflicts_with = "reach")]
    pub mass: Option<f64>,
    /// Seconds at most; the first interval may take longer [default: no limit].
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub max_seconds: Option<f64>,
}

/// Between which numbers the distance is proven to lie.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct CertificateReport {
    /// The distance is at least this [m].
    pub lower: f64,
    /// The distance is at most this [m].
    pub upper: f64,
    /// (upper − lower) / upper.
    pub relative_gap: f64,
}

/// What came of a run.
pub struct Certain {
    /// Where the searches of the solver ran.
    pub device: DeviceReport,
    /// The library's answer.
    pub answer: WassersteinPlan,
    /// What the last step worked on.
    pub stage: Option<WassersteinStage>,
    /// Whether a limit ended the run before the gap was reached.
    pub missed: bool,
    /// What was proven after every step.
    pub trace: Trace<WassersteinStep>,
    /// The relative gap that ends the run.
    pub gap: f64,
}

/// A plan between measures for a command that shows or follows it; Ctrl-C ends the run.
///
/// # Errors
/// If the gap is out of range or totals differ.
pub fn planned(
    solver: &Wasserstein,
    problem: &WassersteinProblem,
    progress: &Progress,
) -> Result<WassersteinPlan> {
    let observe = |step: &WassersteinStep| {
        let gap = number(step.certificate.relative_gap());
        progress.say(|| format!("step {}, the plan is within {gap}", step.iteration));
        interrupt::flow()
    };
    Ok(solver.solve_with(problem, observe)?)
}

impl Certified {
    /// The first of the options that was given.
    pub fn given(&self) -> Option<&'static str> {
        let all = [("--gap", self.gap), ("--mass", self.mass), ("--max-seconds", self.max_seconds)];
        all.iter().find(|(_, value)| value.is_some()).map(|&(name, _)| name)
    }

    /// The solver that these options describe.
    fn solver(&self, shared: &Entropy) -> Wasserstein {
        let default = Wasserstein::default();
        Wasserstein {
            gap: self.gap.unwrap_or(default.gap),
            max_iterations: shared.max_iterations.map_or(default.max_iterations, |count| count as usize),
            max_seconds: self.max_seconds,
        }
    }

    /// The problem that these options describe. They are checked by the solver.
    pub fn problem<'a>(
        &self,
        (source, target): (Measure<'a>, Measure<'a>),
        p: u8,
        shared: &Entropy,
    ) -> WassersteinProblem<'a> {
        let moved = match (self.mass, shared.reach) {
            (Some(mass), _) => Moved::Mass(mass),
            (None, Some(reach)) => Moved::Within(reach),
            (None, None) => Moved::All,
        };
        WassersteinProblem { p: p.into(), moved, ..WassersteinProblem::new(source, target) }
    }

    /// Solves a problem; Ctrl-C ends the run, and the user is told if the gap was not reached.
    ///
    /// # Errors
    /// If an option is out of range, totals differ where all mass is to be moved, or a device fails.
    pub fn solve(
        &self,
        problem: &WassersteinProblem,
        shared: &Entropy,
        settings: &Settings,
    ) -> Result<Certain> {
        let progress = Progress::new(settings.progress, "solving transport");
        let solver = self.solver(shared);
        let mut stage = None;
        let mut trace = Trace::new();
        let (backend, device) = settings.device.if_asked("certified transport takes a device only if asked");
        let answer = solver.solve_with_on(problem, &backend, |step| {
            stage = Some(step.stage);
            trace.push(*step);
            show(&progress, step, solver.gap);
            interrupt::flow()
        })?;
        drop(progress);
        let gap = answer.certificate.relative_gap();
        // A limit may end the run at the very step that reaches the gap.
        let missed = answer.convergence.status == Status::MaxIterations && gap > solver.gap;
        if missed {
            let limit = if self.max_seconds.is_some() { "--max-seconds" } else { "--max-iterations" };
            let (gap, asked) = (percent(gap), percent(solver.gap));
            settings
                .note(format!("the gap is {gap}, not yet the {asked} asked for; {limit} allows more work"));
        }
        Ok(Certain { device, answer, stage, missed, trace, gap: solver.gap })
    }

    /// What the answer says about the problem.
    pub fn settings(&self, p: u8, shared: &Entropy, weighting: &Weighting) -> Value {
        let Wasserstein { gap, max_iterations, max_seconds } = self.solver(shared);
        json!({
            "p": p,
            "gap": gap,
            "reach": shared.reach,
            "mass": self.mass,
            "max_iterations": max_iterations,
            "max_seconds": max_seconds,
            "weights": weighting.text(),
        })
    }
}

impl From<Certificate> for CertificateReport {
    fn from(certificate: Certificate) -> Self {
        let Certificate { lower, upper, .. } = certificate;
        Self { lower, upper, relative_gap: certificate.relative_gap() }
    }
}

impl CertificateReport {
    /// The interval for a reader, rounded outwards so that what is printed is proven too.
    pub fn text(&self) -> String {
        let (lower, upper) = self.bounds();
        if self.lower == 0.0 {
            // Of a number that may be zero a relative gap says nothing.
            return format!("at most {upper} m, proven");
        }
        format!("between {lower} and {upper} m, proven; gap {}", percent(self.relative_gap))
    }

    /// Both bounds, rounded outwards, with enough digits to see that they differ.
    pub fn bounds(&self) -> (String, String) {
        let digits = (3.0 - self.relative_gap.log10().floor()).clamp(6.0, 15.0) as usize;
        (below(self.lower, digits), above(self.upper, digits))
    }
}

/// The name of a stage in an answer.
pub fn name(stage: WassersteinStage) -> &'static str {
    match stage {
        WassersteinStage::Level => "level",
        WassersteinStage::Sweep => "sweep",
        WassersteinStage::Simplex => "simplex",
        _ => "other",
    }
}

/// A part of a whole in percent, with two digits.
pub fn percent(part: f64) -> String {
    format!("{} %", significant(100.0 * part, 2))
}

/// Smallest gap that a bar tells from zero.
const CLOSED: f64 = 1e-9;

/// Parts of a bar.
const PARTS: usize = 1000;

/// A bar that fills as the interval closes: by as much whenever the gap halves.
fn show(progress: &Progress, step: &WassersteinStep, gap: f64) {
    let certificate = CertificateReport::from(step.certificate);
    if certificate.upper.is_infinite() {
        progress.say(|| format!("level of {} cells", step.points));
        return;
    }
    let closed = certificate.relative_gap.max(CLOSED).ln() / gap.max(CLOSED).ln();
    let done = (closed.clamp(0.0, 1.0) * PARTS as f64) as usize;
    // Short: half of a narrow terminal is the bar, which is the gap.
    progress.at(done, PARTS, || {
        let (lower, upper) = certificate.bounds();
        format!("{lower} to {upper} m, {}", name(step.stage))
    });
}
