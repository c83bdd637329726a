//! Things at the kerb and on the road, each a handful of surfaces.

use nalgebra::{Point2, Point3, Vector3};

use super::surface::{Shape, Surface};
use crate::random::Draws;

fn ball(center: Point3<f64>, radius: f64, reflectance: f64) -> Surface {
    Surface { shape: Shape::Ball { center, radius }, reflectance }
}

fn pole(at: Point2<f64>, height: f64, radius: f64, reflectance: f64) -> Surface {
    let base = Point3::new(at.x, at.y, 0.0);
    Surface { shape: Shape::Cylinder { base, axis: Vector3::z(), length: height, radius }, reflectance }
}

/// A trunk and a crown of overlapping balls.
pub(super) fn tree(at: Point2<f64>, draws: &mut Draws) -> Vec<Surface> {
    let trunk = draws.between(2.2, 3.2);
    let mut surfaces = vec![pole(at, trunk + 0.8, draws.between(0.1, 0.22), 0.3)];
    let (width, height) = (draws.between(0.9, 1.5), draws.between(1.1, 1.8));
    let middle = Point3::new(at.x, at.y, trunk + height);
    for _ in 0..14 {
        let from_middle = draws.direction().component_mul(&Vector3::new(width, width, height));
        surfaces.push(ball(middle + draws.between(0.4, 1.0) * from_middle, draws.between(0.3, 0.65), 0.45));
    }
    surfaces
}

/// A mast with an arm that reaches over the road; `towards` is the side of the road on y.
pub(super) fn lamp(at: Point2<f64>, towards: f64, draws: &mut Draws) -> Vec<Surface> {
    let height = draws.between(5.5, 7.5);
    let center = Point3::new(at.x, at.y + 0.9 * towards, height);
    let arm = Shape::Block { center, half: Vector3::new(0.12, 0.9, 0.06), cosine: 1.0, sine: 0.0 };
    vec![pole(at, height, draws.between(0.06, 0.1), 0.5), Surface { shape: arm, reflectance: 0.5 }]
}

/// A round plate on a thin post, bright as road signs are.
pub(super) fn sign(at: Point2<f64>, draws: &mut Draws) -> Vec<Surface> {
    let height = draws.between(2.2, 2.8);
    let base = Point3::new(at.x - 0.08, at.y, height);
    let plate = Shape::Cylinder { base, axis: Vector3::x(), length: 0.03, radius: draws.between(0.3, 0.4) };
    vec![pole(at, height + 0.3, 0.04, 0.5), Surface { shape: plate, reflectance: 1.0 }]
}

/// A body, a cabin and four wheels.
pub(super) fn car(at: Point2<f64>, heading: f64, draws: &mut Draws) -> Vec<Surface> {
    let (sine, cosine) = heading.sin_cos();
    let length = draws.between(3.8, 4.8);
    let width = draws.between(1.7, 1.9);
    let waist = draws.between(0.8, 0.95);
    let roof = draws.between(1.4, 1.65);
    let paint = draws.between(0.15, 0.9);
    let world = |forward: f64, left: f64, up: f64| {
        Point3::new(at.x + cosine * forward - sine * left, at.y + sine * forward + cosine * left, up)
    };
    let block = |forward: f64, bottom: f64, top: f64, half: [f64; 2], reflectance: f64| {
        let center = world(forward, 0.0, 0.5 * (bottom + top));
        let half = Vector3::new(half[0], half[1], 0.5 * (top - bottom));
        Surface { shape: Shape::Block { center, half, cosine, sine }, reflectance }
    };
    let mut surfaces = vec![
        block(0.0, 0.28, waist, [0.5 * length, 0.5 * width], paint),
        block(-0.08 * length, waist, roof, [0.27 * length, 0.45 * width], 0.5 * paint),
        block(-0.1 * length, roof, roof + 0.04, [0.2 * length, 0.4 * width], paint),
    ];
    let axis = Vector3::new(-sine, cosine, 0.0);
    for (end, left) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
        let hub = world(0.31 * length * end, 0.5 * width * left, 0.32);
        let base = hub - 0.11 * axis;
        let wheel = Shape::Cylinder { base, axis, length: 0.22, radius: 0.32 };
        surfaces.push(Surface { shape: wheel, reflectance: 0.1 });
    }
    surfaces
}
