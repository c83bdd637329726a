//! Runs the command and makes clouds for it.
#![allow(dead_code, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nalgebra::{Isometry3, Point3, Vector3};
use serde_json::Value;

pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Run {
    /// The answer; the whole of standard output must be one JSON value.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| {
            panic!("not one JSON value ({error}): {:?}\nstandard error: {}", self.out, self.err)
        })
    }

    /// Asserts the exit code, showing what was said if it is another.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "standard output: {}\nstandard error: {}", self.out, self.err);
        self
    }

    /// Asserts bad input whose message holds some words.
    #[track_caller]
    pub fn refused(self, words: &[&str]) -> Self {
        let run = self.expect(3);
        assert!(run.err.starts_with("error: "), "{}", run.err);
        for word in words {
            assert!(run.err.contains(word), "no `{word}` in: {}", run.err);
        }
        assert!(!run.err.contains("panicked"), "{}", run.err);
        run
    }
}

/// The command, ready for arguments.
pub fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_barrow"))
}

/// Runs the command with arguments separated by blanks, in a folder.
pub fn barrow(folder: &Path, arguments: &str) -> Run {
    let output = command().current_dir(folder).args(arguments.split_whitespace()).output();
    output.expect("the command starts").into()
}

/// Points of a room corner with a ball in it: no motion leaves it unchanged.
pub fn room(count: usize) -> Vec<Point3<f64>> {
    // Additive recurrences fill the unit square evenly, without a random generator.
    let spread = |index: usize, step: f64| (0.5 + step * index as f64).fract();
    (0..count)
        .map(|index| {
            let (u, v) = (spread(index, 0.754877666246693), spread(index, 0.569840290998053));
            match index % 4 {
                0 => Point3::new(8.0 * u, 6.0 * v, 0.0),
                1 => Point3::new(8.0 * u, 0.0, 3.0 * v),
                2 => Point3::new(0.0, 6.0 * u, 3.0 * v),
                _ => {
                    let (angle, height) = (std::f64::consts::TAU * u, 2.0 * v - 1.0);
                    let radius = (1.0 - height * height).sqrt();
                    Point3::new(4.0, 3.0, 1.0)
                        + Vector3::new(radius * angle.cos(), radius * angle.sin(), height)
                }
            }
        })
        .collect()
}

/// The pose between the clouds of [`write_pair`].
pub fn truth() -> Isometry3<f64> {
    Isometry3::new(Vector3::new(0.15, -0.1, 0.05), Vector3::new(0.01, -0.02, 0.05))
}

/// Writes points as text, every digit kept.
pub fn write_points(path: &Path, points: &[Point3<f64>]) {
    let lines: String = points.iter().map(|p| format!("{} {} {}\n", p.x, p.y, p.z)).collect();
    std::fs::write(path, lines).expect("the folder is writable");
}

/// Writes `source.xyz` and `target.xyz`: the same room, sampled at other places, [`truth`] apart.
pub fn write_pair(folder: &Path, count: usize) {
    let points = room(2 * count);
    let source: Vec<_> = points[..count].iter().map(|point| truth().inverse() * point).collect();
    write_points(&folder.join("source.xyz"), &source);
    write_points(&folder.join("target.xyz"), &points[count..]);
}

/// A temporary folder with a pair of clouds in it.
pub fn folder_with_pair(count: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_pair(folder.path(), count);
    folder
}

/// Names of the files in a folder, sorted.
pub fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder exists");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.expect("the folder is readable").file_name().to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Rotation [degree] and translation between a pose of an answer and a pose.
pub fn pose_error(rows: &Value, truth: &Isometry3<f64>) -> (f64, f64) {
    let entry = |row: usize, column: usize| rows[row][column].as_f64().expect("a number");
    let matrix = nalgebra::Matrix4::from_fn(entry);
    let rotation = nalgebra::Rotation3::from_matrix(&matrix.fixed_view::<3, 3>(0, 0).into_owned());
    let translation = Vector3::new(entry(0, 3), entry(1, 3), entry(2, 3));
    let difference = truth.rotation.to_rotation_matrix().inverse() * rotation;
    (difference.angle().to_degrees(), (translation - truth.translation.vector).norm())
}
