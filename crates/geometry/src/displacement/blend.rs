//! Attributes between two values.

use nalgebra::{Rotation3, Unit, Vector3};

use crate::Color;

/// In proportion, exact at both ends; where one is not a number, the other.
pub(super) fn blend_number(a: f64, b: f64, t: f64) -> f64 {
    match (a.is_nan(), b.is_nan()) {
        (true, _) => b,
        (_, true) => a,
        _ if t == 0.0 || a == b => a,
        _ if t == 1.0 => b,
        // The difference from the first value: an offset of millions costs no digits.
        _ => a + t * (b - a),
    }
}

/// In proportion in every channel, rounded.
pub(super) fn blend_color(a: &Color, b: &Color, t: f64) -> Color {
    let channel = |c: usize| blend_number(f64::from(a[c]), f64::from(b[c]), t).round() as u16;
    [channel(0), channel(1), channel(2)]
}

/// On the shorter great circle, of length 1 on the way; where one has no direction, the other.
///
/// # References
/// Shoemake, *Animating rotation with quaternion curves*, 1985.
pub(super) fn blend_normal(a: &Vector3<f64>, b: &Vector3<f64>, t: f64) -> Vector3<f64> {
    let direction =
        |normal: &Vector3<f64>| Unit::try_new(*normal, 0.0).filter(|unit| unit.iter().all(|v| v.is_finite()));
    let (Some(from), Some(to)) = (direction(a), direction(b)) else {
        return if direction(a).is_some() { *a } else { *b };
    };
    if t == 0.0 || t == 1.0 {
        return if t == 0.0 { *a } else { *b };
    }
    let cross = from.cross(&to);
    let angle = cross.norm().atan2(from.dot(&to));
    // Opposite or equal directions leave the axis open: the one across the smallest coordinate.
    let axis = Unit::try_new(cross, 1e-12)
        .unwrap_or_else(|| Unit::new_normalize(from.cross(&Vector3::ith(from.iamin(), 1.0))));
    Rotation3::from_axis_angle(&axis, t * angle) * from.into_inner()
}
