//! Registration of point clouds: one pose loop over weighted correspondences, from a given pose or from none.
//!
//! A [`Matcher`] pairs source points with places on the target, by nearest neighbour
//! ([`NearestMatcher`]), by the cells that they fall into ([`VoxelMatcher`]) or by the rows of a transport plan
//! ([`TransportMatcher`]); the pose solver cannot tell which. [`Aligner`] holds the options, [`Alignment`] is the run, [`Registration`] the answer, and its
//! [`Verdict`] says whether to believe it.
//!
//! | asked | answered by |
//! |---|---|
//! | the pose between two clouds | [`Aligner`] |
//! | pose and scale | [`SimilarityAligner`] |
//! | poses of many clouds | [`Multiway`] over a [`PoseGraph`] |
//! | the way of a moving sensor | [`Odometry`] |
//! | a smooth bend | [`Deformer`] |
//!
//! Poses are `target_from_source`: x_target = T · x_source. Source comes first, target second, always.

mod agreement;
mod aligner;
mod alignment;
mod annealing;
mod cells;
mod certainty;
mod correspondence;
mod deformation;
mod error;
mod fit;
mod freedom;
mod global;
mod holding;
mod joint;
mod kernel;
mod loss;
mod multiway;
mod nearest;
mod odometry;
mod pair;
mod pose;
mod registration;
mod report;
mod resolution;
mod running;
mod scan;
mod schedule;
mod search;
mod similarity;
mod sliced;
mod standings;
mod surface;
mod track;
mod trajectory;
mod transport;
mod unmatched;
mod verdict;
mod voxels;

pub use agreement::Agreement;
pub use aligner::Aligner;
pub use alignment::{Alignment, AlignmentStep};
pub use correspondence::{Correspondence, Matcher};
pub use deformation::{Deformation, DeformationRun, DeformationStep, Deformer, Energy, Smoothness};
pub use error::{Error, Result};
pub use fit::{Fit, evaluate};
pub use kernel::{FittedKernel, Kernel};
pub use multiway::{
    Arrangement, Multiway, MultiwayRun, MultiwayStep, PairAnswer, PoseEdge, PoseGraph, PoseGraphSolution,
    Standing,
};
pub use nearest::NearestMatcher;
pub use odometry::{Odometry, OdometryRun, OdometryStep, Track, Tracking, deskew};
pub use pose::Residual;
pub use registration::{Registration, Stage};
pub use resolution::{GATE, automatic_max_distance, automatic_voxel_size};
pub use schedule::Method;
pub use similarity::{Similarity, SimilarityAligner};
pub use trajectory::{
    AbsoluteError, DriftError, ErrorStatistics, RelativeError, absolute_error, drift, drift_lengths,
    relative_error,
};
pub use transport::TransportMatcher;
pub use unmatched::Unmatched;
pub use verdict::Verdict;
pub use voxels::VoxelMatcher;
