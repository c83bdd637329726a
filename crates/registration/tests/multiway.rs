//! Sets of clouds: views of one body, with strangers among them, in groups, and sets that are hardly any.

mod common;

use std::ops::ControlFlow;
use std::path::PathBuf;

use barrow_geometry::{PointCloud, Status};
use barrow_registration::{Arrangement, Error, Multiway, Standing};
use common::{Draws, error};
use nalgebra::{Isometry3, Point3, Quaternion, UnitQuaternion, Vector3};

/// A body without symmetry, about 1 m in radius, seen from one side: what lies not too far beyond its horizon. Every view draws
/// points of its own.
fn view(side: Vector3<f64>, horizon: f64, bumps: u64, seed: u64) -> PointCloud {
    let mut shape = Draws::new(bumps);
    let bumps: Vec<(Vector3<f64>, f64)> = (0..14)
        .map(|_| {
            let place = Vector3::from_fn(|_, _| shape.normal()).normalize();
            (place, 0.35 * shape.normal())
        })
        .collect();
    let radius = |direction: &Vector3<f64>| {
        1.2 + bumps.iter().map(|(place, size)| size * (6.0 * (direction.dot(place) - 1.0)).exp()).sum::<f64>()
    };
    let mut draws = Draws::new(seed);
    let mut points = Vec::new();
    while points.len() < 3000 {
        let direction = Vector3::from_fn(|_, _| draws.normal()).normalize();
        if direction.dot(&side) > horizon {
            points.push(Point3::from(
                direction * radius(&direction) + Vector3::from_fn(|_, _| 0.002 * draws.normal()),
            ));
        }
    }
    PointCloud::new(points).unwrap()
}

/// A turn and a shift that have nothing to do with the others.
fn pose(seed: u64) -> Isometry3<f64> {
    let mut draws = Draws::new(1000 + seed);
    let turn = Vector3::from_fn(|_, _| draws.normal());
    Isometry3::new(Vector3::from_fn(|_, _| 2.0 * draws.normal()), turn)
}

/// Views all around a body, each in a frame of its own, with the poses `body_from_view`.
fn views(number: usize, bumps: u64) -> (Vec<PointCloud>, Vec<Isometry3<f64>>) {
    let made = (0..number).map(|k| {
        let angle = std::f64::consts::TAU * k as f64 / number as f64;
        let side = Vector3::new(angle.cos(), angle.sin(), 0.3 * (2.0 * angle).cos()).normalize();
        let body_from_view = pose(100 * bumps + k as u64);
        (view(side, -0.2, bumps, k as u64).transformed(&body_from_view.inverse()), body_from_view)
    });
    made.unzip()
}

/// Largest rotation [degree] and translation at the cloud's centre [m] by which placed clouds are off.
fn worst(found: &Arrangement, truth: &[Isometry3<f64>], clouds: &[PointCloud]) -> (f64, f64) {
    found.world_from_cloud.iter().enumerate().fold((0.0, 0.0), |worst: (f64, f64), (cloud, pose)| {
        let Some(pose) = pose else { return worst };
        let (turn, shift) =
            error(pose, &(truth[0].inverse() * truth[cloud]), &clouds[cloud].centroid().unwrap());
        (worst.0.max(turn.to_degrees()), worst.1.max(shift))
    })
}

#[test]
fn views_all_around_a_body_are_laid_together() {
    let (clouds, truth) = views(5, 1);
    let found = Multiway::default().arrange(&clouds).unwrap();
    assert_eq!(found.parts, [[0, 1, 2, 3, 4]], "{:?}", found.pairs);
    assert!(found.unplaced().is_empty());
    let (turn, shift) = worst(&found, &truth, &clouds);
    assert!(turn < 0.3 && shift < 0.005, "{turn}° {shift} m");
    assert_eq!(found.convergence.status, Status::Converged);
    for pair in found.pairs.iter().filter(|pair| pair.standing == Standing::Kept) {
        assert!(pair.disagreement.unwrap() < 0.02, "{pair:?}");
    }
    // The world is the first cloud's frame, which is known without doubt.
    assert_eq!(found.world_from_cloud[0], Some(Isometry3::identity()));
    assert_eq!(found.covariances[0].unwrap().amax(), 0.0);
    assert!(found.covariances[3].unwrap().cholesky().is_some());
}

#[test]
fn a_stranger_among_views_is_not_placed() {
    let (mut clouds, truth) = views(4, 2);
    let stranger = {
        let point = |i: usize| {
            let (x, y) = ((i % 70) as f64 * 0.05, (i / 70) as f64 * 0.05);
            Point3::new(x, y, 0.6 * (3.0 * x).sin() * (2.0 * y).cos() + 0.2 * (9.0 * x + 5.0 * y).sin())
        };
        PointCloud::new((0..4900).map(point).collect()).unwrap()
    };
    clouds.insert(2, stranger);
    let mut truth = truth;
    truth.insert(2, Isometry3::identity());
    let found = Multiway::default().arrange(&clouds).unwrap();
    assert_eq!(found.unplaced(), [2], "{:?}", found.parts);
    assert_eq!(found.parts, [vec![0, 1, 3, 4], vec![2]]);
    let (turn, shift) = worst(&found, &truth, &clouds);
    assert!(turn < 0.3 && shift < 0.005, "{turn}° {shift} m");
}

#[test]
fn groups_that_share_nothing_are_told_apart() {
    let (mut clouds, mut truth) = views(3, 3);
    let (more, _) = views(3, 4);
    clouds.extend(more);
    truth.extend((0..3).map(|_| Isometry3::identity()));
    let found = Multiway::default().arrange(&clouds).unwrap();
    assert_eq!(found.parts, [[0, 1, 2], [3, 4, 5]]);
    assert_eq!(found.unplaced(), [3, 4, 5]);
    // Within its group each has a pose all the same.
    assert_eq!(found.part_from_cloud[3], Isometry3::identity());
    let between = (found.part_from_cloud[4].inverse(), pose(401).inverse() * pose(400));
    let (turn, shift) = error(&between.0, &between.1, &clouds[3].centroid().unwrap());
    assert!(turn < 0.01 && shift < 0.01, "{turn} {shift}");
}

#[test]
fn a_longer_path_is_joined_without_all_its_pairs() {
    let (clouds, truth) = views(8, 5);
    let mut seen = 0;
    let multiway = Multiway { partners: 4, ..Multiway::default() };
    let found = multiway
        .arrange_with(&clouds, |step| {
            seen += 1;
            assert_eq!(step.done, seen);
            assert!(step.planned >= step.done && step.source != step.target);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(found.unplaced().is_empty(), "{:?}", found.parts);
    // One after the other, then those that overlap: the last with the first among them.
    assert!(found.pairs.len() < 28 && found.pairs.iter().any(|pair| (pair.source, pair.target) == (7, 0)));
    let (turn, shift) = worst(&found, &truth, &clouds);
    assert!(turn < 0.3 && shift < 0.006, "{turn}° {shift} m");
}

#[test]
fn the_same_bits_come_out_on_any_number_of_threads() {
    let (clouds, _) = views(3, 6);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Multiway::default().arrange(&clouds).unwrap())
    };
    let (one, three) = (on(1), on(3));
    assert_eq!(one.world_from_cloud, three.world_from_cloud);
    assert_eq!(one.covariances, three.covariances);
    assert_eq!(one.convergence, three.convergence);
}

#[test]
fn clouds_far_from_the_origin_are_laid_together_as_well() {
    let (clouds, truth) = views(3, 6);
    let far = Isometry3::translation(5e6, -4e6, 100.0);
    let clouds: Vec<PointCloud> = clouds.iter().map(|cloud| cloud.transformed(&far)).collect();
    let truth: Vec<_> = truth.iter().map(|pose| far * pose * far.inverse()).collect();
    let found = Multiway::default().arrange(&clouds).unwrap();
    let (turn, shift) = worst(&found, &truth, &clouds);
    assert!(found.unplaced().is_empty() && turn < 0.3 && shift < 0.005, "{turn}° {shift} m");
}

#[test]
fn sets_that_are_hardly_any() {
    assert!(Multiway::default().arrange(&[]).is_err());
    let cloud = view(Vector3::x(), -0.2, 7, 0);
    let alone = Multiway::default().arrange(std::slice::from_ref(&cloud)).unwrap();
    assert_eq!(alone.world_from_cloud, [Some(Isometry3::identity())]);
    assert_eq!((alone.parts.len(), alone.pairs.len()), (1, 0));
    assert_eq!(alone.convergence.status, Status::Converged);

    let clouds = [cloud.clone(), PointCloud::default(), cloud.clone()];
    assert_eq!(Multiway::default().arrange(&clouds), Err(Error::EmptyCloud { index: 1 }));
    for multiway in [
        Multiway { partners: 0, ..Multiway::default() },
        Multiway { max_disagreement: Some(f64::NAN), ..Multiway::default() },
        Multiway {
            aligner: barrow_registration::Aligner { voxel_size: Some(-1.0), ..Default::default() },
            ..Multiway::default()
        },
    ] {
        assert!(multiway.arrange(std::slice::from_ref(&cloud)).is_err(), "{multiway:?}");
    }
}

#[test]
fn a_cloud_given_four_times_lies_on_itself() {
    let cloud = view(Vector3::x(), -0.2, 8, 0);
    let found = Multiway::default().arrange(&vec![cloud; 4]).unwrap();
    assert!(found.unplaced().is_empty());
    for pose in found.world_from_cloud.iter().flatten() {
        assert!(pose.translation.vector.norm() < 1e-6 && pose.rotation.angle() < 1e-6, "{pose}");
    }
}

#[test]
fn clouds_without_a_shape_are_no_panic() {
    let cloud = |points: Vec<Point3<f64>>| PointCloud::new(points).unwrap();
    let clouds = [
        cloud(vec![Point3::new(1.0, 2.0, 3.0)]),
        cloud(vec![Point3::new(4.0, 2.0, 3.0); 30]),
        cloud((0..60).map(|k| Point3::new(0.1 * f64::from(k), 0.0, 0.0)).collect()),
        cloud((0..400).map(|k| Point3::new(f64::from(k % 20), f64::from(k / 20), 0.0)).collect()),
        view(Vector3::x(), -0.2, 9, 0),
    ];
    let found = Multiway::default().arrange(&clouds).unwrap();
    for pose in &found.part_from_cloud {
        assert!(pose.to_homogeneous().iter().all(|value| value.is_finite()), "{pose}");
    }
}

#[test]
fn a_stopped_run_answers_with_what_the_pairs_so_far_show() {
    let (clouds, _) = views(3, 1);
    let found = Multiway::default().arrange_with(&clouds, |_| ControlFlow::Break(())).unwrap();
    assert_eq!(found.convergence.status, Status::Stopped);
    assert_eq!(found.pairs.len(), 1);
    assert_eq!(found.unplaced(), [2]);
}

fn shared(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("BARROW_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = folder.join(name);
    if !path.exists() {
        println!("skipped: no shared data");
    }
    path.exists().then_some(path)
}

fn tell(found: &Arrangement) {
    for pair in &found.pairs {
        let verdict = pair.verdict();
        let overlap = pair.registration.as_ref().map_or(0.0, |found| found.overlap);
        println!(
            "{} onto {}: {verdict}, overlap {overlap:.2}, {:?}, disagreement {:?}, guessed {}",
            pair.source, pair.target, pair.standing, pair.disagreement, pair.was_guessed
        );
    }
}

/// Six scans of the Stanford bunny from all around, with the poses that come with them.
///
/// `cargo test -p barrow-registration --test multiway bunny -- --ignored --nocapture`
#[test]
#[ignore = "half a minute"]
fn the_bunny_is_laid_together_from_six_sides() {
    let Some(folder) = shared("stanford_bunny_scans") else { return };
    let text = std::fs::read_to_string(folder.join("bun.conf")).unwrap();
    let mut clouds = Vec::new();
    let mut truth = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("bmesh")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let v: Vec<f64> = words[2..9].iter().map(|word| word.parse().unwrap()).collect();
        // Volumetric range image processing, its tool, means the inverse rotation.
        let turn = UnitQuaternion::from_quaternion(Quaternion::new(v[6], v[3], v[4], v[5])).inverse();
        truth.push(Isometry3::from_parts(Vector3::new(v[0], v[1], v[2]).into(), turn));
        let ply = String::from_utf8_lossy(&std::fs::read(folder.join(words[1])).unwrap()).into_owned();
        let (header, body) = ply.split_once("end_header").unwrap();
        let count = header.lines().find_map(|line| line.strip_prefix("element vertex ")).unwrap();
        let points = body.lines().skip(1).take(count.trim().parse().unwrap()).map(|line| {
            let numbers: Vec<f64> =
                line.split_whitespace().take(3).map(|word| word.parse().unwrap()).collect();
            Point3::new(numbers[0], numbers[1], numbers[2])
        });
        clouds.push(PointCloud::new(points.collect()).unwrap());
    }
    let found = Multiway::default().arrange(&clouds).unwrap();
    tell(&found);
    assert!(found.unplaced().is_empty(), "{:?}", found.parts);
    let mut squares = 0.0;
    for (cloud, pose) in found.world_from_cloud.iter().enumerate() {
        let wanted = truth[0].inverse() * truth[cloud];
        let (turn, shift) = error(&pose.unwrap(), &wanted, &clouds[cloud].centroid().unwrap());
        println!("view {cloud}: {:.3}°, {:.3} mm", turn.to_degrees(), 1e3 * shift);
        squares += turn.to_degrees().powi(2);
    }
    let rms = (squares / 5.0).sqrt();
    println!("root mean square over five views: {rms:.3}°");
    // Pair by pair, these poses are up to 0.3° from where the scans fit best.
    assert!(rms < 0.25, "{rms}°");
}

/// Five scans of a LiDAR that is carried along, with the poses that come with them.
///
/// `cargo test -p barrow-registration --test multiway college -- --nocapture`
#[test]
fn scans_of_a_college_are_laid_together() {
    let Some(folder) = shared("nc_newer_college_01") else { return };
    let text = std::fs::read_to_string(folder.join("graph.txt")).unwrap();
    let (mut clouds, mut truth) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().filter(|line| line.starts_with('v')).enumerate() {
        let v: Vec<f64> = line.split_whitespace().skip(1).map(|word| word.parse().unwrap()).collect();
        let turn = UnitQuaternion::from_quaternion(Quaternion::new(v[6], v[3], v[4], v[5]));
        truth.push(Isometry3::from_parts(Vector3::new(v[0], v[1], v[2]).into(), turn));
        let bytes = std::fs::read(folder.join(format!("planes_0000{index}0.bin"))).unwrap();
        let number = |bytes: &[u8]| f64::from(f32::from_le_bytes(bytes.try_into().unwrap()));
        let points = bytes.chunks_exact(12);
        let point =
            |bytes: &[u8]| Point3::new(number(&bytes[..4]), number(&bytes[4..8]), number(&bytes[8..]));
        clouds.push(PointCloud::new(points.map(point).collect()).unwrap());
    }
    let found = Multiway::default().arrange(&clouds).unwrap();
    tell(&found);
    assert!(found.unplaced().is_empty(), "{:?}", found.parts);
    for (cloud, pose) in found.world_from_cloud.iter().enumerate() {
        let wanted = truth[0].inverse() * truth[cloud];
        let (turn, shift) = error(&pose.unwrap(), &wanted, &Point3::origin());
        println!("scan {cloud}: {:.3}°, {:.3} m", turn.to_degrees(), shift);
    }
    let (turn, shift) = worst(&found, &truth, &clouds);
    assert!(turn < 0.12 && shift < 0.08, "{turn}° {shift} m");
}
