//! Sliced Wasserstein distance: transport along lines, averaged over directions.

use nalgebra::{Quaternion, UnitQuaternion, Vector3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::frame::Frame;
use crate::{Error, Measure, Result};

/// Independent random rotations; their scatter is the standard error.
const ROTATIONS: usize = 4;

/// The sliced Wasserstein distance: how, not what.
///
/// ```text
/// SW_p(a, b)^p = mean over directions θ of W_p(θ·a, θ·b)^p
/// ```
///
/// On a line optimal transport is a matching of quantiles, so each direction costs two sorts. Directions
/// form four Fibonacci lattices over the whole sphere, each turned at random: far more even than directions
/// drawn one by one.
///
/// # Determinism
/// The seed fixes the directions; the same bits on any number of threads.
///
/// # References
/// Bonneel et al., *Sliced and Radon Wasserstein barycenters of measures*, 2015, section 3; Nguyen et al.,
/// *Quasi-Monte Carlo for 3D sliced Wasserstein*, ICLR 2024.
///
/// ```
/// use barrow_geometry::{Measure, Sliced};
/// use nalgebra::{Point3, Vector3};
///
/// let source: Vec<_> = (0..50).map(|i| Point3::new((i as f64).sin(), (i as f64).cos(), 0.0)).collect();
/// let target: Vec<_> = source.iter().map(|point| point + Vector3::new(0.0, 0.0, 3.0)).collect();
/// let distance = Sliced::default().distance(&Measure::uniform(&source)?, &Measure::uniform(&target)?)?;
/// // A translation by t is seen as |t|²/3 on average.
/// assert!((distance.value - 3f64.sqrt()).abs() < 1e-3);
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sliced {
    /// Power of the distance: 1 or 2.
    pub p: u32,
    /// Directions in all, at least 8; rounded up to a multiple of 4.
    pub projections: usize,
    /// Seed of the rotations.
    pub seed: u64,
}

impl Default for Sliced {
    fn default() -> Self {
        Self { p: 2, projections: 400, seed: 0 }
    }
}

/// A sliced distance and how well it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct SlicedDistance {
    /// SW_p, the p-th root taken \[m\].
    pub value: f64,
    /// Standard error of `value` over the choice of directions \[m\], from four independent rotations. About
    /// one time in ten the truth is more than two and a half of them away.
    pub standard_error: f64,
}

impl Sliced {
    /// The distance between two measures, each scaled to total 1.
    ///
    /// # Units
    /// Metres, or the unit of the clouds.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] unless `p` is 1 or 2 and `projections` from 8 to 2²⁴.
    pub fn distance(&self, source: &Measure, target: &Measure) -> Result<SlicedDistance> {
        let refuse = |name, requirement, got| Err(Error::InvalidOption { name, requirement, got });
        if self.p != 1 && self.p != 2 {
            return refuse("p", "1 or 2", f64::from(self.p));
        }
        if !(8..=1 << 24).contains(&self.projections) {
            return refuse("projections", "from 8 to 2^24", self.projections as f64);
        }
        let frame = Frame::around(source, target, 0.0);
        let source = Weighted::new(source, &frame);
        let target = Weighted::new(target, &frame);
        let per_rotation = self.projections.div_ceil(ROTATIONS);
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let rotations: Vec<UnitQuaternion<f64>> = (0..ROTATIONS).map(|_| rotation(&mut random)).collect();
        let powers: Vec<f64> = (0..ROTATIONS * per_rotation)
            .into_par_iter()
            .map(|index| {
                let lattice = fibonacci(index % per_rotation, per_rotation);
                self.along(&(rotations[index / per_rotation] * lattice), &source, &target)
            })
            .collect();
        let means: Vec<f64> =
            powers.chunks(per_rotation).map(|chunk| chunk.iter().sum::<f64>() / chunk.len() as f64).collect();
        let mean = means.iter().sum::<f64>() / ROTATIONS as f64;
        let variance = means.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>()
            / (ROTATIONS * (ROTATIONS - 1)) as f64;
        // The error of a root: d(m^(1/p)) = dm / (p m^(1 − 1/p)).
        let (value, slope) = match self.p {
            1 => (mean, 1.0),
            _ => (mean.sqrt(), 0.5 / mean.sqrt()),
        };
        let standard_error = if mean > 0.0 { variance.sqrt() * slope } else { 0.0 };
        Ok(SlicedDistance { value: value * frame.scale, standard_error: standard_error * frame.scale })
    }

    /// W_p^p between the projections onto one direction.
    fn along(&self, direction: &Vector3<f64>, source: &Weighted, target: &Weighted) -> f64 {
        let (a, b) = (source.projected(direction), target.projected(direction));
        let power = |x: f64, y: f64| match self.p {
            1 => (x - y).abs(),
            _ => (x - y) * (x - y),
        };
        if source.uniform && target.uniform && a.len() == b.len() {
            return a.iter().zip(&b).map(|(a, b)| power(a.0, b.0)).sum::<f64>() / a.len() as f64;
        }
        // Quantile functions are steps: walk both, moving the smaller of the two remaining masses.
        let (mut sum, mut i, mut j) = (0.0, 0, 0);
        let (mut left_a, mut left_b) = (a[0].1, b[0].1);
        loop {
            let mass = left_a.min(left_b);
            sum += mass * power(a[i].0, b[j].0);
            left_a -= mass;
            left_b -= mass;
            // What rounding leaves at the ends has no partner and no mass to speak of.
            if left_a <= 0.0 {
                i += 1;
                let Some(next) = a.get(i) else { return sum };
                left_a = next.1;
            }
            if left_b <= 0.0 {
                j += 1;
                let Some(next) = b.get(j) else { return sum };
                left_b = next.1;
            }
        }
    }
}

/// Points in local coordinates with weights of total 1.
struct Weighted {
    points: Vec<(Vector3<f64>, f64)>,
    uniform: bool,
}

impl Weighted {
    fn new(measure: &Measure, frame: &Frame) -> Self {
        let points = measure
            .positions()
            .par_iter()
            .enumerate()
            .map(|(index, point)| (frame.local(point), measure.weight(index) / measure.total()))
            .collect();
        Self { points, uniform: measure.is_uniform() }
    }

    /// Positions along a direction with their weights, by rising position.
    fn projected(&self, direction: &Vector3<f64>) -> Vec<(f64, f64)> {
        let mut line: Vec<(f64, f64)> =
            self.points.iter().map(|(point, weight)| (point.dot(direction), *weight)).collect();
        line.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        line
    }
}

/// Point `index` of `count` of a Fibonacci lattice over the whole sphere.
fn fibonacci(index: usize, count: usize) -> Vector3<f64> {
    let golden = std::f64::consts::PI * (3.0 - 5f64.sqrt());
    let z = 1.0 - (2 * index + 1) as f64 / count as f64;
    let (sin, cos) = (index as f64 * golden).sin_cos();
    let radius = (1.0 - z * z).sqrt();
    Vector3::new(radius * cos, radius * sin, z)
}

/// A rotation drawn uniformly (Shoemake, *Uniform random rotations*, Graphics Gems III, 1992).
fn rotation(random: &mut ChaCha8Rng) -> UnitQuaternion<f64> {
    let [u, v, w] = std::array::from_fn(|_| random.random::<f64>());
    let (sin_v, cos_v) = (std::f64::consts::TAU * v).sin_cos();
    let (sin_w, cos_w) = (std::f64::consts::TAU * w).sin_cos();
    let (inner, outer) = ((1.0 - u).sqrt(), u.sqrt());
    UnitQuaternion::from_quaternion(Quaternion::new(
        outer * cos_w,
        inner * sin_v,
        inner * cos_v,
        outer * sin_w,
    ))
}
