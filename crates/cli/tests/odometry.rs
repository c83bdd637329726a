//! A sequence from the command line: poses, drift, and what is told where there are none.
#![allow(missing_docs)]

mod command;

use std::path::Path;

use command::{Run, barrow, files};
use serde_json::Value;

/// A folder with a short bent drive in `drive`.
fn folder_with_drive(scans: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let arguments = format!("synth street --scans {scans} --points 6000 --distorted --out drive");
    barrow(folder.path(), &arguments).expect(0);
    folder
}

fn drift(folder: &Path, poses: &str) -> Value {
    let run: Run =
        barrow(folder, &format!("evaluate --trajectory {poses} --reference drive/poses.txt --json"));
    run.expect(0).json()
}

#[test]
fn a_folder_is_followed_and_measured() {
    let folder = folder_with_drive(14);
    let answer = barrow(folder.path(), "odometry drive --out poses.txt --json").expect(0).json();
    assert_eq!((&answer["scans"], &answer["tracked"]), (&14.into(), &14.into()));
    for trouble in ["lost", "restarted", "skipped"] {
        assert_eq!(answer[trouble], 0);
    }
    assert_eq!((&answer["format"], &answer["timestamps"]), (&"kitti".into(), &"points".into()));
    assert_eq!(answer["out"], "poses.txt");
    let poses = answer["poses"].as_array().expect("a list");
    assert_eq!(poses.len(), 14);
    assert_eq!(poses[13]["T_world_scan"][3], serde_json::json!([0.0, 0.0, 0.0, 1.0]));
    assert_eq!(poses[0]["tracking"], "started");
    assert!(poses[13]["path"].as_str().expect("a path").ends_with("scan_013.ply"));
    for key in ["fitness", "inlier_rmse", "threshold", "deviation", "iterations", "seconds"] {
        assert!(poses[13][key].is_number(), "{key}");
    }
    let measured = drift(folder.path(), "poses.txt");
    assert_eq!((&measured["poses"], &measured["matched_by"]), (&14.into(), &"order".into()));
    assert!(measured["drift"]["translation_percent"].as_f64().expect("a number") < 2.0, "{measured}");
    assert!(measured["ate"]["translation"]["rmse"].as_f64().expect("a number") < 0.05, "{measured}");
    assert!(measured["rpe"]["rotation_deg"]["rmse"].as_f64().expect("a number") < 0.3, "{measured}");
}

#[test]
fn threads_and_the_order_of_names_change_nothing() {
    let folder = folder_with_drive(4);
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("written");
    barrow(folder.path(), "odometry drive --out a.txt").expect(0);
    barrow(folder.path(), "odometry drive --out b.txt --threads 1").expect(0);
    let files = "drive/scan_002.ply drive/scan_000.ply drive/scan_003.ply drive/scan_001.ply";
    barrow(folder.path(), &format!("odometry {files} --out c.txt --threads 3")).expect(0);
    assert_eq!(read("a.txt"), read("b.txt"));
    assert_eq!(read("a.txt"), read("c.txt"));
}

#[test]
fn tum_has_the_times_of_the_points() {
    let folder = folder_with_drive(4);
    barrow(folder.path(), "odometry drive --out poses.tum --format tum").expect(0);
    let text = std::fs::read_to_string(folder.path().join("poses.tum")).expect("written");
    let times: Vec<f64> = text
        .lines()
        .map(|line| line.split(' ').next().and_then(|word| word.parse().ok()).expect("a number"))
        .collect();
    for (scan, time) in times.iter().enumerate() {
        assert!((time - 0.1 * scan as f64).abs() < 1e-3, "{times:?}");
    }
    // By time against itself without the second pose.
    let fewer: String =
        text.lines().enumerate().filter(|(at, _)| *at != 1).map(|(_, line)| format!("{line}\n")).collect();
    std::fs::write(folder.path().join("fewer.tum"), fewer).expect("writable");
    let run = barrow(folder.path(), "evaluate --trajectory poses.tum --reference fewer.tum --json");
    let answer = run.expect(0).json();
    assert_eq!((&answer["poses"], &answer["matched_by"]), (&3.into(), &"time".into()));
    assert!(answer["ate"]["translation"]["max"].as_f64().expect("a number") < 1e-9);
}

#[test]
fn scans_without_points_are_skipped_unless_strict() {
    let folder = folder_with_drive(6);
    let empty = "ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nproperty float y\nproperty float z\nend_header\n";
    std::fs::write(folder.path().join("drive/scan_003.ply"), empty).expect("writable");
    let run = barrow(folder.path(), "odometry drive --out poses.txt --json").expect(0);
    assert!(run.err.contains("scan_003.ply: skipped"), "{}", run.err);
    assert_eq!(run.json()["skipped"], 1);
    let run = barrow(folder.path(), "odometry drive --out asked.txt --require-tracked --json").expect(4);
    assert_eq!(run.json()["tracked"], 5);
    let run = barrow(folder.path(), "odometry drive --out strict.txt --strict");
    run.refused(&["scan_003.ply", "no points"]);
    assert!(!folder.path().join("strict.txt").exists());
}

#[test]
fn what_is_no_sequence_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let here = folder.path();
    std::fs::create_dir(here.join("none")).expect("writable");
    std::fs::write(here.join("few.xyz"), "0 0 0\n1 0 0\n").expect("writable");
    std::fs::write(here.join("bad.ply"), "ply\nformat ascii 1.0\n").expect("writable");
    barrow(here, "odometry none --out poses.txt").refused(&["none", "holds no clouds"]);
    barrow(here, "odometry missing.ply --out poses.txt").refused(&["missing.ply"]);
    barrow(here, "odometry few.xyz bad.ply --out poses.txt").refused(&["bad.ply"]);
    barrow(here, "odometry few.xyz --out poses.txt --quiet").refused(&["none of 1 scans"]);
    barrow(here, "odometry few.xyz --out poses.txt --voxel-size -1").refused(&["voxel_size", "-1"]);
    barrow(here, "odometry few.xyz --out nowhere/poses.txt").refused(&["nowhere"]);
    barrow(here, "odometry few.xyz --out poses.txt --format bvh").expect(2);
    barrow(here, "odometry few.xyz").expect(2);
    barrow(here, "odometry --out poses.txt").expect(2);
    assert_eq!(files(here), ["bad.ply", "few.xyz", "none"]);
}

#[test]
fn a_folder_gives_its_most_frequent_format_and_text_last() {
    let folder = folder_with_drive(4);
    let drive = folder.path().join("drive");
    // Poses in text lie beside the clouds already; a lone cloud of another format joins them.
    std::fs::copy(drive.join("scan_000.ply"), drive.join("a_first.pcd")).expect("writable");
    let run = barrow(folder.path(), "odometry drive --out poses.txt --json").expect(0);
    assert!(run.err.contains("1 clouds of other formats than ply"), "{}", run.err);
    assert_eq!(run.json()["scans"], 4);
}

#[test]
fn evaluate_takes_a_pose_or_a_trajectory() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let here = folder.path();
    std::fs::write(here.join("T.txt"), "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n").expect("writable");
    std::fs::write(here.join("p.txt"), "1 0 0 0 0 1 0 0 0 0 1 0\n1 0 0 2 0 1 0 0 0 0 1 0\n")
        .expect("writable");
    std::fs::write(here.join("one.txt"), "1 0 0 0 0 1 0 0 0 0 1 0\n").expect("writable");
    for usage in [
        "evaluate",
        "evaluate a.ply b.ply",
        "evaluate a.ply --transform T.txt",
        "evaluate --trajectory p.txt",
        "evaluate a.ply --trajectory p.txt --reference p.txt",
        "evaluate --trajectory p.txt --reference p.txt --transform T.txt",
        "evaluate a.ply b.ply --transform T.txt --lengths 3",
    ] {
        barrow(here, usage).expect(2);
    }
    let run = barrow(here, "evaluate --trajectory p.txt --reference p.txt --lengths 1,1.5 --json").expect(0);
    assert_eq!(run.json()["drift"]["by_length"][1]["length"], 1.5);
    barrow(here, "evaluate --trajectory one.txt --reference p.txt").refused(&["1 poses", "2"]);
    barrow(here, "evaluate --trajectory T.txt --reference p.txt").refused(&["line 1", "4 numbers"]);
    barrow(here, "evaluate --trajectory p.txt --reference p.txt --lengths 5").refused(&["2 m long"]);
}

/// Ctrl-C while a pipe holds the work up: the poses so far, and no file.
#[cfg(unix)]
#[test]
fn an_interrupted_sequence_prints_the_poses_so_far() {
    use std::process::{Command, Stdio};
    use std::time::Duration;

    let folder = folder_with_drive(3);
    let many: Vec<String> = (0..4000).map(|at| format!("drive/scan_00{}.ply", at % 3)).collect();
    let child = command::command()
        .current_dir(folder.path())
        .arg("odometry")
        .args(&many)
        .args(["--out", "poses.txt", "--json", "--quiet"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    std::thread::sleep(Duration::from_millis(1500));
    assert!(
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill exists").success()
    );
    let run: Run = child.wait_with_output().expect("the command ends").into();
    let answer = run.expect(130).json();
    let scans = answer["scans"].as_u64().expect("a number");
    assert!((1..4000).contains(&scans), "{scans}");
    assert_eq!(answer["poses"].as_array().expect("a list").len() as u64, scans);
    assert_eq!(answer["out"], Value::Null);
    assert_eq!(files(folder.path()), ["drive"]);
}
