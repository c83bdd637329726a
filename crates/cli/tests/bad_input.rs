//! Twelve kinds of bad input from the command line: an exit code of the contract and a message that
//! names the file, the place and what would be accepted; never a panic, never a silent wrong answer.
#![allow(missing_docs)]

mod command;

use std::path::Path;
use std::time::{Duration, Instant};

use command::{Run, barrow, folder_with_pair, pose_error, room, truth, write_points};
use nalgebra::{Isometry3, Point3, Vector3};

const COMMANDS: [&str; 4] = [
    "info BAD",
    "distance BAD target.xyz",
    "distance target.xyz BAD --metric sinkhorn",
    "register BAD target.xyz",
];

/// Runs every command on a file, beside a good one.
fn runs(folder: &Path, bad: &str) -> Vec<Run> {
    COMMANDS.iter().map(|command| barrow(folder, &command.replace("BAD", bad))).collect()
}

/// Every command refuses the file, naming it and more.
fn refused_everywhere(folder: &Path, bad: &str, words: &[&str]) {
    for run in runs(folder, bad) {
        let run = run.refused(words).refused(&[bad]);
        assert_eq!(run.out, "", "an answer to bad input");
    }
}

fn with_file(name: &str, content: impl AsRef<[u8]>) -> tempfile::TempDir {
    let folder = folder_with_pair(400);
    std::fs::write(folder.path().join(name), content).expect("the folder is writable");
    folder
}

/// A binary PLY that claims some points and holds the bytes given.
fn ply(claimed: u64, body: &[u8]) -> Vec<u8> {
    let properties = "property float x\nproperty float y\nproperty float z\n";
    let header =
        format!("ply\nformat binary_little_endian 1.0\nelement vertex {claimed}\n{properties}end_header\n");
    [header.as_bytes(), body].concat()
}

fn pcd(claimed: u64, body: &[u8]) -> Vec<u8> {
    let header = format!(
        "VERSION .7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH {claimed}\nHEIGHT 1\n\
         VIEWPOINT 0 0 0 1 0 0 0\nPOINTS {claimed}\nDATA binary\n"
    );
    [header.as_bytes(), body].concat()
}

#[test]
fn an_empty_file() {
    for name in ["empty.ply", "empty.pcd", "empty.xyz", "empty.las", "empty.bin", "empty.npy"] {
        let folder = with_file(name, "");
        refused_everywhere(folder.path(), name, &[]);
    }
}

#[test]
fn a_header_alone() {
    refused_everywhere(with_file("header.ply", ply(100, b"")).path(), "header.ply", &["100"]);
    refused_everywhere(with_file("header.pcd", pcd(100, b"")).path(), "header.pcd", &["100"]);
    refused_everywhere(with_file("header.csv", "x,y,z\n").path(), "header.csv", &["no points"]);
    refused_everywhere(with_file("none.ply", ply(0, b"")).path(), "none.ply", &["no points"]);
}

#[test]
fn a_truncated_body() {
    refused_everywhere(with_file("cut.ply", ply(100, &[0; 700])).path(), "cut.ply", &["100"]);
    refused_everywhere(with_file("cut.pcd", pcd(100, &[0; 700])).path(), "cut.pcd", &["100"]);
}

#[test]
fn points_that_are_not_finite() {
    let folder = with_file("nan.xyz", "0 0 0\nnan 1 1\n1 0 0\n2 inf 0\n0 1 0\n0 0 1\n");
    let folder = folder.path();
    let info = barrow(folder, "info nan.xyz --json").expect(0).json();
    assert_eq!((&info[0]["points"], &info[0]["dropped_nonfinite"]), (&4.into(), &2.into()));
    let distance = barrow(folder, "distance nan.xyz target.xyz --json").expect(0);
    assert_eq!(distance.json()["source_points"], 4);
    assert!(distance.err.contains("nan.xyz") && distance.err.contains("2 points"), "{}", distance.err);
    for command in COMMANDS {
        let strict = barrow(folder, &format!("{} --strict", command.replace("BAD", "nan.xyz")));
        strict.refused(&["nan.xyz", "1", "not finite"]);
    }
    let folder = with_file("all.xyz", "nan 0 0\n0 inf 0\n");
    refused_everywhere(folder.path(), "all.xyz", &["2"]);
}

#[test]
fn one_point() {
    let folder = with_file("one.xyz", "1 2 0.5\n");
    let folder = folder.path();
    let info = barrow(folder, "info one.xyz --json").expect(0).json();
    assert_eq!(info[0]["points"], 1);
    assert!(info[0]["median_spacing"].is_null());
    for metric in ["chamfer", "sinkhorn", "sliced"] {
        let answer = barrow(folder, &format!("distance one.xyz target.xyz --metric {metric} --json"));
        let value = answer.expect(0).json()["value"].as_f64().expect("a number");
        assert!(value.is_finite() && value > 0.0, "{metric}: {value}");
    }
    assert_degenerate(barrow(folder, "register one.xyz target.xyz --json"), 3);
}

/// A registration that the clouds do not determine says so, is refused, or fails.
fn assert_degenerate(run: Run, at_least: usize) {
    if run.code == Some(3) {
        run.refused(&[]);
        return;
    }
    let failed = run.code == Some(4);
    let answer = run.expect(if failed { 4 } else { 0 }).json();
    assert_eq!(answer["verdict"] == "failed", failed, "{answer}");
    let free = answer["degenerate_directions"].as_array().expect("a list").len();
    assert!(free >= at_least, "{free} free directions in {answer}");
    assert!(answer["covariance"].is_null());
    for entry in
        answer["T_target_source"].as_array().expect("rows").iter().flat_map(|r| r.as_array()).flatten()
    {
        assert!(entry.is_number(), "{answer}");
    }
}

#[test]
fn all_points_equal() {
    let folder = with_file("equal.xyz", "1 2 0.5\n".repeat(200));
    let folder = folder.path();
    let info = barrow(folder, "info equal.xyz --json").expect(0).json();
    assert_eq!(info[0]["median_spacing"], 0.0);
    let zero = barrow(folder, "distance equal.xyz equal.xyz --json").expect(0).json();
    assert_eq!(zero["value"], 0.0);
    for metric in ["sinkhorn", "sliced"] {
        let run = barrow(folder, &format!("distance equal.xyz equal.xyz --metric {metric} --json"));
        let value = run.expect(0).json()["value"].as_f64().expect("a number");
        assert!(value.abs() < 1e-12, "{metric}: {value}");
    }
    assert_degenerate(barrow(folder, "register equal.xyz target.xyz --json"), 3);
    assert_degenerate(barrow(folder, "register equal.xyz equal.xyz --json"), 3);
}

#[test]
fn points_on_a_line() {
    let line: String = (0..300).map(|i| format!("{} 0 0\n", 0.01 * f64::from(i))).collect();
    let folder = with_file("line.xyz", line);
    let folder = folder.path();
    barrow(folder, "info line.xyz").expect(0);
    let zero = barrow(folder, "distance line.xyz line.xyz --json").expect(0).json();
    assert_eq!(zero["value"], 0.0);
    assert_degenerate(barrow(folder, "register line.xyz line.xyz --json"), 1);
}

#[test]
fn points_in_a_plane() {
    let point = |i: u32| format!("{} {} 0\n", 0.05 * f64::from(i % 40), 0.05 * f64::from(i / 40));
    let folder = with_file("plane.xyz", (0..1600).map(point).collect::<String>());
    let folder = folder.path();
    barrow(folder, "info plane.xyz").expect(0);
    let zero = barrow(folder, "distance plane.xyz plane.xyz --json").expect(0).json();
    assert_eq!(zero["value"], 0.0);
    // Point-to-point matches hold a finite plane by its rim; planes alone leave three motions free.
    assert_degenerate(barrow(folder, "register plane.xyz plane.xyz --method plane --json"), 3);
}

/// Writes the room and its moved copy after a map, and returns the pose between them.
fn write_mapped(folder: &Path, scale: f64, offset: Vector3<f64>) -> Isometry3<f64> {
    let points = room(6000);
    let map = |point: Point3<f64>| Point3::from(scale * point.coords + offset);
    let source: Vec<_> = points[..3000].iter().map(|p| map(truth().inverse() * p)).collect();
    let target: Vec<_> = points[3000..].iter().map(|&p| map(p)).collect();
    write_points(&folder.join("s.xyz"), &source);
    write_points(&folder.join("t.xyz"), &target);
    // x ↦ s x + o conjugates the pose: R stays, t becomes s t + o − R o.
    let turn = truth().rotation;
    let translation = scale * truth().translation.vector + offset - turn * offset;
    Isometry3::from_parts(translation.into(), turn)
}

#[test]
fn an_offset_of_ten_thousand_kilometres() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    write_mapped(folder, 1.0, Vector3::zeros());
    let value = |metric: &str| {
        let run = barrow(folder, &format!("distance s.xyz t.xyz --metric {metric} --json"));
        run.expect(0).json()["value"].as_f64().expect("a number")
    };
    let metrics = ["chamfer", "sinkhorn --blur 0.2", "sliced"];
    let near = metrics.map(value);
    let register = || barrow(folder, "register s.xyz t.xyz --json").expect(0).json();
    let fitness = |answer: &serde_json::Value| answer["fitness"].as_f64().expect("a number");
    let near_fitness = fitness(&register());
    let pose = write_mapped(folder, 1.0, Vector3::new(1e7, -1e7, 1e7));
    for (near, far) in near.into_iter().zip(metrics.map(value)) {
        assert!((near - far).abs() < 1e-5 * near, "{near} near the origin, {far} far away");
    }
    barrow(folder, "info s.xyz").expect(0);
    let answer = register();
    // Judged at the cloud: seen from the origin any rotation has a lever of 10 000 km.
    let (rotation, _) = pose_error(&answer["T_target_source"], &pose);
    assert!(rotation < 0.1, "{rotation}°");
    assert!((fitness(&answer) - near_fitness).abs() < 0.01, "{near_fitness} near, {answer} far");
}

#[test]
fn a_scale_of_a_billionth() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    write_mapped(folder, 1.0, Vector3::zeros());
    let value = |metric: &str| {
        let run = barrow(folder, &format!("distance s.xyz t.xyz --metric {metric} --json"));
        run.expect(0).json()["value"].as_f64().expect("a number")
    };
    // Which cells stand in for the points depends on the scale, which is no power of two: entropic values agree as far
    // as their iterations went.
    let sinkhorn = "sinkhorn --tolerance 1e-7";
    let large = [value("chamfer"), value(sinkhorn), value("sliced")];
    let pose = write_mapped(folder, 1e-9, Vector3::zeros());
    let small = [value("chamfer") * 1e9, value(sinkhorn) * 1e18, value("sliced") * 1e9];
    for (large, small) in large.into_iter().zip(small) {
        assert!((large - small).abs() < 1e-6 * large, "{large} and {small}");
    }
    barrow(folder, "info s.xyz").expect(0);
    let answer = barrow(folder, "register s.xyz t.xyz --json").expect(0).json();
    let (rotation, translation) = pose_error(&answer["T_target_source"], &pose);
    assert!(rotation < 0.2 && translation < 0.02e-9, "{rotation}°, {translation} m");
}

#[test]
fn an_unknown_extension() {
    let folder = with_file("cloud.stl", b"solid\x00\x01\x02\xff\xfe not a cloud");
    refused_everywhere(folder.path(), "cloud.stl", &["ply, pcd, las"]);
}

#[test]
fn a_folder() {
    let folder = folder_with_pair(400);
    std::fs::create_dir(folder.path().join("scans.ply")).expect("the folder is writable");
    refused_everywhere(folder.path(), "scans.ply", &["director"]);
    barrow(folder.path(), "info missing.ply").refused(&["missing.ply"]);
}

#[test]
fn ten_gigabytes_claimed_by_a_short_file() {
    // 10 GB at 12 bytes a point, of which 700 bytes are there.
    let claimed = 10_000_000_000 / 12;
    let ascii =
        String::from_utf8(ply(claimed, b"0 0 0\n")).expect("text").replace("binary_little_endian", "ascii");
    let npy = {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({claimed}, 3), }}");
        let header = format!("{header:<117}\n");
        [b"\x93NUMPY\x01\x00\x76\x00".as_slice(), header.as_bytes(), &[0; 700]].concat()
    };
    let cases = [
        ("big.ply", ply(claimed, &[0; 700])),
        ("text.ply", ascii.into_bytes()),
        ("big.pcd", pcd(claimed, &[0; 700])),
        ("big.npy", npy),
    ];
    for (name, content) in cases {
        let folder = with_file(name, content);
        let start = Instant::now();
        refused_everywhere(folder.path(), name, &[]);
        assert!(start.elapsed() < Duration::from_secs(5), "{name} took {:?}", start.elapsed());
        // Nor does anyone reserve what the header claims: 2 GB of addresses are enough.
        #[cfg(unix)]
        within_two_gigabytes(folder.path(), &format!("info {name}")).refused(&[name]);
    }
}

/// Runs the command where no more memory can be had.
#[cfg(unix)]
fn within_two_gigabytes(folder: &Path, arguments: &str) -> Run {
    let script =
        format!("ulimit -v 2000000 && exec {} {arguments} --threads 2", env!("CARGO_BIN_EXE_barrow"));
    let output = std::process::Command::new("sh").current_dir(folder).args(["-c", &script]).output();
    output.expect("a shell starts").into()
}
