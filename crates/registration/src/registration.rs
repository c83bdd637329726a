//! The answer of a registration.

use barrow_geometry::Convergence;
use nalgebra::{Isometry3, Matrix6, Vector6};

use crate::{Agreement, Verdict};

/// A stage of the loop that led to the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// What it did, such as `"transport"` or `"gicp fine"`.
    pub name: &'static str,
    /// Steps taken.
    pub iterations: usize,
    /// Wall time \[s\].
    pub seconds: f64,
}

/// A pose, how well it fits, how firmly the clouds hold it, and why the loop stopped.
///
/// Inliers are counted among the points that took part: one a voxel of [`voxel_size`](Self::voxel_size).
/// [`evaluate`](crate::evaluate) counts over full clouds.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Registration {
    /// x_target = `target_from_source` · x_source.
    pub target_from_source: Isometry3<f64>,
    /// Whether the pose is to be believed.
    pub verdict: Verdict,
    /// What the verdict rests on.
    pub agreement: Agreement,
    /// The pose that came closest to this one without being the same, if several were settled.
    pub runner_up: Option<Isometry3<f64>>,
    /// The scale of the source at which the clouds would agree clearly better, if there is one: they are not of one size, and the
    /// pose is doubtful. [`SimilarityAligner`](crate::SimilarityAligner) finds both.
    pub other_scale: Option<f64>,
    /// Inliers ÷ **source** points.
    pub fitness: f64,
    /// Root mean square distance of the inliers to their nearest target point \[m\]; `None` without inliers.
    pub inlier_rmse: Option<f64>,
    /// Source points with a target point within [`max_distance`](Self::max_distance).
    pub inliers: usize,
    /// Source points that took part.
    pub source_points: usize,
    /// Target points that took part.
    pub target_points: usize,
    /// The smaller of the shares of source and target points with a partner within the gate.
    pub overlap: f64,
    /// Hessian of half the weighted sum of squared residuals, rotation first, for the perturbation
    /// T ∘ (exp ω, t) in the source frame; zero along free directions. Residuals in metres: the inverse of
    /// [`covariance`](Self::covariance) is this over the variance of one match.
    pub information: Matrix6<f64>,
    /// Covariance of the perturbation (ω, t), `None` if some direction is free: σ² times the inverse of `information`, with σ² the
    /// variance of one match as it bears on the pose. It counts that residuals of neighbours depend on each other, and that
    /// matches change where the source moves and pull it back the less, the more noise there is (Huber 1967; Liang and Zeger 1986).
    ///
    /// On made objects, streets and rooms whose points were drawn apart, with noise up to half a voxel, the mean of δᵀ C⁻¹ δ over errors
    /// δ is from 4 to 8, for 6 of a right covariance C; it is less, and the covariance too wide, for planes without any noise. What
    /// all points have in common, such as a calibration that is off, no covariance of points can know.
    pub covariance: Option<Matrix6<f64>>,
    /// Perturbations (ω, t) that the surfaces leave free, about the source's centroid: motions along which the normals of both
    /// clouds say no more alike than the errors of normals do by themselves. Mere shifts come first. Length one once ω is
    /// multiplied by the source's radius, the root mean square distance to the centroid; at right angles so.
    ///
    /// The pose was held back along them: it is the nearest to where it began, a given pose or else what the search came
    /// up with. Without a given pose it is doubtful at most.
    pub degenerate_directions: Vec<Vector6<f64>>,
    /// Why the loop stopped; `residual` is the last step's motion of a point at the source's radius \[m\].
    pub convergence: Convergence,
    /// The stages run, those of a track that was not kept included.
    pub stages: Vec<Stage>,
    /// Edge of the grid on which the pose was measured \[m\].
    pub voxel_size: f64,
    /// Gate of the inliers \[m\].
    pub max_distance: f64,
}
