//! What a backend must be able to do; everything else is the same for all.

use nalgebra::Vector3;

use super::tiles::TiledMeasure;
use crate::Result;
use crate::balance::Balance;

/// One of the two measures of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Target,
}

impl Side {
    /// The other one.
    pub fn opposite(self) -> Self {
        match self {
            Self::Source => Self::Target,
            Self::Target => Self::Source,
        }
    }
}

/// What the plan does with one row, whatever the potential of the row itself.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RowSummary {
    /// log₂ Σ_j b_j exp((g_j − c_ij) / ε)
    pub log2_sum: f64,
    /// Mean point of the other side, in local coordinates.
    pub mean: Vector3<f64>,
    /// Trace of the covariance of those points about their mean.
    pub spread: f64,
    /// Mean cost.
    pub cost: f64,
    /// Mean of the unit vectors to the points of the other side, for the Euclidean cost; otherwise zero.
    pub pull: Vector3<f64>,
}

/// What an engine begins with, in local units and the tiles' order.
pub(super) struct Start {
    pub blur: f64,
    /// What to begin on: points or cells.
    pub level: usize,
    /// The rule for the marginals.
    pub balance: Balance,
    /// One measure against itself: a single potential, averaged updates.
    pub symmetric: bool,
    /// The residual that will do in the end.
    #[cfg(feature = "gpu")]
    pub tolerance: f64,
    /// The smallest blur of every level.
    #[cfg(feature = "gpu")]
    pub finest: Vec<f64>,
    /// Of the points; not looked at on cells.
    pub potentials: [Vec<f64>; 2],
}

/// Where the next iterations are to lead, in local units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Goal {
    pub blur: f64,
    /// What to iterate on: 0 for the points, more for ever coarser cells.
    pub level: usize,
    /// Whether the blur is still above that of the problem.
    pub annealing: bool,
    /// The residual that will do.
    pub residual: f64,
}

/// How far some iterations came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    pub iterations: usize,
    /// Mass that the plan misplaces on the target side, relative to the total.
    pub residual: f64,
}

/// Potentials as they were left, with their soft minima over the other side, in local units and the tiles' order.
pub(super) struct Settled {
    pub source: Vec<f64>,
    pub target: Vec<f64>,
    pub row_softmins: Vec<f64>,
    pub column_softmins: Vec<f64>,
}

/// The work of a solver in local units and in the tiles' order. Hardware enters here.
///
/// Potentials stay behind this border until they are settled.
pub(super) trait Engine: Send + Sync {
    /// The points as laid out.
    fn measure(&self, side: Side) -> &TiledMeasure;

    /// Does iterations, at least one and at most `most`, and no more than a few, each of which moves both potentials once.
    fn iterate(&mut self, goal: &Goal, most: usize) -> Result<Progress>;

    /// Hands out the potentials of the points. The last iterations were on points.
    fn settle(&mut self) -> Result<Settled>;

    /// The soft minimum over `columns`, given their potential, for points that need not be part of the problem:
    /// −ε log Σ_j b_j exp((g_j − c_ij) / ε).
    fn softmin_at(&self, points: &TiledMeasure, columns: Side, potential: &[f64], epsilon: f64) -> Vec<f64>;

    /// What the plan does with every point of `rows`, summed up, given the other side's potential.
    fn summarize(&self, rows: Side, potential: &[f64], epsilon: f64) -> Vec<RowSummary>;

    /// Entries of the plan with at least a part `threshold` of their row's mass, given the target
    /// potential and the source's soft minima over it: for each source point the target indices and the parts, both in
    /// the tiles' order.
    fn entries(
        &self,
        potential: &[f64],
        softmins: &[f64],
        epsilon: f64,
        threshold: f64,
    ) -> Vec<Vec<(usize, f64)>>;
}
