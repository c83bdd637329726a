//! Clouds without a unique answer, options out of range, and runs cut short: typed errors or honest
//! answers, never a panic or a NaN.

mod common;

use std::ops::ControlFlow;

use barrow_geometry::{PointCloud, Status};
use barrow_registration::{Aligner, Error, Method, Registration, evaluate};
use common::{METHODS, landscape, motion};
use nalgebra::{Isometry3, Point3, Translation3, Vector3};

fn cloud(points: impl IntoIterator<Item = Point3<f64>>) -> PointCloud {
    PointCloud::new(points.into_iter().collect()).unwrap()
}

fn finite(found: &Registration) -> bool {
    found.target_from_source.to_homogeneous().iter().all(|v| v.is_finite())
        && found.information.iter().all(|v| v.is_finite())
        && found.fitness.is_finite()
        && found.overlap.is_finite()
}

#[test]
fn an_empty_cloud_is_an_error_that_names_its_role() {
    let (empty, full) = (PointCloud::default(), landscape(10));
    let message = |result: Result<Registration, Error>| result.unwrap_err().to_string();
    assert_eq!(message(Aligner::default().align(&empty, &full)), "the source cloud has no points");
    assert_eq!(message(Aligner::default().align(&full, &empty)), "the target cloud has no points");
    let pose = Isometry3::identity();
    assert!(evaluate(&empty, &full, &pose, 1.0).is_err() && evaluate(&full, &empty, &pose, 1.0).is_err());
}

#[test]
fn degenerate_clouds_answer_without_a_nan() {
    let line = || cloud((0..50).map(|i| Point3::new(0.1 * i as f64, 0.0, 0.0)));
    let plane = || cloud((0..400).map(|i| Point3::new((i % 20) as f64, (i / 20) as f64, 0.0)));
    let same = || cloud((0..50).map(|_| Point3::new(1.0, 2.0, 3.0)));
    let one = || cloud([Point3::new(1.0, 2.0, 3.0)]);
    let two = || cloud([Point3::origin(), Point3::new(1e-9, 0.0, 0.0)]);
    for method in METHODS {
        for (name, made) in
            [("line", line()), ("plane", plane()), ("same", same()), ("one", one()), ("two", two())]
        {
            let found = Aligner { method, ..Aligner::default() }.align(&made, &made);
            let found = found.unwrap_or_else(|error| panic!("{method:?} {name}: {error}"));
            assert!(finite(&found), "{method:?} {name}: {found:?}");
            // Already aligned: whatever is free must have been left alone.
            let at = made.centroid().unwrap();
            assert!((found.target_from_source * at - at).norm() < 1e-6, "{method:?} {name}");
        }
    }
}

#[test]
fn the_largest_and_the_smallest_coordinates_answer_without_a_nan() {
    for size in [1e150, 1e100, 1e-100, 1e-200] {
        let made = cloud(landscape(12).positions().iter().map(|p| Point3::from(p.coords * (size / 5.0))));
        for method in METHODS {
            match (Aligner { method, ..Aligner::default() }).align(&made, &made) {
                Ok(found) => assert!(finite(&found), "{method:?} {size}: {found:?}"),
                // What the scales themselves make impossible may be refused, by name.
                Err(error) => assert!(matches!(error, Error::Geometry(_)), "{method:?} {size}: {error}"),
            }
        }
    }
}

#[test]
fn a_plane_holds_back_its_three_free_directions() {
    let plane = cloud((0..900).map(|i| Point3::new((i % 30) as f64, (i / 30) as f64, 0.0)));
    let lifted = plane.transformed(&Isometry3::translation(0.0, 0.0, 0.3));
    let aligner = Aligner { method: Method::PointToPlane, ..Aligner::default() };
    let found = aligner.align(&plane, &lifted).unwrap();
    assert_eq!(found.degenerate_directions.len(), 3);
    assert!(found.covariance.is_none());
    let shift = found.target_from_source.translation.vector;
    assert!((shift - Vector3::new(0.0, 0.0, 0.3)).norm() < 1e-6, "{shift}");
}

#[test]
fn clouds_out_of_reach_of_a_given_pose_are_an_error() {
    let near = landscape(20);
    let far = near.transformed(&Isometry3::translation(1e4, 0.0, 0.0));
    let initial = Some(Isometry3::identity());
    let result = Aligner { method: Method::Gicp, initial, ..Aligner::default() }.align(&near, &far);
    assert!(matches!(result, Err(Error::NoCorrespondences { .. })), "{result:?}");
}

#[test]
fn options_out_of_range_are_named() {
    let target = landscape(10);
    let refused = |aligner: Aligner| aligner.align(&target, &target).unwrap_err().to_string();
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let voxel_size = Some(bad);
        assert!(refused(Aligner { voxel_size, ..Aligner::default() }).starts_with("voxel_size must be"));
        let max_distance = Some(bad);
        assert!(refused(Aligner { max_distance, ..Aligner::default() }).starts_with("max_distance must be"));
        assert!(refused(Aligner { tolerance: bad, ..Aligner::default() }).starts_with("tolerance must be"));
    }
    assert!(
        refused(Aligner { max_iterations: 0, ..Aligner::default() }).starts_with("max_iterations must be")
    );
    let initial = Isometry3::from_parts(Translation3::new(f64::NAN, 0.0, 0.0), Default::default());
    let initial = Some(initial);
    assert_eq!(Aligner { initial, ..Aligner::default() }.align(&target, &target), Err(Error::InvalidPose));
}

#[test]
fn a_stopped_run_answers_with_the_pose_so_far() {
    let target = landscape(40);
    let source = target.transformed(&motion().inverse());
    for steps in [1, 3, 6] {
        let mut seen = 0;
        let found = Aligner::default()
            .align_with(&source, &target, |_| {
                seen += 1;
                if seen == steps { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .unwrap();
        assert_eq!(found.convergence.status, Status::Stopped, "{steps}");
        assert!(finite(&found) && found.stages.iter().map(|s| s.iterations).sum::<usize>() == steps);
    }
}

#[test]
fn a_run_that_is_never_stepped_answers_with_the_initial_pose() {
    let target = landscape(20);
    let found = Aligner { initial: Some(motion()), ..Aligner::default() }
        .start(&target, &target)
        .unwrap()
        .finish()
        .unwrap();
    assert_eq!(found.convergence.status, Status::Stopped);
    assert!((found.target_from_source.to_homogeneous() - motion().to_homogeneous()).amax() < 1e-12);
}
