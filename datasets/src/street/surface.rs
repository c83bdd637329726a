//! Surfaces that a ray can hit, each with its exact intersection and distance.

use barrow_geometry::Bounds;
use nalgebra::{Point3, Vector3};

use super::facade::Facade;

/// A half-line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ray {
    pub(super) origin: Point3<f64>,
    /// Of length one.
    pub(super) direction: Vector3<f64>,
}

impl Ray {
    pub(super) fn at(&self, distance: f64) -> Point3<f64> {
        self.origin + distance * self.direction
    }
}

/// Where a ray meets a surface.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) distance: f64,
    /// Of length one; which side it looks to is not defined.
    pub(super) normal: Vector3<f64>,
    /// Share of the light that comes back at normal incidence.
    pub(super) reflectance: f64,
}

/// A shape and how bright it is.
#[derive(Debug, Clone)]
pub(super) struct Surface {
    pub(super) shape: Shape,
    pub(super) reflectance: f64,
}

#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// A box standing upright, turned about the vertical.
    Block { center: Point3<f64>, half: Vector3<f64>, cosine: f64, sine: f64 },
    /// A cylinder with flat ends.
    Cylinder { base: Point3<f64>, axis: Vector3<f64>, length: f64, radius: f64 },
    /// A sphere.
    Ball { center: Point3<f64>, radius: f64 },
    /// A house with windows.
    House(Box<Facade>),
}

impl Surface {
    /// The first meeting nearer than `limit`, for an origin outside of the shape.
    pub(super) fn hit(&self, ray: &Ray, limit: f64) -> Option<Hit> {
        let (distance, normal, share) = match &self.shape {
            Shape::Block { center, half, cosine, sine } => hit_block(ray, center, half, *cosine, *sine)?,
            Shape::Cylinder { base, axis, length, radius } => {
                hit_cylinder(ray, base, axis, *length, *radius)?
            }
            Shape::Ball { center, radius } => hit_ball(ray, center, *radius)?,
            Shape::House(facade) => facade.hit(ray)?,
        };
        let reflectance = share * self.reflectance;
        (0.0 < distance && distance < limit).then_some(Hit { distance, normal, reflectance })
    }

    /// Zero exactly on the surface, and elsewhere no more than the distance to it.
    pub(super) fn distance(&self, point: &Point3<f64>) -> f64 {
        match &self.shape {
            Shape::Block { center, half, cosine, sine } => {
                signed_box(&turned(&(point - center), *cosine, *sine), half).abs()
            }
            Shape::Cylinder { base, axis, length, radius } => {
                let along = axis.dot(&(point - base));
                let across = (point - base - along * axis).norm();
                let excess = [across - radius, (along - 0.5 * length).abs() - 0.5 * length];
                let outside = excess[0].max(0.0).hypot(excess[1].max(0.0));
                (outside + excess[0].max(excess[1]).min(0.0)).abs()
            }
            Shape::Ball { center, radius } => ((point - center).norm() - radius).abs(),
            Shape::House(facade) => facade.distance(point),
        }
    }

    /// A box around the surface.
    pub(super) fn bounds(&self) -> Bounds {
        let around =
            |center: &Point3<f64>, half: Vector3<f64>| Bounds { min: center - half, max: center + half };
        match &self.shape {
            Shape::Block { center, half, cosine, sine } => {
                let (cosine, sine) = (cosine.abs(), sine.abs());
                let x = cosine * half.x + sine * half.y;
                let y = sine * half.x + cosine * half.y;
                around(center, Vector3::new(x, y, half.z))
            }
            Shape::Cylinder { base, axis, length, radius } => {
                let end = base + *length * axis;
                let reach = Vector3::repeat(*radius);
                Bounds { min: base.inf(&end) - reach, max: base.sup(&end) + reach }
            }
            Shape::Ball { center, radius } => around(center, Vector3::repeat(*radius)),
            Shape::House(facade) => facade.bounds(),
        }
    }
}

/// Signed distance to a box around the origin.
pub(super) fn signed_box(point: &Vector3<f64>, half: &Vector3<f64>) -> f64 {
    let excess = point.abs() - half;
    excess.sup(&Vector3::zeros()).norm() + excess.max().min(0.0)
}

/// The distances at which a ray enters and leaves a box, and the axes of the faces it does so through.
pub(super) fn slabs(
    origin: &Vector3<f64>,
    direction: &Vector3<f64>,
    min: &Vector3<f64>,
    max: &Vector3<f64>,
) -> Option<((f64, usize), (f64, usize))> {
    let (mut enter, mut leave) = ((f64::NEG_INFINITY, 0), (f64::INFINITY, 0));
    for axis in 0..3 {
        let (speed, start) = (direction[axis], origin[axis]);
        if speed == 0.0 {
            if start < min[axis] || start > max[axis] {
                return None;
            }
            continue;
        }
        let (a, b) = ((min[axis] - start) / speed, (max[axis] - start) / speed);
        if a.min(b) > enter.0 {
            enter = (a.min(b), axis);
        }
        if a.max(b) < leave.0 {
            leave = (a.max(b), axis);
        }
    }
    (enter.0 <= leave.0 && leave.0 > 0.0).then_some((enter, leave))
}

/// A vector in the frame of a block turned by an angle about the vertical.
fn turned(vector: &Vector3<f64>, cosine: f64, sine: f64) -> Vector3<f64> {
    Vector3::new(cosine * vector.x + sine * vector.y, cosine * vector.y - sine * vector.x, vector.z)
}

/// Distance, normal and share of the surface's reflectance.
type Meeting = (f64, Vector3<f64>, f64);

fn hit_block(
    ray: &Ray,
    center: &Point3<f64>,
    half: &Vector3<f64>,
    cosine: f64,
    sine: f64,
) -> Option<Meeting> {
    let origin = turned(&(ray.origin - center), cosine, sine);
    let direction = turned(&ray.direction, cosine, sine);
    let ((distance, axis), _) = slabs(&origin, &direction, &-half, half)?;
    let mut normal = Vector3::zeros();
    normal[axis] = 1.0;
    Some((distance, turned(&normal, cosine, -sine), 1.0))
}

/// Both quadratics below are solved from the point of the ray nearest to the axis or centre, where the
/// radius is not lost beside the square of the range.
fn hit_ball(ray: &Ray, center: &Point3<f64>, radius: f64) -> Option<Meeting> {
    let nearest = ray.direction.dot(&(center - ray.origin));
    let offset = ray.at(nearest) - center;
    let half_chord_squared = radius * radius - offset.norm_squared();
    if half_chord_squared < 0.0 {
        return None;
    }
    let distance = nearest - half_chord_squared.sqrt();
    Some((distance, (ray.at(distance) - center) / radius, 1.0))
}

fn hit_cylinder(
    ray: &Ray,
    base: &Point3<f64>,
    axis: &Vector3<f64>,
    length: f64,
    radius: f64,
) -> Option<Meeting> {
    let across = |vector: Vector3<f64>| vector - axis.dot(&vector) * axis;
    let sideways = across(ray.direction);
    let speed_squared = sideways.norm_squared();
    let mut best: Option<Meeting> = None;
    if speed_squared > 1e-24 {
        let nearest = sideways.dot(&(base - ray.origin)) / speed_squared;
        let offset = across(ray.at(nearest) - base);
        let half_chord_squared = (radius * radius - offset.norm_squared()) / speed_squared;
        if half_chord_squared < 0.0 {
            return None;
        }
        let distance = nearest - half_chord_squared.sqrt();
        let along = axis.dot(&(ray.at(distance) - base));
        if (0.0..=length).contains(&along) {
            best = Some((distance, across(ray.at(distance) - base) / radius, 1.0));
        }
    }
    // The end that faces the ray is hit first, if the mantle is not.
    let speed = axis.dot(&ray.direction);
    if best.is_none() && speed != 0.0 {
        let end = if speed > 0.0 { *base } else { base + length * axis };
        let distance = axis.dot(&(end - ray.origin)) / speed;
        if across(ray.at(distance) - base).norm() <= radius {
            best = Some((distance, *axis, 1.0));
        }
    }
    best
}
