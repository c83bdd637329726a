//! How firmly the matches hold a pose: its information, its variance, and what they leave free.

use std::ops::Range;
use std::sync::Arc;

use barrow_geometry::{BatchSearch, fold_ordered};
use nalgebra::{Isometry3, Matrix6, Point3, Vector3, Vector6};
use rayon::prelude::*;

use crate::freedom::{Freedom, Holds, along};
use crate::pose::{NormalEquations, Whitened, fitted, measured, scales};
use crate::surface::Surface;
use crate::{Correspondence, FittedKernel, Kernel, Matcher, NearestMatcher, Residual, Result};

/// Edge in voxels of the blocks within which residuals may depend on each other: twice the reach of the neighbours that
/// define a normal, and some.
const BLOCK: f64 = 8.0;

/// Displacement at which the response is measured, in widths of the kernel: two robust standard deviations of the residuals.
const DISPLACEMENT: f64 = 2.0 / 3.0;

/// Points displaced at most; their mean is known to a few parts in a hundred then.
const DISPLACED: usize = 4096;

/// How residuals are measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measure {
    pub residual: Residual,
    pub kernel: Kernel,
    /// Of the surfaces \[m\].
    pub voxel_size: f64,
    /// Gate of the matches \[m\].
    pub max_distance: f64,
    /// Size of the source \[m\].
    pub radius: f64,
}

/// What the matches at a pose say about it.
pub(crate) struct Certainty {
    /// Hessian of half the weighted sum of squared residuals, zero along free directions.
    pub information: Matrix6<f64>,
    /// Factor that makes the inverse information a covariance \[m²\]; `None` if some direction is free, or if the matches do not
    /// pull a source back that moves off.
    ///
    /// A pose that solves Σ wᵢ Jᵢᵀ Ωᵢ rᵢ = g = 0 has the covariance A⁻¹ B A⁻¹, with B the covariance of g and A its derivative. Least
    /// squares with independent residuals and lasting matches has A = H and B = σ² H. Here, residuals of neighbours depend on each
    /// other, as do their normals: B is summed over blocks. And matches change as the source moves: the noisier the points, the
    /// more often another one is nearest from the other side, and the less the residuals grow: A = ρ H, with the response ρ measured
    /// by displacing points along their normals and matching them anew. The factor is the mean of A⁻¹ B A⁻¹ H, tr(H⁻¹ B) ÷ 6ρ².
    ///
    /// # References
    /// Huber 1967 and White 1980 for A⁻¹ B A⁻¹; Liang and Zeger 1986 for B by blocks.
    pub variance: Option<f64>,
    pub freedom: Freedom,
}

/// Matches at a pose, with their residuals and weights.
struct Matches<'a> {
    source: &'a Surface,
    target: &'a Surface,
    pose: &'a Isometry3<f64>,
    measure: Measure,
    pairs: Vec<Correspondence>,
    measured: Vec<Whitened>,
    kernel: FittedKernel,
    weights: Vec<f64>,
}

impl Certainty {
    /// Measures a pose on two surfaces.
    pub fn of(
        (source, target): (&Arc<Surface>, &Arc<Surface>),
        pose: &Isometry3<f64>,
        measure: Measure,
    ) -> Result<Self> {
        let pairs = NearestMatcher::between(source.clone(), target.clone(), measure.max_distance)
            .correspond(&source.positions, pose)?;
        let Measure { residual, radius, .. } = measure;
        let matches = Matches::new(source, target, pose, measure, pairs);
        let equations =
            NormalEquations::summed(&matches.pairs, source, &matches.measured, residual, &matches.kernel);
        // Points are held by more than the normals at them, such as the rim of a plane.
        let by_normals = if residual == Residual::PointToPoint { None } else { matches.holds() };
        let freedom = by_normals.map_or_else(
            || Freedom::spanned(equations.unconstrained(radius), radius),
            |holds| Freedom::of(&holds, radius),
        );
        let information = equations.kept(&freedom.keeping()).hessian;
        let variance = if freedom.is_empty() { matches.variance(&information) } else { None };
        Ok(Self { information, variance, freedom })
    }
}

impl<'a> Matches<'a> {
    fn new(
        source: &'a Surface,
        target: &'a Surface,
        pose: &'a Isometry3<f64>,
        measure: Measure,
        pairs: Vec<Correspondence>,
    ) -> Self {
        let measured = measured(&pairs, source, pose, measure.residual);
        let kernel = fitted(measure.kernel, &measured, measure.voxel_size);
        let weight =
            |(pair, one): (&Correspondence, &Whitened)| pair.weight * kernel.weight_of_square(one.squared);
        let weights = pairs.iter().zip(&measured).map(weight).collect();
        Self { source, target, pose, measure, pairs, measured, kernel, weights }
    }

    /// The normals of both clouds at a match, in the source's frame.
    fn normals(&self, pair: &Correspondence) -> Option<[Vector3<f64>; 2]> {
        let normals = self.source.normals.as_ref()?;
        Some([normals[pair.source], self.pose.rotation.inverse() * pair.normal?])
    }

    /// What the normals say; `None` without.
    fn holds(&self) -> Option<Holds> {
        let part = |range: Range<usize>| {
            let mut sum = Holds::zero();
            for (pair, &weight) in self.pairs[range.clone()].iter().zip(&self.weights[range]) {
                sum.add(
                    &self.source.positions[pair.source],
                    self.normals(pair)?,
                    self.measure.radius,
                    weight,
                );
            }
            Some(sum)
        };
        fold_ordered(self.pairs.len(), part, |a, b| Some(a?.merged(b?))).flatten()
    }

    fn variance(&self, information: &Matrix6<f64>) -> Option<f64> {
        let response = self.response()?;
        let scale = scales(self.measure.radius);
        let scaled = Matrix6::from_fn(|i, j| information[(i, j)] * scale[i] * scale[j]);
        let factor = scaled.cholesky()?;
        let mean = |scores: &Matrix6<f64>| factor.solve(scores).trace() / 6.0;
        // Few blocks tell too little of how their sums vary: residuals are no better than independent.
        let pairs = self.pairs.len() as f64;
        let independent = mean(&self.scores(None)) * pairs / (pairs - 6.0).max(1.0);
        let in_blocks = mean(&self.scores(Some(BLOCK * self.measure.voxel_size)));
        let variance = independent.max(in_blocks) / (response * response);
        variance.is_finite().then_some(variance)
    }

    /// Σ over blocks of (Σ w Jᵀ Ω r)(Σ w Jᵀ Ω r)ᵀ, turns at the radius; without blocks each match is its own.
    fn scores(&self, block: Option<f64>) -> Matrix6<f64> {
        let scale = scales(self.measure.radius);
        let key = |pair: &Correspondence| {
            let x = &self.source.positions[pair.source];
            block.map(|edge| [x.x, x.y, x.z].map(|entry| (entry / edge).floor() as i64))
        };
        let mut order: Vec<(Option<[i64; 3]>, usize)> =
            self.pairs.iter().enumerate().map(|(index, pair)| (key(pair), index)).collect();
        if block.is_some() {
            order.par_sort_unstable();
        }
        let score = |&(_, index): &(Option<[i64; 3]>, usize)| {
            let one = &self.measured[index];
            let x = self.source.positions[self.pairs[index].source];
            let x = if self.measure.residual == Residual::Symmetric { x - 0.5 * one.r } else { x };
            along(&x.coords, &(one.omega * one.r * self.weights[index])).component_mul(&scale)
        };
        let same = |a: &(Option<[i64; 3]>, usize), b: &(Option<[i64; 3]>, usize)| a.0.is_some() && a.0 == b.0;
        let mut sum = Matrix6::zeros();
        for members in order.chunk_by(same) {
            let total: Vector6<f64> = members.iter().map(score).sum();
            sum += total * total.transpose();
        }
        sum
    }

    /// By how much residuals grow when points move along their normals, next to what they would if they kept their matches;
    /// `None` if not at all.
    fn response(&self) -> Option<f64> {
        let by = DISPLACEMENT * self.kernel.width();
        let chosen: Vec<usize> =
            (0..self.pairs.len()).step_by(self.pairs.len().div_ceil(DISPLACED).max(1)).collect();
        let directions: Vec<Vector3<f64>> = chosen.iter().map(|&index| self.direction(index)).collect();
        let kept = |(&index, u): (&usize, &Vector3<f64>)| {
            self.weights[index] * u.dot(&(self.measured[index].omega * u))
        };
        let expected: f64 = chosen.iter().zip(&directions).map(kept).sum();
        let pull = |by: f64| self.pull(&chosen, &directions, by);
        let response = (pull(by) - pull(-by)) / (2.0 * by) / expected;
        (response > 0.0 && response.is_finite()).then_some(response)
    }

    /// Where a match is displaced to: along the mean of both normals, or along one axis after the other.
    fn direction(&self, index: usize) -> Vector3<f64> {
        let normals = self.normals(&self.pairs[index]);
        match normals.filter(|_| self.measure.residual != Residual::PointToPoint) {
            Some([n, m]) if n.dot(&m) < 0.0 => (n - m).normalize(),
            Some([n, m]) => (n + m).normalize(),
            None => Vector3::ith(index % 3, 1.0),
        }
    }

    /// Σ w uᵀ Ω r of points displaced along u and matched anew.
    fn pull(&self, chosen: &[usize], directions: &[Vector3<f64>], by: f64) -> f64 {
        let place =
            |(&index, u): (&usize, &Vector3<f64>)| self.source.positions[self.pairs[index].source] + u * by;
        let places: Vec<Point3<f64>> = chosen.iter().zip(directions).map(place).collect();
        let search =
            BatchSearch { max_distance: self.measure.max_distance, pose: Some(*self.pose), guesses: None };
        let found = self.target.tree.nearest_all(&places, &search);
        let part = |range: Range<usize>| {
            range
                .filter_map(|k| {
                    let nearest = found[k]?;
                    let old = &self.pairs[chosen[k]];
                    let pair = Correspondence {
                        target: self.target.positions[nearest.index],
                        normal: self.target.normals.as_ref().map(|normals| normals[nearest.index]),
                        ..*old
                    };
                    let normal = self.source.normals.as_ref().map(|normals| normals[old.source]);
                    let one = Whitened::new(&pair, &places[k], normal, self.pose, self.measure.residual);
                    let weight = pair.weight * self.kernel.weight_of_square(one.squared);
                    Some(weight * directions[k].dot(&(one.omega * one.r)))
                })
                .sum::<f64>()
        };
        fold_ordered(places.len(), part, |a, b| a + b).unwrap_or(0.0)
    }
}
