//! How many pairs of points a backend weighs in a second.

use std::time::Instant;

use anyhow::Result;
use barrow::geometry::{Backend, MarginalPenalty, Measure, Potentials, Sinkhorn, TransportProblem};
use nalgebra::Point3;

/// Points of each cloud to begin with, and at most.
const POINTS: (usize, usize) = (1 << 10, 1 << 18);

/// Beyond what any point moves: of a problem with a cut the processor does not look for the larger entries of the plan,
/// which takes longer than weighing all of them [m].
const REACH: f64 = 10.0;

/// A measurement that takes this long is believed [s].
const LONG_ENOUGH: f64 = 0.25;

/// Under this blur no pair of points in a cube of edge 1 can be left out [m].
const BLUR: f64 = 0.3;

/// Pairs weighed in a second by the soft minimum, in clouds as large as it takes to keep the backend busy for a while.
///
/// # Errors
/// If the device fails.
pub fn dense_rate(backend: &Backend) -> Result<f64> {
    let (mut points, most) = POINTS;
    // The first run on a device compiles its kernels.
    first_step(backend, points)?;
    loop {
        let (pairs, seconds) = first_step(backend, points)?;
        if seconds >= LONG_ENOUGH || points >= most {
            return Ok(pairs / seconds);
        }
        points *= 2;
    }
}

/// What a run does before it has any choice, which is to weigh all pairs: how many, and in how many seconds.
fn first_step(backend: &Backend, count: usize) -> Result<(f64, f64)> {
    // Additive recurrences fill a cube evenly.
    let place = |index: usize, step: f64| (step * index as f64).fract();
    let cloud = |from: usize| -> Vec<Point3<f64>> {
        (from..from + count)
            .map(|index| {
                let [x, y, z] =
                    [0.819172513396, 0.671043606704, 0.549700477902].map(|step| place(index, step));
                Point3::new(x, y, z)
            })
            .collect()
    };
    let (source, target) = (cloud(0), cloud(count));
    let problem = TransportProblem {
        reach: Some(REACH),
        penalty: MarginalPenalty::TotalVariation,
        ..TransportProblem::new(Measure::uniform(&source)?, Measure::uniform(&target)?, BLUR)
    };
    let solver = Sinkhorn {
        // Potentials to start from spare the cells.
        initial: Some(Potentials { source: vec![0.0; count], target: vec![0.0; count] }),
        ..Sinkhorn::default()
    };
    let mut run = solver.start(&problem, backend)?;
    let start = Instant::now();
    let iterations = run.step()?.map_or(0, |step| step.iteration);
    let seconds = start.elapsed().as_secs_f64();
    // Each has two soft minima, one over the rows and one over the columns.
    Ok((2.0 * iterations as f64 * count as f64 * count as f64, seconds))
}
