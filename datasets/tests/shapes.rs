//! Samples lie where they say, in the number asked for.

use barrow_datasets::{Clusters, Cube, Error, SphereTorus};
use nalgebra::Vector3;

#[test]
fn points_lie_on_the_sphere_and_on_the_torus() {
    let scene = SphereTorus { points: 4001, seed: 3, noise: 0.0 }.make().unwrap();
    assert!(scene.clouds.iter().all(|cloud| cloud.points.len() == 4001));
    for point in scene.cloud("source").unwrap().points.positions() {
        assert!((point.coords.norm() - SphereTorus::SPHERE_RADIUS).abs() < 1e-12);
    }
    for point in scene.cloud("target").unwrap().points.positions() {
        let from_circle = (point.x.hypot(point.y) - SphereTorus::TORUS_MAJOR).hypot(point.z);
        assert!((from_circle - SphereTorus::TORUS_MINOR).abs() < 1e-12);
    }
}

#[test]
fn both_surfaces_are_sampled_by_area() {
    let count = 40_000;
    let scene = SphereTorus { points: count, seed: 0, noise: 0.0 }.make().unwrap();
    let share = |name: &str, inside: &dyn Fn(&Vector3<f64>) -> bool| {
        let cloud = &scene.cloud(name).unwrap().points;
        cloud.positions().iter().filter(|point| inside(&point.coords)).count() as f64 / count as f64
    };
    // Four standard errors of a share of one half.
    let allowed = 4.0 * 0.5 / (count as f64).sqrt();
    assert!((share("source", &|x| x.z > 0.5) - 0.25).abs() < allowed);
    assert!((share("source", &|x| x.x > 0.0) - 0.5).abs() < allowed);
    // The outer half of a torus has the share ½ + r / (πR) of the area (Pappus).
    let outer = 0.5 + SphereTorus::TORUS_MINOR / (std::f64::consts::PI * SphereTorus::TORUS_MAJOR);
    assert!((share("target", &|x| x.x.hypot(x.y) > SphereTorus::TORUS_MAJOR) - outer).abs() < allowed);
    assert!((share("target", &|x| x.y > 0.0) - 0.5).abs() < allowed);
}

#[test]
fn noise_has_the_deviation_asked_for() {
    let count = 50_000;
    let quiet = SphereTorus { points: count, seed: 5, noise: 0.0 }.make().unwrap();
    let noisy = SphereTorus { points: count, seed: 5, noise: 0.02 }.make().unwrap();
    let pairs = |index: usize| {
        let (a, b) = (&quiet.clouds[index].points, &noisy.clouds[index].points);
        a.positions().iter().zip(b.positions()).flat_map(|(a, b)| <[f64; 3]>::from(b - a)).collect()
    };
    for index in 0..2 {
        let errors: Vec<f64> = pairs(index);
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        let deviation = (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt();
        assert!(mean.abs() < 4.0 * 0.02 / (errors.len() as f64).sqrt(), "{mean}");
        // The standard error of a deviation is σ / √(2n).
        assert!((deviation - 0.02).abs() < 4.0 * 0.02 / (2.0 * errors.len() as f64).sqrt(), "{deviation}");
    }
}

#[test]
fn cubes_are_uniform_and_independent() {
    let scene = Cube { points: 20_000, seed: 1 }.make().unwrap();
    let (a, b) = (scene.clouds[0].points.positions(), scene.clouds[1].points.positions());
    for axis in 0..3 {
        let moment = |points: &[nalgebra::Point3<f64>]| {
            points.iter().map(|point| point[axis] * point[axis]).sum::<f64>() / points.len() as f64
        };
        let correlation =
            a.iter().zip(b).map(|(a, b)| a[axis] * b[axis]).sum::<f64>() / a.len() as f64 * 12.0;
        assert!((moment(a) * 12.0 - 1.0).abs() < 0.04 && (moment(b) * 12.0 - 1.0).abs() < 0.04);
        assert!(correlation.abs() < 4.0 / (a.len() as f64).sqrt());
        assert!(a.iter().chain(b).all(|point| point[axis].abs() <= 0.5));
    }
}

#[test]
fn clusters_gather_around_their_centers() {
    let options = Clusters { points: 12_000, seed: 2, clusters: 12, spread: 0.01 };
    for cloud in options.make().unwrap().clouds {
        let points = cloud.points.positions();
        assert_eq!(points.len(), 12_000);
        for cluster in 0..12 {
            let members: Vec<_> = points.iter().skip(cluster).step_by(12).collect();
            let center =
                members.iter().map(|point| point.coords).sum::<Vector3<f64>>() / members.len() as f64;
            let variance = members.iter().map(|point| (point.coords - center).norm_squared()).sum::<f64>()
                / (3 * members.len()) as f64;
            assert!((variance.sqrt() / 0.01 - 1.0).abs() < 0.1, "{}", variance.sqrt());
        }
    }
}

#[test]
fn a_larger_cloud_begins_with_the_smaller_one() {
    let small = Cube { points: 100, seed: 9 }.make().unwrap();
    let large = Cube { points: 300, seed: 9 }.make().unwrap();
    assert_eq!(small.clouds[0].points.positions(), &large.clouds[0].points.positions()[..100]);
}

#[test]
fn hostile_options_are_refused() {
    let refused = |result: Result<_, Error>, wanted: &str| match result {
        Err(Error::InvalidOption { name, .. }) => assert_eq!(name, wanted),
        other => panic!("{wanted}: {other:?}"),
    };
    refused(SphereTorus { points: 0, ..Default::default() }.make(), "points");
    refused(SphereTorus { points: usize::MAX, ..Default::default() }.make(), "points");
    refused(Cube { points: 0, ..Default::default() }.make(), "points");
    refused(Clusters { clusters: 0, ..Default::default() }.make(), "clusters");
    for noise in [f64::NAN, f64::INFINITY, -1.0] {
        refused(SphereTorus { noise, ..Default::default() }.make(), "noise");
        refused(Clusters { spread: noise, ..Default::default() }.make(), "spread");
    }
}
