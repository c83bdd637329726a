//! How fast are transport distances proven, and to what gap?
//!
//! `wasserstein PAIR POINTS [--gap 0.01] [--p 2] [--watch] [--save DIR]` prints one line of JSON. PAIR is `cube` (two
//! samples of one density), `sphere-torus` or `street` (two scans of a driven street). `--gap` is that of the distance, half
//! of that of its square; 0 asks for the optimum. `--watch` tells every step on standard error, `--save` writes the clouds
//! as arrays of NumPy for others.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use barrow::geometry::{Measure, Wasserstein, WassersteinProblem, WassersteinStep};
use barrow_benches::{cpu_seconds, made, peak_rss_mb, save};
use serde::Serialize;

#[derive(Serialize)]
struct Row {
    pair: String,
    points: usize,
    p: f64,
    gap: f64,
    threads: usize,
    seconds: f64,
    /// Of all threads together.
    cpu_seconds: f64,
    /// W_p^p of the plan, and the bounds on it.
    cost: f64,
    lower: f64,
    upper: f64,
    /// (upper - lower) / upper, of the cost.
    cost_gap: f64,
    arcs: usize,
    iterations: usize,
    status: String,
    /// Most memory that this process has held, the clouds included, in units of 10⁶ bytes.
    peak_rss_mb: Option<f64>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [pair, points, ..] = arguments.as_slice() else {
        return Err("usage: wasserstein PAIR POINTS".into());
    };
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)
    };
    let number = |name: &str, default: f64| value(name).map_or(Ok(default), |text| text.parse());
    let (gap, p) = (number("--gap", 0.01)?, number("--p", 2.0)?);
    let watched = arguments.iter().any(|argument| argument == "--watch");
    let clouds = made(pair, points.parse()?)?;
    if let Some(folder) = value("--save") {
        save(&PathBuf::from(folder), pair, &clouds)?;
    }
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let (source, target) =
        (Measure::uniform(clouds[0].positions())?, Measure::uniform(clouds[1].positions())?);
    let problem = WassersteinProblem { p, ..WassersteinProblem::new(source, target) };
    let answer =
        Wasserstein { gap, ..Default::default() }.solve_with(&problem, |step: &WassersteinStep| {
            if watched {
                let (seconds, gap) = (start.elapsed().as_secs_f64(), step.certificate.relative_gap());
                eprintln!("{seconds:8.3} s  {:?} of {}, gap {gap:.2e}", step.stage, step.points);
            }
            ControlFlow::Continue(())
        })?;
    let (seconds, cpu_seconds) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let (lower, upper) = (answer.certificate.lower.powf(p), answer.certificate.upper.powf(p));
    let row = Row {
        pair: pair.clone(),
        points: clouds[0].len(),
        p,
        gap,
        threads: rayon::current_num_threads(),
        seconds,
        cpu_seconds,
        cost: answer.value.powf(p),
        lower,
        upper,
        cost_gap: (upper - lower) / upper,
        arcs: answer.plan.arcs().len(),
        iterations: answer.convergence.iterations,
        status: answer.convergence.status.to_string(),
        peak_rss_mb: peak_rss_mb(),
    };
    println!("{}", serde_json::to_string(&row)?);
    Ok(())
}
