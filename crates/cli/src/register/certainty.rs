//! How certain a pose is, in words.

use nalgebra::{Matrix3, Matrix6, Vector3, Vector6};

use crate::report::significant;

/// Square of the shift of a direction of length one above which it hardly turns.
const STRAIGHT: f64 = 0.96;

/// The standard deviations of a pose: of its turn, and of the place of the point of which most is known.
pub fn deviations(covariance: &Matrix6<f64>) -> Option<String> {
    let block = |row, column| -> Matrix3<f64> { covariance.fixed_view::<3, 3>(row, column).into_owned() };
    let turn = block(0, 0).trace().sqrt().to_degrees();
    // What is left of the shift once the turn is known does not depend on where the origin is.
    let rest = block(3, 3) - block(3, 0) * block(0, 0).try_inverse()? * block(0, 3);
    let shift = rest.trace().max(0.0).sqrt();
    let told =
        format!("{} degrees and {} m, one standard deviation", significant(turn, 3), significant(shift, 3));
    (turn.is_finite() && shift.is_finite()).then_some(told)
}

/// The motions (ω, t) that the clouds leave free, one a line.
pub fn freedom(directions: &[Vector6<f64>]) -> Option<String> {
    if directions.len() == 6 {
        return Some("free to move in every way".into());
    }
    let told: Vec<String> = directions.iter().map(motion).collect();
    (!told.is_empty()).then(|| told.join("\n"))
}

fn motion(direction: &Vector6<f64>) -> String {
    let [turn, shift] = [0, 3].map(|row| direction.fixed_rows::<3>(row).into_owned());
    if shift.norm_squared() > STRAIGHT {
        format!("free to slide along {}", axis(&shift))
    } else {
        format!("free to turn about {}", axis(&turn))
    }
}

fn axis(along: &Vector3<f64>) -> String {
    // Without a minus before a zero.
    let [x, y, z] = along.normalize().map(|entry| (100.0 * entry).round() / 100.0 + 0.0).into();
    format!("({x:.2}, {y:.2}, {z:.2})")
}

#[cfg(test)]
mod tests {
    use nalgebra::{Matrix6, Vector3, Vector6};

    use super::{deviations, freedom};

    #[test]
    fn motions_are_told_apart() {
        let slide = Vector6::new(0.0, 1e-4, 0.0, -0.999, 0.001, -1e-9);
        let turn = Vector6::new(0.0, 0.0, 0.2, 0.3, 0.0, 0.0);
        let told = freedom(&[slide, turn]).unwrap();
        assert_eq!(told, "free to slide along (-1.00, 0.00, 0.00)\nfree to turn about (0.00, 0.00, 1.00)");
        assert_eq!(freedom(&[]), None);
        assert_eq!(freedom(&[slide; 6]).unwrap(), "free to move in every way");
    }

    #[test]
    fn deviations_do_not_depend_on_the_origin() {
        let near = Matrix6::from_diagonal(&Vector6::new(1e-6, 1e-6, 2e-6, 1e-4, 1e-4, 2e-4));
        let mut shift = Matrix6::identity();
        shift.fixed_view_mut::<3, 3>(3, 0).copy_from(&Vector3::new(40.0, -7.0, 3.0).cross_matrix());
        let far = shift * near * shift.transpose();
        let told = deviations(&near).unwrap();
        assert!(told.starts_with("0.115 degrees and 0.02 m"), "{told}");
        assert_eq!(deviations(&far).unwrap(), told);
    }
}
