//! How fast are sliced distances, and how well do their directions stand for the whole sphere?
//!
//! `sliced PAIR POINTS [--p 2] [--projections 1200] [--rotations 4] [--monte-carlo] [--seed 0] [--rounds 1] [--max] [--reference L]
//! [--save DIR]` prints one line of JSON. PAIR is `cube` (two samples of one density), `sphere-torus` or `street` (two
//! scans of a driven street). `--max` asks for the largest distance instead of the mean, `--reference L` adds what
//! as many as L directions in two lattices say and how far off the value is, as a part of it. `--save` writes the
//! clouds as arrays of NumPy for others.

use std::path::PathBuf;
use std::time::Instant;

use barrow::geometry::{Directions, MaxSliced, Measure, Sliced};
use barrow_benches::{made, median, peak_rss_mb, save};
use serde::Serialize;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(Serialize)]
struct Row {
    pair: String,
    points: usize,
    p: f64,
    max: bool,
    projections: usize,
    threads: usize,
    /// Median of the rounds.
    seconds: f64,
    value: f64,
    standard_error: Option<f64>,
    reference: Option<f64>,
    /// |value − reference| / reference.
    relative_error: Option<f64>,
    /// Most memory that this process has held, the clouds included, in units of 10⁶ bytes.
    peak_rss_mb: Option<f64>,
}

struct Arguments(Vec<String>);

impl Arguments {
    fn flag(&self, name: &str) -> bool {
        self.0.iter().any(|argument| argument == name)
    }

    fn value<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>> {
        let Some(place) = self.0.iter().position(|argument| argument == name) else { return Ok(None) };
        let text = self.0.get(place + 1).ok_or_else(|| format!("{name} needs a value"))?;
        Ok(Some(text.parse().map_err(|_| format!("{name} {text} cannot be read"))?))
    }
}

fn main() -> Result<()> {
    let arguments = Arguments(std::env::args().skip(1).collect());
    let [pair, points, ..] = arguments.0.as_slice() else { return Err("usage: sliced PAIR POINTS".into()) };
    let clouds = made(pair, points.parse()?)?;
    if let Some(folder) = arguments.value::<PathBuf>("--save")? {
        save(&folder, pair, &clouds)?;
    }
    let [source, target] =
        [Measure::uniform(clouds[0].positions())?, Measure::uniform(clouds[1].positions())?];
    let defaults = Sliced::default();
    let sliced = Sliced {
        p: arguments.value("--p")?.unwrap_or(defaults.p),
        projections: arguments.value("--projections")?.unwrap_or(defaults.projections),
        directions: match arguments.value("--rotations")? {
            _ if arguments.flag("--monte-carlo") => Directions::MonteCarlo,
            Some(rotations) => Directions::Lattice { rotations },
            None => defaults.directions,
        },
        seed: arguments.value("--seed")?.unwrap_or(defaults.seed),
    };
    let largest = MaxSliced { p: sliced.p, ..MaxSliced::default() };
    let max = arguments.flag("--max");
    let (mut seconds, mut value, mut standard_error, mut projections) =
        (Vec::new(), 0.0, None, sliced.projections);
    for _ in 0..arguments.value("--rounds")?.unwrap_or(1) {
        let start = Instant::now();
        if max {
            let found = largest.distance(&source, &target)?;
            (value, projections) = (found.value, found.evaluations);
        } else {
            let found = sliced.distance(&source, &target)?;
            (value, standard_error) = (found.value, Some(found.standard_error));
        }
        seconds.push(start.elapsed().as_secs_f64());
    }
    let peak_rss_mb = peak_rss_mb();
    let reference = match arguments.value("--reference")? {
        None => None,
        Some(projections) if max => {
            let ascent_free = MaxSliced { p: sliced.p, projections, evaluations: projections, ..largest };
            Some(ascent_free.distance(&source, &target)?.value)
        }
        Some(projections) => {
            let directions = Directions::Lattice { rotations: 2 };
            let many = Sliced { projections, directions, seed: u64::MAX, ..sliced };
            Some(many.distance(&source, &target)?.value)
        }
    };
    let row = Row {
        pair: pair.clone(),
        points: clouds[0].len(),
        p: sliced.p,
        max,
        projections,
        threads: rayon::current_num_threads(),
        seconds: median(seconds),
        value,
        standard_error,
        reference,
        relative_error: reference.map(|reference| (value - reference).abs() / reference),
        peak_rss_mb,
    };
    println!("{}", serde_json::to_string(&row)?);
    Ok(())
}
