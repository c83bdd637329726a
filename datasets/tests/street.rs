//! Scans show the street that their poses say, and nothing behind what stands in front.

use barrow_datasets::{Error, Scene, Street};
use nalgebra::{Isometry3, Point3};

/// A drive through a bend on springs, measured without error and without anything that moves.
fn exact() -> Street {
    Street {
        points: 2_500,
        noise: 0.0,
        dropout: 0.0,
        moving_cars: 0,
        scans: 3,
        interval: 0.7,
        turn_rate: 0.3,
        sway: 0.02,
        ..Default::default()
    }
}

#[test]
fn every_point_lies_on_the_street() {
    for seed in 0..2 {
        let street = Street { seed, ..exact() };
        let world = street.world().unwrap();
        for cloud in street.make().unwrap().clouds {
            for point in cloud.points.transformed(&cloud.world_from_cloud).positions() {
                let distance = world.distance(point);
                assert!(distance < 1e-9, "{} is {distance} m off", point);
            }
        }
    }
}

#[test]
fn source_moved_by_the_exact_pose_lies_on_the_street_as_the_target_sees_it() {
    let street = Street { scans: 2, ..exact() };
    let (scene, world) = (street.make().unwrap(), street.world().unwrap());
    let pose = scene.target_from_source().unwrap();
    let target = scene.cloud("target").unwrap();
    let moved = scene.cloud("source").unwrap().points.transformed(&pose);
    for point in moved.transformed(&target.world_from_cloud).positions() {
        assert!(world.distance(point) < 1e-9);
    }
    // The earlier scan is the target, so that the pose is the motion itself: forward, to the left.
    assert_eq!(target.world_from_cloud, street.world_from_sensor(0));
    assert!(pose.translation.vector.x > 5.0 && pose.translation.vector.y > 0.3);
    assert!((pose.rotation.euler_angles().2 - 0.21).abs() < 0.01);
}

/// Marching by the distance to the street finds the first surface without knowing how rays are cast.
#[test]
fn nothing_is_seen_through_what_stands_in_front() {
    let street = Street { scans: 1, points: 1_500, ..exact() };
    let world = street.world().unwrap();
    let scene = street.make().unwrap();
    let cloud = &scene.clouds[0];
    let origin = Point3::from(cloud.world_from_cloud.translation.vector);
    let (mut reached, mut total) = (0, 0);
    for point in cloud.points.transformed(&cloud.world_from_cloud).positions().iter().step_by(6) {
        let range = (point - origin).norm();
        let direction = (point - origin) / range;
        let mut marched = 0.0;
        for _ in 0..300 {
            marched += world.distance(&(origin + marched * direction));
        }
        assert!(marched < range + 1e-6, "{point} at {range} m lies behind something, {marched} m");
        reached += usize::from(marched > range - 1e-6);
        total += 1;
        // Steps never cross a surface, so stopping short of the point means one in front of it, unless
        // the ray grazes a wall and the steps have only become small.
        let rest = world.distance(&(origin + marched * direction));
        assert!(marched > range - 1e-6 || rest > 1e-9, "{point}: a surface at {marched} of {range} m");
    }
    assert!(reached * 10 > total * 9, "{reached} of {total}");
}

#[test]
fn moving_cars_are_seen_and_have_moved() {
    let street = Street { moving_cars: 12, points: 8_000, scans: 2, ..exact() };
    let (scene, world) = (street.make().unwrap(), street.world().unwrap());
    for cloud in &scene.clouds {
        let in_world = cloud.points.transformed(&cloud.world_from_cloud);
        let off = in_world.positions().iter().filter(|point| world.distance(point) > 0.05).count();
        let share = off as f64 / in_world.len() as f64;
        assert!((0.001..0.3).contains(&share), "{share}");
    }
}

/// Ranges with and without noise, ray by ray: the draws of a ray do not depend on the noise.
#[test]
fn range_noise_has_the_deviation_asked_for_and_keeps_directions() {
    let quiet = Street { points: 30_000, scans: 1, ..exact() };
    let noise = 0.03;
    let (a, b) = (quiet.make().unwrap(), Street { noise, ..quiet }.make().unwrap());
    let (a, b) = (a.clouds[0].points.positions(), b.clouds[0].points.positions());
    assert_eq!(a.len(), b.len());
    let errors: Vec<f64> = a.iter().zip(b).map(|(a, b)| b.coords.norm() - a.coords.norm()).collect();
    let count = errors.len() as f64;
    let mean = errors.iter().sum::<f64>() / count;
    let deviation = (errors.iter().map(|error| error * error).sum::<f64>() / count).sqrt();
    assert!(mean.abs() < 4.0 * noise / count.sqrt(), "{mean}");
    assert!((deviation - noise).abs() < 4.0 * noise / (2.0 * count).sqrt(), "{deviation}");
    for (a, b) in a.iter().zip(b) {
        assert!(a.coords.normalize().cross(&b.coords.normalize()).norm() < 1e-12);
    }
}

#[test]
fn returns_are_lost_at_the_rate_asked_for() {
    let all = Street { points: 30_000, scans: 1, ..exact() };
    let columns = all.make().unwrap().value("columns").unwrap() as usize;
    let count = |dropout| {
        let street = Street { dropout, columns: Some(columns), ..all };
        street.make().unwrap().clouds[0].points.len() as f64
    };
    let full = count(0.0);
    for dropout in [0.1, 0.5, 0.9] {
        let lost = 1.0 - count(dropout) / full;
        let error = (dropout * (1.0 - dropout) / full).sqrt();
        assert!((lost - dropout).abs() < 4.0 * error, "{lost} for {dropout}");
    }
}

#[test]
fn about_as_many_points_as_asked_for_come_back() {
    for (points, beams) in [(2_000, 16), (20_000, 32), (60_000, 64)] {
        for cloud in (Street { points, beams, ..Default::default() }).make().unwrap().clouds {
            let ratio = cloud.points.len() as f64 / points as f64;
            assert!((ratio - 1.0).abs() < 0.05, "{ratio} for {points}");
        }
    }
}

#[test]
fn same_bits_on_any_number_of_threads() {
    let street = Street { points: 8_000, motion_distortion: true, ..Default::default() };
    let with = |threads| -> Scene {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| street.make().unwrap())
    };
    assert_eq!(with(1), with(2));
    assert_ne!(with(1), Street { seed: 1, ..street }.make().unwrap());
}

#[test]
fn distortion_comes_from_motion_alone() {
    let parked = Street { speed: 0.0, sway: 0.0, turn_rate: 0.0, ..exact() };
    assert_eq!(parked.make().unwrap(), Street { motion_distortion: true, ..parked }.make().unwrap());
    let moving = Street { columns: Some(200), ..exact() };
    let (frozen, bent) =
        (moving.make().unwrap(), Street { motion_distortion: true, ..moving }.make().unwrap());
    assert_ne!(frozen, bent);
    assert_eq!(frozen.clouds[0].points.positions()[0], bent.clouds[0].points.positions()[0]);
}

#[test]
fn attributes_mean_what_they_say() {
    let street = Street::default();
    let scene = street.make().unwrap();
    for (cloud, start) in scene.clouds.iter().zip([street.interval, 0.0]) {
        let times = cloud.points.times().unwrap();
        assert!(times.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(times[0] >= start && times[times.len() - 1] < start + 0.1 + 1e-12);
        assert!(cloud.points.intensities().unwrap().iter().all(|value| (0.0..=1.0).contains(value)));
        let farthest = cloud.points.positions().iter().map(|point| point.coords.norm()).fold(0.0, f64::max);
        assert!(farthest < street.max_range + 0.2 && farthest > 0.5 * street.max_range);
    }
}

#[test]
fn scans_are_named_in_order_and_the_drive_is_smooth() {
    let street = Street { scans: 5, points: 500, interval: 0.1, speed: 10.0, ..exact() };
    let scene = street.make().unwrap();
    let names: Vec<&str> = scene.clouds.iter().map(|cloud| cloud.name.as_str()).collect();
    assert_eq!(names, ["scan_000", "scan_001", "scan_002", "scan_003", "scan_004"]);
    assert_eq!(scene.target_from_source(), None);
    let poses: Vec<Isometry3<f64>> = scene.clouds.iter().map(|cloud| cloud.world_from_cloud).collect();
    for pair in poses.windows(2) {
        let step = (pair[0].inverse() * pair[1]).translation.vector;
        assert!((step.norm() - 1.0).abs() < 0.02 && step.x > 0.9, "{step}");
    }
}

#[test]
fn hostile_options_are_refused() {
    let good = Street { points: 500, ..Default::default() };
    let refused = |street: Street, wanted: &str| match street.make() {
        Err(Error::InvalidOption { name, .. }) => assert_eq!(name, wanted),
        other => panic!("{wanted}: {:?}", other.map(|scene| scene.exact)),
    };
    refused(Street { points: 0, ..good }, "points");
    refused(Street { points: usize::MAX, ..good }, "points");
    refused(Street { scans: 0, ..good }, "scans");
    refused(Street { scans: usize::MAX, ..good }, "scans");
    refused(Street { beams: 0, ..good }, "beams");
    refused(Street { columns: Some(0), ..good }, "columns");
    refused(Street { moving_cars: usize::MAX, ..good }, "moving_cars");
    refused(Street { scans: 1000, interval: 1000.0, ..good }, "speed * interval * scans");
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        refused(Street { noise: bad, ..good }, "noise");
        refused(Street { dropout: bad, ..good }, "dropout");
        refused(Street { interval: bad, ..good }, "interval");
        refused(Street { speed: bad, ..good }, "speed");
        refused(Street { turn_rate: bad, ..good }, "turn_rate");
        refused(Street { sway: bad, ..good }, "sway");
        refused(Street { max_range: bad, ..good }, "max_range");
        refused(Street { elevations: [bad, 0.0], ..good }, "elevations");
        refused(Street { elevations: [0.0, bad], ..good }, "elevations");
    }
    refused(Street { dropout: 1.0, ..good }, "dropout");
    refused(Street { noise: -0.1, ..good }, "noise");
    let sky = Street { elevations: [1.45, 1.5], max_range: 5.0, ..good };
    assert_eq!(sky.make(), Err(Error::NothingSeen { scan: 1 }));
}

/// Odd drives that stay within the limits: backwards, on the spot, in tight circles.
#[test]
fn odd_drives_are_driven() {
    for (speed, turn_rate) in [(-8.0, 0.1), (0.0, 10.0), (3.0, 3.0), (100.0, -1.0)] {
        let street = Street { points: 500, speed, turn_rate, scans: 4, ..exact() };
        let world = street.world().unwrap();
        for cloud in street.make().unwrap().clouds {
            for point in cloud.points.transformed(&cloud.world_from_cloud).positions() {
                assert!(world.distance(point) < 1e-9, "{speed} {turn_rate}");
            }
        }
    }
}
