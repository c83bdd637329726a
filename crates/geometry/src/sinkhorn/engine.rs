//! What a backend must be able to do; everything else is the same for all.

use nalgebra::Vector3;

use super::flows::Flows;
use super::tiles::TiledMeasure;

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

/// The dense work of a solver, in local units and in the tiles' order. Hardware enters here.
///
/// Potentials cross this border once per half-step: n numbers against n·m evaluations. Level 0 is the points, higher
/// levels are ever coarser cells.
pub(super) trait Engine: Send + Sync {
    /// The points or cells of a level as laid out.
    fn measure_at(&self, side: Side, level: usize) -> &TiledMeasure;

    /// The soft minimum over the *other* side for every point or cell of `rows`, given the other side's
    /// potential: −ε log Σ_j b_j exp((g_j − c_ij) / ε). Both sides may be of different levels. `guess` holds values
    /// that are about right, if any are known; it changes how soon, not what.
    fn softmin_between(
        &self,
        rows: Side,
        row_level: usize,
        column_level: usize,
        potential: &[f64],
        epsilon: f64,
        guess: Option<&[f64]>,
    ) -> Vec<f64>;

    /// As [`softmin_between`](Self::softmin_between) on one level, and what the plan of `potential` and `own`, the rows'
    /// potential, moves, as parts of the rows' total, if
    /// that is not too much to remember.
    fn softmin_with_flows(
        &self,
        rows: Side,
        level: usize,
        potential: &[f64],
        own: &[f64],
        epsilon: f64,
        guess: Option<&[f64]>,
    ) -> (Vec<f64>, Option<Flows>);

    /// The same for points that need not be part of the problem; `columns` is the side that the minimum is over.
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

    /// The points as laid out.
    fn measure(&self, side: Side) -> &TiledMeasure {
        self.measure_at(side, 0)
    }
}
