//! `barrow register` with three clouds and more.
#![allow(missing_docs)]

mod command;

use std::path::Path;

use command::{barrow, files, pose_error, room, truth, write_points};
use nalgebra::{Isometry3, Point3};
use serde_json::Value;

/// A room in three frames, `truth` from one to the next.
fn write_rooms(folder: &Path) -> Vec<Isometry3<f64>> {
    let points = room(12_000);
    let poses = vec![Isometry3::identity(), truth(), truth() * truth()];
    for (index, (name, pose)) in ["a.xyz", "b.xyz", "c.xyz"].iter().zip(&poses).enumerate() {
        let part = &points[4000 * index..4000 * (index + 1)];
        let moved: Vec<Point3<f64>> = part.iter().map(|point| pose.inverse() * point).collect();
        write_points(&folder.join(name), &moved);
    }
    poses
}

/// A folded sheet, which no room resembles.
fn write_stranger(folder: &Path) {
    let point = |i: usize| {
        let (x, y) = ((i % 60) as f64 * 0.05, (i / 60) as f64 * 0.05);
        Point3::new(x, y, 0.6 * (3.0 * x).sin() * (2.0 * y).cos() + 0.2 * (9.0 * x + 5.0 * y).sin())
    };
    write_points(&folder.join("d.xyz"), &(0..3600).map(point).collect::<Vec<_>>());
}

#[test]
fn three_clouds_are_placed_and_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let poses = write_rooms(folder.path());
    let run = barrow(folder.path(), "register a.xyz b.xyz c.xyz --out poses --aligned all.ply --json");
    let answer = run.expect(0).json();
    for key in ["clouds", "parts", "unplaced", "edges", "convergence", "seconds", "device", "written"] {
        assert!(answer.get(key).is_some(), "no {key} in {answer}");
    }
    for (cloud, pose) in answer["clouds"].as_array().expect("a list").iter().zip(&poses) {
        let (turn, shift) = pose_error(&cloud["T_world_cloud"], pose);
        assert!(turn < 0.1 && shift < 0.02, "{turn}° {shift} m");
    }
    assert_eq!(answer["unplaced"], serde_json::json!([]));
    assert_eq!(answer["edges"].as_array().map(Vec::len), Some(3));
    assert!(answer["edges"].as_array().expect("a list").iter().all(|edge| edge["standing"] == "kept"));
    assert_eq!(files(&folder.path().join("poses")), ["a.txt", "b.txt", "c.txt"]);
    let info = barrow(folder.path(), "info all.ply --json").expect(0).json();
    assert_eq!(info[0]["points"], 12_000);
    let errors = "evaluate c.xyz a.xyz --transform poses/c.txt --json";
    assert!(barrow(folder.path(), errors).expect(0).json()["fitness"].as_f64() > Some(0.9));
    let text = barrow(folder.path(), "register a.xyz b.xyz c.xyz").expect(0).out;
    for word in ["placed", "3 of 3", "cloud 2", "pairs", "1 onto 0", "accepted, kept", "stopped", "time"] {
        assert!(text.contains(word), "no {word} in\n{text}");
    }
}

#[test]
fn a_stranger_ends_with_4_and_is_not_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_rooms(folder.path());
    write_stranger(folder.path());
    let run = barrow(folder.path(), "register a.xyz d.xyz b.xyz --out poses --aligned all.ply --json");
    let run = run.expect(4);
    assert!(run.err.contains("d.xyz: not placed"), "{}", run.err);
    let answer = run.json();
    assert_eq!(answer["unplaced"], serde_json::json!([1]));
    assert_eq!(answer["parts"], serde_json::json!([[0, 2], [1]]));
    assert_eq!(answer["clouds"][1]["T_world_cloud"], Value::Null);
    assert_eq!(files(&folder.path().join("poses")), ["a.txt", "b.txt"]);
    let info = barrow(folder.path(), "info all.ply --json").expect(0).json();
    assert_eq!(info[0]["points"], 8000);
}

#[test]
fn what_makes_no_sense_of_many_is_wrong_usage() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_rooms(folder.path());
    let taken = folder.path().join("taken");
    std::fs::write(&taken, "a file").expect("the folder is writable");
    std::fs::create_dir(folder.path().join("other")).expect("the folder is writable");
    std::fs::copy(folder.path().join("a.xyz"), folder.path().join("other/a.xyz")).expect("writable");
    for (options, word) in [
        ("--init T.txt", "--init is for two clouds"),
        ("--plan plan.csv", "--plan is for two clouds"),
        ("--picture picture.png", "--picture is for two clouds"),
        ("--scale", "--scale is for two clouds"),
        ("--out taken", "taken"),
        ("other/a.xyz --out poses", "a.txt"),
        ("--aligned all.docx", "docx"),
    ] {
        let run = barrow(folder.path(), &format!("register a.xyz b.xyz c.xyz {options}")).expect(2);
        assert!(run.err.contains(word), "{options}: {}", run.err);
    }
    barrow(folder.path(), "register a.xyz b.xyz missing.xyz").refused(&["missing.xyz"]);
    barrow(folder.path(), "register a.xyz b.xyz c.xyz --voxel-size 0").refused(&["voxel_size"]);
}
