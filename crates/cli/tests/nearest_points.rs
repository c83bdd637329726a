//! What `barrow distance` says about nearest points: scores, normals, weights, colours.
#![allow(missing_docs)]

mod command;

use std::path::Path;

use command::{barrow, files, folder_with_pair};
use serde_json::{Value, json};

/// Four points against two on a line: distances 0, 0.5, 1, 2 one way, 0 and 1 the other.
fn line() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "source.xyz", "0 0 0\n0.5 0 0\n2 0 0\n6 0 0\n");
    write(folder.path(), "target.xyz", "0 0 0\n3 0 0\n4 0 0\n");
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("the folder is writable");
}

fn distance(folder: &Path, options: &str) -> Value {
    barrow(folder, &format!("distance source.xyz target.xyz --json {options}")).expect(0).json()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("not a number: {value}"))
}

/// Values of a column of an ascii PLY.
fn column(folder: &Path, file: &str, name: &str) -> Vec<f64> {
    let ascii = format!("convert {file} ascii.ply --ascii");
    barrow(folder, &ascii).expect(0);
    let text = std::fs::read_to_string(folder.join("ascii.ply")).expect("the cloud");
    let (header, rows) = text.split_once("end_header\n").expect("a header");
    let mut names = header.lines().filter_map(|line| line.strip_prefix("property "));
    let position = names.position(|property| property.ends_with(&format!(" {name}")));
    let position = position.unwrap_or_else(|| panic!("no {name} in {header}"));
    rows.lines()
        .map(|row| row.split(' ').nth(position).expect("a column").parse().expect("a number"))
        .collect()
}

#[test]
fn scores_by_hand() {
    let folder = line();
    let answer = distance(folder.path(), "--metric fscore --radius 1 --radius 0.25 --radius 10");
    // Source distances 0, 0.5, 1, 2; target distances 0, 1, 2.
    let wanted = [(1.0, 0.75, 2.0 / 3.0), (0.25, 0.25, 1.0 / 3.0), (10.0, 1.0, 1.0)];
    let scores = answer["details"]["fscore"].as_array().expect("a list");
    assert_eq!(scores.len(), wanted.len());
    for (score, (radius, precision, recall)) in scores.iter().zip(wanted) {
        assert_eq!(number(&score["radius"]), radius);
        assert_eq!(number(&score["precision"]), precision);
        assert_eq!(number(&score["recall"]), recall);
        let harmonic = 2.0 * precision * recall / (precision + recall);
        assert!((number(&score["fscore"]) - harmonic).abs() < 1e-15, "{score}");
    }
    assert_eq!((&answer["value"], &answer["unit"]), (&scores[0]["fscore"], &"1".into()));
    assert_eq!(answer["settings"]["radius"], json!([1.0, 0.25, 10.0]));
    let text =
        barrow(folder.path(), "distance source.xyz target.xyz --metric fscore --radius 1").expect(0).out;
    assert!(
        text.starts_with("fscore") && text.contains("within 1 m") && text.contains("recall 0.6667"),
        "{text}"
    );

    // Beside another metric the scores come too, and change nothing.
    for metric in ["chamfer", "hausdorff"] {
        let plain = distance(folder.path(), &format!("--metric {metric}"));
        let scored = distance(folder.path(), &format!("--metric {metric} --radius 1"));
        assert_eq!(plain["value"], scored["value"]);
        assert_eq!(plain["details"]["fscore"], json!([]));
        assert_eq!(scored["details"]["fscore"][0], scores[0]);
    }
}

#[test]
fn the_default_radius_is_a_part_of_the_target() {
    let folder = line();
    write(folder.path(), "target.xyz", "0 0 0\n30 40 0\n");
    let answer = distance(folder.path(), "--metric fscore");
    assert_eq!(answer["settings"]["radius"], json!([0.5]));
    assert_eq!(number(&answer["details"]["fscore"][0]["precision"]), 0.5);
    write(folder.path(), "target.xyz", "1 2 3\n1 2 3\n1 2 3\n");
    barrow(folder.path(), "distance source.xyz target.xyz --metric fscore --quiet").refused(&["--radius"]);
    assert_eq!(distance(folder.path(), "--metric fscore --radius 9")["value"], 1.0);
}

#[test]
fn weights_by_hand() {
    let folder = line();
    write(folder.path(), "a.txt", "1\n3\n0\n0\n");
    write(folder.path(), "b.txt", "0\n1\n1\n");
    // The target points left are 3 and 4: the source points that count are 3 and 2.5 away.
    let run = |metric: &str| {
        let options =
            format!("--metric {metric} --radius 2.75 --source-weights a.txt --target-weights b.txt");
        distance(folder.path(), &options)
    };
    let chamfer = run("chamfer");
    let forth = &chamfer["details"]["source_to_target"];
    assert_eq!(number(&forth["mean"]), (3.0 + 3.0 * 2.5) / 4.0);
    assert_eq!((number(&forth["median"]), number(&forth["percentile_95"])), (2.5, 3.0));
    assert_eq!(forth["maximum_at"], json!({ "source": 0, "target": 1 }));
    // Back the nearest that count are at 0.5.
    assert_eq!(number(&chamfer["details"]["target_to_source"]["mean"]), 3.0);
    assert_eq!(number(&run("hausdorff")["value"]), 3.5);
    assert_eq!(number(&run("fscore")["details"]["fscore"][0]["precision"]), 0.75);
    assert_eq!(chamfer["settings"]["weights"], "file");
    write(folder.path(), "zero.txt", "0\n0\n0\n0\n");
    barrow(folder.path(), "distance source.xyz target.xyz --source-weights zero.txt")
        .refused(&["source.xyz", "zero"]);
}

#[test]
fn densities_by_hand() {
    let folder = line();
    let answer = distance(folder.path(), "--alpha 2");
    let density = &answer["details"]["density_aware"];
    // 0 and 0.5 share the partner 0; 2 falls to 3 and 6 to 4, at 1 and 2.
    let worth = |distance: f64| (-2.0 * distance).exp();
    let forth = 1.0 - (0.5 + 0.5 * worth(0.5) + worth(1.0) + worth(2.0)) / 4.0;
    assert!((number(&density["source_to_target"]) - forth).abs() < 1e-15, "{density}");
    let mean = 0.5 * (number(&density["source_to_target"]) + number(&density["target_to_source"]));
    assert!((number(&density["value"]) - mean).abs() < 1e-15);
    assert_eq!(number(&density["alpha"]), 2.0);
    assert!(distance(folder.path(), "")["details"]["density_aware"].is_null());
}

#[test]
fn normals_are_compared_where_both_clouds_have_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "source.xyz", "x y z nx ny nz\n0 0 0 0 0 1\n1 0 0 0 0 -1\n2 0 0 0 0 0\n");
    write(folder.path(), "target.xyz", "x y z nx ny nz\n0 0 0 0 0 1\n1 0 0 0 0.6 0.8\n");
    let consistency = &distance(folder.path(), "")["details"]["normal_consistency"];
    assert_eq!(consistency["source_to_target"]["left_out"], 1);
    assert_eq!(consistency["target_to_source"]["left_out"], 0);
    assert!((number(&consistency["value"]) - 0.9).abs() < 1e-15, "{consistency}");
    let text = barrow(folder.path(), "distance source.xyz target.xyz").expect(0).out;
    assert!(text.contains("0.9000, 1 left out for want of a normal"), "{text}");
    let bare = folder_with_pair(50);
    assert!(distance(bare.path(), "")["details"]["normal_consistency"].is_null());
}

#[test]
fn colors_follow_the_distance() {
    let folder = line();
    let answer = distance(folder.path(), "--colorize out.ply --colorize-max 1");
    let colorized = &answer["details"]["colorized"];
    assert_eq!(colorized["path"], "out.ply");
    assert_eq!((number(&colorized["minimum"]), number(&colorized["maximum"])), (0.0, 1.0));
    assert_eq!(colorized["distance_column"], "intensity");
    assert_eq!(column(folder.path(), "out.ply", "intensity"), [0.0, 0.5, 1.0, 2.0]);
    // The ends of viridis, and its middle within a step; what is beyond the scale has the last colour.
    let channels =
        [("red", [68.0, 33.0, 253.0]), ("green", [1.0, 144.0, 231.0]), ("blue", [84.0, 141.0, 37.0])];
    for (name, [first, middle, last]) in channels {
        let found = column(folder.path(), "out.ply", name);
        assert_eq!([found[0], found[2], found[3]], [first, last, last], "{name}");
        assert!((found[1] - middle).abs() <= 1.0, "{name}: {}", found[1]);
    }

    // Without an end of the scale it is the 95th percentile.
    let answer = distance(folder.path(), "--metric fscore --colorize out.ply");
    assert_eq!(
        answer["details"]["colorized"]["maximum"],
        answer["details"]["source_to_target"]["percentile_95"]
    );
    // Equal clouds have no scale, and one colour.
    let equal = "distance source.xyz source.xyz --metric hausdorff --colorize out.ply";
    barrow(folder.path(), equal).expect(0);
    assert_eq!(column(folder.path(), "out.ply", "red"), [68.0; 4]);
}

#[test]
fn coloring_keeps_what_the_source_has() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "source.xyz", "x y z nx ny nz intensity\n0 0 0 0 0 1 7\n1 0 0 0 0 -1 8\n");
    write(folder.path(), "target.xyz", "x y z\n0 0 0\n0 1 0\n");
    for name in
        ["out.ply", "out.pcd", "out.las", "out.laz", "out.npz", "out.npy", "out.csv", "out.vtk", "out.e57"]
    {
        let answer = distance(folder.path(), &format!("--colorize {name}"));
        assert!(answer["details"]["colorized"]["distance_column"].is_null(), "{name}");
        assert_eq!(column(folder.path(), name, "intensity"), [7.0, 8.0], "{name}");
        assert_eq!(column(folder.path(), name, "red"), [68.0, 253.0], "{name}");
    }
    assert_eq!(column(folder.path(), "out.ply", "nz"), [1.0, -1.0]);
    // A failure leaves no file, and no part of one.
    let before = files(folder.path());
    barrow(folder.path(), "distance source.xyz missing.xyz --colorize new.ply").refused(&["missing.xyz"]);
    assert_eq!(files(folder.path()), before);
}
