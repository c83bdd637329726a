//! Trajectories survive their files, and files that are none are refused with the line.

use std::path::PathBuf;

use barrow_io::{Error, Place, Trajectory, TrajectoryFormat, read_trajectory, write_trajectory};
use nalgebra::{Isometry3, Vector3};

fn folder_with(content: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("poses.txt");
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

fn sample() -> Trajectory {
    let pose = |at: usize| {
        let at = at as f64;
        Isometry3::new(
            Vector3::new(4.5e5 + at, 5.4e6 - 2.0 * at, 0.1 * at),
            Vector3::new(0.3 * at, -0.2, 0.1),
        )
    };
    let times = (0..9).map(|at| 1_700_000_000.123456 + 0.1 * f64::from(at)).collect();
    Trajectory { poses: (0..9).map(pose).collect(), times: Some(times) }
}

#[test]
fn both_formats_give_back_what_they_were_given() {
    let trajectory = sample();
    for format in [TrajectoryFormat::Kitti, TrajectoryFormat::Tum] {
        let (_folder, path) = folder_with("");
        write_trajectory(&path, &trajectory, format).unwrap();
        let back = read_trajectory(&path).unwrap();
        assert_eq!(back.times.is_some(), format == TrajectoryFormat::Tum);
        if let Some(times) = &back.times {
            assert_eq!(Some(times), trajectory.times.as_ref());
        }
        for (a, b) in back.poses.iter().zip(&trajectory.poses) {
            assert_eq!(a.translation, b.translation);
            assert!(a.rotation.angle_to(&b.rotation) < 1e-7);
        }
        assert_eq!(back.poses.len(), 9);
    }
}

#[test]
fn without_times_tum_counts() {
    let (_folder, path) = folder_with("");
    let trajectory = Trajectory { times: None, ..sample() };
    write_trajectory(&path, &trajectory, TrajectoryFormat::Tum).unwrap();
    assert_eq!(read_trajectory(&path).unwrap().times, Some((0..9).map(f64::from).collect()));
}

#[test]
fn comments_commas_and_blank_lines_are_read() {
    let (_folder, path) = folder_with("# time x y z qx qy qz qw\r\n\r\n1.5, 1,2,3, 0,0,0,1 # home\n\n");
    let trajectory = read_trajectory(&path).unwrap();
    assert_eq!(trajectory.times, Some(vec![1.5]));
    assert_eq!(trajectory.poses, [Isometry3::translation(1.0, 2.0, 3.0)]);
    let (_folder, empty) = folder_with("# nothing yet\n");
    assert_eq!(read_trajectory(&empty).unwrap(), Trajectory::default());
}

#[test]
fn faults_are_told_with_their_line() {
    let identity = "1 0 0 0 0 1 0 0 0 0 1 0\n";
    let cases = [
        ("1 0 0 0 0 1 0 0 0 0 1", "11 numbers"),
        ("0 0 0 0 0 0 0 1", "mixed"),
        ("nan 0 0 0 0 1 0 0 0 0 1 0", "not a finite number"),
        ("1 0 0 0 0 1 0 0 0 0 1 1e999", "not a finite number"),
        ("one 0 0 0 0 1 0 0 0 0 1 0", "\"one\""),
        ("2 0 0 0 0 2 0 0 0 0 2 0", "scale 2"),
        ("1 0 0 0 0 1 0 0 0 0 -1 0", "reflection"),
        ("0 0 0 0 0 0 0 0 0 0 0 0", "not a rigid transform"),
    ];
    for (line, word) in cases {
        let (_folder, path) = folder_with(format!("{identity}{line}\n"));
        let error = read_trajectory(&path).unwrap_err();
        assert!(matches!(error, Error::Malformed { place: Place::Line(2), .. }), "{line}: {error}");
        assert!(error.to_string().contains(word), "{line}: {error}");
    }
    let (_folder, path) = folder_with("1 0 0 0 0 0 0 0.5\n");
    assert!(read_trajectory(&path).unwrap_err().to_string().contains("quaternion of length 0.5"));
    // Bytes that are no text at all.
    let (_folder, path) = folder_with([0u8, 159, 146, 150, 255]);
    assert!(matches!(read_trajectory(&path), Err(Error::Malformed { .. })));
}

#[test]
fn what_cannot_be_written_leaves_what_was_there() {
    let (_folder, path) = folder_with("before\n");
    let uneven = Trajectory { times: Some(vec![0.0]), ..sample() };
    assert!(write_trajectory(&path, &uneven, TrajectoryFormat::Tum).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "before\n");
    assert!(read_trajectory(path.with_extension("missing")).is_err());
}
