//! What must not change the answer, or change it in a known way.

mod common;

use barrow_geometry::PointCloud;
use barrow_registration::{Aligner, Method, Registration};
use common::{error, landscape, motion};
use nalgebra::{Isometry3, Point3, Translation3, Vector3};

fn gicp() -> Aligner {
    Aligner { method: Method::Gicp, ..Aligner::default() }
}

fn pair() -> (PointCloud, PointCloud) {
    let target = landscape(50);
    (target.transformed(&motion().inverse()), target)
}

fn bits(found: &Registration) -> Vec<u64> {
    let matrix = found.target_from_source.to_homogeneous();
    let numbers = matrix.iter().chain(found.information.iter()).copied();
    numbers.chain([found.fitness, found.overlap, found.inlier_rmse.unwrap()]).map(f64::to_bits).collect()
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let (source, target) = pair();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        bits(&pool.install(|| Aligner::default().align(&source, &target).unwrap()))
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(5));
}

#[test]
fn backwards_returns_the_inverse() {
    let (source, target) = pair();
    let there = gicp().align(&source, &target).unwrap().target_from_source;
    let back = gicp().align(&target, &source).unwrap().target_from_source;
    let (rotation, translation) = error(&(there * back), &Isometry3::identity(), &target.centroid().unwrap());
    assert!(rotation < 2e-3 && translation < 2e-3, "{rotation} {translation}");
}

#[test]
fn an_offset_of_ten_thousand_kilometres_changes_nothing_that_matters() {
    let (source, target) = pair();
    let plain = gicp().align(&source, &target).unwrap().target_from_source;
    let far = Isometry3::from_parts(Translation3::new(1e7, -5e6, 3e6), Default::default());
    let found = gicp().align(&source.transformed(&far), &target.transformed(&far)).unwrap();
    let expected = far * plain * far.inverse();
    let at = far * source.centroid().unwrap();
    let (rotation, translation) = error(&found.target_from_source, &expected, &at);
    // A coordinate of 1e7 m itself is known to 2e-9 m.
    assert!(rotation < 1e-6 && translation < 1e-6, "{rotation} {translation}");
}

#[test]
fn a_source_far_from_its_target_is_found_from_a_far_initial_pose() {
    let (source, target) = pair();
    let far = Isometry3::from_parts(Translation3::new(4e5, 5e6, 0.0), Default::default());
    let initial = Some(far);
    let found = Aligner { initial, ..gicp() }.align(&source, &target.transformed(&far)).unwrap();
    let (rotation, translation) =
        error(&found.target_from_source, &(far * motion()), &source.centroid().unwrap());
    assert!(rotation < 2e-3 && translation < 2e-3, "{rotation} {translation}");
}

#[test]
fn the_unit_of_length_changes_nothing() {
    let (source, target) = pair();
    let plain = gicp().align(&source, &target).unwrap();
    for scale in [1e-9, 1e-3, 1e3] {
        let scaled = |cloud: &PointCloud| {
            let points = cloud.positions().iter().map(|p| Point3::from(p.coords * scale)).collect();
            PointCloud::new(points).unwrap()
        };
        let found = gicp().align(&scaled(&source), &scaled(&target)).unwrap();
        let mut expected = plain.target_from_source;
        expected.translation.vector *= scale;
        let at = Point3::from(source.centroid().unwrap().coords * scale);
        let (rotation, translation) = error(&found.target_from_source, &expected, &at);
        assert!(rotation < 1e-6 && translation / scale < 1e-6, "{scale}: {rotation} {translation}");
        assert!((found.voxel_size / scale / plain.voxel_size - 1.0).abs() < 1e-9);
    }
}

#[test]
fn a_rotation_of_the_source_is_undone() {
    let (source, target) = pair();
    let turn = Isometry3::new(Vector3::new(3.0, -1.0, 2.0), Vector3::new(0.3, 2.0, -1.0));
    let initial = Some(turn.inverse());
    let found = Aligner { initial, ..gicp() }.align(&source.transformed(&turn), &target).unwrap();
    let at = turn * source.centroid().unwrap();
    let (rotation, translation) = error(&found.target_from_source, &(motion() * turn.inverse()), &at);
    assert!(rotation < 2e-3 && translation < 2e-3, "{rotation} {translation}");
}
