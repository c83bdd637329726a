//! Random numbers addressed by what they are for, so that no thread has to wait for another's draws.

use std::f64::consts::TAU;

use nalgebra::Vector3;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Words of the ChaCha stream set aside for one item: enough for 64 draws.
const WORDS_PER_ITEM: u128 = 128;

/// The draws of one item (a point, a ray, a house) of one stream (a cloud, a scan, a street).
///
/// # Determinism
/// The draws are a function of `(seed, stream, item)`: ChaCha8 is a counter-based generator, and an item
/// is a position of its counter. An item that draws more than 64 numbers would read on into the next one,
/// which stays deterministic; long sequential work therefore takes a stream of its own.
pub(crate) struct Draws(ChaCha8Rng);

impl Draws {
    pub(crate) fn at(seed: u64, stream: u64, item: usize) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        generator.set_word_pos(item as u128 * WORDS_PER_ITEM);
        Self(generator)
    }

    /// Uniform in [0, 1), on the lattice of 2⁻⁵³.
    pub(crate) fn uniform(&mut self) -> f64 {
        const LATTICE: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.0.next_u64() >> 11) as f64 * LATTICE
    }

    /// Uniform between two values.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Whether an event of some probability happens.
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Standard normal, by Box and Muller (1958).
    pub(crate) fn normal(&mut self) -> f64 {
        // 1 − u lies in (0, 1], where the logarithm is finite.
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (TAU * self.uniform()).cos()
    }

    /// Three independent standard normals.
    pub(crate) fn normals(&mut self) -> Vector3<f64> {
        Vector3::from_fn(|_, _| self.normal())
    }

    /// Uniform in the cube of side 1 around the origin.
    pub(crate) fn in_cube(&mut self) -> Vector3<f64> {
        Vector3::from_fn(|_, _| self.uniform() - 0.5)
    }

    /// Uniform on the unit sphere: height and longitude are independent (Archimedes).
    pub(crate) fn direction(&mut self) -> Vector3<f64> {
        let height = self.between(-1.0, 1.0);
        let (sine, cosine) = (TAU * self.uniform()).sin_cos();
        let radius = (1.0 - height * height).sqrt();
        Vector3::new(radius * cosine, radius * sine, height)
    }
}
