//! What can fail around the command: a full disk, a folder that is none, a writer beside it. No file is ever half written.
#![cfg(unix)]
#![allow(missing_docs)]

mod command;

use std::path::Path;
use std::process::{Command, Stdio};

use command::{Run, barrow, command, files, folder_with_pair};
use tempfile::TempDir;

/// Every kind of file that the command writes, and what is asked for to get it.
const WRITTEN: [(&str, &str); 19] = [
    ("convert source.xyz", "out.ply"),
    ("convert source.xyz", "out.pcd"),
    ("convert source.xyz", "out.las"),
    ("convert source.xyz", "out.laz"),
    ("convert source.xyz", "out.e57"),
    ("convert source.xyz", "out.npy"),
    ("convert source.xyz", "out.npz"),
    ("convert source.xyz", "out.xyz"),
    ("convert source.xyz", "out.obj"),
    ("convert source.xyz", "out.vtk"),
    ("match source.xyz target.xyz --out", "plan.npz"),
    ("match source.xyz target.xyz --out", "plan.csv"),
    ("match source.xyz target.xyz --out", "plan.ply"),
    ("register source.xyz target.xyz --out", "T.txt"),
    ("register source.xyz target.xyz --aligned", "aligned.ply"),
    ("register source.xyz target.xyz --plan", "plan.npz"),
    ("register source.xyz target.xyz --picture", "pair.png"),
    ("distance source.xyz target.xyz --report", "page.html"),
    ("odometry target.xyz source.xyz --out", "poses.txt"),
];

/// Runs the command where no file may grow beyond so many bytes, as on a disk that is full.
fn on_full_disk(folder: &Path, arguments: &str, bytes: u64) -> Run {
    // A write beyond the limit fails instead of ending the process, as it does on a full disk.
    let script = "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"";
    let output = Command::new("bash")
        .args(["-c", script, "bash", &bytes.div_ceil(1024).to_string(), env!("CARGO_BIN_EXE_barrow")])
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output();
    output.expect("bash").into()
}

#[test]
fn a_full_disk_leaves_what_was_there_and_nothing_new() {
    let folder = folder_with_pair(4000);
    let folder = folder.path();
    for (arguments, name) in WRITTEN {
        let before = files(folder);
        let path = folder.join(name);
        std::fs::write(&path, "kept").expect("a file");
        // Poses are shorter than any limit that can be set.
        let is_short = name.ends_with(".txt");
        let run = on_full_disk(folder, &format!("{arguments} {name}"), if is_short { 0 } else { 1024 });
        assert_eq!(run.code, Some(3), "{arguments} {name}: {}{}", run.out, run.err);
        assert!(run.err.contains(name), "{name} is not named: {}", run.err);
        assert!(!run.err.contains("panicked"), "{}", run.err);
        assert_eq!(std::fs::read(&path).expect("the file"), b"kept", "{name} was touched");
        std::fs::remove_file(&path).expect("a file");
        assert_eq!(files(folder), before, "{arguments} {name} left something behind");
    }
}

#[test]
fn places_that_cannot_be_written_are_told_before_the_work() {
    let folder = folder_with_pair(4000);
    let folder = folder.path();
    std::fs::create_dir(folder.join("taken")).expect("a folder");
    for (arguments, name) in WRITTEN {
        let extension = Path::new(name).extension().expect("an extension").to_string_lossy();
        // No such folder; a file in place of the folder; a folder in place of the file.
        let into_taken = format!("taken.{extension}");
        std::fs::create_dir(folder.join(&into_taken)).expect("a folder");
        for place in [format!("missing/{name}"), format!("source.xyz/{name}"), into_taken.clone()] {
            let run = barrow(folder, &format!("{arguments} {place}"));
            assert!(matches!(run.code, Some(2 | 3)), "{arguments} {place}: {:?} {}", run.code, run.err);
            assert!(!run.err.contains("panicked"), "{}", run.err);
        }
        std::fs::remove_dir(folder.join(into_taken)).expect("an empty folder");
    }
    assert_eq!(files(folder), ["source.xyz", "taken", "target.xyz"]);
}

#[test]
fn of_two_that_write_the_same_file_one_wins_whole() {
    let folder = folder_with_pair(20_000);
    let folder = folder.path();
    let alone = |source: &str| {
        barrow(folder, &format!("convert {source} alone.ply")).expect(0);
        let bytes = std::fs::read(folder.join("alone.ply")).expect("a file");
        std::fs::remove_file(folder.join("alone.ply")).expect("a file");
        bytes
    };
    let possible = [alone("source.xyz"), alone("target.xyz")];
    for _ in 0..5 {
        let start = |source: &str| {
            command()
                .current_dir(folder)
                .args(["convert", source, "both.ply", "--quiet"])
                .stdout(Stdio::null())
                .spawn()
                .expect("the command starts")
        };
        let both = ["source.xyz", "target.xyz"].map(start);
        for mut child in both {
            assert!(child.wait().expect("the command ends").success());
        }
        assert!(possible.contains(&std::fs::read(folder.join("both.ply")).expect("a file")));
        std::fs::remove_file(folder.join("both.ply")).expect("a file");
        assert_eq!(files(folder), ["source.xyz", "target.xyz"]);
    }
}

#[test]
fn an_answer_that_nobody_can_be_told_is_an_error_and_no_panic() {
    let folder = folder_with_pair(500);
    let full = Path::new("/dev/full");
    if !full.exists() {
        eprintln!("skipped: there is no device that is always full");
        return;
    }
    let full = std::fs::File::options().write(true).open(full).expect("a device");
    let output = command()
        .current_dir(folder.path())
        .args(["distance", "source.xyz", "target.xyz", "--json"])
        .stdout(full)
        .output();
    let run = Run::from(output.expect("the command"));
    assert_eq!(run.code, Some(3), "{}", run.err);
    assert!(run.err.contains("error: ") && !run.err.contains("panicked"), "{}", run.err);
}

#[test]
fn an_input_that_is_the_output_is_read_before_it_is_replaced() {
    let folder: TempDir = folder_with_pair(500);
    let folder = folder.path();
    barrow(folder, "convert source.xyz cloud.ply").expect(0);
    let info = || barrow(folder, "info cloud.ply --json").expect(0).json()[0]["points"].clone();
    let before = info();
    barrow(folder, "convert cloud.ply cloud.ply --ascii").expect(0);
    assert_eq!(info(), before);
}
