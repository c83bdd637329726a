//! Matches by transport: rows of a plan as weighted pairs.

use std::sync::Arc;

use barrow_geometry::{Backend, Measure, PointCloud, Potentials, Sinkhorn, TransportProblem};
use nalgebra::{Isometry3, Point3};

use crate::annealing::Annealing;
use crate::error::require_positive;
use crate::surface::Surface;
use crate::{Correspondence, Matcher, Result, Unmatched};

/// Ratio of successive blurs; one pose step is taken at each.
const COOLING: f64 = 0.8;

/// Iterations a match may take: potentials carry over from match to match, so few are needed, and a plan
/// that is off by a percent still points the right way.
const ITERATIONS: usize = 10;

/// Misplaced mass at which a match is good enough.
pub(crate) const TOLERANCE: f64 = 1e-2;

/// Variance of the places that mass goes to below which they count as one, in squared blurs.
const LEAST_VARIANCE: f64 = 0.1;

/// Source points with less than this share of their mass matched are left out.
pub(crate) const LEAST_SHARE: f64 = 1e-3;

/// Pairs every source point with the mean of the target points that its mass goes to.
///
/// The plan is entropic and unbalanced: mass that would have to move beyond a reach of one blur stays,
/// as [`Unmatched`] says, and a pair
/// weighs what share of its mass has moved, less the wider the places are spread that it has gone to. Every call lowers the blur, down to the last one, and starts
/// from the potentials of the call before.
///
/// # References
/// Feydy et al., *Optimal transport for diffeomorphic registration*, MICCAI 2017, section 3; Shen et al.,
/// *Accurate point cloud registration with robust optimal transport*, NeurIPS 2021, section 3.1 (rigid
/// projection of the row means).
///
/// ```
/// use barrow_geometry::PointCloud;
/// use barrow_registration::{Matcher, TransportMatcher};
/// use nalgebra::{Isometry3, Point3};
///
/// let points: Vec<_> = (0..20).map(|i| Point3::new(i as f64, (i as f64).sin(), 0.0)).collect();
/// let mut matcher = TransportMatcher::new(&PointCloud::new(points.clone())?, 0.5)?;
/// while !matcher.cooled() {
///     matcher.correspond(&points, &Isometry3::identity())?;
/// }
/// let pairs = matcher.correspond(&points, &Isometry3::identity())?;
/// assert!((pairs[10].target - points[10]).norm() < 0.1);
/// # Ok::<(), barrow_registration::Error>(())
/// ```
pub struct TransportMatcher {
    target: Arc<Surface>,
    unmatched: Unmatched,
    annealing: Annealing,
    potentials: Option<Potentials>,
    backend: Backend,
}

impl TransportMatcher {
    /// A matcher onto a target cloud, whose blur ends at `blur` \[m\].
    ///
    /// # Errors
    /// If the target is empty, or `blur` is not finite and positive.
    pub fn new(target: &PointCloud, blur: f64) -> Result<Self> {
        Self::new_on(target, blur, &Backend::Cpu)
    }

    /// As [`new`](Self::new), matching where a backend computes.
    ///
    /// # Errors
    /// As [`new`](Self::new). What a device cannot do, [`correspond`](Matcher::correspond) tells.
    pub fn new_on(target: &PointCloud, blur: f64, backend: &Backend) -> Result<Self> {
        require_positive("blur", blur)?;
        Ok(Self::over(Surface::of_target(target)?, blur, backend))
    }

    pub(crate) fn over(target: Arc<Surface>, blur: f64, backend: &Backend) -> Self {
        let annealing = Annealing::new(&target.positions, COOLING, blur);
        Self {
            target,
            unmatched: Unmatched::default(),
            annealing,
            potentials: None,
            backend: backend.clone(),
        }
    }

    /// The same matcher, with another way to leave points behind.
    pub fn leaving(self, unmatched: Unmatched) -> Self {
        Self { unmatched, ..self }
    }

    /// Whether the last match was made at the final blur.
    pub fn cooled(&self) -> bool {
        self.annealing.cooled()
    }

    /// Number of matches from the first blur to the last.
    pub fn levels(&self) -> usize {
        self.annealing.levels()
    }
}

/// Weight of a pair of which a share of the mass has moved, to places of this variance \[m²\]: points that could go anywhere have
/// little to say.
pub(crate) fn weight(share: f64, variance: f64, blur: f64) -> f64 {
    let blurs = variance.sqrt() / blur;
    share / (1.0 + blurs * blurs / LEAST_VARIANCE)
}

impl Matcher for TransportMatcher {
    fn correspond(
        &mut self,
        source: &[Point3<f64>],
        target_from_source: &Isometry3<f64>,
    ) -> Result<Vec<Correspondence>> {
        let moved: Vec<Point3<f64>> = source.iter().map(|point| target_from_source * point).collect();
        let blur = self.annealing.blur();
        let (source_measure, target_measure) =
            (Measure::uniform(&moved)?, Measure::uniform(&self.target.positions)?);
        let (penalty, reach) = self.unmatched.penalty();
        let problem = TransportProblem {
            reach: Some(reach * blur),
            penalty,
            ..TransportProblem::new(source_measure, target_measure, blur)
        };
        let solver = Sinkhorn {
            tolerance: TOLERANCE,
            max_iterations: ITERATIONS,
            initial: self.potentials.take().filter(|known| known.source.len() == source.len()),
            initial_blur: Some(blur),
            ..Sinkhorn::default()
        };
        let plan = solver.solve(&problem, &self.backend)?;
        self.annealing.advance();
        let share = |mass: f64| mass * source.len() as f64;
        let pairs = plan
            .row_means()
            .into_iter()
            .enumerate()
            .filter(|(_, row)| share(row.mass) > LEAST_SHARE)
            .map(|(source, row)| Correspondence {
                source,
                target: row.position,
                normal: None,
                weight: weight(share(row.mass), row.spread, blur),
            })
            .collect();
        self.potentials = Some(plan.potentials().clone());
        Ok(pairs)
    }
}
