//! `barrow interpolate`: frames on the way, with and without a plan.
#![allow(missing_docs)]

mod command;

use barrow::geometry::{Arc, PointCloud};
use barrow::io::{ReadOptions, WriteOptions, read, write, write_plan};
use command::{barrow, files, folder_with_pair};
use nalgebra::{Point3, Vector3};
use serde_json::json;

/// Two clouds of three points with a plan between them: the second is the first, moved and backwards.
fn folder_with_plan() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let points: Vec<_> = (0..3).map(|i| Point3::new(f64::from(i), 1e7, 0.0)).collect();
    let shifted = points.iter().rev().map(|point| point + Vector3::new(0.0, 2.0, 4.0)).collect();
    let cloud = |points, intensity: f64| {
        PointCloud::new(points).and_then(|cloud| cloud.with_intensities(vec![intensity; 3])).expect("a cloud")
    };
    let source = cloud(points, 10.0).with_times(vec![0.0; 3]).expect("times");
    let target = cloud(shifted, 20.0);
    let arcs = [0, 1, 2].map(|i| Arc { source: i, target: 2 - i, mass: 1.0 / 3.0, cost: 20.0 });
    for (name, cloud) in [("source.ply", &source), ("target.ply", &target)] {
        write(folder.path().join(name), cloud, &WriteOptions::default()).expect("a file");
    }
    for name in ["plan.npz", "plan.csv", "plan.ply"] {
        write_plan(folder.path().join(name), &source, &target, &arcs).expect("a file");
    }
    folder
}

fn frame(folder: &tempfile::TempDir, name: &str) -> PointCloud {
    read(folder.path().join(name), &ReadOptions::default()).expect("a frame").cloud
}

#[test]
fn a_plan_is_followed() {
    let folder = folder_with_plan();
    for plan in ["plan.npz", "plan.csv", "plan.ply", "plan.ply --means"] {
        let arguments =
            format!("interpolate source.ply target.ply --frames 5 --out new/frames --plan {plan} --json");
        let answer = barrow(folder.path(), &arguments).expect(0).json();
        let names = ["000.ply", "001.ply", "002.ply", "003.ply", "004.ply"];
        assert_eq!(files(&folder.path().join("new/frames")), names);
        assert_eq!(answer["frames"].as_array().map(Vec::len), Some(5));
        assert_eq!(answer["frames"][1]["t"], 0.25);
        assert_eq!(answer["frames"][1]["points"], 3);
        assert_eq!(answer["attributes"], json!(["intensity"]));
        assert_eq!((&answer["arcs"], &answer["convergence"]["status"]), (&json!(3), &json!("converged")));
        assert!(answer["certificate"].is_null());
        let quarter = frame(&folder, "new/frames/001.ply");
        assert_eq!(quarter.positions()[2], Point3::new(2.0, 1e7 + 0.5, 1.0));
        assert_eq!(quarter.intensities(), Some(&[12.5; 3][..]));
        assert_eq!(
            frame(&folder, "new/frames/000.ply").positions(),
            frame(&folder, "source.ply").positions()
        );
        let mut last = frame(&folder, "new/frames/004.ply").positions().to_vec();
        last.reverse();
        assert_eq!(last, frame(&folder, "target.ply").positions());
    }
}

#[test]
fn without_a_plan_one_is_found() {
    let folder = folder_with_pair(200);
    let arguments = "interpolate source.xyz target.xyz --frames 3 --out frames --json";
    let answer = barrow(folder.path(), &format!("{arguments} --means")).expect(0).json();
    assert_eq!(answer["frames"][0]["points"], 200);
    assert!(answer["convergence"]["iterations"].as_u64() > Some(0));
    assert_eq!(frame(&folder, "frames/000.ply").positions(), frame(&folder, "source.xyz").positions());
    assert!(answer["certificate"]["relative_gap"].as_f64() <= Some(0.01));
    let answer = barrow(folder.path(), &format!("{arguments} --gap 0")).expect(0).json();
    assert_eq!(answer["frames"][2]["points"], answer["arcs"]);
    assert!((answer["transported_mass"].as_f64().expect("a number") - 1.0).abs() < 1e-9);
    // As many points and uniform weights: an optimal plan can be a permutation, and the last frame is the target.
    assert!(answer["arcs"].as_u64() >= Some(200));
    let text =
        barrow(folder.path(), "interpolate source.xyz target.xyz --frames 2 --out frames").expect(0).out;
    assert!(text.contains("2 frames") && text.contains("001.ply"), "{text}");
}

#[test]
fn one_thread_and_two_write_the_same_frames() {
    let folder = folder_with_pair(500);
    for threads in [1, 2] {
        let arguments =
            format!("interpolate source.xyz target.xyz --frames 2 --out {threads} --threads {threads}");
        barrow(folder.path(), &arguments).expect(0);
    }
    for name in ["000.ply", "001.ply"] {
        let bytes = |threads: &str| std::fs::read(folder.path().join(threads).join(name)).expect("a frame");
        assert!(bytes("1") == bytes("2"), "{name}");
    }
}

#[test]
fn bad_plans_and_options_are_refused() {
    let folder = folder_with_plan();
    let run =
        |rest: &str| barrow(folder.path(), &format!("interpolate source.ply target.ply --quiet {rest}"));
    let write = |text: &str| std::fs::write(folder.path().join("bad.csv"), text).expect("a file");
    for (text, words) in [
        ("source,target,mass,cost\n0,0,1,1\n3,0,1,1\n", ["line 3", "source is 3"]),
        ("source,target,mass,cost\n0,0,nan,1\n", ["line 2", "mass is NaN"]),
        ("source,target,mass,cost\n", ["bad.csv", "no mass"]),
        ("source,target,mass,cost\n0,0,0,1\n", ["bad.csv", "no mass"]),
        ("x,y,z\n0,0,0\n", ["line 1", "source"]),
    ] {
        write(text);
        run("--frames 2 --out frames --plan bad.csv").refused(&words);
    }
    run("--frames 2 --out frames --plan none.npz").refused(&["none.npz", "cannot be read"]);
    run("--frames 2 --out plan.npz/frames --plan plan.npz").refused(&["plan.npz/frames"]);
    for gap in ["1", "-0.1", "nan"] {
        run(&format!("--frames 2 --out frames --gap {gap}")).refused(&["gap", "at least 0 and below 1"]);
    }
    for wrong in [
        "--frames 2",
        "--out frames",
        "--frames 1 --out frames",
        "--frames 2 --out frames --plan plan.npz --gap 0.1",
        "--frames 2 --out frames --plan plan.npz --weights-from intensity",
    ] {
        run(wrong).expect(2);
    }
    assert!(!folder.path().join("frames").exists());
}
