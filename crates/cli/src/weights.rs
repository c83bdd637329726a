//! Weights of points: from files, from an attribute, or all the same.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use barrow::geometry::{Measure, PointCloud};
use clap::{Args, ValueEnum};

use crate::clouds::{LoadedPair, Pair, name};

/// Where weights come from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Weights")]
pub struct Weighting {
    /// Weights of the source points, one number a line or .npy [default: all the same, total 1].
    #[arg(long, value_name = "FILE")]
    source_weights: Option<PathBuf>,
    /// Weights of the target points, one number a line or .npy [default: all the same, total 1].
    #[arg(long, value_name = "FILE")]
    target_weights: Option<PathBuf>,
    /// Weigh both clouds by an attribute, each scaled to total 1.
    #[arg(long, value_name = "ATTRIBUTE", conflicts_with_all = ["source_weights", "target_weights"])]
    weights_from: Option<Attribute>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Attribute {
    /// Intensity of the return.
    Intensity,
    /// Time of the return.
    Time,
}

/// Weights of both clouds; `None` where all points weigh the same.
#[derive(Debug, Default)]
pub struct Weights {
    source: Option<Vec<f64>>,
    target: Option<Vec<f64>>,
}

impl Weighting {
    /// Whether any was asked for.
    pub fn is_given(&self) -> bool {
        self.source_weights.is_some() || self.target_weights.is_some() || self.weights_from.is_some()
    }

    /// What the weights are, for the answer.
    pub fn text(&self) -> String {
        match self.weights_from {
            Some(Attribute::Intensity) => "intensity".into(),
            Some(Attribute::Time) => "time".into(),
            None if self.is_given() => "file".into(),
            None => "uniform".into(),
        }
    }

    /// Reads the weights of both clouds.
    ///
    /// # Errors
    /// If a file cannot be read or an attribute is missing.
    pub fn read(&self, clouds: &LoadedPair, pair: &Pair) -> Result<Weights> {
        let column = |cloud, path: &Path| match self.weights_from {
            Some(attribute) => of_attribute(cloud, attribute).with_context(|| name(path)).map(Some),
            None => Ok(None),
        };
        let file = |path: &Option<PathBuf>| path.as_ref().map(barrow::io::read_weights).transpose();
        Ok(Weights {
            source: column(&clouds.source, &pair.source)?.or(file(&self.source_weights)?),
            target: column(&clouds.target, &pair.target)?.or(file(&self.target_weights)?),
        })
    }
}

fn of_attribute(cloud: &PointCloud, attribute: Attribute) -> Result<Vec<f64>> {
    let (column, name) = match attribute {
        Attribute::Intensity => (cloud.intensities(), "intensity"),
        Attribute::Time => (cloud.times(), "time"),
    };
    let column = column.ok_or_else(|| {
        let present = cloud.attributes();
        let present = if present.is_empty() { "none".into() } else { present.join(", ") };
        anyhow!("the cloud has no {name} to weigh by; its attributes: {present}")
    })?;
    let total: f64 = column.iter().sum();
    // A total of zero is refused below with the reason; dividing by it would hide that.
    let scale = if total > 0.0 { total } else { 1.0 };
    Ok(column.iter().map(|weight| weight / scale).collect())
}

impl Weights {
    /// Both clouds with their weights.
    ///
    /// # Errors
    /// If a weight is negative or not finite, all are zero, or their number is not that of the points.
    pub fn measures<'a>(&'a self, clouds: &'a LoadedPair, pair: &Pair) -> Result<(Measure<'a>, Measure<'a>)> {
        let measure = |cloud: &'a PointCloud, weights: &'a Option<Vec<f64>>, path: &Path| {
            match weights {
                Some(weights) => Measure::weighted(cloud.positions(), weights),
                None => Measure::uniform(cloud.positions()),
            }
            .with_context(|| format!("weights of {}", name(path)))
        };
        Ok((
            measure(&clouds.source, &self.source, &pair.source)?,
            measure(&clouds.target, &self.target, &pair.target)?,
        ))
    }
}
