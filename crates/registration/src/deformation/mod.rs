//! Smooth non-rigid alignment: a coherent field, driven by the gradient of a transport divergence.

mod answer;
mod basis;
mod levels;
mod plan;
mod run;
mod search;
mod similarity;
mod state;

use std::ops::ControlFlow;

use barrow_geometry::{Error as GeometryError, Measure, PointCloud};
use nalgebra::Isometry3;

pub use answer::{Deformation, Energy, Smoothness};
pub use run::{DeformationRun, DeformationStep};

use crate::Result;
use crate::error::require_positive;

/// Deforms one cloud smoothly onto another.
///
/// The map is T(x) = s R (x + v(x)) + t: a motion, and a field v of a Gaussian kernel, so that near points
/// move alike. Every step solves an unbalanced entropic transport problem between the moved source and the
/// target. A point is asked to go where its row of the plan lies on average, less where its row of the
/// source's plan onto itself lies: the gradient of the Sinkhorn divergence, which asks nothing of a cloud
/// that lies on its target already, however wide the blur. Motion and field then follow by least squares,
///
/// ```text
/// Σ w_i |T(x_i) − y_i|² / Σ w_i + stiffness · (blur² / last blur)² · |v|²
/// ```
///
/// with the masses w_i of the rows. The blur falls geometrically from half the radius of the clouds to the
/// spacing of their points; wide blurs see thinned clouds. The field is released once the motion alone has
/// brought the clouds together. Without an initial pose that begins with a search over all rotations. Mass
/// without a partner stays behind, and its points are carried along by the field.
///
/// # Units
/// Lengths in metres, that is in the unit of the clouds. Scales are read off the clouds, so that millimetres
/// and kilometres are treated alike.
///
/// # Determinism
/// The same clouds and options give the same bits on any number of threads.
///
/// # References
/// Myronenko and Song, *Point set registration: coherent point drift*, PAMI 2010 (the field); Hirose, *A
/// Bayesian formulation of coherent point drift*, PAMI 2021 (motion and field together); Feydy et al.,
/// *Optimal transport for diffeomorphic registration*, MICCAI 2017, and *Interpolating between optimal
/// transport and MMD using Sinkhorn divergences*, AISTATS 2019 (the gradient that drives them).
///
/// ```
/// use barrow_geometry::PointCloud;
/// use barrow_registration::Deformer;
/// use nalgebra::Point3;
///
/// // A strip, and the same strip bent upwards.
/// let strip = |bend: f64| {
///     let point = |i: usize| {
///         let (x, y) = ((i % 40) as f64 * 0.1, (i / 40) as f64 * 0.1);
///         Point3::new(x, y, bend * x * x + 0.3 * (2.0 * x + y).sin())
///     };
///     PointCloud::new((0..400).map(point).collect())
/// };
/// let deformation = Deformer::default().deform(&strip(0.0)?, &strip(0.05)?)?;
/// let moved = deformation.at(&strip(0.0)?.positions()[39]);
/// assert!((moved - strip(0.05)?.positions()[39]).norm() < 0.1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Deformer {
    /// How much bending costs against distance; more is stiffer.
    pub stiffness: f64,
    /// Length over which points move alike \[m\]; `None` is 0.8 times the source's root mean square radius.
    pub width: Option<f64>,
    /// Blur of the last plans \[m\]; `None` is 0.7 times the spacing of the points.
    pub blur: Option<f64>,
    /// Distance in blurs beyond which mass is rather left behind than moved.
    pub reach: f64,
    /// Whether the motion may change the scale.
    pub scale: bool,
    /// Pose to start from; `None` searches all rotations about the centroids.
    pub initial: Option<Isometry3<f64>>,
    /// Points of a cloud that plans are made between; larger clouds are thinned by a grid, and the field
    /// carries the rest.
    pub max_points: usize,
    /// Ratio of successive blurs, between 0 and 1.
    pub scaling: f64,
    /// Steps at the last blur.
    pub max_iterations: usize,
    /// Converged when a step moves the points by no more than this share of the last blur.
    pub tolerance: f64,
}

impl Default for Deformer {
    fn default() -> Self {
        Self {
            stiffness: 0.01,
            width: None,
            blur: None,
            reach: 1.0,
            scale: true,
            initial: None,
            max_points: 10_000,
            scaling: 0.95,
            max_iterations: 60,
            tolerance: 5e-3,
        }
    }
}

impl Deformer {
    /// Runs to the end.
    ///
    /// # Errors
    /// If a cloud is empty, an option is out of range, or no point has a target point near it. Not converging
    /// is an answer: see [`Deformation::convergence`].
    pub fn deform(&self, source: &PointCloud, target: &PointCloud) -> Result<Deformation> {
        self.deform_with(source, target, |_| ControlFlow::Continue(()))
    }

    /// Runs to the end or until the observer breaks; the field so far is then the answer, with
    /// [`Status::Stopped`](barrow_geometry::Status::Stopped).
    ///
    /// # Errors
    /// As [`deform`](Self::deform).
    pub fn deform_with(
        &self,
        source: &PointCloud,
        target: &PointCloud,
        mut observe: impl FnMut(&DeformationStep) -> ControlFlow<()>,
    ) -> Result<Deformation> {
        let mut run = self.start(measure(source, "source")?, measure(target, "target")?)?;
        while let Some(step) = run.step()? {
            if observe(&step).is_break() {
                break;
            }
        }
        Ok(run.finish())
    }

    /// Checks the options and prepares the clouds, whose points may have weights.
    ///
    /// # Errors
    /// If an option is out of range.
    pub fn start(&self, source: Measure, target: Measure) -> Result<DeformationRun> {
        DeformationRun::new(self, source, target)
    }

    fn check(&self) -> Result<()> {
        for (name, value) in [
            ("stiffness", self.stiffness),
            ("reach", self.reach),
            ("tolerance", self.tolerance),
            ("scaling", self.scaling),
        ] {
            require_positive(name, value)?;
        }
        let refuse =
            |name, requirement, got| Err(GeometryError::InvalidOption { name, requirement, got }.into());
        if self.scaling > 0.99 {
            return refuse("scaling", "above 0 and at most 0.99", self.scaling);
        }
        if self.max_points == 0 {
            return refuse("max_points", "at least 1", 0.0);
        }
        if self.max_iterations == 0 {
            return refuse("max_iterations", "at least 1", 0.0);
        }
        Ok(())
    }
}

fn measure<'a>(cloud: &'a PointCloud, role: &'static str) -> Result<Measure<'a>> {
    if cloud.is_empty() {
        return Err(GeometryError::Empty { role }.into());
    }
    Ok(Measure::uniform(cloud.positions())?)
}
