//! More than two clouds: pairs are registered, and poses found that agree with all that is right among them.

mod answer;
mod blocks;
mod descent;
mod edge;
mod evidence;
mod graph;
mod pairs;
mod parts;
mod picture;
mod run;
mod shift;

use std::ops::ControlFlow;

use barrow_geometry::PointCloud;

pub use answer::{Arrangement, PairAnswer, Standing};
pub use edge::PoseEdge;
pub use graph::{PoseGraph, PoseGraphSolution};
pub use run::{MultiwayRun, MultiwayStep};

use crate::{Aligner, Result, Verdict};

/// Registers a set of clouds with each other: scans of an object from all sides, of a room, along a path.
///
/// Pairs are registered one by one, without a guess. Their poses and informations make a [`PoseGraph`], in which wrong
/// registrations are outvoted. Pairs without a registration that is kept, although the poses found let their clouds overlap,
/// are then tried once more, from those poses; what they add makes loops, and loops make poses firm.
///
/// A small set has all its pairs registered. In a larger one every cloud is first registered with the one before it, then parts that
/// do not hang together are tried with each other, then pairs that overlap at the poses found, first those that overlap much although
/// they are many pairs apart, until every cloud has had [`partners`](Self::partners) on average.
///
/// # Units
/// Lengths in metres, that is in the unit of the clouds.
///
/// # Determinism
/// The same clouds and options give the same bits on any number of threads, times apart.
///
/// # References
/// Choi, Zhou, Koltun, *Robust reconstruction of indoor scenes*, CVPR 2015; for the poses see [`PoseGraph`].
///
/// ```
/// use barrow_geometry::PointCloud;
/// use barrow_registration::Multiway;
/// use nalgebra::{Isometry3, Point3, Vector3};
///
/// // A curved patch, seen from three places.
/// let point = |i: usize| {
///     let (x, y) = ((i % 40) as f64 * 0.1, (i / 40) as f64 * 0.1);
///     Point3::new(x, y, x.sin() + (1.7 * y).cos())
/// };
/// let first = PointCloud::new((0..1600).map(point).collect())?;
/// let pose = |k: f64| Isometry3::new(Vector3::new(0.1 * k, 0.1, 0.0), Vector3::new(0.0, 0.0, 0.1 * k));
/// let clouds = [first.clone(), first.transformed(&pose(1.0).inverse()), first.transformed(&pose(2.0).inverse())];
///
/// let arrangement = Multiway::default().arrange(&clouds)?;
/// for (k, found) in arrangement.world_from_cloud.iter().enumerate().skip(1) {
///     let error = found.ok_or("not placed")?.inverse() * pose(k as f64);
///     assert!(error.translation.vector.norm() < 2e-3 && error.rotation.angle() < 2e-3);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Multiway {
    /// How pairs are registered; an initial pose here is one for every pair.
    pub aligner: Aligner,
    /// Others that a cloud is registered with, on average; all pairs are registered if there are no more.
    pub partners: usize,
    /// Pairs contradict each other beyond this root mean square distance of their matches along normals \[m\]; `None` is one voxel
    /// of the pair.
    pub max_disagreement: Option<f64>,
    /// The least verdict on a pair that may place a cloud by itself. Lesser ones count once others confirm them.
    pub least_verdict: Verdict,
}

impl Default for Multiway {
    fn default() -> Self {
        Self {
            aligner: Aligner::default(),
            partners: 12,
            max_disagreement: None,
            least_verdict: Verdict::Accepted,
        }
    }
}

impl Multiway {
    /// Runs to the end.
    ///
    /// # Errors
    /// If there are no clouds, one of them is empty (it is named by its index), or an option is out of range. A cloud that cannot be
    /// placed is an answer: see [`Arrangement::world_from_cloud`].
    pub fn arrange(&self, clouds: &[PointCloud]) -> Result<Arrangement> {
        self.arrange_with(clouds, |_| ControlFlow::Continue(()))
    }

    /// Runs to the end or until the observer breaks; the poses that follow from the pairs so far are then the answer, with
    /// [`Status::Stopped`](barrow_geometry::Status::Stopped).
    ///
    /// # Errors
    /// As [`arrange`](Self::arrange).
    pub fn arrange_with(
        &self,
        clouds: &[PointCloud],
        mut observe: impl FnMut(&MultiwayStep) -> ControlFlow<()>,
    ) -> Result<Arrangement> {
        let mut run = self.start(clouds)?;
        while let Some(step) = run.step()? {
            if observe(&step).is_break() {
                break;
            }
        }
        run.finish()
    }

    /// Checks the options and the clouds.
    ///
    /// # Errors
    /// As [`arrange`](Self::arrange).
    pub fn start(&self, clouds: &[PointCloud]) -> Result<MultiwayRun> {
        MultiwayRun::new(self, clouds)
    }
}
