//! How sliced distances change when points or directions move.

use nalgebra::{Unit, Vector3};
use rayon::prelude::*;

use super::cost::{self, Power};
use super::pair::Pair;
use super::scratch::Scratch;
use super::{Sliced, SlicedDistance, average};
use crate::{Measure, Result};

/// Directions whose derivatives are held in memory at once.
const BATCH: usize = 16;

/// A sliced distance and how it changes when the source points move.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SlicedGradient {
    /// The distance.
    pub distance: SlicedDistance,
    /// The gradient of SW_p^p with respect to every source point \[m^(p−1)\]; zero for a point without mass. That of SW_p
    /// itself is this divided by p·SW_p^(p−1). Swap the measures for the gradient with respect to the target.
    pub source: Vec<Vector3<f64>>,
}

impl Sliced {
    /// The distance and its gradient with respect to the source points.
    ///
    /// ```text
    /// ∂ SW_p^p / ∂x_i = mean over θ of  p Σ_j π_ij |d|^(p−1) sign(d) θ        d = θ·(x_i − y_j)
    /// ```
    ///
    /// π is the plan along θ, which small moves leave as it is. For p = 1 a pair at distance zero pulls nowhere.
    /// Exact for the chosen directions: with [`Directions::MonteCarlo`](crate::Directions::MonteCarlo) and a new seed each
    /// time it is an estimate without bias, fit for stochastic descent.
    ///
    /// # Errors
    /// As [`distance`](Self::distance).
    ///
    /// # References
    /// Bonneel et al., *Sliced and Radon Wasserstein barycenters of measures*, 2015, section 3.2.
    ///
    /// ```
    /// use barrow_geometry::{Measure, Sliced};
    /// use nalgebra::{Point3, Vector3};
    ///
    /// let source = [Point3::new(1.0, 0.0, 0.0), Point3::new(0.0, 1.0, 0.0)];
    /// let target = source.map(|point| point + Vector3::new(0.0, 0.0, 3.0));
    /// let found = Sliced::default().gradient(&Measure::uniform(&source)?, &Measure::uniform(&target)?)?;
    /// // SW₂² = |t|²/3, shared by two points.
    /// assert!((found.source[0] - Vector3::new(0.0, 0.0, -1.0)).norm() < 0.01);
    /// # Ok::<(), barrow_geometry::Error>(())
    /// ```
    pub fn gradient(&self, source: &Measure, target: &Measure) -> Result<SlicedGradient> {
        let drawn = self.draw()?;
        let pair = Pair::new(source, target, self.p)?;
        let mut powers = Vec::with_capacity(drawn.directions.len());
        let mut gradient = vec![Vector3::zeros(); source.len()];
        for batch in drawn.directions.chunks(BATCH) {
            let slopes = pair.map(batch, |scratch, direction| {
                let mut slopes = vec![0.0; source.len()];
                let power = pair.exactly(direction, scratch);
                let [a, b] = &scratch.lines;
                cost::walk_lines([&pair.source, &pair.target], [a, b], |i, j, mass| {
                    slopes[a.index(i)] += mass * slope(a.position(i) - b.position(j), self.p);
                });
                (power, slopes)
            });
            powers.extend(slopes.iter().map(|(power, _)| *power));
            gradient.par_iter_mut().with_min_len(1024).enumerate().for_each(|(index, sum)| {
                for ((_, slopes), direction) in slopes.iter().zip(batch) {
                    *sum += direction.into_inner() * slopes[index];
                }
            });
        }
        let unit = pair.frame.scale.powf(self.p - 1.0) / drawn.directions.len() as f64;
        gradient.par_iter_mut().for_each(|sum| *sum *= unit);
        let distance = average(&powers, drawn.groups, self.p, pair.frame.scale);
        Ok(SlicedGradient { distance, source: gradient })
    }
}

/// The derivative of |d|^p.
fn slope(away: f64, p: f64) -> f64 {
    match (p == 1.0, p == 2.0) {
        _ if away == 0.0 => 0.0,
        (true, _) => away.signum(),
        (_, true) => 2.0 * away,
        _ => p * away.abs().powf(p - 1.0) * away.signum(),
    }
}

/// W_p^p along a direction, and the gradient of W_p with respect to the direction, along the sphere.
pub(super) fn pull(
    pair: &Pair,
    direction: &Unit<Vector3<f64>>,
    scratch: &mut Scratch,
) -> (Power, Vector3<f64>) {
    let power = pair.exactly(direction, scratch);
    let height = power.root(pair.p);
    if height == 0.0 {
        return (power, Vector3::zeros());
    }
    let [source, target] = &scratch.lines;
    let mut gradient = Vector3::zeros();
    cost::walk_lines([&pair.source, &pair.target], [source, target], |i, j, mass| {
        let away = pair.source.local(source.index(i)) - pair.target.local(target.index(j));
        // d W_p = d(W_p^p) / (p W_p^(p−1)): in units of W_p, so that no power overflows.
        gradient += away * (mass * slope(away.dot(direction) / height, pair.p));
    });
    gradient /= pair.p;
    (power, gradient - direction.into_inner() * gradient.dot(direction))
}
