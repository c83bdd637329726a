//! How the transport metrics are computed, and what else they know.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Result;
use barrow::geometry::{
    Convergence, DivergenceTerm, MarginalError, SinkhornDivergence, SinkhornStep, Status, TransportPlan,
};
use serde_json::{Value, json};

use super::Options;
use super::page::{Course, Lengths};
use crate::certified::CertificateReport;
use crate::clouds::LoadedPair;
use crate::crossover::Work;
use crate::device::DeviceReport;
use crate::entropy::{BLUR_OF_DISTANCE, step_text};
use crate::interrupt;
use crate::page::Trace;
use crate::progress::Progress;
use crate::report::{ConvergenceReport, number};
use crate::settings::Settings;

/// What a metric gives.
pub struct Answer {
    /// The distance, in its unit.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// Where it was computed.
    pub device: DeviceReport,
    /// What it was computed with.
    pub settings: Value,
    /// How far the solver came.
    pub convergence: Convergence,
    /// What is proven, where the metric proves anything.
    pub certificate: Option<CertificateReport>,
    /// Whether a limit ended the work before what was asked for was reached.
    pub missed: bool,
    /// What else the metric knows.
    pub details: Value,
    /// The details for a reader.
    pub lines: Vec<(String, String)>,
    /// Time until the solver started [s].
    pub prepare: f64,
    /// What the run went through.
    pub course: Course,
    /// The distances that the answer is made of, where the metric knows them and a report was asked for.
    pub lengths: Option<Lengths>,
}

/// The convergence of what is computed without a solver.
pub const AT_ONCE: Convergence = Convergence { status: Status::Converged, iterations: 0, residual: 0.0 };

/// Unit of a cost between points: m^p.
fn unit_of_cost(p: u8) -> &'static str {
    if p == 1 { "m" } else { "m^2" }
}

/// The entropic transport cost, debiased unless asked otherwise; Ctrl-C stops it.
///
/// # Errors
/// If an option is out of range or weights do not fit the clouds.
pub fn sinkhorn(options: &Options, clouds: &LoadedPair, settings: &Settings) -> Result<Answer> {
    interrupt::hold();
    let progress = Progress::new(settings.progress, "solving transport");
    let start = Instant::now();
    let weights = options.weighting.read(clouds, &options.pair)?;
    let measures = weights.measures(clouds, &options.pair)?;
    let problem = options.entropy.problem(measures, clouds, options.p(), BLUR_OF_DISTANCE);
    let solver = options.entropy.solver();
    let prepare = start.elapsed().as_secs_f64();
    let work = Work::transport(clouds.source.len(), clouds.target.len());
    let ((value, mass_term, terms, trace), device) = settings.dense(work, |backend| {
        let mut trace = Trace::new();
        let observe = |step: &SinkhornStep| {
            trace.push(*step);
            progress.say(|| step_text(step));
            interrupt::flow()
        };
        if options.no_debias {
            let plan = solver.solve_with(&problem, backend, observe)?;
            return Ok((plan.value(), 0.0, vec![("cross", Term::of_plan(&plan))], trace));
        }
        let answer = SinkhornDivergence::solve_with(&solver, &problem, backend, observe)?;
        let terms = [("cross", answer.cross), ("source", answer.source), ("target", answer.target)];
        Ok((answer.value, answer.mass_term, terms.map(|(name, term)| (name, Term::from(term))).into(), trace))
    })?;
    if value < 0.0 && !options.no_debias {
        settings.note(
            "a divergence is never negative: this one is zero as far as the tolerance tells; a smaller --tolerance tells more",
        );
    }
    let mut entropy =
        serde_json::to_value(options.entropy.settings(&problem, options.p(), &options.weighting))?;
    entropy["debias"] = (!options.no_debias).into();
    Ok(Answer {
        value,
        unit: unit_of_cost(options.p()),
        device,
        settings: entropy,
        convergence: weakest(&terms),
        certificate: None,
        missed: false,
        details: json!({
            "terms": terms.iter().map(|(name, term)| (*name, term.json())).collect::<BTreeMap<_, _>>(),
            "mass_term": mass_term,
        }),
        lines: vec![("blur".into(), format!("{} m", number(problem.blur)))],
        prepare,
        course: Course::Entropic(trace, terms.iter().map(|(name, _)| *name).collect()),
        lengths: None,
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
