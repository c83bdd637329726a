//! Weighted pairs to a pose: the normal equations of one step, and the closed form.

use barrow_geometry::fold_ordered;
use nalgebra::{
    Isometry3, Matrix3, Matrix6, Point3, Rotation3, Translation3, UnitQuaternion, Vector3, Vector6,
};
use rayon::prelude::*;

use crate::surface::Surface;
use crate::{Correspondence, FittedKernel, Kernel};

/// What a residual T x − y is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Residual {
    /// Its length.
    PointToPoint,
    /// Its part along the target's normal.
    PointToPlane,
    /// Its part along the mean of both normals, which vanishes wherever both points lie on one sphere or cylinder: there
    /// planes slide further in a step, and onto surfaces that bend.
    Symmetric,
    /// Its length under the sum of both points' surface covariances (generalised ICP).
    Distribution,
}

/// Variance of a surface patch along its normal relative to that within it (Segal et al. 2009, section III).
const NORMAL_VARIANCE: f64 = 1e-3;

/// The kernel's least width in voxels: clean data must not make every pair an outlier.
const LEAST_WIDTH: f64 = 0.02;

/// Residuals that a kernel's width is read off, evenly spread: more would not change their median visibly.
const WITNESSES: usize = 8192;

/// Directions with less than this share of the strongest one's information are held back.
pub(crate) const UNCONSTRAINED: f64 = 1e-6;

/// The weighted normal equations of ½ Σ wᵢ rᵢᵀ Ωᵢ rᵢ at a pose.
///
/// The pose is perturbed on the right: T ← T ∘ (exp ω, t), with δ = (ω, t), rotation first. Ωᵢ is scaled so
/// that the normal direction has unit weight: residuals, and the kernel's width, are in metres for every
/// [`Residual`].
#[derive(Debug, Clone)]
pub(crate) struct NormalEquations {
    /// Σ w Jᵀ Ω J, rotation first.
    pub hessian: Matrix6<f64>,
    /// Σ w Jᵀ Ω r.
    gradient: Vector6<f64>,
    /// Σ w rᵀ Ω r \[m²\].
    pub error: f64,
    /// Σ w.
    pub weight: f64,
    /// Σ |T x − y|² and Σ 1, both under the weights of the pairs alone.
    plain: [f64; 2],
}

impl NormalEquations {
    /// Accumulates the pairs in index order under a robust kernel, as wide as the residuals themselves ask
    /// for, but no narrower than a share of `voxel_size` \[m\].
    ///
    /// # References
    /// Segal, Haehnel, Thrun, *Generalized-ICP*, RSS 2009, equation 2; Chen and Medioni 1992 for the plane;
    /// Rusinkiewicz, *A symmetric objective function for ICP*, SIGGRAPH 2019, equation 10, its translation not halved.
    pub fn new(
        pairs: &[Correspondence],
        source: &Surface,
        target_from_source: &Isometry3<f64>,
        residual: Residual,
        kernel: Kernel,
        voxel_size: f64,
    ) -> Self {
        let measured = measured(pairs, source, target_from_source, residual);
        let kernel = fitted(kernel, &measured, voxel_size);
        Self::summed(pairs, source, &measured, residual, &kernel)
    }

    /// The same of pairs that have been measured, under a kernel that they have been asked for.
    pub fn summed(
        pairs: &[Correspondence],
        source: &Surface,
        measured: &[Whitened],
        residual: Residual,
        kernel: &FittedKernel,
    ) -> Self {
        let zero = Self {
            hessian: Matrix6::zeros(),
            gradient: Vector6::zeros(),
            error: 0.0,
            weight: 0.0,
            plain: [0.0; 2],
        };
        let part = |range: std::ops::Range<usize>| {
            let mut sum = zero.clone();
            for (pair, one) in pairs[range.clone()].iter().zip(&measured[range]) {
                let weight = pair.weight * kernel.weight_of_square(one.squared);
                let x = &source.positions[pair.source];
                // Turning both clouds by half, one each way, moves the mean of a pair by what the turn moves a point there.
                let lever = if residual == Residual::Symmetric { x - 0.5 * one.r } else { *x };
                sum.add(&lever, one, weight);
                sum.plain[0] += pair.weight * one.r.norm_squared();
                sum.plain[1] += pair.weight;
            }
            sum
        };
        fold_ordered(pairs.len(), part, Self::merged).unwrap_or(zero)
    }

    /// Adds one pair; J = [−[x]×, I] in the source frame, x the point that a turn moves as it does the residual.
    fn add(&mut self, x: &Point3<f64>, one: &Whitened, weight: f64) {
        let cross = x.coords.cross_matrix();
        let omega = one.omega * weight;
        let omega_r = omega * one.r;
        let cross_omega = cross * omega;
        // J_ω = −[x]×, and [x]× is antisymmetric: J_ωᵀ Ω = [x]× Ω.
        let mut rotation = self.hessian.fixed_view_mut::<3, 3>(0, 0);
        rotation -= cross_omega * cross;
        let mut mixed = self.hessian.fixed_view_mut::<3, 3>(0, 3);
        mixed += cross_omega;
        let mut mixed = self.hessian.fixed_view_mut::<3, 3>(3, 0);
        mixed += cross_omega.transpose();
        let mut translation = self.hessian.fixed_view_mut::<3, 3>(3, 3);
        translation += omega;
        let mut turn = self.gradient.fixed_rows_mut::<3>(0);
        turn += cross * omega_r;
        let mut shift = self.gradient.fixed_rows_mut::<3>(3);
        shift += omega_r;
        self.error += weight * one.squared;
        self.weight += weight;
    }

    fn merged(mut self, other: Self) -> Self {
        self.hessian += other.hessian;
        self.gradient += other.gradient;
        self.error += other.error;
        self.weight += other.weight;
        self.plain[0] += other.plain[0];
        self.plain[1] += other.plain[1];
        self
    }

    /// Root mean square distance of the pairs, under their own weights \[m\].
    pub fn rmse(&self) -> f64 {
        (self.plain[0] / self.plain[1].max(f64::MIN_POSITIVE)).sqrt()
    }

    /// The Gauss–Newton step δ, zero along directions that the pairs do not constrain.
    ///
    /// `radius` \[m\] is the size of the cloud; it makes rotations and translations comparable.
    ///
    /// Not damped as Levenberg and Marquardt do it: on fixed pairs hardly a step raises the robust cost (of 5600 from starts
    /// 30° to 120° off 42 did by more than 1 %, none by more than 8 %), and going back where one does led no more starts home.
    pub fn step(&self, radius: f64) -> Vector6<f64> {
        let (scale, values, vectors) = self.eigen(radius);
        let gradient = self.gradient.component_mul(&scale);
        let floor = values.max() * UNCONSTRAINED;
        let mut step = Vector6::zeros();
        for (value, direction) in values.iter().zip(vectors.column_iter()) {
            if *value > floor {
                step -= direction * (direction.dot(&gradient) / value);
            }
        }
        step.component_mul(&scale)
    }

    /// Directions (ω, t) that the pairs leave free, unit length after scaling rotations by `radius`.
    pub fn unconstrained(&self, radius: f64) -> Vec<Vector6<f64>> {
        let (_, values, vectors) = self.eigen(radius);
        let floor = values.max() * UNCONSTRAINED;
        (0..6).filter(|&i| values[i] <= floor).map(|i| vectors.column(i).into_owned()).collect()
    }

    /// The equations for steps K δ, with K a projection that keeps some directions and takes others away.
    pub fn kept(mut self, keeping: &Matrix6<f64>) -> Self {
        self.hessian = keeping.transpose() * self.hessian * keeping;
        self.gradient = keeping.transpose() * self.gradient;
        self
    }

    fn eigen(&self, radius: f64) -> (Vector6<f64>, Vector6<f64>, Matrix6<f64>) {
        let scale = scales(radius);
        let scaled = Matrix6::from_fn(|i, j| self.hessian[(i, j)] * scale[i] * scale[j]);
        // A matrix of unit size, so that tiny clouds do not fall under absolute thresholds.
        let size = scaled.amax();
        if size == 0.0 || !size.is_finite() {
            return (scale, Vector6::zeros(), Matrix6::identity());
        }
        let eigen = (scaled / size).symmetric_eigen();
        (scale, eigen.eigenvalues * size, eigen.eigenvectors)
    }
}

/// The residuals of some pairs, in their order.
pub(crate) fn measured(
    pairs: &[Correspondence],
    source: &Surface,
    target_from_source: &Isometry3<f64>,
    residual: Residual,
) -> Vec<Whitened> {
    let measure = |pair: &Correspondence| {
        let normal = source.normals.as_ref().map(|normals| normals[pair.source]);
        Whitened::new(pair, &source.positions[pair.source], normal, target_from_source, residual)
    };
    pairs.par_iter().map(measure).collect()
}

/// The kernel that some residuals ask for.
pub(crate) fn fitted(kernel: Kernel, measured: &[Whitened], voxel_size: f64) -> FittedKernel {
    let stride = measured.len().div_ceil(WITNESSES).max(1);
    let squares = measured.iter().step_by(stride).map(|one| one.squared).collect();
    kernel.fitted(squares, LEAST_WIDTH * voxel_size)
}

/// Factors that make turns comparable with shifts: a turn is measured at a radius \[m\].
pub(crate) fn scales(radius: f64) -> Vector6<f64> {
    let turn = if radius > 0.0 { 1.0 / radius } else { 1.0 };
    Vector6::new(turn, turn, turn, 1.0, 1.0, 1.0)
}

/// A residual in the source frame, and its metric there.
pub(crate) struct Whitened {
    /// Rᵀ (T x − y) \[m\].
    pub r: Vector3<f64>,
    /// Rᵀ Ω R.
    pub omega: Matrix3<f64>,
    /// rᵀ Ω r \[m²\].
    pub squared: f64,
}

impl Whitened {
    pub fn new(
        pair: &Correspondence,
        x: &Point3<f64>,
        source_normal: Option<Vector3<f64>>,
        target_from_source: &Isometry3<f64>,
        residual: Residual,
    ) -> Self {
        let rotation = target_from_source.rotation.inverse();
        let r = rotation * (target_from_source * x - pair.target);
        let target_normal = pair.normal.map(|normal| rotation * normal);
        let omega = match (residual, target_normal) {
            (Residual::PointToPoint, _) | (_, None) => Matrix3::identity(),
            (Residual::PointToPlane, Some(normal)) => normal * normal.transpose(),
            (Residual::Symmetric, Some(normal)) => {
                // Normals are lines: which way they point is a matter of the sensor. Where they disagree the mean is short, and
                // the pair counts less.
                let other = source_normal.unwrap_or(normal);
                let mean = 0.5 * (normal + if other.dot(&normal) < 0.0 { -other } else { other });
                mean * mean.transpose()
            }
            (Residual::Distribution, Some(normal)) => match source_normal {
                Some(other) => joined(&normal, &other),
                None => joined(&normal, &normal),
            },
        };
        Self { r, omega, squared: r.dot(&(omega * r)).max(0.0) }
    }
}

/// (C_n + C_m)⁻¹, scaled to one where both are in line, for patches C_n = I − (1 − ν) n nᵀ with ν the variance along the normal.
///
/// The sum has the eigenvectors n + m, n − m and n × m, so that its inverse is written down at once.
fn joined(n: &Vector3<f64>, m: &Vector3<f64>) -> Matrix3<f64> {
    let shrunk = 1.0 - NORMAL_VARIANCE;
    let cosine = n.dot(m);
    let (sum, difference) = (n + m, n - m);
    // For eigenvalues λ± = 2 − (1 − ν)(1 ± n·m) ≥ 2ν, and 2 along the third.
    let share = |sign: f64| 0.25 * shrunk / (2.0 - shrunk * (1.0 + sign * cosine));
    let inverse = Matrix3::from_diagonal_element(0.5)
        + sum * (sum.transpose() * share(1.0))
        + difference * (difference.transpose() * share(-1.0));
    inverse * (2.0 * NORMAL_VARIANCE)
}

/// T ∘ (exp ω, t) for δ = (ω, t).
pub(crate) fn retract(target_from_source: &Isometry3<f64>, step: &Vector6<f64>) -> Isometry3<f64> {
    let turn = UnitQuaternion::from_scaled_axis(step.fixed_rows::<3>(0).into_owned());
    let shift = Translation3::from(step.fixed_rows::<3>(3).into_owned());
    let mut moved = target_from_source * Isometry3::from_parts(shift, turn);
    moved.rotation.renormalize();
    moved
}

/// The rigid motion that minimises Σ wᵢ |T xᵢ − yᵢ|², or `None` if the pairs do not fix its rotation.
///
/// # References
/// Kabsch 1976; Umeyama, *Least-squares estimation of transformation parameters*, PAMI 13 (1991),
/// equations 38–43 without scale.
pub(crate) fn closed_form(pairs: &[Correspondence], source: &[Point3<f64>]) -> Option<Isometry3<f64>> {
    let weight = |pair: &Correspondence| pair.weight;
    let total: f64 = pairs.iter().map(weight).sum();
    if total <= 0.0 {
        return None;
    }
    let mean = |point: &dyn Fn(&Correspondence) -> Vector3<f64>| {
        pairs.iter().map(|pair| point(pair) * (pair.weight / total)).sum::<Vector3<f64>>()
    };
    let source_mean = mean(&|pair| source[pair.source].coords);
    let target_mean = mean(&|pair| pair.target.coords);
    let covariance: Matrix3<f64> = pairs
        .iter()
        .map(|pair| {
            let x = source[pair.source].coords - source_mean;
            let y = pair.target.coords - target_mean;
            y * x.transpose() * (pair.weight / total)
        })
        .sum();
    let size = covariance.amax();
    if size == 0.0 || !size.is_finite() {
        return None;
    }
    let svd = (covariance / size).svd(true, true);
    // Two spread directions fix a rotation; with one, the turn about it is free.
    if svd.singular_values[1] <= UNCONSTRAINED * svd.singular_values[0] {
        return None;
    }
    let (u, v_t) = (svd.u?, svd.v_t?);
    let reflection = Matrix3::from_diagonal(&Vector3::new(1.0, 1.0, (u * v_t).determinant().signum()));
    let rotation = Rotation3::from_matrix_unchecked(u * reflection * v_t);
    let rotation = UnitQuaternion::from_rotation_matrix(&rotation);
    let shift = Translation3::from(target_mean - rotation * source_mean);
    Some(Isometry3::from_parts(shift, rotation))
}

#[cfg(test)]
mod tests {
    use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector3};

    use super::{Residual, Whitened};
    use crate::Correspondence;

    /// The residual of two points of a surface, at the identity.
    fn residual(
        [x, y]: [Vector3<f64>; 2],
        [source, target]: [Vector3<f64>; 2],
        residual: Residual,
    ) -> Whitened {
        let pair = Correspondence { source: 0, target: y.into(), normal: Some(target), weight: 1.0 };
        Whitened::new(&pair, &Point3::from(x), Some(source), &Isometry3::identity(), residual)
    }

    #[test]
    fn a_sphere_slides_along_itself_without_a_symmetric_residual() {
        let radial =
            |turn: f64| UnitQuaternion::from_scaled_axis(Vector3::new(0.3, turn, 0.1)) * Vector3::z();
        let (n, m) = (radial(0.0), radial(0.7));
        let on_sphere = |kind| residual([2.0 * n, 2.0 * m], [n, m], kind).squared;
        assert!(on_sphere(Residual::Symmetric) < 1e-30);
        assert!(on_sphere(Residual::PointToPlane) > 1e-2);
        // Away from the sphere it is the distance along the mean, whichever way the normals were taken to point.
        for side in [1.0, -1.0] {
            let off = residual([2.0 * n, 1.5 * n], [side * n, n], Residual::Symmetric);
            assert!((off.squared - 0.25).abs() < 1e-15, "{}", off.squared);
        }
    }
}
