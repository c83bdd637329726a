//! `barrow synth`: clouds made from a seed, with the exact truth beside them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use barrow::io::{Trajectory, TrajectoryFormat, WriteOptions};
use barrow_datasets::{ClosedForms, Clusters, Cube, Object, Scene, SphereTorus, Street};
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
  barrow synth street --out scene
  barrow synth object --out scene --overlap 0.5 --points 5000 --seed 7
  barrow register scene/source.ply scene/target.ply

Every cloud becomes NAME.ply in its own frame, with its exact pose beside it in \
world_from_NAME.txt; for a pair target_from_source.txt holds the exact pose between both, for a longer \
sequence poses.txt all poses in the order of the clouds, as KITTI has them. truth.json says all of it together with the exact numbers of the scene. Files of the same name are replaced.")]
pub struct Options {
    /// What to make.
    #[arg(value_enum)]
    kind: Kind,
    /// Folder to write into; made if it does not exist.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Points of each cloud; about as many for street and object [default: what suits the kind].
    #[arg(long, value_name = "N")]
    points: Option<usize>,
    /// Scans of a street, views of an object [default: 2, a source and a target].
    #[arg(long, value_name = "N")]
    scans: Option<usize>,
    /// Let the sensor move on while it scans, which bends every scan: street.
    #[arg(long)]
    distorted: bool,
    /// Share of a view that the next one sees too: object [default: 0.7].
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    overlap: Option<f64>,
    /// Standard deviation of the noise [m], of the range for street, of the depth for object, of every
    /// coordinate for sphere-torus [default: what suits the kind].
    #[arg(long, value_name = "METRES", allow_negative_numbers = true)]
    noise: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A LiDAR on a car in a street: two scans 0.1 s apart, the source being the later one.
    Street,
    /// A depth camera around an object.
    Object,
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
    /// Refuses options that the kind would ignore.
    fn check(&self) -> Result<()> {
        use Kind::{Object, SphereTorus, Street};
        let owners: [(&str, bool, &[Kind], &str); 4] = [
            ("--distorted", self.distorted, &[Street], "street"),
            ("--scans", self.scans.is_some(), &[Street, Object], "street or object"),
            ("--overlap", self.overlap.is_some(), &[Object], "object"),
            (
                "--noise",
                self.noise.is_some(),
                &[Street, Object, SphereTorus],
                "street, object or sphere-torus",
            ),
        ];
        for (option, given, kinds, names) in owners {
            if given && !kinds.contains(&self.kind) {
                return Err(usage(format!("{option} can be used with {names} only")));
            }
        }
        Ok(())
    }

    fn make(&self, settings: &Settings) -> Result<Vec<Named>> {
        let seed = settings.seed;
        self.check()?;
        let points = |default: usize| self.points.unwrap_or(default);
        let one = |scene| vec![(None, None, scene)];
        Ok(match self.kind {
            Kind::Street => {
                let default = Street::default();
                let noise = self.noise.unwrap_or(default.noise);
                let scans = self.scans.unwrap_or(default.scans);
                let motion_distortion = self.distorted;
                let points = points(default.points);
                one(Street { points, seed, noise, scans, motion_distortion, ..default }.make()?)
            }
            Kind::Object => {
                let default = Object::default();
                let noise = self.noise.unwrap_or(default.noise);
                let views = self.scans.unwrap_or(default.views);
                let overlap = self.overlap.unwrap_or(default.overlap);
                let points = points(default.points);
                one(Object { points, seed, noise, views, overlap, ..default }.make()?)
            }
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
        barrow::io::write_transform(folder.join(format!("world_from_{name}.txt")), &cloud.world_from_cloud)?;
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
    if scene.clouds.len() > 2 {
        let poses = scene.clouds.iter().map(|cloud| cloud.world_from_cloud).collect();
        let trajectory = Trajectory { poses, times: None };
        barrow::io::write_trajectory(folder.join("poses.txt"), &trajectory, TrajectoryFormat::Kitti)?;
    }
    let target_from_source = scene.target_from_source();
    if let Some(pose) = &target_from_source {
        barrow::io::write_transform(folder.join("target_from_source.txt"), pose)?;
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
