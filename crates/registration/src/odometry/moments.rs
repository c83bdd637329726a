//! Mean and spread of points that come one by one.

use nalgebra::{Matrix3, Vector3};

/// Number, mean and scatter of some points.
///
/// # References
/// Chan, Golub, LeVeque, *Updating formulae and a pairwise algorithm for computing sample variances*, 1979.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Moments {
    /// Number of points.
    pub count: f64,
    /// Mean position \[m\].
    pub mean: Vector3<f64>,
    /// Σ (x − mean)(x − mean)ᵀ as xx, xy, xz, yy, yz, zz \[m²\].
    scatter: [f64; 6],
}

impl Moments {
    pub const NONE: Self = Self { count: 0.0, mean: Vector3::new(0.0, 0.0, 0.0), scatter: [0.0; 6] };

    /// Adds one point.
    pub fn add(&mut self, point: &Vector3<f64>) {
        self.count += 1.0;
        let from = point - self.mean;
        self.mean += from / self.count;
        self.spread(&from, (self.count - 1.0) / self.count);
    }

    /// Adds the points of another.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0.0 {
            return;
        }
        let count = self.count + other.count;
        let from = other.mean - self.mean;
        for (mine, theirs) in self.scatter.iter_mut().zip(other.scatter) {
            *mine += theirs;
        }
        self.spread(&from, self.count * other.count / count);
        self.mean += from * (other.count / count);
        self.count = count;
    }

    fn spread(&mut self, from: &Vector3<f64>, weight: f64) {
        let scaled = from * weight;
        let products = [
            scaled.x * from.x,
            scaled.x * from.y,
            scaled.x * from.z,
            scaled.y * from.y,
            scaled.y * from.z,
            scaled.z * from.z,
        ];
        for (sum, product) in self.scatter.iter_mut().zip(products) {
            *sum += product;
        }
    }

    /// Scatter ÷ number \[m²\].
    pub fn covariance(&self) -> Matrix3<f64> {
        let [xx, xy, xz, yy, yz, zz] = self.scatter;
        Matrix3::new(xx, xy, xz, xy, yy, yz, xz, yz, zz) / self.count.max(1.0)
    }
}
