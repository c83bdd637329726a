//! Registration without a first guess: any turn, part of a scene, two scenes, two sizes.

mod common;

use barrow_geometry::{PointCloud, Status};
use barrow_registration::{Aligner, Method, Registration, SimilarityAligner, Verdict};
use common::{Draws, error};
use nalgebra::{Isometry3, Point3, Translation3, Vector3};

/// A surface without symmetry: hills of different heights and a step, over [0, 6] × [0, 4].
fn relief(spacing: f64, keep: impl Fn(f64, f64) -> bool) -> PointCloud {
    let hills = [
        (1.0, 1.0, 0.9, 0.35),
        (4.6, 0.8, 0.6, 0.5),
        (2.4, 2.9, 1.2, 0.45),
        (5.2, 3.1, -0.7, 0.4),
        (3.5, 1.8, 0.5, 0.25),
    ];
    let height = |x: f64, y: f64| {
        let bumps = hills.iter().map(|&(a, b, h, w): &(f64, f64, f64, f64)| {
            h * (-((x - a).powi(2) + (y - b).powi(2)) / (2.0 * w * w)).exp()
        });
        bumps.sum::<f64>() + if x + 0.4 * y > 4.4 { 0.35 } else { 0.0 }
    };
    let (columns, rows) = ((6.0 / spacing) as usize, (4.0 / spacing) as usize);
    let places =
        (0..columns * rows).map(|i| ((i % columns) as f64 * spacing, (i / columns) as f64 * spacing));
    let points = places.filter(|&(x, y)| keep(x, y)).map(|(x, y)| Point3::new(x, y, height(x, y)));
    PointCloud::new(points.collect()).unwrap()
}

fn turns() -> [Isometry3<f64>; 3] {
    [
        Isometry3::new(Vector3::new(3.0, -8.0, 1.0), Vector3::new(0.0, 0.0, 2.9)),
        Isometry3::new(Vector3::new(-20.0, 5.0, 9.0), Vector3::new(1.4, -2.0, 0.3)),
        Isometry3::new(Vector3::new(0.0, 0.0, 100.0), Vector3::new(3.1, 0.2, 0.0)),
    ]
}

fn assert_found(found: &Registration, expected: &Isometry3<f64>, at: &Point3<f64>) {
    let (rotation, translation) = error(&found.target_from_source, expected, at);
    assert!(rotation < 5e-3 && translation < 1e-2, "{rotation} {translation} {:?}", found.agreement);
    assert_eq!(found.verdict, Verdict::Accepted, "{:?}", found.agreement);
}

#[test]
fn any_turn_is_found_and_accepted() {
    let (target, source) = (relief(0.05, |_, _| true), relief(0.047, |_, _| true));
    for turn in turns() {
        let found = Aligner::default().align(&source.transformed(&turn), &target).unwrap();
        assert_found(&found, &turn.inverse(), &(turn * source.centroid().unwrap()));
    }
}

#[test]
fn half_of_each_scene_is_enough() {
    let (target, source) = (relief(0.04, |x, _| x < 4.3), relief(0.038, |x, _| x > 1.7));
    for turn in turns() {
        let found = Aligner::default().align(&source.transformed(&turn), &target).unwrap();
        assert_found(&found, &turn.inverse(), &(turn * source.centroid().unwrap()));
        assert!((0.4..0.8).contains(&found.overlap), "{}", found.overlap);
    }
}

#[test]
fn backwards_is_the_inverse() {
    let (target, source) = (relief(0.05, |x, _| x < 5.0), relief(0.047, |x, _| x > 1.0));
    let source = source.transformed(&turns()[1]);
    let there = Aligner::default().align(&source, &target).unwrap().target_from_source;
    let back = Aligner::default().align(&target, &source).unwrap().target_from_source;
    let (rotation, translation) = error(&(there * back), &Isometry3::identity(), &target.centroid().unwrap());
    assert!(rotation < 2e-3 && translation < 5e-3, "{rotation} {translation}");
}

#[test]
fn scenes_without_anything_in_common_fail() {
    let target = relief(0.05, |_, _| true);
    let ball = |i: usize| {
        // Points that spread evenly over a sphere, by the golden angle, with ripples.
        let (z, turn) = (1.0 - (2 * i + 1) as f64 / 6000.0, 2.399_963 * i as f64);
        let radius = (1.0 - z * z).sqrt();
        let point = Vector3::new(radius * turn.cos(), radius * turn.sin(), z);
        Point3::from(point * (2.0 + 0.1 * (7.0 * z).sin() * (5.0 * turn.cos()).cos()))
    };
    let source = PointCloud::new((0..6000).map(ball).collect()).unwrap();
    for turn in turns() {
        let found = Aligner::default().align(&source.transformed(&turn), &target).unwrap();
        assert_eq!(found.verdict, Verdict::Failed, "{:?}", found.agreement);
    }
}

#[test]
fn what_fits_in_two_ways_is_not_accepted_as_one() {
    // A slab with four bumps in a square: turned by a quarter it is the same.
    let bumps = |x: f64, y: f64| {
        let bump = |a: f64, b: f64| (-((x - a).powi(2) + (y - b).powi(2)) / 0.08).exp();
        0.5 * (bump(1.0, 1.0) + bump(-1.0, 1.0) + bump(1.0, -1.0) + bump(-1.0, -1.0))
    };
    let slab = |spacing: f64| {
        let count = (4.0 / spacing) as usize;
        let point = |i: usize| {
            let (x, y) = ((i % count) as f64 * spacing - 2.0, (i / count) as f64 * spacing - 2.0);
            Point3::new(x, y, bumps(x, y))
        };
        PointCloud::new((0..count * count).map(point).collect()).unwrap()
    };
    let turn = Isometry3::new(Vector3::new(9.0, 2.0, 1.0), Vector3::new(0.5, 0.3, 1.0));
    let found = Aligner::default().align(&slab(0.045).transformed(&turn), &slab(0.04)).unwrap();
    assert_eq!(found.verdict, Verdict::Doubtful, "{:?}", found.agreement);
    assert!(found.runner_up.is_some());
}

#[test]
fn units_and_offsets_change_nothing() {
    let (target, source) =
        (relief(0.05, |x, _| x < 5.0), relief(0.047, |x, _| x > 1.0).transformed(&turns()[0]));
    let plain = Aligner::default().align(&source, &target).unwrap().target_from_source;
    for scale in [1e-3, 1e3] {
        let found = Aligner::default()
            .align(&source.scaled(scale).unwrap(), &target.scaled(scale).unwrap())
            .unwrap()
            .target_from_source;
        assert!((found.rotation.inverse() * plain.rotation).angle() < 1e-7);
        assert!((found.translation.vector / scale - plain.translation.vector).norm() < 1e-6);
    }
    let far = Isometry3::from_parts(Translation3::new(5e6, 5e6, 5e6), Default::default());
    let found = Aligner::default().align(&source.transformed(&far), &target.transformed(&far)).unwrap();
    // Coordinates of 5e6 carry 1e-9 themselves.
    assert!((found.target_from_source.rotation.inverse() * plain.rotation).angle() < 1e-5);
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let (target, source) =
        (relief(0.06, |x, _| x < 5.0), relief(0.055, |x, _| x > 1.0).transformed(&turns()[2]));
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found = pool.install(|| Aligner::default().align(&source, &target).unwrap());
        found.target_from_source.to_homogeneous().map(f64::to_bits)
    };
    assert_eq!(bits(1), bits(3));
}

#[test]
fn transport_alone_turns_a_source_by_ninety_degrees() {
    let (target, source) = (relief(0.05, |_, _| true), relief(0.047, |_, _| true));
    let center = target.centroid().unwrap().coords;
    for axis in [Vector3::z(), Vector3::new(1.0, 1.0, 0.3).normalize()] {
        let about = Isometry3::from(Translation3::from(center))
            * Isometry3::new(Vector3::zeros(), axis * 90f64.to_radians())
            * Isometry3::from(Translation3::from(-center));
        let aligner = Aligner { method: Method::Transport, initial: Some(about), ..Aligner::default() };
        let found = aligner.align(&source, &target).unwrap();
        assert_found(&found, &Isometry3::identity(), &source.centroid().unwrap());
        assert_eq!(found.convergence.status, Status::Converged);
        assert!(found.stages.iter().any(|stage| stage.name == "transport"));
    }
}

#[test]
fn a_scale_is_found_where_asked_for_and_named_where_not() {
    let (target, source) = (relief(0.05, |_, _| true), relief(0.05, |_, _| true));
    let turn = turns()[1];
    for scale in [0.5, 1.04, 3.0] {
        let smaller = source.transformed(&turn).scaled(1.0 / scale).unwrap();
        let found = SimilarityAligner::default().align(&smaller, &target).unwrap();
        assert!((found.target_from_source.scaling() / scale - 1.0).abs() < 1e-4, "{scale}");
        let at = smaller.centroid().unwrap();
        let truth = turn.inverse() * Point3::from(at.coords * scale);
        assert!((found.target_from_source * at - truth).norm() < 1e-2, "{scale}");
        assert_eq!(found.registration.verdict, Verdict::Accepted);
    }
    let found = Aligner::default().align(&source.scaled(1.0 / 1.04).unwrap(), &target).unwrap();
    assert_ne!(found.verdict, Verdict::Accepted);
    let refused = SimilarityAligner { range: 1.0, ..SimilarityAligner::default() };
    assert!(refused.align(&source, &target).unwrap_err().to_string().contains("range"));
}

#[test]
fn a_shape_that_is_nearly_symmetric_is_not_accepted_the_wrong_way_round() {
    // An egg whose halves differ little: by eye only its ends tell which way it lies.
    let egg = |seed: u64| {
        let mut draws = Draws::new(seed);
        let point = |_| {
            let way = Vector3::from_fn(|_, _| draws.normal()).normalize();
            let radius = 1.0 + 0.25 * way.x + 0.3 * way.y * way.z;
            Point3::from(radius * way.component_mul(&Vector3::new(1.6, 1.1, 0.7)))
        };
        PointCloud::new((0..300).map(point).collect()).unwrap()
    };
    for (seed, method) in [(1, Method::Auto), (2, Method::Auto), (3, Method::Sliced), (4, Method::Sliced)] {
        let turn = Isometry3::new(Vector3::new(1.0, 2.0, 3.0), Vector3::new(0.4, 2.0, -1.0 - seed as f64));
        let aligner = Aligner { method, ..Aligner::default() };
        let found = aligner.align(&egg(2 * seed).transformed(&turn), &egg(2 * seed + 1)).unwrap();
        let (rotation, _) = error(&found.target_from_source, &turn.inverse(), &Point3::origin());
        assert!(rotation < 0.2 || found.verdict != Verdict::Accepted, "{seed} {method:?}: {rotation}");
    }
}
