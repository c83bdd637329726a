//! Registrations whose answer is known by construction.

mod common;

use barrow_geometry::{NearestDistances, PointCloud, Status};
use barrow_registration::{Aligner, Fit, Kernel, Matcher, Method, NearestMatcher, evaluate};
use common::{METHODS, error, landscape, motion};
use nalgebra::{Isometry3, Point3, Vector3};

#[test]
fn every_method_finds_a_known_motion() {
    let target = landscape(60);
    let source = target.transformed(&motion().inverse());
    for method in METHODS {
        let found = Aligner { method, ..Aligner::default() }.align(&source, &target).unwrap();
        let (rotation, translation) =
            error(&found.target_from_source, &motion(), &source.centroid().unwrap());
        // Both clouds are thinned on their own grids: the same surface, other samples.
        let tolerance = if method == Method::PointToPoint { 2e-2 } else { 2e-3 };
        assert!(rotation < tolerance && translation < tolerance, "{method:?}: {rotation} {translation}");
        assert_eq!(found.convergence.status, Status::Converged, "{method:?}");
        assert!(found.fitness > 0.99, "{method:?}: {}", found.fitness);
    }
}

#[test]
fn every_kernel_survives_a_tenth_of_outliers() {
    let target = landscape(50);
    let mut points = target.transformed(&motion().inverse()).positions().to_vec();
    for (index, point) in points.iter_mut().enumerate().filter(|(index, _)| index % 10 == 0) {
        point.z += 0.3 + 0.1 * (index as f64).sin();
    }
    let source = PointCloud::new(points).unwrap();
    for kernel in [Kernel::Huber, Kernel::Cauchy, Kernel::GemanMcClure, Kernel::Tukey, Kernel::Adaptive] {
        let aligner = Aligner { kernel, method: Method::Gicp, voxel_size: Some(0.08), ..Aligner::default() };
        let found = aligner.align(&source, &target).unwrap();
        let (rotation, translation) =
            error(&found.target_from_source, &motion(), &source.centroid().unwrap());
        assert!(rotation < 0.02 && translation < 0.03, "{kernel:?}: {rotation} {translation}");
    }
}

#[test]
fn a_start_at_the_answer_stays_there() {
    let target = landscape(40);
    for method in METHODS {
        let found = Aligner { method, ..Aligner::default() }.align(&target, &target).unwrap();
        let (rotation, translation) =
            error(&found.target_from_source, &Isometry3::identity(), &target.centroid().unwrap());
        // A cell's mean is none of the source's points.
        let tolerance = if method == Method::VoxelGicp { 1e-3 } else { 1e-9 };
        assert!(rotation < tolerance && translation < tolerance, "{method:?}: {rotation} {translation}");
        assert_eq!(found.inlier_rmse.map(|rmse| rmse < tolerance), Some(true));
    }
}

#[test]
fn two_points_by_hand() {
    let target =
        PointCloud::new(vec![Point3::origin(), Point3::new(1.0, 0.0, 0.0), Point3::new(0.0, 2.0, 0.0)])
            .unwrap();
    let source = [Point3::new(0.0, 0.1, 0.0), Point3::new(1.0, 0.0, 0.6)];
    let pairs =
        NearestMatcher::new(&target, 0.5).unwrap().correspond(&source, &Isometry3::identity()).unwrap();
    assert_eq!(pairs.len(), 1);
    assert_eq!((pairs[0].source, pairs[0].target), (0, Point3::origin()));

    let source = PointCloud::new(source.to_vec()).unwrap();
    let fit = evaluate(&source, &target, &Isometry3::identity(), 0.5).unwrap();
    assert_eq!((fit.inliers, fit.fitness), (1, 0.5));
    assert!((fit.inlier_rmse.unwrap() - 0.1).abs() < 1e-15);
    assert!((fit.overlap - 1.0 / 3.0).abs() < 1e-15);
}

#[test]
fn covariance_is_the_inverse_information_times_the_residual_variance() {
    let target = landscape(40);
    let noise = |index: usize| 0.01 * ((index * 7919 % 1000) as f64 / 500.0 - 1.0);
    let points = target.positions().iter().enumerate().map(|(i, p)| p + Vector3::z() * noise(i)).collect();
    let source = PointCloud::new(points).unwrap();
    let found =
        Aligner { method: Method::PointToPlane, ..Aligner::default() }.align(&source, &target).unwrap();
    let product = found.covariance.unwrap() * found.information;
    let scale = product[(0, 0)];
    assert!(scale > 0.0 && scale < 1e-3, "{scale}");
    assert!((product / scale - nalgebra::Matrix6::identity()).amax() < 1e-6);
}

#[test]
fn a_fit_from_distances_is_the_fit_from_a_search() {
    let (source, target) = (landscape(50), landscape(61).transformed(&motion()));
    let pose = motion() * Isometry3::new(Vector3::new(0.05, 0.02, -0.03), Vector3::new(0.01, 0.0, 0.02));
    let nearest = NearestDistances::between(&source.transformed(&pose), &target).unwrap();
    for gate in [0.02, 0.05, 0.2] {
        let wanted = evaluate(&source, &target, &pose, gate).unwrap();
        let found = Fit::of_distances(&nearest, gate).unwrap();
        assert_eq!((found.inliers, found.fitness), (wanted.inliers, wanted.fitness));
        assert!((found.inlier_rmse.unwrap() - wanted.inlier_rmse.unwrap()).abs() < 1e-12);
        assert!((found.overlap - wanted.overlap).abs() < 1e-12);
        assert!(found.inliers > 0 && (gate > 0.1 || found.inliers < source.len()), "the gate decides");
    }
    assert!(Fit::of_distances(&nearest, 0.0).is_err());
}
