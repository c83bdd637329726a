//! The transport distance between proven bounds.

use std::time::Instant;

use anyhow::Result;
use serde_json::json;

use super::Options;
use super::metrics::Answer;
use super::page::{Course, Lengths};
use crate::certified::{Certain, name};
use crate::clouds::LoadedPair;
use crate::interrupt;
use crate::report::{count, number};
use crate::settings::Settings;

/// The Wasserstein distance with its certificate; Ctrl-C stops it.
///
/// # Errors
/// If an option is out of range, weights do not fit the clouds, or totals differ where all mass is to be moved.
pub fn wasserstein(options: &Options, clouds: &LoadedPair, settings: &Settings) -> Result<Answer> {
    interrupt::hold();
    let start = Instant::now();
    let weights = options.weighting.read(clouds, &options.pair)?;
    let measures = weights.measures(clouds, &options.pair)?;
    let problem = options.certified.problem(measures, options.p(), &options.entropy);
    let prepare = start.elapsed().as_secs_f64();
    let Certain { device, answer, stage, missed, trace, gap } =
        options.certified.solve(&problem, &options.entropy, settings)?;
    let mass = answer.plan.mass();
    let totals = (problem.source.total(), problem.target.total());
    let arcs = answer.plan.arcs().len();
    Ok(Answer {
        value: answer.value,
        unit: "m",
        device,
        settings: options.certified.settings(options.p(), &options.entropy, &options.weighting),
        convergence: answer.convergence,
        certificate: Some(answer.certificate.into()),
        missed,
        details: json!({
            "transport_cost": answer.plan.cost(),
            "transported_mass": mass,
            // Zero up to rounding where all is moved.
            "dropped_mass": { "source": (totals.0 - mass).max(0.0), "target": (totals.1 - mass).max(0.0) },
            "arcs": arcs,
            "stage": stage.map(name),
        }),
        lines: vec![
            ("arcs".into(), count(arcs)),
            (
                "moved".into(),
                format!("mass {} of {} source, {} target", number(mass), number(totals.0), number(totals.1)),
            ),
        ],
        prepare,
        course: Course::Certificate(trace, gap),
        lengths: options.report.as_ref().map(|_| Lengths::travelled(&answer.plan, options.p())),
    })
}
