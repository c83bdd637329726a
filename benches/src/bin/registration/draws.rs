//! Random numbers addressed by the name of what they are for, so that asking for fewer jobs changes none of them.

use std::f64::consts::TAU;

use nalgebra::{Quaternion, Unit, UnitQuaternion, Vector3};

/// The draws of one job: SplitMix64 (Steele, Lea and Flood 2014), so that a driver in another language can repeat them.
pub struct Draws(u64);

impl Draws {
    /// Of the job of this name; FNV-1a makes a seed of it.
    pub fn of(name: &str) -> Self {
        let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed)
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (TAU * self.uniform()).cos()
    }

    /// Three of them.
    pub fn normals(&mut self) -> Vector3<f64> {
        Vector3::from_fn(|_, _| self.normal())
    }

    /// Uniform on the sphere.
    pub fn direction(&mut self) -> Unit<Vector3<f64>> {
        Unit::new_normalize(self.normals())
    }

    /// Uniform on SO(3): four normals, normalised.
    pub fn rotation(&mut self) -> UnitQuaternion<f64> {
        let [w, x, y, z] = std::array::from_fn(|_| self.normal());
        UnitQuaternion::from_quaternion(Quaternion::new(w, x, y, z))
    }

    /// Uniform in the cube from −`half` to `half`.
    pub fn in_cube(&mut self, half: f64) -> Vector3<f64> {
        Vector3::from_fn(|_, _| half * (2.0 * self.uniform() - 1.0))
    }

    /// Fisher and Yates.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, (self.uniform() * (last + 1) as f64) as usize);
        }
    }
}
