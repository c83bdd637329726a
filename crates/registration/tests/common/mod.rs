//! Clouds and measures of error shared by the tests.

#![allow(dead_code, reason = "each test file is its own crate and uses its own part")]

use barrow_geometry::PointCloud;
use barrow_registration::Method;
use nalgebra::{Isometry3, Point3, Vector3};

/// All there are.
pub const METHODS: [Method; 8] = [
    Method::Auto,
    Method::Transport,
    Method::Sliced,
    Method::Gicp,
    Method::VoxelGicp,
    Method::Symmetric,
    Method::PointToPlane,
    Method::PointToPoint,
];

/// A landscape without symmetry, `side` × `side` samples over 4 m × 4 m.
pub fn landscape(side: usize) -> PointCloud {
    let at = |i: usize| 4.0 * (i as f64) / (side as f64 - 1.0);
    let point = |i: usize| {
        let (x, y) = (at(i % side), at(i / side));
        let bump = (-(x - 1.0).powi(2) - (y - 2.6).powi(2)).exp();
        Point3::new(x, y, 0.4 * (1.9 * x).sin() + 0.3 * (2.3 * y + 0.5).cos() + 0.8 * bump)
    };
    PointCloud::new((0..side * side).map(point).collect()).unwrap()
}

/// A pose some way from the identity.
pub fn motion() -> Isometry3<f64> {
    Isometry3::new(Vector3::new(0.2, -0.1, 0.15), Vector3::new(0.05, -0.1, 0.12))
}

/// Rotation [rad] and translation [m] between two poses, the latter at a point `at`.
pub fn error(found: &Isometry3<f64>, truth: &Isometry3<f64>, at: &Point3<f64>) -> (f64, f64) {
    ((found.inverse() * truth).rotation.angle(), (found * at - truth * at).norm())
}

/// Numbers that look drawn, the same for the same seed.
pub struct Draws(u64);

impl Draws {
    /// Begins at a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Evenly from [0, 1) (splitmix64, Steele et al. 2014).
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// An index below a number.
    pub fn below(&mut self, number: usize) -> usize {
        ((self.uniform() * number as f64) as usize).min(number - 1)
    }

    /// Normal, by Box and Muller.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
