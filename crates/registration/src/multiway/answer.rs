//! Where many clouds lie.

use barrow_geometry::Convergence;
use nalgebra::{Isometry3, Matrix6};

use crate::{Registration, Verdict};

/// What became of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// Its pose agrees with the poses of the answer, and helped to find them.
    Kept,
    /// Its pose contradicts those of other pairs, which agree with each other.
    Outvoted,
    /// Nothing else stands in for it, and by itself it is not sure enough to place a cloud.
    Unconfirmed,
    /// The two clouds alone bear no pose out.
    Failed,
}

/// A pair of clouds that was registered.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PairAnswer {
    /// Index of the cloud that moves.
    pub source: usize,
    /// Index of the cloud that stays.
    pub target: usize,
    /// The registration of the two alone; `None` if not a single match was found.
    pub registration: Option<Registration>,
    /// What became of it.
    pub standing: Standing,
    /// Root mean square distance by which its matches disagree with the poses of the answer, along their normals \[m\]. `None`
    /// if the clouds lie in different parts, or nothing was registered.
    pub disagreement: Option<f64>,
    /// Whether it was registered from the pose that other pairs imply.
    pub was_guessed: bool,
}

impl PairAnswer {
    /// The verdict on the two clouds alone.
    pub fn verdict(&self) -> Verdict {
        self.registration.as_ref().map_or(Verdict::Failed, |found| found.verdict)
    }
}

/// Poses of many clouds that agree with each other.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Arrangement {
    /// x_world = `world_from_cloud[k]` · x_k, the world being the frame of the first cloud. `None` if nothing sure joins the
    /// cloud with the first one, not even through others.
    pub world_from_cloud: Vec<Option<Isometry3<f64>>>,
    /// Clouds that hang together, by first cloud: the first part holds cloud 0 and is the one that is placed.
    pub parts: Vec<Vec<usize>>,
    /// Poses in the frame of the first cloud of the part that each is in.
    pub part_from_cloud: Vec<Isometry3<f64>>,
    /// Covariance of each of these, for the perturbation T ∘ (exp ω, t), rotation first; widened where pairs disagree more than
    /// their own covariances tell. Zero for the first cloud of a part, `None` if some direction is free.
    pub covariances: Vec<Option<Matrix6<f64>>>,
    /// Every pair registered, in the order in which that was done; a pair tried again stands in its first place.
    pub pairs: Vec<PairAnswer>,
    /// Why the search for the poses ended; `Stopped` if pairs were left out.
    pub convergence: Convergence,
}

impl Arrangement {
    /// Clouds that could not be placed.
    pub fn unplaced(&self) -> Vec<usize> {
        (0..self.world_from_cloud.len()).filter(|&cloud| self.world_from_cloud[cloud].is_none()).collect()
    }
}
