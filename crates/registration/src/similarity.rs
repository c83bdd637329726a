//! Registration of clouds of different size: a rigid motion and a scale.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::Arc;

use barrow_geometry::Error::InvalidOption;
use barrow_geometry::{PointCloud, fold_ordered};
use nalgebra::{Isometry3, Point3, SMatrix, SVector, Similarity3, Translation3};

use crate::pose::{Whitened, fitted, retract};
use crate::resolution::GATE;
use crate::surface::{Surface, centered};
use crate::{
    Aligner, AlignmentStep, Correspondence, Kernel, Matcher, NearestMatcher, Registration, Residual, Result,
    Verdict,
};

/// Ratio of successive scales that are tried: rigid matching survives half of it.
const RATIO: f64 = 1.15;

/// Widest range of scales: beyond the ratio of the spreads, which any unit is part of already.
const WIDEST: f64 = 1000.0;

/// Steps that pose and scale are refined by at most.
const STEPS: usize = 60;

/// Change of the scale at which it is found.
const SETTLED: f64 = 1e-7;

/// Registers a cloud onto one that shows the same at another size, such as a photogrammetric model onto a scan.
///
/// Rigid registrations are tried at several scales, first with equal spread, then as the clouds are, then in steps of 15 %; from the
/// first that is accepted, pose and scale are refined together by Gauss–Newton steps on the seven of them. Overlap has to be large enough
/// for one scale to stand out; the verdict is that of the rigid registration at the final scale.
///
/// # Determinism
/// As [`Aligner`].
///
/// # References
/// Umeyama, *Least-squares estimation of transformation parameters*, PAMI 13 (1991) (the problem); the residuals are those of
/// the aligner's generalised ICP, with the scale as a seventh parameter.
///
/// ```
/// use barrow_geometry::PointCloud;
/// use barrow_registration::SimilarityAligner;
/// use nalgebra::Point3;
///
/// let point = |i: usize| {
///     let (x, y) = ((i % 60) as f64 * 0.1, (i / 60) as f64 * 0.1);
///     Point3::new(x, y, x.sin() + (1.7 * y).cos())
/// };
/// let target = PointCloud::new((0..3600).map(point).collect())?;
/// let source = PointCloud::new(target.positions().iter().map(|p| p * 0.8).collect())?;
/// let found = SimilarityAligner::default().align(&source, &target)?;
/// assert!((found.target_from_source.scaling() - 1.25).abs() < 1e-3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SimilarityAligner {
    /// Registers at each scale. Its lengths are those of the target.
    pub aligner: Aligner,
    /// Scales are looked for from 1 ÷ this to this, > 1 and at most 1000, about the ratio of the clouds' spreads.
    pub range: f64,
}

impl Default for SimilarityAligner {
    fn default() -> Self {
        Self { aligner: Aligner::default(), range: 2.0 }
    }
}

/// A pose with a scale.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Similarity {
    /// x_target = `target_from_source` · x_source = scale · R x + t.
    pub target_from_source: Similarity3<f64>,
    /// The rigid registration of the source after scaling about its origin.
    pub registration: Registration,
}

impl SimilarityAligner {
    /// Runs to the end.
    ///
    /// # Errors
    /// As [`Aligner::align`]; if `range` is not above 1 and at most 1000.
    pub fn align(&self, source: &PointCloud, target: &PointCloud) -> Result<Similarity> {
        self.align_with(source, target, |_| ControlFlow::Continue(()))
    }

    /// Runs to the end or until the observer breaks; the best so far is then the answer. Steps are those of the rigid registrations.
    ///
    /// # Errors
    /// As [`align`](Self::align).
    pub fn align_with(
        &self,
        source: &PointCloud,
        target: &PointCloud,
        mut observe: impl FnMut(&AlignmentStep) -> ControlFlow<()>,
    ) -> Result<Similarity> {
        if !(self.range > 1.0 && self.range <= WIDEST) {
            let requirement = "above 1 and at most 1000";
            return Err(InvalidOption { name: "range", requirement, got: self.range }.into());
        }
        let stopped = Cell::new(false);
        let mut watch = |step: &AlignmentStep| {
            let flow = observe(step);
            stopped.set(stopped.get() || flow.is_break());
            flow
        };
        let mut best: Option<(f64, Registration)> = None;
        for scale in scales(source, target, self.range) {
            let found = match self.aligner.align_with(&source.scaled(scale)?, target, &mut watch) {
                Ok(found) => found,
                Err(crate::Error::NoCorrespondences { .. }) => continue,
                Err(error) => return Err(error),
            };
            let accepted = found.verdict == Verdict::Accepted;
            if best.as_ref().is_none_or(|(_, best)| found.agreement.score() > best.agreement.score()) {
                best = Some((scale, found));
            }
            if stopped.get() || accepted {
                break;
            }
        }
        let Some((mut scale, mut registration)) = best else {
            // Nothing matches at any scale: the error of the first tells how.
            let registration = self.aligner.align(source, target)?;
            return Ok(Similarity { target_from_source: similar(1.0, &registration), registration });
        };
        if !stopped.get() && registration.verdict != Verdict::Failed {
            let (finer, pose) = self.refined(source, target, (scale, &registration))?;
            let aligner = Aligner { initial: Some(pose), ..self.aligner.clone() };
            let found = aligner.align_with(&source.scaled(finer)?, target, &mut watch)?;
            // A scale that does worse in the end was no refinement.
            if found.agreement.score() >= registration.agreement.score() {
                (scale, registration) = (finer, found);
            }
        }
        Ok(Similarity { target_from_source: similar(scale, &registration), registration })
    }

    /// Scale and pose refined on grids twice as fine as the registration was measured on.
    fn refined(
        &self,
        source: &PointCloud,
        target: &PointCloud,
        (scale, found): (f64, &Registration),
    ) -> Result<(f64, Isometry3<f64>)> {
        let voxel_size = 0.5 * found.voxel_size;
        let (source, source_origin) = centered(source, "source")?;
        let (target, target_origin) = centered(target, "target")?;
        let target = Arc::new(Surface::thinned(&target, voxel_size)?);
        let source = Surface::thinned(&source, voxel_size / scale)?;
        // Of the source about its centroid and scaled, onto the target about its own.
        let center = |scale: f64| Translation3::from(source_origin.vector * scale);
        let pose = target_origin.inverse() * found.target_from_source * center(scale);
        let limits = (voxel_size, SETTLED);
        let (scale, pose) = refined(&source, target, (scale, pose), limits, self.aligner.kernel)?;
        Ok((scale, target_origin * pose * center(scale).inverse()))
    }
}

fn similar(scale: f64, registration: &Registration) -> Similarity3<f64> {
    Similarity3::from_isometry(registration.target_from_source, scale)
}

/// The ratio of the spreads, one, and what lies around the ratio, nearest first.
fn scales(source: &PointCloud, target: &PointCloud, range: f64) -> Vec<f64> {
    let spread = |cloud: &PointCloud| {
        let center = cloud.centroid()?;
        let squares: f64 = cloud.positions().iter().map(|point| (point - center).norm_squared()).sum();
        Some((squares / cloud.len() as f64).sqrt()).filter(|&spread| spread > 0.0)
    };
    let (Some(source), Some(target)) = (spread(source), spread(target)) else { return vec![1.0] };
    let ratio = target / source;
    let mut scales = vec![ratio];
    if ratio.ln().abs() <= range.ln() {
        scales.push(1.0);
    }
    let mut factor = RATIO;
    while factor <= range {
        scales.extend([ratio * factor, ratio / factor]);
        factor *= RATIO;
    }
    scales
}

/// Scale and pose by Gauss–Newton steps on nearest neighbours, with the residuals of generalised ICP, until a step changes the scale by
/// less than a share of it.
///
/// The source is not scaled yet, the pose is that of the scaled one; `voxel_size` \[m\] is that of the target.
pub(crate) fn refined(
    source: &Surface,
    target: Arc<Surface>,
    (mut scale, mut pose): (f64, Isometry3<f64>),
    (voxel_size, settled): (f64, f64),
    kernel: Kernel,
) -> Result<(f64, Isometry3<f64>)> {
    let mut matcher = NearestMatcher::over(target, GATE * voxel_size);
    for _ in 0..STEPS {
        let positions: Vec<Point3<f64>> = source.positions.iter().map(|point| point * scale).collect();
        let pairs = matcher.correspond(&positions, &pose)?;
        let Some(step) = step(&pairs, &positions, source, &pose, kernel, voxel_size) else { break };
        pose = retract(&pose, &step.fixed_rows::<6>(0).into_owned());
        let change = step[6].clamp(-0.05, 0.05);
        scale *= change.exp();
        if change.abs() < settled {
            break;
        }
    }
    Ok((scale, pose))
}

/// One step (ω, t, log scale); `None` if the pairs leave any of the seven free.
fn step(
    pairs: &[Correspondence],
    positions: &[Point3<f64>],
    surface: &Surface,
    pose: &Isometry3<f64>,
    kernel: Kernel,
    voxel_size: f64,
) -> Option<SVector<f64, 7>> {
    let measured: Vec<Whitened> = pairs
        .iter()
        .map(|pair| {
            let normal = surface.normals.as_ref().map(|normals| normals[pair.source]);
            Whitened::new(pair, &positions[pair.source], normal, pose, Residual::Distribution)
        })
        .collect();
    let kernel = fitted(kernel, &measured, voxel_size);
    // In units of the cloud, so that lengths and angles meet one threshold.
    let size = positions.iter().map(|point| point.coords.norm()).fold(0.0, f64::max);
    let part = |range: std::ops::Range<usize>| {
        let (mut hessian, mut gradient) = (SMatrix::<f64, 7, 7>::zeros(), SVector::<f64, 7>::zeros());
        for (pair, one) in pairs[range.clone()].iter().zip(&measured[range]) {
            let weight = pair.weight * kernel.weight_of_square(one.squared);
            let x = positions[pair.source].coords / size;
            let mut jacobian = SMatrix::<f64, 3, 7>::zeros();
            jacobian.fixed_view_mut::<3, 3>(0, 0).copy_from(&-x.cross_matrix());
            jacobian.fixed_view_mut::<3, 3>(0, 3).fill_with_identity();
            jacobian.fixed_view_mut::<3, 1>(0, 6).copy_from(&x);
            let weighted = jacobian.transpose() * one.omega * weight;
            hessian += weighted * jacobian;
            gradient += weighted * (one.r / size);
        }
        (hessian, gradient)
    };
    let (hessian, gradient) =
        fold_ordered(pairs.len(), part, |a, b| (a.0 + b.0, a.1 + b.1)).filter(|_| size > 0.0)?;
    let mut step = -hessian.cholesky()?.solve(&gradient);
    let mut shift = step.fixed_rows_mut::<3>(3);
    shift *= size;
    step.iter().all(|value| value.is_finite()).then_some(step)
}
