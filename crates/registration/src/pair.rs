//! The two clouds of a registration, and what all its stages share.

use std::sync::Arc;
use std::time::Instant;

use barrow_geometry::{Backend, BatchSearch};
use nalgebra::Isometry3;

use crate::global::Feature;
use crate::joint::JointMatcher;
use crate::resolution::GATE;
use crate::running::{Rules, Running, StageMatcher};
use crate::scan::{FINEST, Scan};
use crate::schedule::{Matching, StagePlan};
use crate::similarity::refined;
use crate::sliced::SlicedMatcher;
use crate::surface::Surface;
use crate::{Agreement, NearestMatcher, Result, TransportMatcher, VoxelMatcher};

/// Coarseness of the surfaces on which the ends of tracks are compared.
pub(crate) const JUDGING: f64 = 2.0;

/// Coarseness of the surfaces on which the many poses of a search are compared.
pub(crate) const SIFTING: f64 = 4.0;

/// Points of one side that transport as a matrix takes at most.
const DENSE: usize = 700;

/// Radius of the looks that transport compares, in voxels of the surfaces that poses are judged on.
const LOOKS: f64 = 5.0;

/// Ratio of points at which a finer stage is worth its time.
const WORTHWHILE: f64 = 1.25;

/// Logarithm of a scale that is worth a word: distances that sensors measure are off by less.
const LEAST_SCALE: f64 = 0.01;

/// Change of a scale at which it is known well enough for that.
const SETTLED_SCALE: f64 = 1e-4;

/// A coarser level has at most this share of the points, or it tells nothing new.
const THINNED: f64 = 0.75;

/// Widening at most.
const WIDEST: f64 = 64.0;

/// Edge of the cells that stand for a target, in voxels of the stage: a few points each, so that their means lie well within the
/// surface.
const CELL: f64 = 2.0;

/// Source and target, thinned as needed. All poses relate the clouds about their own centroids.
pub(crate) struct Pair {
    pub source: Arc<Scan>,
    pub target: Arc<Scan>,
    pub voxel_size: f64,
    pub max_distance: f64,
    /// Factor of all coarsenesses above one: voxels that a caller has chosen finer than the clouds themselves thin nothing before
    /// they have been doubled once or twice more.
    pub widening: f64,
    pub rules: Rules,
    pub backend: Backend,
}

impl Pair {
    /// Widens the coarser levels until the first of them has clearly fewer points than the level of one voxel.
    pub fn widened(mut self) -> Result<Self> {
        let count = |coarseness: f64| -> Result<usize> {
            Ok(self.source.thinned(coarseness)?.len() + self.target.thinned(coarseness)?.len())
        };
        let most = THINNED * count(1.0)? as f64;
        let mut widening = 1.0;
        while widening < WIDEST && count(2.0 * widening)? as f64 > most {
            widening *= 2.0;
        }
        self.widening = widening;
        Ok(self)
    }

    /// The coarseness that stands for a nominal one.
    fn coarseness(&self, nominal: f64) -> f64 {
        if nominal > 1.0 { nominal * self.widening } else { nominal }
    }

    /// Edge of the voxels of a nominal coarseness \[m\].
    pub fn width(&self, nominal: f64) -> f64 {
        self.coarseness(nominal) * self.voxel_size
    }

    /// Both surfaces at a nominal coarseness.
    pub fn level(&self, nominal: f64) -> Result<(Arc<Surface>, Arc<Surface>)> {
        let coarseness = self.coarseness(nominal);
        Ok((self.source.surface(coarseness)?, self.target.surface(coarseness)?))
    }

    /// A stage made ready.
    pub fn stage(&self, plan: StagePlan) -> Result<Running> {
        let started = Instant::now();
        // Full clouds are matched like those of the finest grid.
        let coarseness = plan.coarseness.max(FINEST);
        let width = self.width(coarseness);
        let gate = (coarseness * self.max_distance).max(if coarseness > 1.0 { GATE * width } else { 0.0 });
        let limits = (width, gate);
        if plan.matching == Matching::Transport
            && matches!(self.backend, Backend::Cpu)
            && let Some((source, matcher)) = self.joint_matcher()?
        {
            return Ok(Running::new(plan, source, StageMatcher::Joint(matcher), limits, started));
        }
        let (source, target) = self.level(plan.coarseness)?;
        let matcher = match plan.matching {
            Matching::Nearest(_) => {
                StageMatcher::Nearest(NearestMatcher::between(source.clone(), target, gate))
            }
            Matching::Voxels => StageMatcher::Voxels(VoxelMatcher::over(&target, CELL * width)),
            Matching::Sliced => {
                let looks = self.looks(&source, &target)?;
                StageMatcher::Sliced(SlicedMatcher::new(target, looks, width))
            }
            Matching::Transport => {
                let matcher = TransportMatcher::over(target, width, &self.backend);
                StageMatcher::Transport(matcher.leaving(self.rules.unmatched))
            }
        };
        Ok(Running::new(plan, source, matcher, limits, started))
    }

    /// Transport between places and looks, on surfaces coarse enough for a matrix; `None` without normals.
    fn joint_matcher(&self) -> Result<Option<(Arc<Surface>, JointMatcher)>> {
        let mut coarseness = SIFTING;
        let (mut source, mut target) = self.level(coarseness)?;
        while source.positions.len().max(target.positions.len()) > DENSE && coarseness < 1e3 {
            coarseness *= 1.25;
            (source, target) = self.level(coarseness)?;
        }
        let Some(looks) = self.looks(&source, &target)? else { return Ok(None) };
        let matcher = JointMatcher::new(target, looks, self.width(coarseness), self.rules.unmatched);
        Ok(Some((source, matcher)))
    }

    /// The histograms of all points of two surfaces: those of the nearest points at the level of judging. `None` without normals.
    fn looks(&self, source: &Surface, target: &Surface) -> Result<Option<[Vec<Option<Feature>>; 2]>> {
        let of = |scan: &Scan, surface: &Surface| -> Result<Option<Vec<Option<Feature>>>> {
            let coarseness = self.coarseness(JUDGING);
            let Some(features) = scan.features(coarseness, LOOKS * coarseness)? else { return Ok(None) };
            let fine = scan.surface(coarseness)?;
            let nearest = fine.tree.nearest_all(&surface.tree, &BatchSearch::default());
            Ok(Some(nearest.into_iter().map(|found| features[found?.index]).collect()))
        };
        Ok(of(&self.source, source)?.zip(of(&self.target, target)?).map(|(source, target)| [source, target]))
    }

    /// Whether a cloud has clearly more points at a finer grid than at one voxel; if not, there is nothing to be gained there.
    pub fn has_more(&self, coarseness: f64) -> Result<bool> {
        let more = |scan: &Scan| -> Result<bool> {
            let (fine, plain) = (scan.thinned(coarseness)?.len(), scan.thinned(1.0)?.len());
            Ok(fine as f64 > WORTHWHILE * plain as f64)
        };
        Ok(more(&self.source)? || more(&self.target)?)
    }

    /// How the clouds agree at a pose.
    pub fn agreement(&self, pose: &Isometry3<f64>) -> Result<Agreement> {
        let (source, target) = self.level(JUDGING)?;
        Ok(Agreement::of(&source, &target, pose, self.width(JUDGING)))
    }

    /// The scale that the source would take by itself from a pose, and how the clouds agree then; `None` if it is as good as one.
    pub fn agreement_at_other_scale(&self, pose: &Isometry3<f64>) -> Result<Option<(f64, Agreement)>> {
        let width = self.width(JUDGING);
        let (source, target) = self.level(JUDGING)?;
        let (scale, pose) =
            refined(&source, target.clone(), (1.0, *pose), (width, SETTLED_SCALE), self.rules.kernel)?;
        if scale.ln().abs() < LEAST_SCALE {
            return Ok(None);
        }
        let source = Surface::thinned(&self.source.thinned(self.coarseness(JUDGING))?.scaled(scale)?, width)?;
        Ok(Some((scale, Agreement::of(&source, &target, &pose, width))))
    }
}
