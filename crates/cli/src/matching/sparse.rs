//! A match by a plan without entropy: few arcs, all of them, and a proof of how good they are.

use std::time::Instant;

use anyhow::Result;
use barrow::geometry::{Measure, Moved};

use super::{Found, Options};
use crate::certified::Certain;
use crate::clouds::LoadedPair;
use crate::settings::Settings;

/// Solves; Ctrl-C stops it.
///
/// # Errors
/// If an option is out of range, weights do not fit the clouds, or totals differ where all mass is to be moved.
pub fn sparse(options: &Options, clouds: &LoadedPair, settings: &Settings) -> Result<Found> {
    let start = Instant::now();
    let weights = options.weighting.read(clouds, &options.pair)?;
    let measures = weights.measures(clouds, &options.pair)?;
    let problem = options.certified.problem(measures, options.p, &options.entropy);
    let prepare = start.elapsed().as_secs_f64();
    let Certain { device, answer, missed, .. } =
        options.certified.solve(&problem, &options.entropy, settings)?;
    let solve = start.elapsed().as_secs_f64() - prepare;
    let got = answer.plan.marginals();
    let error = |measure: &Measure, got: &[f64]| marginal_error(measure, got, problem.moved);
    Ok(Found {
        arcs: answer.plan.arcs().to_vec(),
        transported_mass: answer.plan.mass(),
        cost: answer.plan.cost(),
        marginal_error: (error(&problem.source, &got.source), error(&problem.target, &got.target)),
        distance: Some(answer.value),
        certificate: Some(answer.certificate.into()),
        missed,
        convergence: answer.convergence,
        device,
        settings: options.certified.settings(options.p, &options.entropy, &options.weighting),
        line: None,
        prepare,
        solve,
    })
}

/// How far a plan is from what its marginals must be, in parts of the total: from the weights where all is moved, above
/// the weights where some may stay.
fn marginal_error(measure: &Measure, got: &[f64], moved: Moved) -> f64 {
    let term = |(index, &got): (usize, &f64)| {
        let excess = got - measure.weight(index);
        if moved == Moved::All { excess.abs() } else { excess.max(0.0) }
    };
    got.iter().enumerate().map(term).sum::<f64>() / measure.total()
}
