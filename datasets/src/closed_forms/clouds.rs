//! Clouds that several closed forms share.

use std::f64::consts::PI;

use nalgebra::{Point3, Vector3};

use crate::random::Draws;

/// Streams of the draws below; each case that needs numbers of its own takes another one.
const BLOB: u64 = 0;

/// Uniform points in the unit cube around the origin.
pub(super) fn blob(points: usize, seed: u64) -> Vec<Point3<f64>> {
    (0..points).map(|index| Point3::from(Draws::at(seed, BLOB, index).in_cube())).collect()
}

/// Directions spread evenly over the unit sphere, on a Fibonacci spiral.
pub(super) fn fibonacci_sphere(points: usize) -> Vec<Point3<f64>> {
    let golden_angle = PI * (3.0 - 5.0_f64.sqrt());
    let direction = |index: usize| {
        let height = 1.0 - (2 * index + 1) as f64 / points as f64;
        let radius = (1.0 - height * height).sqrt();
        let (sine, cosine) = (golden_angle * index as f64).sin_cos();
        Point3::new(radius * cosine, radius * sine, height)
    };
    (0..points).map(direction).collect()
}

/// The centres of the n³ cells that divide the unit cube around the origin.
pub(super) fn lattice(n: usize) -> Vec<Point3<f64>> {
    let coordinate = |index: usize| (index as f64 + 0.5) / n as f64 - 0.5;
    (0..n * n * n)
        .map(|index| {
            Point3::new(coordinate(index / (n * n)), coordinate(index / n % n), coordinate(index % n))
        })
        .collect()
}

/// Points at signed distances from an origin along a unit direction.
pub(super) fn on_line(origin: Point3<f64>, direction: Vector3<f64>, distances: &[f64]) -> Vec<Point3<f64>> {
    distances.iter().map(|distance| origin + *distance * direction).collect()
}

/// Every point moved by a map.
pub(super) fn mapped(points: &[Point3<f64>], map: impl Fn(&Point3<f64>) -> Point3<f64>) -> Vec<Point3<f64>> {
    points.iter().map(map).collect()
}

/// The points in a fixed other order, and for every original point its new index.
///
/// Without it a solver that returns the identity would pass.
pub(super) fn shuffled(points: &[Point3<f64>], seed: u64, stream: u64) -> (Vec<Point3<f64>>, Vec<usize>) {
    let mut keys: Vec<(f64, usize)> =
        (0..points.len()).map(|index| (Draws::at(seed, stream, index).uniform(), index)).collect();
    keys.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut new_index = vec![0; points.len()];
    for (place, (_, index)) in keys.iter().enumerate() {
        new_index[*index] = place;
    }
    (keys.iter().map(|(_, index)| points[*index]).collect(), new_index)
}

/// Mean of a function over points.
pub(super) fn mean(points: &[Point3<f64>], value: impl Fn(&Point3<f64>) -> f64) -> f64 {
    points.iter().map(value).sum::<f64>() / points.len() as f64
}
