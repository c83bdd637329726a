//! Sequences are followed to the poses they were made with, whatever their unit, offset and order of points, and what
//! cannot be followed is told.

use std::path::Path;

use barrow_datasets::Street;
use barrow_geometry::PointCloud;
use barrow_registration::{
    Odometry, OdometryStep, Track, Tracking, absolute_error, deskew, drift, relative_error,
};
use nalgebra::{Isometry3, Point3, Quaternion, Translation3, UnitQuaternion, Vector3};

type Poses = Vec<Isometry3<f64>>;

/// A drive around a bend, small enough to be made for every test.
fn street() -> Street {
    Street { scans: 30, points: 12_000, turn_rate: 0.1, motion_distortion: true, ..Street::default() }
}

/// The scans of a drive with their poses, seen from the first.
fn drive(street: &Street) -> (Vec<PointCloud>, Poses) {
    let sequence = street.sequence().unwrap();
    let scans: Vec<_> = (0..sequence.len()).map(|scan| sequence.scan(scan).unwrap()).collect();
    let first = scans[0].world_from_cloud;
    let poses = scans.iter().map(|scan| first.inv_mul(&scan.world_from_cloud)).collect();
    (scans.into_iter().map(|scan| scan.points).collect(), poses)
}

/// The same points without what else is known of them.
fn bare(cloud: &PointCloud) -> PointCloud {
    PointCloud::new(cloud.positions().to_vec()).unwrap()
}

/// Points and times after some change.
fn changed(
    cloud: &PointCloud,
    point: impl Fn(&Point3<f64>) -> Point3<f64>,
    time: impl Fn(usize, f64) -> f64,
) -> PointCloud {
    let times = cloud.times().unwrap().iter().enumerate().map(|(at, &value)| time(at, value)).collect();
    let positions = cloud.positions().iter().map(point).collect();
    PointCloud::new(positions).unwrap().with_times(times).unwrap()
}

fn follow(scans: &[PointCloud]) -> Track {
    Odometry::default().follow(scans).unwrap()
}

/// Distances between the places of two tracks [m], the largest of them.
fn apart(a: &Track, b: &Track) -> f64 {
    let place = |step: &OdometryStep| step.world_from_scan.translation.vector;
    a.steps.iter().zip(&b.steps).map(|(a, b)| (place(a) - place(b)).norm()).fold(0.0, f64::max)
}

#[track_caller]
fn assert_tracked(track: &Track) {
    let kinds: Vec<_> = track.steps.iter().map(|step| step.tracking.name()).collect();
    assert!(track.is_complete(), "{kinds:?}");
}

#[test]
fn a_street_is_followed_within_a_fifth_of_a_percent() {
    let (scans, poses) = drive(&Street { motion_distortion: false, ..street() });
    let scans: Vec<_> = scans.iter().map(bare).collect();
    let track = follow(&scans);
    assert_tracked(&track);
    let error = drift(&track.poses(), &poses, &[5.0, 10.0, 20.0]).unwrap();
    assert!(error.translation < 2e-3 && error.rotation < 4e-4, "{error:?}");
    let error = absolute_error(&track.poses(), &poses).unwrap().translation;
    assert!(error.rmse < 0.02, "{error:?}");
    // Without times there is no motion during a scan.
    assert!(track.steps.iter().all(|step| step.start_from_end == Isometry3::identity()));
}

#[test]
fn bent_scans_are_followed_as_well_and_their_motion_is_found() {
    let street = street();
    let (scans, poses) = drive(&street);
    let track = follow(&scans);
    assert_tracked(&track);
    let error = drift(&track.poses(), &poses, &[5.0, 10.0, 20.0]).unwrap();
    assert!(error.translation < 4e-3 && error.rotation < 8e-4, "{error:?}");
    for (scan, step) in track.steps.iter().enumerate().skip(2) {
        let from = street.world_from_sensor(scan);
        let truth = from.inv_mul(&street.world_from_sensor_at(0.1 * (scan + 1) as f64));
        let error = truth.inv_mul(&step.start_from_end);
        assert!(error.translation.vector.norm() < 0.06, "scan {scan}: {error}");
        assert!(error.rotation.angle() < 4e-3, "scan {scan}: {error}");
    }
    // Taken as they are, they are not: the test would fail without the motion.
    let rigid = Odometry { deskew: false, ..Odometry::default() }.follow(&scans).unwrap();
    let rigid = relative_error(&rigid.poses(), &poses, 1).unwrap().translation.rmse;
    let sought = relative_error(&track.poses(), &poses, 1).unwrap().translation.rmse;
    assert!(sought < 0.7 * rigid, "{sought} {rigid}");
}

#[test]
fn a_straightened_scan_lies_on_the_street() {
    // On a circle, without springs, noise or cars the motion is one of constant velocity: nothing may remain.
    let street = Street { noise: 0.0, sway: 0.0, moving_cars: 0, speed: 20.0, turn_rate: 0.5, ..street() };
    let world = street.world().unwrap();
    let scan = street.sequence().unwrap().scan(3).unwrap();
    let off = |cloud: &PointCloud| {
        let seen = cloud.transformed(&scan.world_from_cloud);
        let distances = seen.positions().iter().map(|point| world.distance(point));
        distances.fold(0.0, f64::max)
    };
    let times = scan.points.times().unwrap();
    let (first, last) = (times[0], times[times.len() - 1]);
    let start = street.world_from_sensor_at(first);
    let start_from_end = start.inv_mul(&street.world_from_sensor_at(last));
    let straight = deskew(&scan.points, &start_from_end).unwrap();
    assert!(off(&scan.points) > 0.5 && off(&straight) < 1e-6, "{} {}", off(&scan.points), off(&straight));
    // Everything else is carried.
    assert_eq!(straight.times(), scan.points.times());
    assert_eq!(straight.intensities(), scan.points.intensities());
}

#[test]
fn millimetres_and_kilometres_are_followed_like_metres() {
    let (scans, _) = drive(&Street { scans: 12, ..street() });
    let metres = follow(&scans);
    for unit in [1.0 / 1024.0, 1e-3, 1e3] {
        let scaled: Vec<_> = scans.iter().map(|scan| changed(scan, |point| point * unit, |_, t| t)).collect();
        let track = follow(&scaled);
        assert_tracked(&track);
        for (a, b) in metres.steps.iter().zip(&track.steps) {
            let shift = b.world_from_scan.translation.vector / unit - a.world_from_scan.translation.vector;
            let turn = a.world_from_scan.rotation.angle_to(&b.world_from_scan.rotation);
            assert!(shift.norm() < 1e-3 && turn < 2e-5, "unit {unit}, scan {}: {shift} {turn}", a.scan);
        }
    }
}

#[test]
fn times_may_have_any_unit_and_origin() {
    let (scans, _) = drive(&Street { scans: 12, ..street() });
    let seconds = follow(&scans);
    let micro: Vec<_> = scans.iter().map(|scan| changed(scan, |&p| p, |_, t| 1e6 * t + 3e9)).collect();
    let track = follow(&micro);
    assert_tracked(&track);
    assert!(apart(&seconds, &track) < 0.02, "{}", apart(&seconds, &track));
    // Every scan from zero: as if one began where the other ends, which here it does.
    let zero = |scan: &PointCloud| {
        let first = scan.times().unwrap()[0];
        changed(scan, |&p| p, move |_, t| t - first)
    };
    let track = follow(&scans.iter().map(zero).collect::<Vec<_>>());
    assert_tracked(&track);
    assert!(apart(&seconds, &track) < 0.02, "{}", apart(&seconds, &track));
}

#[test]
fn an_offset_of_projected_coordinates_costs_nothing() {
    let (scans, _) = drive(&Street { scans: 12, ..street() });
    let offset = Translation3::new(456_789.0, 5_432_109.0, 321.0);
    let moved: Vec<_> = scans.iter().map(|scan| changed(scan, |point| offset * point, |_, t| t)).collect();
    let (here, there) = (follow(&scans), follow(&moved));
    assert_tracked(&there);
    for (a, b) in here.steps.iter().zip(&there.steps) {
        let back = offset.inverse() * b.world_from_scan * offset;
        let error = a.world_from_scan.inv_mul(&back);
        assert!(error.rotation.angle() < 2e-3, "scan {}: {error}", a.scan);
        assert!(error.translation.vector.norm() < 0.05, "scan {}: {error}", a.scan);
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let (scans, _) = drive(&Street { scans: 6, ..street() });
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut track = pool.install(|| follow(&scans));
        track.steps.iter_mut().for_each(|step| step.seconds = 0.0);
        track
    };
    let one = with(1);
    assert_tracked(&one);
    for threads in [2, 3] {
        assert_eq!(one, with(threads), "{threads} threads");
    }
}

#[test]
fn points_may_come_in_any_order() {
    let (scans, _) = drive(&Street { scans: 8, ..street() });
    let shuffled = scans.iter().map(|scan| {
        // A step that shares no factor with the number of points visits all of them.
        let step = (0..).map(|i| 7919 + i).find(|step| gcd(*step, scan.len()) == 1).unwrap();
        scan.select(&(0..scan.len()).map(|at| at * step % scan.len()).collect::<Vec<_>>())
    });
    let track = follow(&shuffled.collect::<Vec<_>>());
    assert_tracked(&track);
    assert!(apart(&track, &follow(&scans)) < 0.05);
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[test]
fn a_sensor_that_stands_still_stays() {
    let street = Street { speed: 0.0, sway: 0.0, turn_rate: 0.0, moving_cars: 3, ..street() };
    let (scans, _) = drive(&street);
    let track = follow(&scans);
    assert_tracked(&track);
    for step in &track.steps {
        assert!(step.world_from_scan.translation.vector.norm() < 0.02, "{}", step.world_from_scan);
        assert!(step.world_from_scan.rotation.angle() < 1.5e-3, "{}", step.world_from_scan);
    }
}

#[test]
fn times_that_lie_are_no_times() {
    let (scans, poses) = drive(&Street { scans: 10, ..street() });
    let error = |track: &Track| absolute_error(&track.poses(), &poses).unwrap().translation.max;
    // A point in a hundred has none, and one comes from another age.
    let holes = |at: usize, time: f64| match at % 100 {
        7 => f64::NAN,
        _ if at == 4321 => 1e12,
        _ => time,
    };
    let track = follow(&scans.iter().map(|scan| changed(scan, |&p| p, holes)).collect::<Vec<_>>());
    assert_tracked(&track);
    assert!(error(&track) < 0.05, "{}", error(&track));
    // All NaN, all infinite, all equal: as if there were none, to the bit.
    let without = follow(&scans.iter().map(bare).collect::<Vec<_>>());
    for value in [f64::NAN, f64::INFINITY, 7.0] {
        let lying: Vec<_> = scans.iter().map(|scan| changed(scan, |&p| p, |_, _| value)).collect();
        assert_eq!(follow(&lying).poses(), without.poses(), "{value}");
    }
    // A clock that runs backwards from scan to scan is not believed between scans.
    let last = scans.len() as f64;
    let backwards: Vec<_> = scans
        .iter()
        .enumerate()
        .map(|(scan, cloud)| changed(cloud, |&p| p, move |_, t| t + 0.2 * (last - 2.0 * scan as f64)))
        .collect();
    let track = follow(&backwards);
    assert_tracked(&track);
    assert!(error(&track) < 0.05, "{}", error(&track));
}

#[test]
fn scans_with_next_to_nothing_are_skipped_and_counted() {
    let (mut scans, poses) = drive(&Street { scans: 14, ..street() });
    scans[6] = PointCloud::new(Vec::new()).unwrap();
    scans[9] = PointCloud::new(vec![Point3::new(1.0, 2.0, 3.0); 500]).unwrap();
    let track = follow(&scans);
    let kinds: Vec<_> = track.steps.iter().map(|step| step.tracking).collect();
    for (scan, kind) in kinds.iter().enumerate() {
        let expected = match scan {
            0 => Tracking::Started,
            6 | 9 => Tracking::Skipped,
            _ => Tracking::Tracked,
        };
        assert_eq!(*kind, expected, "scan {scan}");
    }
    assert_eq!((track.count(Tracking::Skipped), track.steps.len()), (2, 14));
    // The gaps are bridged: the poses after them are as good as before, those in them guessed well.
    let error = absolute_error(&track.poses(), &poses).unwrap().translation;
    assert!(error.rmse < 0.05 && error.max < 0.15, "{error:?}");
}

#[test]
fn nothing_at_all_is_no_track() {
    assert_eq!(follow(&[]).steps.len(), 0);
    let nothing = follow(&[
        PointCloud::default(),
        PointCloud::new(vec![Point3::origin(); 100]).unwrap(),
        PointCloud::new(vec![Point3::new(1.0, 0.0, 0.0); 3]).unwrap(),
    ]);
    assert_eq!(nothing.count(Tracking::Skipped), 3);
    assert_eq!(nothing.voxel_size, None);
}

#[test]
fn coordinates_of_any_size_are_survived() {
    let wild = |scale: f64| {
        let point = |i: usize| {
            let spread = |step: f64| (0.5 + step * i as f64).fract() - 0.5;
            Point3::new(spread(0.7548776662), spread(0.5698402909), spread(0.3819660113)) * scale
        };
        PointCloud::new((0..2000).map(point).collect()).unwrap()
    };
    for scale in [1e-150, 1e-12, 1e12, 1e149] {
        let track = follow(&[wild(scale), wild(scale), wild(scale)]);
        assert_eq!(track.steps.len(), 3);
        let finite = |pose: &Isometry3<f64>| pose.to_homogeneous().iter().all(|value| value.is_finite());
        assert!(track.poses().iter().all(finite), "{scale}");
    }
    // From a millimetre to a light year in one sequence.
    let track = follow(&[wild(1e-3), wild(1e16), wild(1e-3)]);
    assert_ne!(track.steps[1].tracking, Tracking::Tracked);
}

#[test]
fn a_scan_of_another_place_is_lost_and_the_next_one_found() {
    let (mut scans, poses) = drive(&street());
    let (elsewhere, _) = drive(&Street { seed: 77, turn_rate: -0.2, ..street() });
    scans[12] = elsewhere[12].transformed(&Isometry3::rotation(Vector3::new(0.0, 0.0, 2.0)));
    let track = follow(&scans);
    let lost: Vec<_> =
        (0..scans.len()).filter(|&scan| track.steps[scan].tracking != Tracking::Tracked).collect();
    assert_eq!(lost, [0, 12]);
    assert_eq!(track.steps[12].tracking, Tracking::Lost);
    let error = absolute_error(&track.poses(), &poses).unwrap().translation;
    assert!(error.max < 0.15, "{error:?}");
}

#[test]
fn a_jump_is_told_and_a_new_map_begins() {
    let (mut scans, _) = drive(&street());
    let (elsewhere, poses) = drive(&Street { seed: 77, turn_rate: -0.2, ..street() });
    let turned = Isometry3::rotation(Vector3::new(0.0, 0.0, 2.0));
    scans.truncate(10);
    scans.extend(elsewhere.iter().map(|scan| scan.transformed(&turned)));
    let track = follow(&scans);
    let patience = Odometry::default().patience;
    let kinds: Vec<_> = track.steps.iter().map(|step| step.tracking.name()).collect();
    assert!(kinds[10..10 + patience].iter().all(|kind| *kind == "lost"), "{kinds:?}");
    assert_eq!(kinds[10 + patience], "restarted", "{kinds:?}");
    assert!(kinds[11 + patience..].iter().all(|kind| *kind == "tracked"), "{kinds:?}");
    // From there on the motions are right again.
    let after = &track.poses()[12 + patience..];
    let truth: Poses = poses[2 + patience..].iter().map(|pose| turned * pose * turned.inverse()).collect();
    let error = relative_error(after, &truth, 1).unwrap().translation;
    assert!(error.rmse < 0.05, "{error:?}");
}

#[test]
fn a_corridor_leaves_its_length_free_and_says_so() {
    // Walls, floor and ceiling without an end, sampled anew for every scan.
    let corridor = |scan: usize| {
        let point = |i: usize| {
            let i = i + 6000 * scan;
            let u = (0.5 + 0.754877666246693 * i as f64).fract();
            let v = (0.5 + 0.569840290998053 * i as f64).fract();
            let along = 40.0 * (u - 0.5);
            match i % 4 {
                0 => Point3::new(along, 1.0, 2.5 * v - 1.0),
                1 => Point3::new(along, -1.2, 2.5 * v - 1.0),
                2 => Point3::new(along, 2.2 * v - 1.2, -1.0),
                _ => Point3::new(along, 2.2 * v - 1.2, 1.5),
            }
        };
        PointCloud::new((0..6000).map(point).collect()).unwrap()
    };
    let track = follow(&(0..6).map(corridor).collect::<Vec<_>>());
    assert_tracked(&track);
    for step in &track.steps[1..] {
        // Far from the ends of a narrow corridor its roll is told little better; its length must be among what is not.
        let directions = &step.degenerate_directions;
        let told = 1.0 - directions.iter().map(|direction| direction[3] * direction[3]).sum::<f64>();
        assert!(told < 0.02 && directions.len() <= 2, "scan {}: {directions:?}", step.scan);
        // Less than the spacing of the points: what corners blur on the coarse maps.
        assert!(step.world_from_scan.translation.vector.norm() < 0.25, "{}", step.world_from_scan);
    }
    // A street has ends enough.
    let (scans, _) = drive(&Street { scans: 8, ..street() });
    assert!(follow(&scans).steps[2..].iter().all(|step| step.degenerate_directions.is_empty()));
}

#[test]
fn options_out_of_range_are_refused() {
    let refused = |odometry: Odometry, word: &str| {
        let message = odometry.start().expect_err("refused").to_string();
        assert!(message.contains(word), "{message}");
    };
    let usual = Odometry::default;
    refused(Odometry { voxel_size: Some(0.0), ..usual() }, "voxel_size");
    refused(Odometry { voxel_size: Some(f64::NAN), ..usual() }, "voxel_size");
    refused(Odometry { min_range: -1.0, ..usual() }, "min_range");
    refused(Odometry { min_range: 5.0, max_range: 5.0, ..usual() }, "max_range");
    refused(Odometry { max_range: f64::NAN, ..usual() }, "max_range");
    refused(Odometry { max_iterations: 0, ..usual() }, "max_iterations");
    refused(Odometry { tolerance: f64::INFINITY, ..usual() }, "tolerance");
    refused(Odometry { patience: 0, ..usual() }, "patience");
}

#[test]
fn points_out_of_range_are_left_out() {
    let (scans, _) = drive(&Street { scans: 6, ..street() });
    let cut = |scan: &PointCloud| {
        let keep = |&at: &usize| (4.0..=40.0).contains(&scan.positions()[at].coords.norm());
        scan.select(&(0..scan.len()).filter(keep).collect::<Vec<_>>())
    };
    let odometry = Odometry { min_range: 4.0, max_range: 40.0, ..Odometry::default() };
    let asked = odometry.follow(&scans).unwrap();
    assert_eq!(asked.poses(), follow(&scans.iter().map(cut).collect::<Vec<_>>()).poses());
}

/// Five scans of a handheld sensor, a metre apart each.
#[test]
fn a_real_walk_is_followed() {
    let fallback = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("BARROW_DATA").map_or(fallback, Into::into);
    let folder = data.join("nc_newer_college_01");
    let Ok(graph) = std::fs::read_to_string(folder.join("graph.txt")) else {
        println!("skipped: no shared data");
        return;
    };
    let pose = |line: &str| {
        let v: Vec<f64> = line.split_whitespace().skip(1).map(|word| word.parse().unwrap()).collect();
        let turn = UnitQuaternion::from_quaternion(Quaternion::new(v[6], v[3], v[4], v[5]));
        Isometry3::from_parts(Translation3::new(v[0], v[1], v[2]), turn)
    };
    let poses: Poses = graph.lines().map(pose).collect();
    let scan = |number: usize| {
        let bytes = std::fs::read(folder.join(format!("planes_{number:06}.bin"))).unwrap();
        let values: Vec<f64> =
            bytes.as_chunks::<4>().0.iter().map(|&value| f64::from(f32::from_le_bytes(value))).collect();
        let points = values.as_chunks::<3>().0.iter().map(|&[x, y, z]| Point3::new(x, y, z));
        PointCloud::new(points.collect()).unwrap()
    };
    let scans: Vec<_> = (0..5).map(|at| scan(10 * at)).collect();
    let track = follow(&scans);
    assert_tracked(&track);
    let first = poses[0];
    for (step, truth) in track.steps.iter().zip(&poses) {
        let error = first.inv_mul(truth).inv_mul(&step.world_from_scan);
        let (turn, shift) = (error.rotation.angle().to_degrees(), error.translation.vector.norm());
        println!("scan {}: {turn:.3}° {shift:.4} m, fitness {:.3}", step.scan, step.fitness);
        assert!(turn < 0.5 && shift < 0.15, "scan {}: {turn}° {shift} m", step.scan);
    }
}
