//! Where the vehicle is at any time.

use std::f64::consts::TAU;

use nalgebra::{Isometry3, Point2, Translation3, UnitQuaternion};

/// An arc of constant speed and turn rate, with the body swaying on its springs.
///
/// It begins at the origin, heading along x, in the right lane of the street.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drive {
    pub(super) speed: f64,
    pub(super) turn_rate: f64,
    pub(super) sway: f64,
}

impl Drive {
    /// Height of the sensor above the road.
    pub(super) const HEIGHT: f64 = 1.8;
    /// Middle of the right lane.
    pub(super) const LANE: f64 = -1.75;

    /// Position on the ground.
    pub(super) fn place(&self, time: f64) -> Point2<f64> {
        // The chord of an arc: its length is v t sinc(ω t / 2) and it points to half the turn, which
        // stays exact when ω is zero.
        let half_turn = 0.5 * self.turn_rate * time;
        let sinc = if half_turn.abs() < 1e-8 { 1.0 } else { half_turn.sin() / half_turn };
        let chord = self.speed * time * sinc;
        Point2::new(chord * half_turn.cos(), Self::LANE + chord * half_turn.sin())
    }

    /// Pose of the sensor.
    pub(super) fn world_from_sensor(&self, time: f64) -> Isometry3<f64> {
        let place = self.place(time);
        // Three oscillations without a common period, as of a car on its springs.
        let roll = self.sway * (TAU * 0.9 * time + 0.4).sin();
        let pitch = self.sway * (TAU * 1.3 * time + 1.1).sin();
        let heave = 2.0 * self.sway * (TAU * 1.1 * time).sin();
        Isometry3::from_parts(
            Translation3::new(place.x, place.y, Self::HEIGHT + heave),
            UnitQuaternion::from_euler_angles(roll, pitch, self.turn_rate * time),
        )
    }
}
