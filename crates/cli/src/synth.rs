//! `barrow synth`: clouds made from a seed, with the exact truth beside them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use barrow::io::WriteOptions;
use barrow_datasets::{ClosedForms, Clusters, Cube, Scene, SphereTorus};
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::failure::{Ending, usage};
use crate::interrupt;
use crate::output;
use crate::progress::Progress;
use crate::report::{Lines, Report, count, matrix, print};
use crate::settings::Settings;

/// Make clouds from a seed, with the exact truth beside them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  barrow synth sphere-torus --out scene --points 5000
  barrow synth cube --out scene --seed 7 --json

Every cloud becomes a .ply in its own frame; beside it NAME_pose.txt holds the exact pose x_world = T *
x_cloud, for a pair T_target_source.txt the exact pose between both, and truth.json all of it together
with the exact numbers of the scene. Files of the same name are replaced.")]
pub struct Options {
    /// What to make.
    #[arg(value_enum)]
    kind: Kind,
    /// Folder to write into; made if it does not exist.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Points of each cloud [default: what suits the kind].
    #[arg(long, value_name = "N")]
    points: Option<usize>,
    /// Standard deviation of the noise on every coordinate [m]: sphere-torus [default: what suits the
    /// kind].
    #[arg(long, value_name = "METRES", allow_negative_numbers = true)]
    noise: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A sphere and a torus: shapes that no motion makes equal.
    SphereTorus,
    /// Two samples of the same cube.
    Cube,
    /// Two mixtures of clusters.
    Clusters,
    /// Every pair of clouds whose distance is known by proof, a folder each.
    ClosedForms,
}

#[derive(Debug, Serialize)]
struct SynthReport {
    kind: String,
    seed: u64,
    scenes: Vec<SceneReport>,
}

#[derive(Debug, Serialize)]
struct SceneReport {
    /// Folder that holds the files.
    folder: String,
    clouds: Vec<CloudReport>,
    #[serde(rename = "T_target_source")]
    target_from_source: Option<[[f64; 4]; 4]>,
    /// What the number `value` measures, where it is the exact answer to a question.
    quantity: Option<String>,
    exact: BTreeMap<String, f64>,
}

#[derive(Debug, Serialize)]
struct CloudReport {
    name: String,
    file: String,
    points: usize,
    #[serde(rename = "T_world_cloud")]
    world_from_cloud: [[f64; 4]; 4],
    weights: Option<String>,
}

/// Makes the clouds and writes them with the truth.
///
/// # Errors
/// If an option is out of range or does not belong to the kind, or a file cannot be written.
pub fn run(options: &Options, settings: &Settings) -> Result<Ending> {
    let kind = options.kind.to_possible_value().map_or(String::new(), |kind| kind.get_name().into());
    let progress = Progress::new(settings.progress, format!("making {kind}"));
    let scenes = options.make(settings).with_context(|| format!("synth {kind}"))?;
    interrupt::hold();
    let mut reports = Vec::new();
    for (name, quantity, scene) in &scenes {
        let folder = name.as_ref().map_or(options.out.clone(), |name| options.out.join(name));
        let report = write(&folder, scene, quantity.clone())?;
        let truth = serde_json::to_string_pretty(&report)?;
        output::write_whole(&folder.join("truth.json"), format!("{truth}\n").as_bytes())?;
        reports.push(report);
        if interrupt::asked() {
            break;
        }
    }
    drop(progress);
    let complete = reports.len() == scenes.len();
    print(&SynthReport { kind, seed: settings.seed, scenes: reports }, settings)?;
    Ok(if complete { Ending::Done } else { Ending::Interrupted })
}

/// A scene with the name of its folder and its question, where there are several.
type Named = (Option<String>, Option<String>, Scene);

impl Options {
    fn make(&self, settings: &Settings) -> Result<Vec<Named>> {
        let seed = settings.seed;
        if self.noise.is_some() && self.kind != Kind::SphereTorus {
            return Err(usage("--noise can be used with sphere-torus only"));
        }
        let points = |default: usize| self.points.unwrap_or(default);
        let one = |scene| vec![(None, None, scene)];
        Ok(match self.kind {
            Kind::SphereTorus => {
                let default = SphereTorus::default();
                let noise = self.noise.unwrap_or(default.noise);
                one(SphereTorus { points: points(default.points), seed, noise }.make()?)
            }
            Kind::Cube => one(Cube { points: points(Cube::default().points), seed }.make()?),
            Kind::Clusters => {
                let default = Clusters::default();
                one(Clusters { points: points(default.points), seed, ..default }.make()?)
            }
            Kind::ClosedForms => {
                let cases = ClosedForms { points: points(ClosedForms::default().points), seed }.make()?;
                let named = |case: barrow_datasets::ClosedForm| {
                    let quantity = format!("{:?}", case.quantity);
                    (Some(case.name.to_owned()), Some(quantity), case.into_scene())
                };
                cases.into_iter().map(named).collect()
            }
        })
    }
}

fn write(folder: &Path, scene: &Scene, quantity: Option<String>) -> Result<SceneReport> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{}: the folder cannot be made", folder.display()))?;
    let mut clouds = Vec::new();
    for cloud in &scene.clouds {
        let name = &cloud.name;
        let file = format!("{name}.ply");
        barrow::io::write(folder.join(&file), &cloud.points, &WriteOptions::default())?;
        barrow::io::write_transform(folder.join(format!("{name}_pose.txt")), &cloud.world_from_cloud)?;
        let mut weights = None;
        if let Some(values) = &cloud.weights {
            let file = format!("{name}_weights.txt");
            let lines: String = values.iter().map(|value| format!("{value:e}\n")).collect();
            output::write_whole(&folder.join(&file), lines.as_bytes())?;
            weights = Some(file);
        }
        clouds.push(CloudReport {
            name: name.clone(),
            file,
            points: cloud.points.len(),
            world_from_cloud: matrix(&cloud.world_from_cloud),
            weights,
        });
    }
    let target_from_source = scene.target_from_source();
    if let Some(pose) = &target_from_source {
        barrow::io::write_transform(folder.join("T_target_source.txt"), pose)?;
    }
    Ok(SceneReport {
        folder: folder.display().to_string(),
        clouds,
        target_from_source: target_from_source.as_ref().map(matrix),
        quantity,
        exact: scene.exact.iter().map(|exact| (exact.name.clone(), exact.value)).collect(),
    })
}

impl Report for SynthReport {
    fn text(&self) -> String {
        let mut lines = Lines::default();
        lines.add("kind", format!("{}, seed {}", self.kind, self.seed));
        for scene in &self.scenes {
            let clouds =
                scene.clouds.iter().map(|cloud| format!("{} ({} points)", cloud.file, count(cloud.points)));
            lines.add("written", format!("{}: {}", scene.folder, clouds.collect::<Vec<_>>().join(", ")));
        }
        lines.text()
    }
}
