//! Poses as rows of numbers, and how far one lies from another.

use nalgebra::{
    Isometry3, Matrix3, Matrix4, Point3, Rotation3, Similarity3, Translation3, UnitQuaternion, Vector3,
};
use serde::{Deserialize, Serialize};

use crate::Result;

/// A similarity as a matrix, row by row: what stands in files and requests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rows(pub [[f64; 4]; 4]);

impl From<Similarity3<f64>> for Rows {
    fn from(pose: Similarity3<f64>) -> Self {
        let matrix = pose.to_homogeneous();
        Self(std::array::from_fn(|row| std::array::from_fn(|column| matrix[(row, column)])))
    }
}

impl From<Isometry3<f64>> for Rows {
    fn from(pose: Isometry3<f64>) -> Self {
        Similarity3::from_isometry(pose, 1.0).into()
    }
}

impl Rows {
    /// The nearest similarity: few digits in a file must not bend what it moves.
    ///
    /// # Errors
    /// If the matrix is singular or mirrors.
    pub fn similarity(&self) -> Result<Similarity3<f64>> {
        let matrix = Matrix4::from_fn(|row, column| self.0[row][column]);
        let linear: Matrix3<f64> = matrix.fixed_view::<3, 3>(0, 0).into_owned();
        let svd = linear.svd(true, true);
        let (Some(u), Some(v_t)) = (svd.u, svd.v_t) else {
            return Err("a pose without singular values".into());
        };
        let (rotation, scale) = (u * v_t, svd.singular_values.mean());
        if !(rotation.determinant() > 0.0 && scale > 0.0) {
            return Err(format!("a pose must be a similarity, got {linear}").into());
        }
        let rotation = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(rotation));
        // Digits that are missing are no scale: six of them leave 1e-6, some files 1e-4.
        let scale = if (scale - 1.0).abs() < 1e-3 { 1.0 } else { scale };
        let translation = Translation3::from(matrix.fixed_view::<3, 1>(0, 3).into_owned());
        Ok(Similarity3::from_parts(translation, rotation, scale))
    }

    /// Sixteen numbers, however they are separated.
    ///
    /// # Errors
    /// If there are others.
    pub fn parse(text: &str) -> Result<Self> {
        let numbers: Vec<f64> =
            text.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?;
        if numbers.len() != 16 {
            return Err(format!("a pose has 16 numbers, got {}", numbers.len()).into());
        }
        Ok(Self(std::array::from_fn(|row| std::array::from_fn(|column| numbers[4 * row + column]))))
    }
}

/// How far a pose lies from the true one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PoseError {
    /// Angle of R⁻¹ R_truth \[deg\].
    pub rotation_deg: f64,
    /// |t − t_truth|, as the peers' test suites have it. Where clouds lie far from their origin it holds a share of the
    /// rotation error.
    pub translation: f64,
    /// |T c − T_truth c| at the source's centroid c, which does not depend on where the origin lies.
    pub centroid: f64,
    /// |s ÷ s_truth − 1|.
    pub scale: f64,
}

impl PoseError {
    pub fn between(found: &Similarity3<f64>, truth: &Similarity3<f64>, centroid: &Point3<f64>) -> Self {
        Self {
            rotation_deg: found.isometry.rotation.angle_to(&truth.isometry.rotation).to_degrees(),
            translation: (found.isometry.translation.vector - truth.isometry.translation.vector).norm(),
            centroid: (found * centroid - truth * centroid).norm(),
            scale: (found.scaling() / truth.scaling() - 1.0).abs(),
        }
    }
}

/// What an error may be; what is not named may be anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// \[deg\]
    pub rotation_deg: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub translation: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub centroid: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
}

impl Limits {
    pub fn hold(&self, error: &PoseError) -> bool {
        let within = |error: f64, limit: Option<f64>| limit.is_none_or(|limit| error <= limit);
        error.rotation_deg <= self.rotation_deg
            && within(error.translation, self.translation)
            && within(error.centroid, self.centroid)
            && within(error.scale, self.scale)
    }
}

/// A motion about a point.
pub fn about(centre: &Point3<f64>, rotation: UnitQuaternion<f64>, shift: Vector3<f64>) -> Isometry3<f64> {
    let back = Translation3::from(centre.coords + shift);
    Isometry3::from_parts(back, rotation) * Translation3::from(-centre.coords)
}
