//! Errors of trajectories against closed forms.

use barrow_registration::{Error, absolute_error, drift, drift_lengths, relative_error};
use nalgebra::{Isometry3, Vector3};

type Poses = Vec<Isometry3<f64>>;

/// A winding way, a metre from pose to pose.
fn way(count: usize) -> Poses {
    let mut pose = Isometry3::identity();
    let turn = |at: usize| 0.03 * (0.1 * at as f64).sin();
    (0..count)
        .map(|at| {
            let here = pose;
            pose *= Isometry3::new(Vector3::x(), Vector3::new(0.0, 0.2 * turn(at), turn(at)));
            here
        })
        .collect()
}

#[test]
fn the_same_trajectory_elsewhere_has_no_error() {
    let reference = way(300);
    let elsewhere = Isometry3::new(Vector3::new(4e5, 5e6, 80.0), Vector3::new(0.3, -2.0, 0.7));
    let estimate: Poses = reference.iter().map(|pose| elsewhere * pose).collect();
    let absolute = absolute_error(&estimate, &reference).unwrap();
    assert!(absolute.translation.max < 1e-6 && absolute.rotation.max < 1e-8, "{absolute:?}");
    let off = absolute.reference_from_estimate * elsewhere;
    assert!(off.rotation.angle() < 1e-8);
    let relative = relative_error(&estimate, &reference, 7).unwrap();
    assert_eq!(relative.motions, 293);
    assert!(relative.translation.max < 1e-7 && relative.rotation.max < 1e-7, "{relative:?}");
    let error = drift(&estimate, &reference, &[50.0, 100.0]).unwrap();
    assert!(error.translation < 1e-8 && error.rotation < 1e-8, "{error:?}");
}

#[test]
fn a_longer_wheel_drifts_by_its_excess() {
    let straight = |step: f64| -> Poses {
        (0..1000).map(|at| Isometry3::translation(step * at as f64, 0.0, 0.0)).collect()
    };
    let (reference, estimate) = (straight(1.0), straight(1.02));
    let lengths = drift_lengths(&reference);
    assert_eq!(lengths, [100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0]);
    let error = drift(&estimate, &reference, &lengths).unwrap();
    // From pose to the first one beyond the length: 101 steps for 100 m.
    let over = |length: f64| 0.02 * (length + 1.0) / length;
    for (length, translation, rotation, stretches) in &error.by_length {
        assert!((translation - over(*length)).abs() < 1e-12, "{length} {translation}");
        assert_eq!(*rotation, 0.0);
        // Starts at 0, 10, 20, … as long as the end is within.
        assert_eq!(*stretches, (1000 - (*length as usize + 1)).div_ceil(10));
    }
    assert_eq!(error.stretches, error.by_length.iter().map(|row| row.3).sum::<usize>());
    // Centred, the k-th pose is off by 0.02·(k − 499.5): the mean square of an even spread.
    let absolute = absolute_error(&estimate, &reference).unwrap().translation;
    let expected = 0.02 * ((1e6 - 1.0) / 12.0f64).sqrt();
    assert!((absolute.rmse - expected).abs() < 1e-9, "{absolute:?}");
    let relative = relative_error(&estimate, &reference, 3).unwrap().translation;
    assert!((relative.rmse - 0.06).abs() < 1e-9 && (relative.median - 0.06).abs() < 1e-9);
}

#[test]
fn a_gyroscope_that_creeps_drifts_by_its_rate() {
    let rate = 1e-4;
    let creeping = |rate: f64| -> Poses {
        let step = Isometry3::new(Vector3::x(), Vector3::new(0.0, 0.0, rate));
        std::iter::successors(Some(Isometry3::identity()), |pose| Some(pose * step)).take(500).collect()
    };
    let error = drift(&creeping(rate), &creeping(0.0), &[100.0]).unwrap();
    // 101 steps on 100 m.
    assert!((error.rotation - 1.01 * rate).abs() < 1e-9, "{error:?}");
    let relative = relative_error(&creeping(rate), &creeping(0.0), 1).unwrap().rotation;
    assert!((relative.mean - rate).abs() < 1e-9 && (relative.max - rate).abs() < 1e-9);
}

#[test]
fn lengths_fit_the_way() {
    assert_eq!(drift_lengths(&way(301)).len(), 2);
    let room: Poses = (0..9).map(|at| Isometry3::translation(0.5 * at as f64, 0.0, 0.0)).collect();
    assert_eq!(drift_lengths(&room), [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5]);
    assert!(drift_lengths(&[Isometry3::identity(); 3]).is_empty());
    assert!(drift_lengths(&[]).is_empty());
}

#[test]
fn a_line_of_places_has_an_alignment_too() {
    let line: Poses = (0..5).map(|at| Isometry3::translation(at as f64, 0.0, 0.0)).collect();
    let turned = Isometry3::rotation(Vector3::new(0.0, 1.0, 0.5));
    let estimate: Poses = line.iter().map(|pose| turned * pose).collect();
    assert!(absolute_error(&estimate, &line).unwrap().translation.max < 1e-12, "a line");
    // Standing still, all places are one.
    let still = [Isometry3::translation(1.0, 2.0, 3.0); 4];
    assert_eq!(absolute_error(&still, &[Isometry3::identity(); 4]).unwrap().translation.max, 0.0);
    // A mirror image is not laid on by a reflection.
    let corner: Poses = [Vector3::zeros(), Vector3::x(), Vector3::y() * 2.0, Vector3::z() * 3.0]
        .map(|place| Isometry3::from_parts(place.into(), Default::default()))
        .to_vec();
    let mirrored: Poses = corner
        .iter()
        .map(|pose| Isometry3::translation(-pose.translation.x, pose.translation.y, pose.translation.z))
        .collect();
    let absolute = absolute_error(&mirrored, &corner).unwrap();
    assert!(absolute.translation.rmse > 0.1);
    let turn = absolute.reference_from_estimate.rotation.to_rotation_matrix();
    assert!((turn.matrix().determinant() - 1.0).abs() < 1e-12);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let poses = way(20);
    let length = Error::TrajectoryLength { estimate: 19, reference: 20, least: 1 };
    assert_eq!(absolute_error(&poses[..19], &poses).err(), Some(length));
    assert!(absolute_error(&[], &[]).is_err());
    assert!(relative_error(&poses, &poses, 0).is_err());
    assert!(relative_error(&poses, &poses, 20).is_err());
    assert!(relative_error(&poses, &poses, usize::MAX).is_err());
    assert!(matches!(drift(&poses, &poses, &[100.0]).err(), Some(Error::TrajectoryTooShort { .. })));
    assert!(matches!(drift(&poses, &poses, &[]).err(), Some(Error::TrajectoryTooShort { .. })));
    for length in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(drift(&poses, &poses, &[length]).is_err());
    }
    let mut broken = poses.clone();
    broken[3].translation.vector.x = f64::NAN;
    assert_eq!(drift(&broken, &poses, &[5.0]).err(), Some(Error::InvalidPose));
}

#[test]
fn a_drive_straight_on_tells_its_roll_by_orientations() {
    // Along x with a wobble across that is smaller than what the estimate is off by; and a frame rolled by half a radian.
    let reference: Vec<_> = (0..40)
        .map(|i| {
            let i = f64::from(i);
            Isometry3::new(
                Vector3::new(i, 1e-3 * (1.7 * i).sin(), 1e-3 * i.cos()),
                0.01 * (0.3 * i).sin() * Vector3::z(),
            )
        })
        .collect();
    let frame = Isometry3::rotation(0.5 * Vector3::x());
    let off =
        |i: usize| Isometry3::translation(0.0, 4e-3 * (2.1 * i as f64).cos(), 4e-3 * (0.9 * i as f64).sin());
    let estimate: Vec<_> = reference.iter().enumerate().map(|(i, pose)| frame * off(i) * pose).collect();
    let absolute = absolute_error(&estimate, &reference).unwrap();
    assert!(absolute.rotation.max < 2e-3, "{:?}", absolute.rotation);
    assert!(absolute.translation.rmse < 6e-3, "{:?}", absolute.translation);
}
