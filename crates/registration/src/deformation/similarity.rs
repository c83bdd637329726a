//! The part of a motion that bends nothing: rotation, translation, scale.

use barrow_geometry::fold_ordered;
use nalgebra::{Matrix3, Point3, Rotation3, UnitQuaternion, Vector3};

/// x ↦ s R x + t.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Motion {
    pub scale: f64,
    pub rotation: UnitQuaternion<f64>,
    pub translation: Vector3<f64>,
}

impl Motion {
    pub fn apply(&self, point: &Point3<f64>) -> Point3<f64> {
        self.rotation * (point * self.scale) + self.translation
    }

    /// The point that the motion takes to `point`.
    pub fn undo(&self, point: &Point3<f64>) -> Point3<f64> {
        self.rotation.inverse() * (point - self.translation) / self.scale
    }

    /// The motion that takes points best to their partners in the sense of weighted least squares; `None`
    /// without weight. The scale stays as it is unless it is to be found, and the rotation wherever the pairs
    /// leave it open.
    ///
    /// # References
    /// Umeyama, *Least-squares estimation of transformation parameters between two point patterns*, PAMI
    /// 1991, equations 40–43.
    pub fn between(
        &self,
        from: &[Point3<f64>],
        to: &[Point3<f64>],
        weights: &[f64],
        find_scale: bool,
    ) -> Option<Self> {
        let first = |range: std::ops::Range<usize>| {
            range.fold((0.0, Vector3::zeros(), Vector3::zeros()), |sum, index| {
                let weight = weights[index];
                (sum.0 + weight, sum.1 + from[index].coords * weight, sum.2 + to[index].coords * weight)
            })
        };
        let (total, from_sum, to_sum) =
            fold_ordered(from.len(), first, |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2))?;
        if total <= 0.0 {
            return None;
        }
        let (from_mean, to_mean) = (from_sum / total, to_sum / total);
        let second = |range: std::ops::Range<usize>| {
            range.fold((Matrix3::zeros(), 0.0), |sum, index| {
                let (a, b) = (from[index].coords - from_mean, to[index].coords - to_mean);
                let weight = weights[index] / total;
                (sum.0 + b * a.transpose() * weight, sum.1 + a.norm_squared() * weight)
            })
        };
        let (cross, square) = fold_ordered(from.len(), second, |a, b| (a.0 + b.0, a.1 + b.1))?;
        let rotation = nearest_rotation(&cross, &self.rotation);
        let overlap = (rotation.to_rotation_matrix().matrix().transpose() * cross).trace();
        let scale = match find_scale && square > 0.0 && overlap > 0.0 {
            // A factor of two a step: a start on top of a wrong part must not collapse onto it at once.
            true => (overlap / square).clamp(0.5 * self.scale, 2.0 * self.scale),
            false => self.scale,
        };
        Some(Self { scale, rotation, translation: to_mean - rotation * from_mean * scale })
    }
}

/// The rotation with the largest overlap tr(Rᵀ M); where M leaves it open, as near to `near` as that allows.
fn nearest_rotation(cross: &Matrix3<f64>, near: &UnitQuaternion<f64>) -> UnitQuaternion<f64> {
    // A touch of the known rotation decides what collinear or coplanar pairs do not.
    let size = cross.norm();
    if size == 0.0 {
        return *near;
    }
    let held = cross / size + near.to_rotation_matrix().matrix() * 1e-9;
    let decomposed = held.svd(true, true);
    let (Some(u), Some(v)) = (decomposed.u, decomposed.v_t) else { return *near };
    let mut signs = Vector3::new(1.0, 1.0, 1.0);
    if (u.determinant() * v.determinant()) < 0.0 {
        signs[decomposed.singular_values.imin()] = -1.0;
    }
    UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(
        u * Matrix3::from_diagonal(&signs) * v,
    ))
}
