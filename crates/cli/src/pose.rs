//! A pose as a reader likes it.

use nalgebra::Isometry3;

use crate::report::{number, triple};

/// A pose in words.
#[derive(Debug)]
pub struct PoseText {
    /// Four lines of four numbers, aligned.
    pub matrix: String,
    /// Angle and axis.
    pub rotation: String,
    /// Vector and length.
    pub translation: String,
}

impl PoseText {
    /// Puts a pose into words.
    pub fn of(pose: &Isometry3<f64>) -> Self {
        let matrix = pose.to_homogeneous();
        let row = |row: usize| {
            let values = matrix.row(row).iter().map(|value| format!("{value:>13.8}")).collect::<Vec<_>>();
            // Rounded to nothing, minus zero is a distraction.
            values.join(" ").replace("-0.00000000", " 0.00000000")
        };
        let angle = format!("{:.4}°", pose.rotation.angle().to_degrees());
        let rotation = match pose.rotation.axis() {
            Some(axis) => format!("{angle} about ({:.4}, {:.4}, {:.4})", axis.x, axis.y, axis.z),
            None => angle,
        };
        let vector = pose.translation.vector;
        Self {
            matrix: (0..4).map(row).collect::<Vec<_>>().join("\n"),
            rotation,
            translation: format!("{} m, length {} m", triple(vector.into()), number(vector.norm())),
        }
    }
}
