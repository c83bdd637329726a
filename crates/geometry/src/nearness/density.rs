//! Density-aware Chamfer distance: bounded, and stricter where many points share one partner.

use super::{DirectedDistances, NearestDistances};
use crate::error::require_positive;
use crate::{Error, Result, fold_ordered};

/// Both directions of the density-aware Chamfer distance, each in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct DensityAwareChamfer {
    /// Inverse of the distance at which a match loses its worth \[1/m\].
    pub alpha: f64,
    /// Average of both directions.
    pub value: f64,
    /// From every source point to the target.
    pub source_to_target: f64,
    /// From every target point to the source.
    pub target_to_source: f64,
}

impl NearestDistances {
    /// The density-aware Chamfer distance.
    ///
    /// With y(x) the nearest point of Y to x, and n_y the number of points of X whose nearest point is y,
    ///
    /// ```text
    /// value = ½ ( 1/n Σ_x ( 1 − e^(−α |x − y(x)|) / n_y(x) ) + 1/m Σ_y ( 1 − e^(−α |y − x(y)|) / n_x(y) ) )
    /// ```
    ///
    /// 0 for equal clouds without duplicates, 1 far apart. A point that shares its partner with others
    /// gains less from it, which is how the measure notices that a cloud is dense in the wrong places.
    ///
    /// This is the formula of the paper. Its published code differs in two ways: its exponent takes the
    /// *squared* distance (so that its α, 1000 by default, is in 1/m²), and where the clouds differ in size it
    /// multiplies e^(…) / n by the ratio of the sizes, which lets the value fall below 0. Here clouds of
    /// different sizes are told apart even if they sample one surface: with n > m points the first direction
    /// is at least 1 − m/n, as only m partners exist.
    ///
    /// # Units
    /// None; `alpha` is in 1/m. With α = 1/ℓ a match at distance ℓ is worth 37 %.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] unless `alpha` is finite and positive; [`Error::WeightsUndefined`] if points
    /// have weights: the measure is one of counts.
    ///
    /// # Determinism
    /// The same bits on any number of threads. Of equally near points one is the partner; see
    /// [`NearestDistances`].
    ///
    /// # References
    /// Wu, Pan, Zhang, Wang, Liu, Lin, *Density-aware Chamfer distance as a comprehensive metric for point cloud
    /// completion*, NeurIPS 2021, section 3.
    ///
    /// ```
    /// use barrow_geometry::{NearestDistances, PointCloud};
    /// use nalgebra::Point3;
    ///
    /// // Two points share the only partner: each can gain one half.
    /// let source = PointCloud::new(vec![Point3::origin(); 2])?;
    /// let target = PointCloud::new(vec![Point3::origin()])?;
    /// let distance = NearestDistances::between(&source, &target)?.density_aware(10.0)?;
    /// assert_eq!((distance.source_to_target, distance.target_to_source), (0.5, 0.0));
    /// # Ok::<(), barrow_geometry::Error>(())
    /// ```
    pub fn density_aware(&self, alpha: f64) -> Result<DensityAwareChamfer> {
        require_positive("alpha", alpha)?;
        if self.source_to_target.weights().or(self.target_to_source.weights()).is_some() {
            return Err(Error::WeightsUndefined { method: "the density-aware Chamfer distance" });
        }
        let (source_to_target, target_to_source) = rayon::join(
            || directed(&self.source_to_target, alpha),
            || directed(&self.target_to_source, alpha),
        );
        let value = 0.5 * (source_to_target + target_to_source);
        Ok(DensityAwareChamfer { alpha, value, source_to_target, target_to_source })
    }
}

/// Partners fetched at a time.
const TOGETHER: usize = 64;

fn directed(side: &DirectedDistances, alpha: f64) -> f64 {
    let mut shared = vec![0_u32; side.onto()];
    side.nearest().iter().for_each(|&partner| shared[partner as usize] += 1);
    let part = |range: std::ops::Range<usize>| {
        let mut counts = [0_u32; TOGETHER];
        let mut sum = 0.0;
        for begin in range.clone().step_by(TOGETHER) {
            let indices = begin..(begin + TOGETHER).min(range.end);
            for (count, &partner) in counts.iter_mut().zip(&side.nearest()[indices.clone()]) {
                *count = shared[partner as usize];
            }
            for (&distance, &count) in side.distances()[indices].iter().zip(&counts) {
                sum += loss(alpha * distance, f64::from(count));
            }
        }
        sum
    };
    fold_ordered(side.len(), part, |a, b| a + b).unwrap_or(0.0) / side.len() as f64
}

/// 1 − e^(−x) / n, written so that a small x is not lost beside 1.
fn loss(x: f64, count: f64) -> f64 {
    let lost = if x < 0.1 { -(-x).exp_m1() } else { 1.0 - (-x).exp() };
    ((count - 1.0) + lost) / count
}
