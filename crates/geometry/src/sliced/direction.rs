//! Directions on the sphere: evenly spread and turned at random, or drawn one by one.

use nalgebra::{Quaternion, Unit, UnitQuaternion, Vector3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Sliced;

/// How directions are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directions {
    /// Fibonacci lattices over the whole sphere, each turned by a random rotation of its own: every one of them alone
    /// is without bias, and their scatter is the standard error. With 300 directions a lattice is some hundred times
    /// nearer to the mean over the sphere than as many random directions are.
    ///
    /// Opposite directions give the same distance. A lattice is not symmetric, so the opposites of its points fall
    /// between its points, and the whole sphere serves better than one half of it.
    Lattice {
        /// Number of lattices, at least 2.
        rotations: usize,
    },
    /// Independent uniform directions: an estimate without bias from any number of them, for stochastic descent.
    MonteCarlo,
}

impl Default for Directions {
    fn default() -> Self {
        Self::Lattice { rotations: 4 }
    }
}

/// Directions of one estimate: groups of equal size whose means are independent.
pub(super) struct Drawn {
    pub directions: Vec<Unit<Vector3<f64>>>,
    pub groups: usize,
}

impl Drawn {
    /// The directions that valid options stand for.
    pub fn new(options: &Sliced) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(options.seed);
        match options.directions {
            Directions::Lattice { rotations } => {
                let size = options.projections.div_ceil(rotations);
                let turned = (0..rotations).flat_map(|_| {
                    let rotation = rotation(&mut random);
                    (0..size).map(move |index| rotation * fibonacci(index, size))
                });
                Self { directions: turned.collect(), groups: rotations }
            }
            Directions::MonteCarlo => {
                let directions = (0..options.projections).map(|_| uniform(&mut random)).collect();
                Self { directions, groups: options.projections }
            }
        }
    }
}

/// Point `index` of `count` of a Fibonacci lattice over the whole sphere.
pub(super) fn fibonacci(index: usize, count: usize) -> Unit<Vector3<f64>> {
    let golden = std::f64::consts::PI * (3.0 - 5f64.sqrt());
    at(1.0 - (2 * index + 1) as f64 / count as f64, index as f64 * golden)
}

fn uniform(random: &mut ChaCha8Rng) -> Unit<Vector3<f64>> {
    let (height, turn) = (random.random::<f64>(), random.random::<f64>());
    at(2.0 * height - 1.0, std::f64::consts::TAU * turn)
}

/// Areas on a sphere are as on the cylinder around it (Archimedes).
fn at(z: f64, angle: f64) -> Unit<Vector3<f64>> {
    let (sin, cos) = angle.sin_cos();
    let radius = (1.0 - z * z).sqrt();
    Unit::new_normalize(Vector3::new(radius * cos, radius * sin, z))
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
