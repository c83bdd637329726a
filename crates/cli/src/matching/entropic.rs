//! A match by an entropic plan: every source point with the targets that hold most of its mass.

use std::time::Instant;

use anyhow::Result;
use barrow::geometry::Status;

use super::{Found, Options};
use crate::clouds::LoadedPair;
use crate::crossover::Work;
use crate::entropy::{BLUR_OF_MATCH, step_text};
use crate::interrupt;
use crate::progress::Progress;
use crate::report::number;
use crate::settings::Settings;

/// Default part of its source point's mass that an arc must hold to be written.
const THRESHOLD: f64 = 1e-3;

/// Part of the mass that arcs must carry for nothing to be said.
const SEEN: f64 = 0.9;

/// Solves and reads the arcs off; Ctrl-C stops it.
///
/// # Errors
/// If an option is out of range or weights do not fit the clouds.
pub fn entropic(options: &Options, clouds: &LoadedPair, settings: &Settings) -> Result<Found> {
    let progress = Progress::new(settings.progress, "solving transport");
    let start = Instant::now();
    let weights = options.weighting.read(clouds, &options.pair)?;
    let measures = weights.measures(clouds, &options.pair)?;
    let problem = options.entropy.problem(measures, clouds, options.p, BLUR_OF_MATCH);
    let prepare = start.elapsed().as_secs_f64();
    let observe = |step: &_| {
        progress.say(|| step_text(step));
        interrupt::flow()
    };
    let work = Work::transport(clouds.source.len(), clouds.target.len());
    let solver = options.entropy.solver();
    let (plan, device) =
        settings.dense(work, |backend| Ok(solver.solve_with(&problem, backend, observe)?))?;
    let arcs = plan.arcs(options.threshold.unwrap_or(THRESHOLD))?;
    let (convergence, error) = (plan.convergence(), plan.marginal_error());
    let (written, whole) = (arcs.iter().map(|arc| arc.mass).sum::<f64>(), plan.mass());
    if written < SEEN * whole {
        settings.note(format!(
            "the plan is spread so thin that its arcs carry {} of the mass {}: a smaller --threshold keeps more of them",
            number(written),
            number(whole)
        ));
    }
    if convergence.status == Status::MaxIterations {
        settings.note("the iterations did not converge; more are allowed by --max-iterations");
    }
    Ok(Found {
        arcs,
        transported_mass: plan.mass(),
        cost: plan.transport_cost(),
        marginal_error: (error.source, error.target),
        distance: None,
        certificate: None,
        missed: false,
        convergence,
        device,
        settings: serde_json::to_value(options.entropy.settings(&problem, options.p, &options.weighting))?,
        line: Some(("blur", format!("{} m", number(problem.blur)))),
        prepare,
        solve: start.elapsed().as_secs_f64() - prepare,
    })
}
