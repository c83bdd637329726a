//! Nearest neighbours with a device against those without: the same indices and distances, to the last bit.
#![cfg(feature = "gpu")]

mod common;

use barrow_geometry::{Backend, Gpu, Measure, NearestDistances, PointCloud};
use common::{awkward, cube, device, lattice, line, sphere};
use nalgebra::{Point3, Vector3};

fn cloud(points: &[Point3<f64>]) -> PointCloud {
    PointCloud::new(points.to_vec()).unwrap()
}

#[track_caller]
fn assert_same(source: &[Point3<f64>], target: &[Point3<f64>], gpu: &Gpu, name: &str) {
    let (source, target) = (cloud(source), cloud(target));
    let there = NearestDistances::between_on(&source, &target, &Backend::Gpu(gpu.clone())).unwrap();
    assert!(there == NearestDistances::between(&source, &target).unwrap(), "{name}");
}

fn placed(points: Vec<Point3<f64>>, scale: f64, offset: Vector3<f64>) -> Vec<Point3<f64>> {
    points.iter().map(|point| Point3::from(point.coords * scale + offset)).collect()
}

#[test]
fn at_every_border_between_tiles() {
    let Some(gpu) = device() else { return };
    for count in [1, 2, 15, 31, 32, 33, 63, 64, 65, 255, 256, 257, 4095, 4096, 4097, 5000] {
        assert_same(&cube(count, 1), &cube(300, 2), &gpu, "many to 300");
        assert_same(&cube(count, 3), &cube(count, 4), &gpu, "many to many");
    }
}

#[test]
fn on_awkward_clouds() {
    let Some(gpu) = device() else { return };
    let mut clouds = awkward();
    let flat = |y: f64, z: f64, seed| -> Vec<Point3<f64>> {
        cube(900, seed).iter().map(|p| Point3::new(p.x, y * p.y, z * p.z)).collect()
    };
    clouds.push(("collinear", flat(0.0, 0.0, 11)));
    clouds.push(("coplanar", flat(1.0, 0.0, 12)));
    clouds.push(("many at one place", vec![Point3::new(1.0, 2.0, 3.0); 5000]));
    clouds.push(("microscopic", placed(cube(300, 13), 1e-160, Vector3::zeros())));
    clouds.push(("tiny far away", placed(cube(300, 14), 1e-6, Vector3::repeat(1e7))));
    clouds.push(("astronomic", placed(cube(300, 15), 1e146, Vector3::zeros())));
    clouds.push(("of all densities", {
        let cluster =
            |k: i32| placed(cube(300, k as u64), 10f64.powi(-k), Vector3::new(f64::from(k), 0.0, 0.0));
        (0..12).flat_map(cluster).collect()
    }));
    clouds.push(("at all distances", {
        (0..900).map(|i| Point3::new(10f64.powf(-f64::from(i) / 50.0), 0.0, 0.0)).collect()
    }));
    for (name, points) in &clouds {
        let extent = points.iter().map(|p| (p - points[0]).amax()).fold(0.0, f64::max);
        let shifted = placed(points.clone(), 1.0, Vector3::new(0.01, 0.003, -0.002) * extent);
        assert_same(points, points, &gpu, name);
        assert_same(points, &shifted, &gpu, name);
        assert_same(points, &placed(points.clone(), 1.0, Vector3::repeat(1e3 * extent)), &gpu, name);
        for (other, others) in clouds.iter().step_by(5) {
            assert_same(points, others, &gpu, &format!("{name} and {other}"));
        }
    }
    // Every query amid eight points equally near.
    let amid = placed(lattice(9), 1.0, Vector3::repeat(0.5));
    assert_same(&lattice(10), &amid, &gpu, "lattices");
    assert_same(&line(1000), &line(500), &gpu, "lines");
}

#[test]
fn on_many_points() {
    let Some(gpu) = device() else { return };
    assert_same(&sphere(100_000, 1.0), &sphere(99_999, 1.01), &gpu, "spheres");
}

#[test]
fn again_and_again() {
    let Some(gpu) = device() else { return };
    let (source, target) = (cloud(&sphere(10_000, 1.0)), cloud(&cube(10_000, 21)));
    let there = || NearestDistances::between_on(&source, &target, &Backend::Gpu(gpu.clone())).unwrap();
    let first = there();
    assert!((0..3).all(|_| there() == first));
}

#[test]
fn in_buffers_that_hold_a_part() {
    if device().is_none() {
        return;
    }
    for bytes in [1 << 16, 100_000, 1 << 18] {
        let gpu = Gpu::open_limited(bytes).unwrap();
        assert_same(&sphere(9000, 0.5), &cube(13_000, 31), &gpu, "parts");
        assert_same(&cube(70, 32), &cube(4096, 33), &gpu, "one part");
        assert_same(&cube(70, 32), &cube(4097, 33), &gpu, "one point in another part");
    }
}

#[test]
fn with_points_that_are_not_there() {
    let Some(gpu) = device() else { return };
    let (source, target) = (cube(500, 41), cube(700, 42));
    let weights = |count: usize| -> Vec<f64> { (0..count).map(|i| (i % 3) as f64).collect() };
    let (a, b) = (weights(500), weights(700));
    let source = Measure::weighted(&source, &a).unwrap();
    let target = Measure::weighted(&target, &b).unwrap();
    let there = NearestDistances::between_measures_on(&source, &target, &Backend::Gpu(gpu)).unwrap();
    assert!(there == NearestDistances::between_measures(&source, &target).unwrap());
}
