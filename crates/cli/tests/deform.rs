//! `barrow deform`: what it prints, what it writes, what it leaves alone.
#![allow(missing_docs)]

mod command;

use std::path::Path;

use command::{barrow, files, room, write_points};
use nalgebra::{Point3, Vector3};

/// A room, and the same room bent and moved.
fn bent_pair(folder: &Path, count: usize) -> Vec<Point3<f64>> {
    let source = room(count);
    let bent = |point: &Point3<f64>| {
        let bow = Vector3::new(0.02 * point.y * point.y, 0.0, 0.015 * point.x * point.x);
        command::truth() * (point + bow)
    };
    let target: Vec<_> = source.iter().map(bent).collect();
    write_points(&folder.join("source.xyz"), &source);
    write_points(&folder.join("target.xyz"), &target);
    target
}

#[test]
fn a_bent_room_is_laid_onto_itself() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = bent_pair(folder.path(), 1200);
    let run = barrow(
        folder.path(),
        "deform source.xyz target.xyz --aligned moved.xyz --field field.csv --json --quiet",
    );
    let answer = run.expect(0).json();
    for key in ["scale", "transported_mass"] {
        assert!(answer[key].is_number(), "{key}");
    }
    for (group, key) in [
        ("energy", "data"),
        ("energy", "smoothness"),
        ("smoothness", "roughness"),
        ("smoothness", "max_gradient"),
        ("displacement", "rms"),
        ("settings", "blur"),
        ("seconds", "solve"),
    ] {
        assert!(answer[group][key].is_number(), "{group}.{key}");
    }
    assert_eq!(answer["smoothness"]["folded"], 0.0);
    assert_eq!(answer["source_points"], 1200);
    assert!(answer["transported_mass"].as_f64().expect("a number") > 0.9);

    let field = std::fs::read_to_string(folder.path().join("field.csv")).expect("the field is written");
    let rows: Vec<Vec<f64>> = field
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|number| number.parse().expect("a number")).collect())
        .collect();
    assert_eq!(rows.len(), 1200);
    let error = |(row, target): (&Vec<f64>, &Point3<f64>)| {
        (Point3::new(row[0] + row[3], row[1] + row[4], row[2] + row[5]) - target).norm_squared()
    };
    let error = (rows.iter().zip(&target).map(error).sum::<f64>() / 1200.0).sqrt();
    assert!(error < 0.3, "{error} m of a room of 8 m");
    assert_eq!(files(folder.path()), ["field.csv", "moved.xyz", "source.xyz", "target.xyz"]);
}

#[test]
fn wrong_options_are_refused_before_the_work() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    bent_pair(folder.path(), 50);
    barrow(folder.path(), "deform source.xyz target.xyz --stiffness -1").refused(&["stiffness", "-1"]);
    barrow(folder.path(), "deform source.xyz target.xyz --width 0").refused(&["width", "0"]);
    barrow(folder.path(), "deform source.xyz nothing.xyz").refused(&["nothing.xyz"]);
    barrow(folder.path(), "deform source.xyz target.xyz --aligned moved.what").expect(2);
    barrow(folder.path(), "deform source.xyz target.xyz --max-points 0").expect(2);
}

#[test]
fn weights_are_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    bent_pair(folder.path(), 300);
    std::fs::write(folder.path().join("w.txt"), "1\n".repeat(300)).expect("the folder is writable");
    let answer =
        barrow(folder.path(), "deform source.xyz target.xyz --source-weights w.txt --json").expect(0).json();
    assert_eq!(answer["settings"]["weights"], "file");
    std::fs::write(folder.path().join("w.txt"), "1\n".repeat(299)).expect("the folder is writable");
    barrow(folder.path(), "deform source.xyz target.xyz --source-weights w.txt").refused(&["299", "300"]);
}

#[test]
fn a_step_limit_can_be_an_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    bent_pair(folder.path(), 400);
    let run = barrow(
        folder.path(),
        "deform source.xyz target.xyz --blur 4 --max-iterations 1 --require-converged --json --quiet",
    );
    assert_eq!(run.expect(4).json()["convergence"]["status"], "max_iterations");
}
