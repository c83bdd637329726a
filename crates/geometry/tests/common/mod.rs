//! Clouds and comparisons that the tests share.
#![allow(dead_code)] // Every test file uses some of them.

use nalgebra::{Point3, Vector3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Uniform in the unit cube. Coordinates are multiples of 2⁻²⁰, so that whole offsets of millions are exact.
pub fn cube(count: usize, seed: u64) -> Vec<Point3<f64>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut coordinate = || (random.random::<f64>() * f64::from(1 << 20)).floor() / f64::from(1 << 20);
    (0..count).map(|_| Point3::new(coordinate(), coordinate(), coordinate())).collect()
}

/// `side`³ points with unit spacing.
pub fn lattice(side: usize) -> Vec<Point3<f64>> {
    (0..side * side * side)
        .map(|i| Point3::new((i % side) as f64, (i / side % side) as f64, (i / side / side) as f64))
        .collect()
}

/// `count` points on a line.
pub fn line(count: usize) -> Vec<Point3<f64>> {
    (0..count).map(|i| Point3::from(Vector3::new(0.1, -0.3, 0.2) * i as f64)).collect()
}

/// Evenly spread on a sphere around the origin.
pub fn sphere(count: usize, radius: f64) -> Vec<Point3<f64>> {
    (0..count)
        .map(|i| {
            let z = 1.0 - (2 * i + 1) as f64 / count as f64;
            let (sin, cos) = (2.399963229728653 * i as f64).sin_cos();
            let ring = (1.0 - z * z).sqrt();
            Point3::new(radius * ring * cos, radius * ring * sin, radius * z)
        })
        .collect()
}

/// The clouds on which spatial code goes wrong, by name.
pub fn awkward() -> Vec<(&'static str, Vec<Point3<f64>>)> {
    let moved = |points: Vec<Point3<f64>>, scale: f64, offset: f64| -> Vec<Point3<f64>> {
        points.iter().map(|point| Point3::from(point.coords * scale + Vector3::repeat(offset))).collect()
    };
    vec![
        ("cube", cube(700, 1)),
        ("lattice", lattice(8)),
        ("line", line(300)),
        ("one point", vec![Point3::new(3.0, -1.0, 2.0)]),
        ("all equal", vec![Point3::new(3.0, -1.0, 2.0); 300]),
        ("twice", [cube(200, 2), cube(200, 2)].concat()),
        ("far away", moved(cube(400, 3), 1.0, 1e7)),
        ("tiny", moved(cube(400, 4), 1e-9, 0.0)),
        ("huge", moved(cube(300, 5), 1e9, -1e12)),
        ("outlier", [cube(300, 6), vec![Point3::new(1e3, 0.0, 0.0)]].concat()),
    ]
}

#[track_caller]
pub fn assert_close(got: f64, wanted: f64, tolerance: f64) {
    assert!((got - wanted).abs() <= tolerance, "got {got}, wanted {wanted} within {tolerance:e}");
}

/// The graphics device to test on. Says loudly if there is none, and fails where that must not be.
#[cfg(feature = "gpu")]
pub fn device() -> Option<barrow_geometry::Gpu> {
    match barrow_geometry::Gpu::open() {
        Ok(gpu) => Some(gpu),
        Err(error) => {
            assert!(std::env::var_os("BARROW_REQUIRE_GPU").is_none(), "{error}");
            eprintln!("SKIPPED, nothing was tested: {error}");
            None
        }
    }
}
