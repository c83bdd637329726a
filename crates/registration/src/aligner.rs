//! The options of a registration, and its one loop.

use std::ops::ControlFlow;

use barrow_geometry::{Backend, PointCloud};
use nalgebra::Isometry3;

use crate::{Alignment, AlignmentStep, Kernel, Method, Registration, Result, Unmatched};

/// Registers one cloud onto another, from an initial pose or from none.
///
/// The defaults read their scales off the clouds, so that millimetres and kilometres are treated alike.
///
/// # Units
/// Lengths in metres, that is in the unit of the clouds.
///
/// # Determinism
/// The same clouds and options give the same bits on any number of threads, [`Stage::seconds`] apart.
///
/// # References
/// Besl and McKay 1992 (point-to-point), Chen and Medioni 1992 (point-to-plane), Segal, Haehnel and Thrun,
/// *Generalized-ICP*, RSS 2009 (distribution-to-distribution), Koide et al., ICRA 2021 (onto cells), Rusinkiewicz, SIGGRAPH
/// 2019 (symmetric); for the transport matches see [`TransportMatcher`](crate::TransportMatcher).
///
/// ```
/// use barrow_geometry::PointCloud;
/// use barrow_registration::{Aligner, Method};
/// use nalgebra::{Isometry3, Point3, Vector3};
///
/// // A curved patch, and the same patch seen from a sensor that has moved.
/// let point = |i: usize| {
///     let (x, y) = ((i % 40) as f64 * 0.1, (i / 40) as f64 * 0.1);
///     Point3::new(x, y, x.sin() + (1.7 * y).cos())
/// };
/// let target = PointCloud::new((0..1600).map(point).collect())?;
/// let target_from_source = Isometry3::new(Vector3::new(0.1, 0.2, -0.1), Vector3::new(0.0, 0.1, 0.1));
/// let source = target.transformed(&target_from_source.inverse());
///
/// let registration = Aligner { method: Method::Gicp, ..Aligner::default() }.align(&source, &target)?;
/// let error = registration.target_from_source.inverse() * target_from_source;
/// assert!(error.translation.vector.norm() < 1e-3 && error.rotation.angle() < 1e-3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`Stage::seconds`]: crate::Stage::seconds
#[derive(Debug, Clone, PartialEq)]
pub struct Aligner {
    /// Which stages are run.
    pub method: Method,
    /// Edge of the grid that thins both clouds where a pose is measured \[m\]; other stages are in proportion, the last
    /// one at half of it. `None` reads it off the clouds.
    pub voxel_size: Option<f64>,
    /// Gate of the inliers \[m\], and of the stage at one voxel; others widen it with their voxels. `None` is three
    /// voxels.
    pub max_distance: Option<f64>,
    /// Pose to start from. `None`: any pose may be the right one, and is searched for.
    pub initial: Option<Isometry3<f64>>,
    /// Robust kernel; its width follows the median residual, and so does the shape of an adaptive one all of them.
    pub kernel: Kernel,
    /// What transport does with points that have no partner.
    pub unmatched: Unmatched,
    /// Whether a last stage takes all points of both clouds as they are, where they have more than the grids before it leave. Takes
    /// about 500 bytes a point.
    pub full_detail: bool,
    /// Steps that one stage may take.
    pub max_iterations: usize,
    /// A stage has converged when a step moves no point by more than this share of its voxel; ten times that where a finer
    /// stage follows.
    pub tolerance: f64,
}

impl Default for Aligner {
    fn default() -> Self {
        Self {
            method: Method::default(),
            voxel_size: None,
            max_distance: None,
            initial: None,
            kernel: Kernel::default(),
            unmatched: Unmatched::default(),
            full_detail: false,
            max_iterations: 120,
            tolerance: 1e-3,
        }
    }
}

impl Aligner {
    /// Runs to the end.
    ///
    /// # Errors
    /// If a cloud is empty, an option out of range, or no source point has a match at the first step. Not
    /// converging is an answer: see [`Registration::convergence`].
    pub fn align(&self, source: &PointCloud, target: &PointCloud) -> Result<Registration> {
        self.align_with(source, target, |_| ControlFlow::Continue(()))
    }

    /// Runs to the end or until the observer breaks; the pose so far is then the answer, with
    /// [`Status::Stopped`](barrow_geometry::Status::Stopped).
    ///
    /// # Errors
    /// As [`align`](Self::align).
    pub fn align_with(
        &self,
        source: &PointCloud,
        target: &PointCloud,
        mut observe: impl FnMut(&AlignmentStep) -> ControlFlow<()>,
    ) -> Result<Registration> {
        let mut run = self.start(source, target)?;
        while let Some(step) = run.step()? {
            if observe(&step).is_break() {
                break;
            }
        }
        run.finish()
    }

    /// Checks the options and prepares the clouds.
    ///
    /// # Errors
    /// If a cloud is empty or an option out of range.
    pub fn start(&self, source: &PointCloud, target: &PointCloud) -> Result<Alignment> {
        self.start_on(source, target, &Backend::Cpu)
    }

    /// As [`start`](Self::start), with transport solved where a backend computes. Everything else runs on the
    /// processor.
    ///
    /// # Errors
    /// As [`start`](Self::start). What a device cannot do, or that it is lost, [`Alignment::step`] tells.
    pub fn start_on(&self, source: &PointCloud, target: &PointCloud, backend: &Backend) -> Result<Alignment> {
        Alignment::new(self, source, target, backend)
    }
}
