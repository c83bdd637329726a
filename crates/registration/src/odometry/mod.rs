//! The pose of every scan of a moving sensor: options, and the one loop.

mod deskew;
mod map;
mod moments;
pub(crate) mod motion;
mod prior;
mod run;
mod scale;
mod solve;
mod step;
mod times;
mod track;

use std::borrow::Borrow;

use barrow_geometry::PointCloud;

pub use deskew::deskew;
pub use run::OdometryRun;
pub use step::{OdometryStep, Tracking};
pub use track::Track;

use crate::Result;
use crate::error::require_positive;

/// Follows a LiDAR or depth camera from scan to scan.
///
/// Every scan is thinned, expected where the motion so far would have brought it, and moved onto a local map by robust
/// point-to-plane steps; then the map takes it in. The map keeps mean and spread of the points in cubes, and its planes
/// are those of 27 cubes together. Where the points of a scan have times, the motion during the scan is sought along with
/// the pose, and what the sensor measured while it moved is straightened by it. How far a scan may lie from where it was
/// expected follows from how far those before have.
///
/// Every length is read off the first scan, so that millimetres and kilometres, rooms and streets are treated alike.
///
/// # Units
/// Lengths in metres, that is in the unit of the clouds; times in any unit.
///
/// # Determinism
/// The same scans and options give the same bits on any number of threads, [`OdometryStep::seconds`] apart.
///
/// # References
/// Vizzo et al., *KISS-ICP*, RA-L 2023 (constant velocity, adaptive threshold, local map of voxels); Dellenbach et al.,
/// *CT-ICP*, ICRA 2022 (the motion within a scan as part of the problem); Chen and Medioni 1992 (point to plane).
///
/// ```
/// use barrow_geometry::PointCloud;
/// use barrow_registration::{Odometry, Tracking};
/// use nalgebra::{Isometry3, Point3, Vector3};
///
/// // A hilly patch, seen by a sensor that moves on a little with every scan.
/// let point = |i: usize| {
///     let (x, y) = ((i % 60) as f64 * 0.1, (i / 60) as f64 * 0.1);
///     Point3::new(x, y, x.sin() + (1.7 * y).cos())
/// };
/// let hill = PointCloud::new((0..3600).map(point).collect())?;
/// let pose = |scan: usize| Isometry3::translation(0.02 * scan as f64, 0.0, 0.0);
///
/// let mut run = Odometry::default().start()?;
/// for scan in 0..5 {
///     let step = run.push(&hill.transformed(&pose(scan).inverse()));
///     assert!(step.tracking.is_measured());
///     assert!((step.world_from_scan.translation.vector - 0.02 * scan as f64 * Vector3::x()).norm() < 1e-3);
/// }
/// assert_eq!(run.finish().count(Tracking::Tracked), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Odometry {
    /// Edge of the cubes that scans are thinned by \[m\]; the map's are a third of it. `None` reads it off the first scan.
    pub voxel_size: Option<f64>,
    /// Nearer points are left out \[m\]: returns from what carries the sensor.
    pub min_range: f64,
    /// Farther points are left out \[m\].
    pub max_range: f64,
    /// Whether the motion during a scan is sought, where points have times.
    pub deskew: bool,
    /// Steps that the solver may take on a scan at one resolution of the map.
    pub max_iterations: usize,
    /// A scan has found its place when a step moves no point by more than this share of a cell.
    pub tolerance: f64,
    /// Scans lost in a row after which a new map begins.
    pub patience: usize,
}

impl Default for Odometry {
    fn default() -> Self {
        Self {
            voxel_size: None,
            min_range: 0.0,
            max_range: f64::INFINITY,
            deskew: true,
            max_iterations: 50,
            tolerance: 1e-3,
            patience: 5,
        }
    }
}

impl Odometry {
    /// Checks the options; scans come one by one.
    ///
    /// # Errors
    /// If an option is out of range.
    pub fn start(&self) -> Result<OdometryRun> {
        if let Some(size) = self.voxel_size {
            require_positive("voxel_size", size)?;
        }
        let invalid = |name, requirement, got| {
            Err(barrow_geometry::Error::InvalidOption { name, requirement, got }.into())
        };
        if !(self.min_range >= 0.0 && self.min_range.is_finite()) {
            return invalid("min_range", "finite and >= 0", self.min_range);
        }
        if self.max_range.is_nan() || self.max_range <= self.min_range {
            return invalid("max_range", "above min_range", self.max_range);
        }
        require_positive("max_iterations", self.max_iterations as f64)?;
        require_positive("tolerance", self.tolerance)?;
        require_positive("patience", self.patience as f64)?;
        Ok(OdometryRun::new(self))
    }

    /// Follows a whole sequence.
    ///
    /// # Errors
    /// If an option is out of range.
    pub fn follow(&self, scans: impl IntoIterator<Item = impl Borrow<PointCloud>>) -> Result<Track> {
        let mut run = self.start()?;
        for scan in scans {
            run.push(scan.borrow());
        }
        Ok(run.finish())
    }
}
