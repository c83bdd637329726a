//! `barrow info`: what a file holds.

use std::path::{Path, PathBuf};

use anyhow::Result;
use barrow::geometry::{KdTree, PointCloud, median_spacing};
use barrow::registration::{GATE, automatic_voxel_size};
use clap::Args;
use serde::Serialize;

use crate::clouds::Reading;
use crate::entropy::{BLUR_OF_MATCH, blur_between};
use crate::failure::{Ending, Failure};
use crate::report::{BoundsReport, Lines, Report, coordinates, count, number, print, significant, triple};
use crate::settings::Settings;

/// Mass that would have to travel farther than this part of the diagonal hardly has a partner.
const REACH: f64 = 0.1;

/// Tell what files hold: format, points, bounds, attributes, spacing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  barrow info scan.pcd
  barrow info scans/*.las --json
  cat scan.ply | barrow info -

A file that cannot be read is reported and the others are still looked at; the exit code is then \
3. The median spacing is the median distance from a point to its nearest other point.

Suggested are lengths to begin with where this cloud meets one like it: the voxel size and the gate that register takes, the \
blur that match takes, and a reach of a tenth of the diagonal: mass that would have to go farther is dropped.")]
pub struct Options {
    /// Files to look at; `-` for standard input.
    #[arg(required = true, value_name = "CLOUD")]
    clouds: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct InfoReport(Vec<Entry>);

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Entry {
    Cloud(Box<CloudReport>),
    Refused { path: String, error: String },
}

#[derive(Debug, Serialize)]
struct CloudReport {
    path: String,
    format: String,
    points: usize,
    dropped_nonfinite: usize,
    bounds: Option<BoundsReport>,
    centroid: Option<[f64; 3]>,
    attributes: Vec<&'static str>,
    median_spacing: Option<f64>,
    /// Of clouds that have an extent.
    suggested: Option<Suggested>,
    notes: Vec<String>,
}

/// Lengths to begin with \[m\].
#[derive(Debug, Serialize)]
struct Suggested {
    voxel_size: f64,
    max_distance: f64,
    blur: f64,
    reach: f64,
}

impl Suggested {
    /// What the commands take by themselves, but for the reach, which they do without.
    fn of(cloud: &PointCloud, spacing: Option<f64>) -> Option<Self> {
        let diagonal = cloud.bounds()?.diagonal();
        if diagonal == 0.0 {
            return None;
        }
        // Beside a cloud like it: the larger of the two decides.
        let voxel_size = automatic_voxel_size(cloud, &PointCloud::default()).ok()?;
        Some(Self {
            voxel_size,
            max_distance: GATE * voxel_size,
            blur: blur_between(spacing.unwrap_or(0.0), BLUR_OF_MATCH * diagonal),
            reach: REACH * diagonal,
        })
    }
}

/// Looks at every file.
///
/// # Errors
/// If standard output cannot be written; a file that cannot be read is an entry of the answer.
pub fn run(options: &Options, settings: &Settings) -> Result<Ending> {
    let mut entries = Vec::new();
    let mut ending = Ending::Done;
    for path in &options.clouds {
        entries.push(match look(path, options, settings) {
            Ok(cloud) => Entry::Cloud(Box::new(cloud)),
            Err(error) => {
                let failure = Failure::from(&error);
                if failure.code != 3 {
                    return Err(error);
                }
                failure.tell();
                ending = Ending::SomeRefused;
                Entry::Refused { path: path.display().to_string(), error: failure.message }
            }
        });
    }
    print(&InfoReport(entries), settings)?;
    Ok(ending)
}

fn look(path: &Path, options: &Options, settings: &Settings) -> Result<CloudReport> {
    // The notes are part of this answer, so they are not told twice.
    let silent = Settings { quiet: true, ..settings.clone() };
    let loaded = options.reading.read(path, &options.clouds, &silent)?;
    let cloud = &loaded.cloud;
    let spacing = median_spacing(cloud, &KdTree::new(cloud.positions()));
    Ok(CloudReport {
        path: path.display().to_string(),
        format: loaded.format.to_string(),
        points: cloud.len(),
        dropped_nonfinite: loaded.dropped_nonfinite,
        bounds: BoundsReport::of(cloud),
        centroid: cloud.centroid().as_ref().map(coordinates),
        attributes: cloud.attributes(),
        median_spacing: spacing,
        suggested: Suggested::of(cloud, spacing),
        notes: loaded.notes,
    })
}

impl Report for InfoReport {
    fn text(&self) -> String {
        let clouds = self.0.iter().filter_map(|entry| match entry {
            Entry::Cloud(cloud) => Some(cloud.text()),
            Entry::Refused { .. } => None,
        });
        clouds.collect::<Vec<_>>().join("\n\n")
    }
}

impl CloudReport {
    fn text(&self) -> String {
        let mut lines = Lines::default();
        let dropped = match self.dropped_nonfinite {
            0 => String::new(),
            dropped => format!(" (and {} dropped: not finite)", count(dropped)),
        };
        lines.add("path", &self.path);
        lines.add("format", &self.format);
        lines.add("points", format!("{}{dropped}", count(self.points)));
        if let Some(BoundsReport { min, max }) = self.bounds {
            let size: [f64; 3] = std::array::from_fn(|axis| max[axis] - min[axis]);
            lines.add("bounds", format!("{} to {}", triple(min), triple(max)));
            lines.add("size", triple(size));
        }
        lines.add_some("centroid", self.centroid.map(triple));
        let attributes = if self.attributes.is_empty() { "none".into() } else { self.attributes.join(", ") };
        lines.add("attributes", attributes);
        lines.add_some("spacing", self.median_spacing.map(|spacing| format!("{} (median)", number(spacing))));
        lines.add_some(
            "suggested",
            self.suggested.as_ref().map(|suggested| {
                let Suggested { voxel_size, max_distance, blur, reach } = suggested;
                let [voxel_size, max_distance, blur, reach] =
                    [voxel_size, max_distance, blur, reach].map(|&length| significant(length, 2));
                format!(
                    "--voxel-size {voxel_size} --max-distance {max_distance} --blur {blur} --reach {reach}"
                )
            }),
        );
        if !self.notes.is_empty() {
            lines.add("notes", self.notes.join("\n"));
        }
        lines.text()
    }
}
