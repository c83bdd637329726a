//! Pairs of clouds whose distance is known by proof.

mod chamfer;
mod clouds;
mod sinkhorn;
mod sliced;
mod wasserstein;

use barrow_geometry::PointCloud;
use nalgebra::Point3;

use crate::error::{require_count, require_points};
use crate::scene::{Exact, Scene, SceneCloud};
use crate::{Error, Result};

/// The list of closed forms.
///
/// Lattices, lines and pairs of points have sizes of their own; the other clouds have `points` points.
///
/// ```
/// use barrow_datasets::{ClosedForms, Quantity};
///
/// let cases = ClosedForms::default().make()?;
/// let shift = cases.iter().find(|case| case.name == "translation_w2").unwrap();
/// let moved = shift.target.positions()[0] - shift.source.positions()[0];
/// assert_eq!(shift.quantity, Quantity::Wasserstein { p: 2 });
/// assert!((shift.value - moved.norm()).abs() <= shift.tolerance);
/// # Ok::<(), barrow_datasets::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClosedForms {
    /// Points of a random cloud, from 2 to a hundred million.
    pub points: usize,
    /// Seed of every draw.
    pub seed: u64,
}

impl Default for ClosedForms {
    fn default() -> Self {
        Self { points: 64, seed: 0 }
    }
}

impl ClosedForms {
    /// Every case, in a fixed order; names are unique.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if there are fewer than two points or too many.
    pub fn make(&self) -> Result<Vec<ClosedForm>> {
        require_points(self.points)?;
        require_count("points", self.points, 2, usize::MAX, "at least 2")?;
        let mut cases = wasserstein::cases(self)?;
        cases.extend(sinkhorn::cases(self)?);
        cases.extend(sliced::cases(self)?);
        cases.extend(chamfer::cases(self)?);
        Ok(cases)
    }
}

/// Two measures and the exact value of one quantity between them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ClosedForm {
    /// Unique; letters, digits and underscores.
    pub name: &'static str,
    /// The source cloud.
    pub source: PointCloud,
    /// The target cloud.
    pub target: PointCloud,
    /// Weights of the source, summing to 1; `None` for uniform ones.
    pub source_weights: Option<Vec<f64>>,
    /// Weights of the target, summing to 1; `None` for uniform ones.
    pub target_weights: Option<Vec<f64>>,
    /// What is measured.
    pub quantity: Quantity,
    /// Its exact value, in the quantity's unit.
    pub value: f64,
    /// Largest error of `value` itself. What an iteration stopped early or a finite set of directions
    /// adds is not part of it.
    pub tolerance: f64,
    /// Why the value is exact, and where the tolerance comes from if it is not rounding alone.
    pub reason: &'static str,
    /// For every source point the index of its target in the only optimal plan, where that is a
    /// permutation known by the same proof.
    pub matching: Option<Vec<usize>>,
}

/// What a closed form gives the value of.
///
/// The cost is c(x, y) = |x − y|² and ε = 2 blur² throughout; π runs over the couplings of a and b.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Quantity {
    /// W_p = (min_π Σ π |x − y|^p)^(1/p). Unit: m.
    Wasserstein {
        /// The exponent, 1 or 2.
        p: u32,
    },
    /// Entropic transport, OT_ε(a, b) = min_π Σ π c + ε KL(π | a ⊗ b), not debiased. Unit: m².
    ///
    /// With a marginal penalty ρ the plan is free and ρ KL(π1 | a) + ρ KL(πᵀ1 | b) is added, where
    /// KL(p | q) = Σ p log(p / q) − p + q.
    EntropicTransport {
        /// The length σ with ε = 2σ², in metres.
        blur: f64,
        /// ρ, in m²; `None` for balanced transport.
        marginal_penalty: Option<f64>,
    },
    /// The Sinkhorn divergence OT_ε(a, b) − ½ OT_ε(a, a) − ½ OT_ε(b, b) + ½ ε (mass of a − mass of b)².
    /// Unit: m².
    SinkhornDivergence {
        /// The length σ with ε = 2σ², in metres.
        blur: f64,
        /// ρ, in m²; `None` for balanced transport.
        marginal_penalty: Option<f64>,
    },
    /// SW_p = (mean over all directions θ of W_p(θ·x, θ·y)^p)^(1/p). Unit: m.
    Sliced {
        /// The exponent, 1 or 2.
        p: u32,
    },
    /// The largest W_p(θ·x, θ·y) over all directions. Unit: m.
    MaxSliced {
        /// The exponent, 1 or 2.
        p: u32,
    },
    /// Average of the two directed mean distances to the nearest point. Unit: m.
    Chamfer,
    /// The larger of the two directed maximal distances to the nearest point. Unit: m.
    Hausdorff,
    /// Harmonic mean of precision and recall at a radius. Without unit.
    FScore {
        /// Largest distance that counts as found, in metres.
        radius: f64,
    },
}

impl ClosedForm {
    /// The case as a scene: both clouds with their weights, and the value under the name `value`.
    pub fn into_scene(self) -> Scene {
        let mut source = SceneCloud::new("source", self.source);
        source.weights = self.source_weights;
        let mut target = SceneCloud::new("target", self.target);
        target.weights = self.target_weights;
        let exact = vec![Exact::new("value", self.value), Exact::new("tolerance", self.tolerance)];
        Scene { clouds: vec![source, target], exact }
    }

    /// A case with uniform weights and a tolerance of rounding.
    fn new(
        name: &'static str,
        source: &[Point3<f64>],
        target: &[Point3<f64>],
        quantity: Quantity,
        value: f64,
        reason: &'static str,
    ) -> Result<Self> {
        Ok(Self {
            name,
            source: PointCloud::new(source.to_vec()).map_err(Error::from)?,
            target: PointCloud::new(target.to_vec()).map_err(Error::from)?,
            source_weights: None,
            target_weights: None,
            quantity,
            value,
            // The clouds measure about a metre, and a value is a mean of some thousand terms at most.
            tolerance: 1e-12 * value.abs().max(1.0),
            reason,
            matching: None,
        })
    }

    fn with_weights(mut self, source: Option<Vec<f64>>, target: Option<Vec<f64>>) -> Self {
        self.source_weights = source;
        self.target_weights = target;
        self
    }

    fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    fn with_matching(mut self, matching: Vec<usize>) -> Self {
        self.matching = Some(matching);
        self
    }
}
