//! Rigid motions as twists, and where the sensor is during a scan.

use nalgebra::{Isometry3, Matrix3, Matrix6, Translation3, UnitQuaternion, Vector3, Vector6};

/// Turns \[rad\] below which series replace quotients: their next terms are below rounding.
const SMALL: f64 = 1e-4;

/// The motion after unit time of a body with constant velocity (ω, v), rotation first, in its own frame.
///
/// # References
/// Barfoot, *State Estimation for Robotics*, 2017, section 7.1.3.
pub(crate) fn exp(twist: &Vector6<f64>) -> Isometry3<f64> {
    let (turn, shift) = (twist.fixed_rows::<3>(0).into_owned(), twist.fixed_rows::<3>(3).into_owned());
    let angle = turn.norm();
    let (a, b) = if angle < SMALL {
        (0.5 - angle * angle / 24.0, 1.0 / 6.0 - angle * angle / 120.0)
    } else {
        let squared = angle * angle;
        ((1.0 - angle.cos()) / squared, (angle - angle.sin()) / (squared * angle))
    };
    let across = turn.cross(&shift);
    let shift = shift + a * across + b * turn.cross(&across);
    Isometry3::from_parts(Translation3::from(shift), UnitQuaternion::from_scaled_axis(turn))
}

/// The constant velocity (ω, v) that makes a motion in unit time, its turn at most π.
pub(crate) fn log(motion: &Isometry3<f64>) -> Vector6<f64> {
    let turn = motion.rotation.scaled_axis();
    let shift = motion.translation.vector;
    let angle = turn.norm();
    let b = if angle < SMALL {
        1.0 / 12.0 + angle * angle / 720.0
    } else {
        let half = 0.5 * angle;
        (1.0 - half * half.cos() / half.sin()) / (angle * angle)
    };
    let across = turn.cross(&shift);
    let velocity = shift - 0.5 * across + b * turn.cross(&across);
    Vector6::new(turn.x, turn.y, turn.z, velocity.x, velocity.y, velocity.z)
}

/// The matrix that carries a perturbation on the right of T over to the left of it: T exp(δ) = exp(Ad δ) T.
pub(crate) fn adjoint(motion: &Isometry3<f64>) -> Matrix6<f64> {
    let rotation: Matrix3<f64> = motion.rotation.to_rotation_matrix().into_inner();
    let mut adjoint = Matrix6::zeros();
    adjoint.fixed_view_mut::<3, 3>(0, 0).copy_from(&rotation);
    adjoint.fixed_view_mut::<3, 3>(3, 3).copy_from(&rotation);
    adjoint.fixed_view_mut::<3, 3>(3, 0).copy_from(&(motion.translation.vector.cross_matrix() * rotation));
    adjoint
}

/// Where the sensor is while it scans: at a pose in the middle, moving with a constant velocity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Motion {
    /// `world_from_scan` in the middle of the scan.
    pub middle: Isometry3<f64>,
    /// Motion from the beginning to the end of the scan, zero where all points are of one moment.
    pub twist: Vector6<f64>,
}

impl Motion {
    /// `world_from_scan` at a share of the scan, from −½ to ½.
    pub fn at(&self, share: f64) -> Isometry3<f64> {
        self.middle * exp(&(self.twist * share))
    }

    /// `world_from_scan` at the first point.
    pub fn start(&self) -> Isometry3<f64> {
        self.at(-0.5)
    }

    /// From the pose at the first point.
    pub fn from_start(start: &Isometry3<f64>, twist: Vector6<f64>) -> Self {
        Self { middle: start * exp(&(twist * 0.5)), twist }
    }
}

/// Moves points measured one after the other, so that their shares change seldom or slowly.
pub(crate) struct Unroll {
    twist: Vector6<f64>,
    share: f64,
    rotation: Matrix3<f64>,
    shift: Vector3<f64>,
}

impl Unroll {
    /// Points are carried to where they would have been measured in the middle of the scan.
    pub fn new(twist: Vector6<f64>) -> Self {
        Self { twist, share: 0.0, rotation: Matrix3::identity(), shift: Vector3::zeros() }
    }

    /// A point measured at a share of the scan.
    pub fn point(&mut self, point: &Vector3<f64>, share: f64) -> Vector3<f64> {
        if share != self.share {
            let moved = exp(&(self.twist * share));
            self.share = share;
            self.rotation = moved.rotation.to_rotation_matrix().into_inner();
            self.shift = moved.translation.vector;
        }
        self.rotation * point + self.shift
    }
}
