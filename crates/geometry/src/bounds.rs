//! Axis-aligned boxes.

use nalgebra::{Point3, Vector3};

/// The closed axis-aligned box between two corners.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Smallest coordinate on each axis \[m\].
    pub min: Point3<f64>,
    /// Largest coordinate on each axis \[m\].
    pub max: Point3<f64>,
}

impl Bounds {
    /// The smallest box around some points; `None` if there are none.
    pub fn of(points: &[Point3<f64>]) -> Option<Self> {
        let first = *points.first()?;
        Some(points.iter().fold(Self { min: first, max: first }, |bounds, point| Self {
            min: bounds.min.inf(point),
            max: bounds.max.sup(point),
        }))
    }

    /// Whether a point lies in the box, its faces included.
    pub fn contains(&self, point: &Point3<f64>) -> bool {
        (0..3).all(|axis| self.min[axis] <= point[axis] && point[axis] <= self.max[axis])
    }

    /// Edge lengths \[m\].
    pub fn extent(&self) -> Vector3<f64> {
        self.max - self.min
    }

    /// Length of the space diagonal \[m\].
    pub fn diagonal(&self) -> f64 {
        self.extent().norm()
    }

    /// Midpoint of the box.
    pub fn center(&self) -> Point3<f64> {
        nalgebra::center(&self.min, &self.max)
    }
}
