//! Point clouds in 3D: columns of attributes, exact neighbours, metrics and optimal transport.
//!
//! This crate knows no files, windows or trajectories. Lengths are in metres and every public number is
//! `f64`. The same input and options give the same bits on any number of threads.

mod arc;
mod backend;
mod balance;
mod bounds;
mod cloud;
mod convergence;
mod displacement;
mod dual_bound;
mod error;
mod flow;
mod frame;
#[cfg(feature = "gpu")]
mod gpu;
mod kdtree;
mod line;
mod matrix;
mod measure;
mod nearness;
mod neighborhood;
mod ordered;
mod sample;
mod sinkhorn;
mod sliced;
mod sparse_plan;
mod voxel;
mod wasserstein;

pub use arc::Arc;
pub use backend::Backend;
pub use balance::Balance;
pub use bounds::Bounds;
pub use cloud::{Color, PointCloud};
pub use convergence::{Convergence, Status};
pub use displacement::{Displaced, Displacement};
pub use dual_bound::{DualBound, dual_bound, dual_bound_on};
pub use error::{Error, Result};
pub use flow::{BarycenterProblem, Flow, FlowRun, FlowStep, FreeSupport, GradientFlow};
#[cfg(feature = "gpu")]
pub use gpu::{Adapter, AdapterKind, Gpu, KernelRate};
pub use kdtree::{BatchSearch, KdTree, Neighbor, Neighbors, Queries, ReducedCost, WeightedKdTree};
pub use line::{
    KantorovichPotential, LineMeasure, Wasserstein1d, jensen_shannon, kullback_leibler, total_variation,
    wasserstein_1d,
};
pub use matrix::{MatrixPlan, MatrixRun, MatrixSinkhorn, MatrixStep, MatrixTransport};
pub use measure::Measure;
pub use nearness::{
    Chamfer, DensityAwareChamfer, DirectedChamfer, DirectedConsistency, DirectedDistances, FScore, Farthest,
    Hausdorff, NearestDistances, NormalConsistency, chamfer, f_score, hausdorff,
};
pub use neighborhood::{estimate_covariances, estimate_normals, median_spacing};
pub use ordered::fold_ordered;
pub use sample::sample;
pub use sinkhorn::{
    Cost, DivergencePlans, DivergenceTerm, MarginalError, MarginalPenalty, Marginals, MeasureGradient,
    Potentials, RowMean, Sinkhorn, SinkhornDivergence, SinkhornRun, SinkhornStep, TransportGradient,
    TransportPlan, TransportProblem,
};
pub use sliced::{
    Directions, MaxSliced, MaxSlicedDistance, Sliced, SlicedDistance, SlicedGradient, SlicedPlan,
};
pub use sparse_plan::SparsePlan;
pub use voxel::{count_voxels, voxel_downsample};
pub use wasserstein::{
    Certificate, MatrixWasserstein, Moved, Wasserstein, WassersteinPlan, WassersteinProblem, WassersteinRun,
    WassersteinStage, WassersteinStep, wasserstein_of_matrix,
};
