//! Matches by transport: they find their way from far off, and know which of them say little.

mod common;

use barrow_geometry::PointCloud;
use barrow_registration::{Aligner, Matcher, Method, TransportMatcher, Unmatched, Verdict};
use common::{error, landscape};
use nalgebra::{Isometry3, Point3, Vector3};

/// Half of a landscape's edge, shared by both, and a start that is turned by 90° about an axis of its own.
fn far_off() -> (PointCloud, PointCloud, Isometry3<f64>) {
    let part = |side: usize, keep: &dyn Fn(&Point3<f64>) -> bool| {
        let points = landscape(side).positions().iter().copied().filter(|point| keep(point)).collect();
        PointCloud::new(points).unwrap()
    };
    let (source, target) = (part(90, &|point| point.x < 3.4), part(80, &|point| point.x > 0.6));
    let center = source.centroid().unwrap().coords;
    let turn = Isometry3::rotation(Vector3::new(0.5, -0.3, 0.8).normalize() * std::f64::consts::FRAC_PI_2);
    let about = Isometry3::from(center + Vector3::new(0.1, 0.1, -0.05)) * turn * Isometry3::from(-center);
    (source, target, about)
}

#[test]
fn a_quarter_turn_is_found_back() {
    let (source, target, start) = far_off();
    for method in [Method::Transport, Method::Sliced] {
        let aligner = Aligner { method, initial: Some(start), ..Aligner::default() };
        let found = aligner.align(&source, &target).unwrap();
        let (rotation, translation) =
            error(&found.target_from_source, &Isometry3::identity(), &source.centroid().unwrap());
        assert!(rotation < 2e-3 && translation < 2e-3, "{method:?}: {rotation} {translation}");
        assert_eq!(found.verdict, Verdict::Accepted, "{method:?}");
    }
}

#[test]
fn lines_are_the_same_on_any_number_of_threads() {
    let (source, target, start) = far_off();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let aligner = Aligner { method: Method::Sliced, initial: Some(start), ..Aligner::default() };
        let found = pool.install(|| aligner.align(&source, &target).unwrap());
        found.target_from_source.to_homogeneous().map(f64::to_bits)
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn the_unit_of_length_does_not_matter_to_lines() {
    let (source, target, start) = far_off();
    let aligner = Aligner { method: Method::Sliced, initial: Some(start), ..Aligner::default() };
    let plain = aligner.align(&source, &target).unwrap().target_from_source;
    for scale in [1e-3, 1e3] {
        let mut start = start;
        start.translation.vector *= scale;
        let aligner = Aligner { initial: Some(start), ..aligner.clone() };
        let found = aligner.align(&source.scaled(scale).unwrap(), &target.scaled(scale).unwrap()).unwrap();
        let mut expected = plain;
        expected.translation.vector *= scale;
        let (rotation, translation) =
            error(&found.target_from_source, &expected, &(source.centroid().unwrap() * scale));
        assert!(rotation < 1e-6 && translation < 1e-6 * scale, "{scale}: {rotation} {translation}");
    }
}

#[test]
fn a_point_that_could_go_to_two_places_says_less_than_one_that_has_to_go_to_one() {
    let (sure, torn) = (Point3::origin(), Point3::new(100.0, 0.0, 0.0));
    let aside = Vector3::new(0.0, 1.0, 0.0);
    let target = PointCloud::new(vec![sure + aside, torn + aside, torn - aside]).unwrap();
    let mut matcher = TransportMatcher::new(&target, 0.5).unwrap();
    let source = [sure, torn];
    while !matcher.cooled() {
        matcher.correspond(&source, &Isometry3::identity()).unwrap();
    }
    let pairs = matcher.correspond(&source, &Isometry3::identity()).unwrap();
    assert_eq!(pairs.len(), 2);
    assert!((pairs[0].target - (sure + aside)).norm() < 1e-6 && (pairs[1].target - torn).norm() < 1e-2);
    // Its places have a variance of 1 m², forty times what counts as one place at a blur of half a metre.
    let ratio = pairs[1].weight / pairs[0].weight;
    assert!(ratio < 2.2 / 41.0 && ratio > 0.0, "{ratio}");
}

#[test]
fn a_cut_leaves_behind_what_has_no_partner() {
    let grid = |from: usize| (from..from + 20).map(|i| Point3::new(i as f64, 0.3 * (i as f64).sin(), 0.0));
    // Ten points of either side are the other's; the rest has nothing within ten blurs.
    let target = PointCloud::new(grid(10).collect()).unwrap();
    let source: Vec<Point3<f64>> = grid(0).collect();
    let shares = |unmatched| {
        let mut matcher = TransportMatcher::new(&target, 0.8).unwrap().leaving(unmatched);
        while !matcher.cooled() {
            matcher.correspond(&source, &Isometry3::identity()).unwrap();
        }
        let pairs = matcher.correspond(&source, &Isometry3::identity()).unwrap();
        let share = |within: std::ops::Range<usize>| {
            let inside = pairs.iter().filter(|pair| within.contains(&pair.source));
            inside.map(|pair| pair.weight).sum::<f64>()
        };
        (share(12..20), share(7..10), share(0..6))
    };
    let [cut, relaxed] = [Unmatched::Cut, Unmatched::Relaxed].map(|unmatched| {
        let (kept, beside, left) = shares(unmatched);
        assert!(kept > 0.0 && left < 0.01 * kept, "{unmatched:?}: {kept} {left}");
        beside / kept
    });
    // One to three metres beside the other cloud relaxed points still have a say.
    assert!(cut < 0.7 * relaxed, "{cut} {relaxed}");
}

#[test]
fn a_cut_finds_its_way_too() {
    let (source, target, start) = far_off();
    let aligner = Aligner {
        method: Method::Transport,
        unmatched: Unmatched::Cut,
        initial: Some(start),
        ..Aligner::default()
    };
    let found = aligner.align(&source, &target).unwrap();
    let (rotation, translation) =
        error(&found.target_from_source, &Isometry3::identity(), &source.centroid().unwrap());
    assert!(rotation < 2e-3 && translation < 2e-3, "{rotation} {translation}");
}
