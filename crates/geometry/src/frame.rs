//! The coordinates that solvers compute in.

use nalgebra::{Point3, Vector3};

use crate::Measure;

/// The coordinates to compute in: origin at the joint centroid, unit size.
///
/// Narrowing and expanded squares lose digits in proportion to the distance from the origin, so the
/// solver never sees where in the world the clouds lie. The scale is a power of two: no rounding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    first: Point3<f64>,
    mean: Vector3<f64>,
    /// Length of one unit \[m\].
    pub scale: f64,
    /// Diagonal of the box around both measures \[m\].
    pub extent: f64,
}

impl Frame {
    /// The frame of two measures, with a unit of at least `smallest` \[m\].
    pub fn around(source: &Measure, target: &Measure, smallest: f64) -> Self {
        let first = source.positions()[0];
        let both = || [source, target].into_iter().flat_map(|measure| measure.positions());
        let (mut min, mut max, mut mean) = (Vector3::zeros(), Vector3::zeros(), Vector3::zeros());
        for point in both() {
            let offset = point - first;
            (min, max) = (min.inf(&offset), max.sup(&offset));
        }
        // Weights are divided by their totals first: neither side outweighs the other, nothing overflows.
        for measure in [source, target] {
            for (index, point) in measure.positions().iter().enumerate() {
                mean += (point - first) * (0.5 * measure.weight(index) / measure.total());
            }
        }
        let extent = (max - min).norm();
        let size = extent.max(smallest).clamp(1e-290, 1e290);
        Self { first, mean, scale: 2f64.powi(size.log2().ceil() as i32), extent }
    }

    /// Coordinates of a point in the frame, each between −1 and 1.
    pub fn local(&self, point: &Point3<f64>) -> Vector3<f64> {
        ((point - self.first) - self.mean) / self.scale
    }

    /// The point of local coordinates.
    pub fn global(&self, local: &Vector3<f64>) -> Point3<f64> {
        self.first + (self.mean + local * self.scale)
    }
}
