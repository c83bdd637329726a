//! Metrics over nearest points: Chamfer, Hausdorff, F-score, and what is known beside them.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail};
use barrow::geometry::{
    DensityAwareChamfer, DirectedChamfer, DirectedConsistency, FScore, NearestDistances, NormalConsistency,
    PointCloud,
};
use clap::Args;
use serde_json::{Value, json};

use super::colorize::{self, Colorized};
use super::metrics::{AT_ONCE, Answer};
use super::page::{Course, Lengths};
use super::{Metric, Options};
use crate::clouds::LoadedPair;
use crate::crossover::Work;
use crate::failure::usage;
use crate::progress::Progress;
use crate::report::{count, number};
use crate::settings::Settings;
use crate::weights::Weighting;

/// Default radius of an F-score in diagonals of the target's bounding box.
const DEFAULT_RADIUS: f64 = 0.01;

/// Options of the metrics over nearest points.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Nearest points")]
pub struct Nearness {
    /// Distance up to which a point counts as found, the distance itself included [m]; may be given
    /// several times, the value of fscore being that of the first [default for fscore: 1 % of the diagonal
    /// of the target's bounding box; none otherwise].
    #[arg(long, value_name = "METRES", allow_negative_numbers = true)]
    radius: Vec<f64>,
    /// Also give the density-aware Chamfer distance with this inverse length [1/m]: a match at distance
    /// 1/ALPHA is worth 37 %.
    #[arg(long, value_name = "ALPHA", allow_negative_numbers = true)]
    alpha: Option<f64>,
    /// Write the source coloured by its distance to the target, dark violet at 0 and yellow from
    /// --colorize-max on (viridis); the distance itself becomes the intensity if the source has none.
    #[arg(long, value_name = "FILE")]
    colorize: Option<PathBuf>,
    /// Distance that is drawn in yellow [m] [default: the 95th percentile of the source's distances].
    #[arg(long, value_name = "METRES", allow_negative_numbers = true, requires = "colorize")]
    colorize_max: Option<f64>,
}

impl Nearness {
    /// Whether any was asked for.
    pub fn is_given(&self) -> bool {
        !self.radius.is_empty() || self.alpha.is_some() || self.colorize.is_some()
    }

    /// Refuses before any cloud is read what could not be answered or written in the end.
    ///
    /// # Errors
    /// If options contradict each other or are out of range, or the file could not be written.
    pub fn check(&self, weighting: &Weighting) -> Result<()> {
        let lengths = self.radius.iter().map(|radius| ("--radius", *radius));
        let maximum = self.colorize_max.map(|maximum| ("--colorize-max", maximum));
        for (option, value) in lengths.chain(maximum).chain(self.alpha.map(|alpha| ("--alpha", alpha))) {
            if !(value.is_finite() && value > 0.0) {
                bail!("{option} must be finite and > 0, got {value}");
            }
        }
        if self.alpha.is_some() && weighting.is_given() {
            let message =
                "--alpha cannot be used with weights: the density-aware Chamfer distance counts points";
            return Err(usage(message));
        }
        self.colorize.as_deref().map_or(Ok(()), colorize::check)
    }

    /// The radii asked for; for an F-score at least the default one.
    fn radii(&self, metric: Metric, target: &PointCloud) -> Result<Vec<f64>> {
        if !self.radius.is_empty() || metric != Metric::Fscore {
            return Ok(self.radius.clone());
        }
        match target.bounds().map(|bounds| DEFAULT_RADIUS * bounds.diagonal()) {
            Some(radius) if radius.is_finite() && radius > 0.0 => Ok(vec![radius]),
            _ => bail!("no default radius follows from a target whose points all coincide; give --radius"),
        }
    }
}

/// Chamfer, Hausdorff or F-score, from one search in each direction.
///
/// # Errors
/// If an option is out of range, weights do not fit the clouds, or the coloured cloud cannot be written.
pub fn nearest(options: &Options, clouds: &LoadedPair, settings: &Settings) -> Result<Answer> {
    let progress = Progress::new(settings.progress, "measuring");
    let (LoadedPair { source, target, .. }, nearness) = (clouds, &options.nearness);
    let start = Instant::now();
    let radii = nearness.radii(options.metric, target)?;
    let weights = options.weighting.read(clouds, &options.pair)?;
    let prepare = start.elapsed().as_secs_f64();

    let measures =
        options.weighting.is_given().then(|| weights.measures(clouds, &options.pair)).transpose()?;
    let work = Work::nearest(source.len(), target.len());
    let (distances, device) = settings.dense(work, |backend| {
        Ok(match &measures {
            Some((source, target)) => NearestDistances::between_measures_on(source, target, backend)?,
            None => NearestDistances::between_on(source, target, backend)?,
        })
    })?;
    let chamfer = distances.chamfer();
    let (forth, back) = (chamfer.source_to_target, chamfer.target_to_source);
    let scores = distances.f_scores(&radii)?;
    let both_have_normals = source.normals().and(target.normals()).is_some();
    let consistency = both_have_normals.then(|| distances.normal_consistency(source, target)).transpose()?;
    let density_aware = nearness.alpha.map(|alpha| distances.density_aware(alpha)).transpose()?;
    drop(progress);
    let colorized = match &nearness.colorize {
        Some(path) => {
            let maximum = nearness.colorize_max.unwrap_or(forth.percentile_95);
            Some(colorize::write(path, source, distances.source_to_target().distances(), maximum, settings)?)
        }
        None => None,
    };

    let (value, unit) = match options.metric {
        Metric::Hausdorff => (distances.hausdorff().value, "m"),
        // An F-score always has a radius.
        Metric::Fscore => (scores.first().map_or(f64::NAN, |score| score.f_score), "1"),
        _ => (chamfer.value, "m"),
    };
    let mut lines = vec![("source to target".into(), line(&forth)), ("target to source".into(), line(&back))];
    lines.extend(scores.iter().map(score_line));
    lines.extend(consistency.as_ref().map(consistency_line));
    lines.extend(density_aware.as_ref().map(density_line));
    lines.extend(colorized.as_ref().map(|colorized| ("colored".into(), colorized.text())));
    Ok(Answer {
        value,
        unit,
        device,
        settings: json!({
            "radius": radii,
            "alpha": nearness.alpha,
            "weights": options.weighting.text(),
        }),
        convergence: AT_ONCE,
        certificate: None,
        missed: false,
        details: json!({
            "source_to_target": directed(&forth, forth.maximum_from, forth.maximum_to),
            "target_to_source": directed(&back, back.maximum_to, back.maximum_from),
            "fscore": scores.iter().map(score_json).collect::<Vec<_>>(),
            "normal_consistency": consistency.as_ref().map(consistency_json),
            "density_aware": density_aware.as_ref().map(density_json),
            "colorized": colorized.as_ref().map(Colorized::json),
        }),
        lines,
        prepare,
        course: Course::None,
        lengths: options.report.as_ref().map(|_| Lengths::nearest(&distances)),
    })
}

fn directed(side: &DirectedChamfer, source: usize, target: usize) -> Value {
    json!({
        "mean": side.mean,
        "mean_of_squares": side.mean_of_squares,
        "rms": side.rms,
        "median": side.median,
        "percentile_95": side.percentile_95,
        "maximum": side.maximum,
        "maximum_at": { "source": source, "target": target },
    })
}

fn score_json(score: &FScore) -> Value {
    json!({
        "radius": score.radius,
        "fscore": score.f_score,
        "precision": score.precision,
        "recall": score.recall,
    })
}

fn consistency_json(consistency: &NormalConsistency) -> Value {
    let side = |side: &DirectedConsistency| json!({ "mean": side.mean, "left_out": side.left_out });
    json!({
        "value": consistency.value,
        "source_to_target": side(&consistency.source_to_target),
        "target_to_source": side(&consistency.target_to_source),
    })
}

fn density_json(found: &DensityAwareChamfer) -> Value {
    json!({
        "value": found.value,
        "alpha": found.alpha,
        "source_to_target": found.source_to_target,
        "target_to_source": found.target_to_source,
    })
}

fn line(side: &DirectedChamfer) -> String {
    format!(
        "mean {} m, rms {} m, median {} m, 95 % {} m, maximum {} m",
        number(side.mean),
        number(side.rms),
        number(side.median),
        number(side.percentile_95),
        number(side.maximum)
    )
}

fn score_line(score: &FScore) -> (String, String) {
    let FScore { radius, precision, recall, f_score, .. } = score;
    let shares = format!("F-score {f_score:.4}, precision {precision:.4}, recall {recall:.4}");
    (format!("within {} m", number(*radius)), shares)
}

fn consistency_line(consistency: &NormalConsistency) -> (String, String) {
    let value = consistency.value.map_or("none: no pair of points has two normals".into(), |value| {
        let left_out = consistency.source_to_target.left_out + consistency.target_to_source.left_out;
        let aside = format!(", {} left out for want of a normal", count(left_out));
        let aside = if left_out > 0 { aside } else { String::new() };
        format!("{value:.4}{aside}")
    });
    ("normals agree".into(), value)
}

fn density_line(found: &DensityAwareChamfer) -> (String, String) {
    ("density-aware".into(), format!("{:.4} at alpha {} per m", found.value, number(found.alpha)))
}
