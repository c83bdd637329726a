//! Views show the object from where their poses say, and overlap as asked.

use barrow_datasets::{Error, Object, ObjectSolid, Scene};
use barrow_geometry::KdTree;
use nalgebra::Point3;

fn exact() -> Object {
    Object { points: 4_000, noise: 0.0, dropout: 0.0, ..Default::default() }
}

#[test]
fn every_point_lies_on_the_object() {
    for seed in 0..2 {
        let object = Object { seed, views: 3, ..exact() };
        let solid = object.solid();
        for cloud in object.make().unwrap().clouds {
            for point in cloud.points.transformed(&cloud.world_from_cloud).positions() {
                assert!(solid.implicit(point).abs() < 1e-9, "{point}: {}", solid.implicit(point));
            }
        }
    }
}

/// Cameras look at the ball of this radius alone.
#[test]
fn the_object_stays_within_its_radius() {
    for seed in 0..50 {
        let solid = Object { seed, ..exact() }.solid();
        for index in 0..2_000 {
            // A Fibonacci spiral.
            let height = 1.0 - (2 * index + 1) as f64 / 2_000.0;
            let (sine, cosine) = (2.399_963_229_728_653 * f64::from(index)).sin_cos();
            let across = (1.0 - height * height).sqrt();
            let point = Point3::new(across * cosine, across * sine, height) * ObjectSolid::RADIUS;
            assert!(solid.implicit(&point) > 0.0, "seed {seed}");
        }
    }
}

#[test]
fn source_moved_by_the_exact_pose_lies_on_the_object_as_the_target_sees_it() {
    let object = exact();
    let scene = object.make().unwrap();
    let solid = object.solid();
    let target = scene.cloud("target").unwrap();
    let moved = scene.cloud("source").unwrap().points.transformed(&scene.target_from_source().unwrap());
    for point in moved.transformed(&target.world_from_cloud).positions() {
        assert!(solid.implicit(point).abs() < 1e-9);
    }
    let angle = scene.target_from_source().unwrap().rotation.angle();
    assert!((angle - scene.value("view_angle").unwrap()).abs() < 1e-12);
}

/// Small equal steps from the camera to the point never meet the inside of the object.
#[test]
fn nothing_is_seen_through_the_object() {
    let object = exact();
    let solid = object.solid();
    for cloud in object.make().unwrap().clouds {
        let origin = Point3::from(cloud.world_from_cloud.translation.vector);
        for point in cloud.points.transformed(&cloud.world_from_cloud).positions().iter().step_by(20) {
            let steps = 4_000;
            for step in 1..steps - 1 {
                let between = origin + (point - origin) * (f64::from(step) / f64::from(steps));
                assert!(solid.implicit(&between) > 0.0, "{point} is hidden at {between}");
            }
        }
    }
}

#[test]
fn views_overlap_as_asked() {
    for overlap in [0.2, 0.5, 0.7, 0.9] {
        for seed in [0, 1] {
            let scene = Object { points: 8_000, overlap, seed, ..exact() }.make().unwrap();
            let stated = scene.value("overlap").unwrap();
            assert!((stated - overlap).abs() <= Object::OVERLAP_TOLERANCE, "{stated} for {overlap}");
            // What the clouds themselves show: source points with a target point close by. The gate of
            // three pixels adds a rim around the common part.
            let source = &scene.cloud("source").unwrap().points;
            let target = &scene.cloud("target").unwrap().points;
            let moved = source.transformed(&scene.target_from_source().unwrap());
            let tree = KdTree::new(target.positions());
            let gate = 0.02_f64;
            let close =
                |point: &&Point3<f64>| tree.nearest(point).is_some_and(|n| n.distance_squared < gate * gate);
            let share = moved.positions().iter().filter(close).count() as f64 / moved.len() as f64;
            assert!(share > stated - 0.03 && share < stated + 0.12, "{share} for {stated}");
        }
    }
}

#[test]
fn a_full_overlap_is_the_same_view() {
    let scene = Object { overlap: 1.0, ..exact() }.make().unwrap();
    assert_eq!(scene.value("view_angle"), Some(0.0));
    assert!(scene.value("overlap").unwrap() > 0.99);
    assert_eq!(scene.clouds[0].points, scene.clouds[1].points);
}

#[test]
fn depth_noise_has_the_deviation_asked_for() {
    let quiet = Object { points: 10_000, ..exact() };
    let noise = 0.004;
    let (a, b) = (quiet.make().unwrap(), Object { noise, ..quiet }.make().unwrap());
    for (a, b) in a.clouds.iter().zip(&b.clouds) {
        let (a, b) = (a.points.positions(), b.points.positions());
        assert_eq!(a.len(), b.len());
        let errors: Vec<f64> = a.iter().zip(b).map(|(a, b)| b.z - a.z).collect();
        let count = errors.len() as f64;
        let mean = errors.iter().sum::<f64>() / count;
        let deviation = (errors.iter().map(|error| error * error).sum::<f64>() / count).sqrt();
        assert!(mean.abs() < 4.0 * noise / count.sqrt(), "{mean}");
        assert!((deviation - noise).abs() < 4.0 * noise / (2.0 * count).sqrt(), "{deviation}");
    }
}

#[test]
fn about_as_many_points_as_asked_for_are_seen() {
    for (points, dropout) in [(500, 0.0), (5_000, 0.0), (15_000, 0.3)] {
        for cloud in (Object { points, dropout, ..exact() }).make().unwrap().clouds {
            let ratio = cloud.points.len() as f64 / points as f64;
            assert!((ratio - 1.0).abs() < 0.1, "{ratio} for {points}");
        }
    }
}

#[test]
fn a_single_point_can_be_asked_for() {
    let scene = Object { points: 1, ..Default::default() }.make().unwrap();
    assert!(scene.clouds.iter().all(|cloud| (1..10).contains(&cloud.points.len())));
}

#[test]
fn same_bits_on_any_number_of_threads() {
    let object = Object { points: 3_000, ..Default::default() };
    let with = |threads| -> Scene {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| object.make().unwrap())
    };
    assert_eq!(with(1), with(2));
    assert_ne!(with(1), Object { seed: 1, ..object }.make().unwrap());
}

#[test]
fn colors_belong_to_the_object() {
    let scene = exact().make().unwrap();
    let (source, target) = (&scene.clouds[0].points, &scene.clouds[1].points);
    let moved = source.transformed(&scene.target_from_source().unwrap());
    let tree = KdTree::new(target.positions());
    let (mut differences, mut close) = (0.0, 0);
    for (point, color) in moved.positions().iter().zip(source.colors().unwrap()) {
        let neighbor = tree.nearest(point).unwrap();
        if neighbor.distance_squared < 0.01 * 0.01 {
            let other = target.colors().unwrap()[neighbor.index];
            differences += (0..3).map(|i| f64::from(color[i].abs_diff(other[i]))).fold(0.0, f64::max);
            close += 1;
        }
    }
    // A colour changes by 0.045 × 65535 per centimetre at most, here by half of that on average.
    assert!(close > 1_000 && differences / f64::from(close) < 0.045 * 65535.0);
}

#[test]
fn hostile_options_are_refused() {
    let refused = |object: Object, wanted: &str| match object.make() {
        Err(Error::InvalidOption { name, .. }) => assert_eq!(name, wanted),
        other => panic!("{wanted}: {:?}", other.map(|scene| scene.exact)),
    };
    refused(Object { points: 0, ..exact() }, "points");
    refused(Object { points: usize::MAX, ..exact() }, "points");
    refused(Object { views: 0, ..exact() }, "views");
    refused(Object { views: usize::MAX, ..exact() }, "views");
    for bad in [f64::NAN, f64::INFINITY, -0.1] {
        refused(Object { noise: bad, ..exact() }, "noise");
        refused(Object { dropout: bad, ..exact() }, "dropout");
        refused(Object { overlap: bad, ..exact() }, "overlap");
    }
    refused(Object { overlap: 0.0, ..exact() }, "overlap");
    refused(Object { overlap: 1.1, ..exact() }, "overlap");
    refused(Object { dropout: 1.0, ..exact() }, "dropout");
}
