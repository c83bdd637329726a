//! What every maker of this crate returns: clouds with the truth about them.

use barrow_geometry::PointCloud;
use nalgebra::Isometry3;

/// Clouds and what is exactly true of them.
///
/// A scene of two clouds holds `source` and `target`, in this order. A longer one holds one cloud per
/// scan or view, named after its index.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Scene {
    /// The clouds, each with its pose.
    pub clouds: Vec<SceneCloud>,
    /// True statements about the scene as numbers.
    pub exact: Vec<Exact>,
}

impl Scene {
    /// A cloud by its name.
    pub fn cloud(&self, name: &str) -> Option<&SceneCloud> {
        self.clouds.iter().find(|cloud| cloud.name == name)
    }

    /// An exact number by its name.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.exact.iter().find(|exact| exact.name == name).map(|exact| exact.value)
    }

    /// The exact pose that carries the source onto the target, if the scene is such a pair.
    pub fn target_from_source(&self) -> Option<Isometry3<f64>> {
        let world_from_source = self.cloud("source")?.world_from_cloud;
        let world_from_target = self.cloud("target")?.world_from_cloud;
        Some(world_from_target.inverse() * world_from_source)
    }
}

/// One cloud of a scene.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SceneCloud {
    /// Fit to be a file's name: `source`, `target`, `scan_000`.
    pub name: String,
    /// The points, in the frame of the sensor that saw them.
    pub points: PointCloud,
    /// The exact pose of that frame in the common one.
    pub world_from_cloud: Isometry3<f64>,
    /// Weights of the points, if they are not uniform.
    pub weights: Option<Vec<f64>>,
}

impl SceneCloud {
    pub(crate) fn new(name: impl Into<String>, points: PointCloud) -> Self {
        Self { name: name.into(), points, world_from_cloud: Isometry3::identity(), weights: None }
    }
}

/// A number that is true of a scene by construction.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Exact {
    /// What it measures: letters, digits and underscores.
    pub name: String,
    /// Its value, in the unit that the maker's documentation states.
    pub value: f64,
}

impl Exact {
    pub(crate) fn new(name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), value }
    }
}

/// `source` and `target` for a pair, numbered names otherwise.
pub(crate) fn cloud_name(stem: &str, index: usize, count: usize) -> String {
    match (count, index) {
        (2, 0) => "source".into(),
        (2, _) => "target".into(),
        _ => format!("{stem}_{index:03}"),
    }
}
