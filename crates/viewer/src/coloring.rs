//! Colors of points, by what they are to tell.

use barrow_geometry::{Color, NearestDistances, PointCloud};
use nalgebra::Point3;

use crate::legend::{Legend, Rgba, Scale, UNKNOWN};
use crate::{ColorBy, Error, Result, Scene, Up};

/// Color of the source.
pub(crate) const SOURCE: Rgba = [255, 148, 46, 255];
/// Color of the target.
pub(crate) const TARGET: Rgba = [64, 150, 255, 255];

/// Colors of the points of source and target, and what they mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Coloring {
    /// One color a source point.
    pub source: Vec<Rgba>,
    /// One color a target point.
    pub target: Vec<Rgba>,
    /// What they mean.
    pub legend: Legend,
}

impl Coloring {
    /// Colors all points of a scene.
    ///
    /// # Errors
    /// [`Error::NoValues`] if the scene has nothing to tell them by.
    pub fn of(scene: &Scene, by: ColorBy, up: Up) -> Result<Self> {
        let none = PointCloud::default();
        let (source, target) = (&scene.source, scene.target.as_ref().unwrap_or(&none));
        let missing = |missing| Error::NoValues { by, missing };
        match by {
            ColorBy::Cloud => Ok(Self::by_cloud(scene)),
            ColorBy::Stored => {
                if source.colors().is_none() && target.colors().is_none() {
                    return Err(missing("no cloud has colors"));
                }
                let of = |cloud: &PointCloud| match cloud.colors() {
                    Some(colors) => colors.iter().map(shown).collect(),
                    None => vec![UNKNOWN; cloud.len()],
                };
                Ok(Self { source: of(source), target: of(target), legend: Legend::Nothing })
            }
            ColorBy::Normal => {
                if source.normals().is_none() && target.normals().is_none() {
                    return Err(missing("no cloud has normals"));
                }
                let turn = scene.target_from_source.rotation;
                let of = |cloud: &PointCloud, is_source: bool| match cloud.normals() {
                    Some(normals) => normals
                        .iter()
                        .map(|normal| {
                            let normal = if is_source { turn * normal } else { *normal };
                            let [x, y, z] =
                                [0, 1, 2].map(|axis| (127.5 + 127.5 * normal[axis]).round() as u8);
                            [x, y, z, 255]
                        })
                        .collect(),
                    None => vec![UNKNOWN; cloud.len()],
                };
                let axes = ["x", "y", "z"].into_iter().enumerate().map(|(axis, name)| {
                    let mut color = [128, 128, 128, 255];
                    color[axis] = 255;
                    (format!("towards {name}"), color)
                });
                Ok(Self {
                    source: of(source, true),
                    target: of(target, false),
                    legend: Legend::Names(axes.collect()),
                })
            }
            ColorBy::Height => {
                let axis = up.axis();
                let of = |points: &[Point3<f64>]| points.iter().map(|point| point[axis]).collect();
                let name = ["x", "y", "z"][axis];
                Ok(Self::scaled(
                    of(&scene.moved_source()),
                    of(target.positions()),
                    &format!("height, {name}"),
                    "m",
                ))
            }
            ColorBy::Intensity => {
                if source.intensities().is_none() && target.intensities().is_none() {
                    return Err(missing("no cloud has intensities"));
                }
                let of = |cloud: &PointCloud| match cloud.intensities() {
                    Some(values) => values.to_vec(),
                    None => vec![f64::NAN; cloud.len()],
                };
                Ok(Self::scaled(of(source), of(target), "intensity", ""))
            }
            ColorBy::Distance => {
                if source.is_empty() || target.is_empty() {
                    return Err(missing("that takes two clouds"));
                }
                let near = NearestDistances::between(&source.transformed(&scene.target_from_source), target)?;
                let there = near.source_to_target().distances().to_vec();
                let back = near.target_to_source().distances().to_vec();
                Ok(Self::scaled(there, back, "distance to the other cloud", "m"))
            }
            ColorBy::Mass => {
                let plan = scene.plan.as_ref().ok_or_else(|| missing("that takes a plan"))?;
                let marginals = plan.marginals();
                Ok(Self::scaled(marginals.source, marginals.target, "transported mass", ""))
            }
            ColorBy::Potential => {
                let [source, target] =
                    scene.potentials.clone().ok_or_else(|| missing("that takes a solver's potentials"))?;
                Ok(Self::scaled(source, target, "potential", "m²"))
            }
        }
    }

    fn by_cloud(scene: &Scene) -> Self {
        let targets = scene.target.as_ref().map_or(0, PointCloud::len);
        let called = |index: usize, otherwise: &str| match scene.names[index].as_str() {
            "" => otherwise.to_owned(),
            name => format!("{otherwise}: {name}"),
        };
        let names = match scene.target {
            Some(_) => vec![(called(0, "source"), SOURCE), (called(1, "target"), TARGET)],
            None => vec![(called(0, "cloud"), SOURCE)],
        };
        Self {
            source: vec![SOURCE; scene.source.len()],
            target: vec![TARGET; targets],
            legend: Legend::Names(names),
        }
    }

    /// By values of source and target on one scale.
    fn scaled(source: Vec<f64>, target: Vec<f64>, title: &str, unit: &'static str) -> Self {
        let scale = Scale::of(title, unit, source.iter().chain(&target));
        let of = |values: &[f64]| values.iter().map(|&value| scale.color(value)).collect();
        Self { source: of(&source), target: of(&target), legend: Legend::Scale(scale) }
    }
}

/// Sixteen bits a channel, of which a screen shows eight.
pub(crate) fn shown(color: &Color) -> Rgba {
    let [red, green, blue] = color.map(|channel| (channel >> 8) as u8);
    [red, green, blue, 255]
}
