//! The points of a measure that have mass, and their masses in whole numbers.

use nalgebra::Vector3;
use rayon::prelude::*;

use crate::Measure;
use crate::frame::Frame;

/// What all masses sum to, exactly.
pub(super) const TOTAL: u64 = 1 << 63;

/// A measure as a device is given it.
pub(super) struct Cloud {
    /// Positions in local coordinates.
    pub points: Vec<Vector3<f64>>,
    /// One mass per point, if they differ.
    pub masses: Option<Vec<u64>>,
    /// How much mass, of 1, rounding has taken from points or given to them.
    pub lost: f64,
}

impl Cloud {
    /// All points, without masses.
    pub fn uniform(measure: &Measure, frame: &Frame) -> Self {
        let points = measure.positions().par_iter().map(|point| frame.local(point)).collect();
        Self { points, masses: None, lost: 0.0 }
    }

    /// The points that have mass. Every mass is to the nearest, up to the last bit of its weight, but for the
    /// heaviest: it makes the sum right.
    pub fn weighted(measure: &Measure, frame: &Frame) -> Self {
        let total = compensated_sum((0..measure.len()).map(|index| measure.weight(index)));
        let mut cloud = Self { points: Vec::new(), masses: None, lost: 0.0 };
        let (mut masses, mut sum, mut heaviest) = (Vec::new(), 0_i128, 0);
        for (index, point) in measure.positions().iter().enumerate() {
            let exact = measure.weight(index) / total * TOTAL as f64;
            let mass = exact.round() as u64;
            cloud.lost += (exact - mass as f64).abs();
            if mass == 0 {
                continue;
            }
            sum += i128::from(mass);
            masses.push(mass);
            cloud.points.push(frame.local(point));
            if mass > masses[heaviest] {
                heaviest = masses.len() - 1;
            }
        }
        // Rounding leaves less than half a unit per point and some thousands for the last bits of large weights; of at
        // most 2³⁰ points the heaviest has 2³³.
        let rest = i128::from(TOTAL) - sum;
        masses[heaviest] = (i128::from(masses[heaviest]) + rest) as u64;
        cloud.lost = (cloud.lost + rest.abs() as f64) / TOTAL as f64;
        cloud.masses = Some(masses);
        cloud
    }
}

/// A sum whose error does not grow with the number of terms (Neumaier, 1974).
fn compensated_sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut rest) = (0.0_f64, 0.0);
    for value in values {
        let next = sum + value;
        rest += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        sum = next;
    }
    sum + rest
}
