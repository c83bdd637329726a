//! The answer: a smooth map that can be asked anywhere.

use barrow_geometry::{Convergence, Error as GeometryError, PointCloud, fold_ordered};
use nalgebra::{Isometry3, Matrix3, Point3, Translation3, Vector3};
use rayon::prelude::*;

use super::basis::Field;
use super::similarity::Motion;
use crate::Result;

/// Points at which the smoothness of the field is looked at, at most.
const LOOKED_AT: usize = 20_000;

/// A smooth map from the source's space to the target's: T(x) = s R (x + v(x)) + t.
///
/// The motion turns, moves and scales; the field v bends, and is given everywhere, not only at the points.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Deformation {
    /// T(x) − x at every source point, in the order of the source \[m\].
    pub displacements: Vec<Vector3<f64>>,
    /// Why the loop ended; the residual is the last step's root mean square motion in blurs.
    pub convergence: Convergence,
    /// What is minimised, by its parts.
    pub energy: Energy,
    /// How far the field is from bending nothing, and whether it folds.
    pub smoothness: Smoothness,
    /// Mass that the last plan moves, relative to that of the source's plan onto itself: the share of the
    /// source that has a place on the target, between 0 and 1.
    pub transported_mass: f64,
    /// Blur of the last plan \[m\].
    pub blur: f64,
    /// Width of the field's kernel \[m\].
    pub width: f64,
    /// Anchors of the field.
    pub anchors: usize,
    pub(super) warp: Warp,
}

/// What a step minimises: data + smoothness \[m²\].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Energy {
    /// Mean square distance left to the places that the plan asks for, weighted by the mass moved.
    pub data: f64,
    /// stiffness · (blur² / last blur)² · |v|², with the norm of the field in the kernel's space, relative to its radius.
    pub smoothness: f64,
}

/// How smooth the map is, at the source's points.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Smoothness {
    /// |v|² in the kernel's space over the squared radius: zero for a motion that bends nothing.
    pub roughness: f64,
    /// Root mean square length of v \[m\].
    pub rms_field: f64,
    /// Largest |∂v/∂x|, the norm of Frobenius.
    pub max_gradient: f64,
    /// Smallest and largest det(I + ∂v/∂x): how far volume shrinks and grows beside the motion's scale.
    pub jacobian: [f64; 2],
    /// Share of the points where that is not above zero: there the map folds.
    pub folded: f64,
}

/// The map itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Warp {
    pub motion: Motion,
    /// Between points relative to the source's origin, in radii.
    pub field: Field,
    pub source_origin: Point3<f64>,
    pub target_origin: Point3<f64>,
    pub radius: f64,
}

impl Warp {
    fn local(&self, point: &Point3<f64>) -> Point3<f64> {
        Point3::from((point - self.source_origin) / self.radius)
    }

    fn at(&self, point: &Point3<f64>) -> Point3<f64> {
        let local = self.local(point);
        let moved = self.motion.apply(&(local + self.field.at(&local)));
        self.target_origin + moved.coords * self.radius
    }

    fn bending(&self, point: &Point3<f64>) -> Matrix3<f64> {
        self.field.gradient(&self.local(point))
    }

    pub fn displacements(&self, points: &[Point3<f64>]) -> Vec<Vector3<f64>> {
        points.par_iter().map(|point| self.at(point) - point).collect()
    }
}

impl Deformation {
    /// Where a point of the source's space goes \[m\]. Far from the source the field vanishes and the motion
    /// remains.
    pub fn at(&self, point: &Point3<f64>) -> Point3<f64> {
        self.warp.at(point)
    }

    /// ∂T/∂x at a point.
    pub fn jacobian(&self, point: &Point3<f64>) -> Matrix3<f64> {
        let motion = &self.warp.motion;
        let turn = motion.rotation.to_rotation_matrix().into_inner() * motion.scale;
        turn * (Matrix3::identity() + self.warp.bending(point))
    }

    /// The rotation and translation of the map.
    ///
    /// Where the map bends nothing and keeps the scale it is this pose.
    pub fn target_from_source(&self) -> Isometry3<f64> {
        let Warp { motion, source_origin, target_origin, radius, .. } = &self.warp;
        // About the centroids: then a scale other than one leaves the middle where it belongs.
        let middle = target_origin + motion.translation * *radius;
        let rotated = motion.rotation * source_origin;
        Isometry3::from_parts(Translation3::from(middle - rotated), motion.rotation)
    }

    /// The scale of the map beside its field.
    pub fn scale(&self) -> f64 {
        self.warp.motion.scale
    }

    /// A cloud carried along: positions mapped, normals turned by the inverse transpose of the map's
    /// derivative, other attributes kept.
    ///
    /// # Errors
    /// If a point lands outside the range of coordinates.
    pub fn apply(&self, cloud: &PointCloud) -> Result<PointCloud> {
        let positions = cloud.positions();
        let mut carried = PointCloud::new(positions.par_iter().map(|point| self.at(point)).collect())?;
        if let Some(normals) = cloud.normals() {
            let turned = |(point, normal): (&Point3<f64>, &Vector3<f64>)| {
                let jacobian = self.jacobian(point);
                // Where the map is flat, a normal has no image; what it was turned to is the best guess.
                let turned = match jacobian.try_inverse() {
                    Some(inverse) => inverse.transpose() * normal * jacobian.determinant().signum(),
                    None => self.warp.motion.rotation * normal,
                };
                turned.try_normalize(0.0).unwrap_or(turned)
            };
            carried = carried.with_normals(positions.par_iter().zip(normals).map(turned).collect())?;
        }
        if let Some(colors) = cloud.colors() {
            carried = carried.with_colors(colors.to_vec())?;
        }
        if let Some(intensities) = cloud.intensities() {
            carried = carried.with_intensities(intensities.to_vec())?;
        }
        if let Some(times) = cloud.times() {
            carried = carried.with_times(times.to_vec())?;
        }
        Ok::<_, GeometryError>(carried).map_err(Into::into)
    }
}

/// Looks at the field where the source is.
pub(super) fn smoothness(warp: &Warp, source: &[Point3<f64>], roughness: f64) -> Smoothness {
    let stride = source.len().div_ceil(LOOKED_AT).max(1);
    let looked_at: Vec<&Point3<f64>> = source.iter().step_by(stride).collect();
    let part = |range: std::ops::Range<usize>| {
        let start =
            Seen { square: 0.0, gradient: 0.0, least: f64::INFINITY, most: f64::NEG_INFINITY, folded: 0 };
        range.fold(start, |seen, index| {
            let local = warp.local(looked_at[index]);
            let gradient = warp.field.gradient(&local);
            let volume = (Matrix3::identity() + gradient).determinant();
            seen.merged(Seen {
                square: warp.field.at(&local).norm_squared(),
                gradient: gradient.norm(),
                least: volume,
                most: volume,
                folded: usize::from(volume <= 0.0),
            })
        })
    };
    let count = looked_at.len() as f64;
    let seen = fold_ordered(looked_at.len(), part, Seen::merged);
    let seen = seen.unwrap_or(Seen { square: 0.0, gradient: 0.0, least: 1.0, most: 1.0, folded: 0 });
    Smoothness {
        roughness,
        rms_field: (seen.square / count.max(1.0)).sqrt() * warp.radius,
        max_gradient: seen.gradient,
        jacobian: [seen.least, seen.most],
        folded: seen.folded as f64 / count.max(1.0),
    }
}

struct Seen {
    square: f64,
    gradient: f64,
    least: f64,
    most: f64,
    folded: usize,
}

impl Seen {
    fn merged(self, other: Self) -> Self {
        Self {
            square: self.square + other.square,
            gradient: self.gradient.max(other.gradient),
            least: self.least.min(other.least),
            most: self.most.max(other.most),
            folded: self.folded + other.folded,
        }
    }
}
