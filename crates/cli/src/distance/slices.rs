//! Transport along lines: the mean over directions and the largest.

use std::time::Instant;

use anyhow::Result;
use barrow::geometry::{Directions, MaxSliced, Measure, Sliced};
use serde_json::{Value, json};

use super::Options;
use super::metrics::{AT_ONCE, Answer};
use super::page::Course;
use crate::clouds::LoadedPair;
use crate::crossover::Work;
use crate::device::DeviceReport;
use crate::progress::Progress;
use crate::report::number;
use crate::settings::Settings;

/// The sliced Wasserstein distance.
///
/// # Errors
/// If an option is out of range or weights do not fit the clouds.
pub fn sliced(options: &Options, clouds: &LoadedPair, settings: &Settings) -> Result<Answer> {
    let defaults = Sliced::default();
    let directions = if options.monte_carlo { Directions::MonteCarlo } else { defaults.directions };
    let projections = options.projections.unwrap_or(defaults.projections);
    let solver = Sliced { p: options.p().into(), projections, directions, seed: settings.seed };
    let chosen = json!({
        "p": options.p(),
        "projections": projections,
        "monte_carlo": options.monte_carlo,
        "seed": settings.seed,
        "weights": options.weighting.text(),
    });
    answer(options, clouds, settings, chosen, |source, target| {
        let work = Work::sliced(source.len(), target.len(), projections);
        let (found, device) =
            settings.dense(work, |backend| Ok(solver.distance_on(source, target, backend)?))?;
        Ok(Found {
            value: found.value,
            device,
            details: json!({ "standard_error": found.standard_error }),
            line: ("standard error", format!("{} m", number(found.standard_error))),
        })
    })
}

/// The max-sliced Wasserstein distance. It comes from one direction, so that no mean is off by chance.
///
/// # Errors
/// If an option is out of range or weights do not fit the clouds.
pub fn max_sliced(options: &Options, clouds: &LoadedPair, settings: &Settings) -> Result<Answer> {
    let defaults = MaxSliced::default();
    let projections = options.projections.unwrap_or(defaults.projections);
    // As many directions for the climbs in proportion.
    let evaluations = projections.saturating_mul(defaults.evaluations) / defaults.projections;
    let solver = MaxSliced { p: options.p().into(), projections, evaluations, ..defaults };
    let chosen = json!({ "p": options.p(), "projections": projections, "weights": options.weighting.text() });
    answer(options, clouds, settings, chosen, |source, target| {
        let found = solver.distance(source, target)?;
        let [x, y, z] = [found.direction.x, found.direction.y, found.direction.z];
        let details =
            json!({ "standard_error": null, "direction": [x, y, z], "evaluations": found.evaluations });
        Ok(Found {
            value: found.value,
            device: settings.device.cpu_only("the largest sliced distance"),
            details,
            line: ("direction", format!("{x:.4}, {y:.4}, {z:.4}")),
        })
    })
}

/// What a distance along lines is, and where it was found.
struct Found {
    value: f64,
    device: DeviceReport,
    /// For programs.
    details: Value,
    /// For readers.
    line: (&'static str, String),
}

fn answer(
    options: &Options,
    clouds: &LoadedPair,
    settings: &Settings,
    chosen: Value,
    solve: impl Fn(&Measure, &Measure) -> Result<Found>,
) -> Result<Answer> {
    let _progress = Progress::new(settings.progress, "projecting");
    let start = Instant::now();
    let weights = options.weighting.read(clouds, &options.pair)?;
    let (source, target) = weights.measures(clouds, &options.pair)?;
    let prepare = start.elapsed().as_secs_f64();
    let Found { value, device, details, line: (label, line) } = solve(&source, &target)?;
    Ok(Answer {
        value,
        unit: "m",
        device,
        settings: chosen,
        convergence: AT_ONCE,
        certificate: None,
        missed: false,
        details,
        lines: vec![(label.into(), line)],
        prepare,
        course: Course::None,
        lengths: None,
    })
}
