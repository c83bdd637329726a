//! An answer as JSON and as text, both from the same fields.

use std::fmt::Write as _;
use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};
use barrow::geometry::{Convergence, PointCloud, Status};
use nalgebra::{Isometry3, Matrix6, Point3};
use serde::Serialize;

use crate::settings::Settings;

/// An answer that can be printed.
pub trait Report: Serialize {
    /// The answer for a reader, without the last line break.
    fn text(&self) -> String;
}

/// Prints the answer on standard output: JSON on one line or text.
///
/// A reader that has seen enough and closed the pipe is no error.
///
/// # Errors
/// If standard output cannot be written.
pub fn print(report: &impl Report, settings: &Settings) -> Result<()> {
    let mut answer = if settings.json { serde_json::to_string(report)? } else { report.text() };
    if !answer.is_empty() {
        answer.push('\n');
    }
    let mut output = std::io::stdout().lock();
    match output.write_all(answer.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("standard output"),
        _ => Ok(()),
    }
}

/// Why a solver stopped.
#[derive(Debug, Clone, Serialize)]
pub struct ConvergenceReport {
    /// `converged`, `max_iterations`, `stopped`, ...
    pub status: String,
    /// Iterations done.
    pub iterations: usize,
    /// What was left of the quantity that the solver drives to zero.
    pub residual: f64,
}

impl From<&Convergence> for ConvergenceReport {
    fn from(convergence: &Convergence) -> Self {
        let Convergence { status, iterations, residual } = convergence;
        Self { status: status.to_string(), iterations: *iterations, residual: *residual }
    }
}

impl ConvergenceReport {
    /// Whether what was asked for was reached.
    pub fn is_converged(&self) -> bool {
        self.status == Status::Converged.to_string()
    }

    /// One line for a reader, `residual` being what the residual is called.
    pub fn text(&self, residual: &str) -> String {
        format!("{}, {residual} {}", self.short(), number(self.residual))
    }

    /// One line for a reader who has seen the residual elsewhere.
    pub fn short(&self) -> String {
        let unit = if self.iterations == 1 { "iteration" } else { "iterations" };
        format!("{} after {} {unit}", self.status.replace('_', " "), self.iterations)
    }
}

/// Wall-clock time by stage [s].
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Seconds {
    /// Reading files.
    pub read: f64,
    /// Trees, normals, weights: what is done once before the solver.
    pub prepare: f64,
    /// The solver.
    pub solve: f64,
}

impl Seconds {
    /// One line for a reader.
    pub fn text(&self) -> String {
        format!("read {:.2} s, prepare {:.2} s, solve {:.2} s", self.read, self.prepare, self.solve)
    }
}

/// A box as two corners.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct BoundsReport {
    /// Smallest coordinates [m].
    pub min: [f64; 3],
    /// Largest coordinates [m].
    pub max: [f64; 3],
}

impl BoundsReport {
    /// The box of a cloud that has points.
    pub fn of(cloud: &PointCloud) -> Option<Self> {
        cloud.bounds().map(|bounds| Self { min: bounds.min.coords.into(), max: bounds.max.coords.into() })
    }
}

/// A 6×6 matrix by rows.
pub fn rows(matrix: &Matrix6<f64>) -> [[f64; 6]; 6] {
    std::array::from_fn(|row| std::array::from_fn(|column| matrix[(row, column)]))
}

/// The 4×4 matrix of a pose, by rows.
pub fn matrix(pose: &Isometry3<f64>) -> [[f64; 4]; 4] {
    let matrix = pose.to_homogeneous();
    std::array::from_fn(|row| std::array::from_fn(|column| matrix[(row, column)]))
}

/// Lines of a label and a value, the values aligned; a value of several lines stays aligned.
#[derive(Debug, Default)]
pub struct Lines(Vec<(String, String)>);

impl Lines {
    /// Adds a line.
    pub fn add(&mut self, label: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.0.push((label.into(), value.into()));
        self
    }

    /// Adds a line if there is a value.
    pub fn add_some(&mut self, label: &str, value: Option<String>) -> &mut Self {
        if let Some(value) = value {
            self.add(label, value);
        }
        self
    }

    /// The text, without the last line break.
    pub fn text(&self) -> String {
        let width = self.0.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0) + 2;
        let mut text = String::new();
        for (label, value) in &self.0 {
            let mut label = label.as_str();
            for line in value.lines() {
                // Writing to a string does not fail.
                let _ = writeln!(text, "{label:width$}{line}");
                label = "";
            }
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// Six significant digits, in powers of ten only where the plain form would be long.
pub fn number(value: f64) -> String {
    significant(value, 6)
}

/// As [`number`] with another number of significant digits, at least 1.
pub fn significant(value: f64, digits: usize) -> String {
    let magnitude = value.abs();
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    if !(1e-4..1e9).contains(&magnitude) {
        return format!("{value:.*e}", digits - 1);
    }
    let decimals = (digits as i32 - 1 - magnitude.log10().floor() as i32).max(0) as usize;
    let plain = format!("{value:.decimals$}");
    if plain.contains('.') { plain.trim_end_matches('0').trim_end_matches('.').into() } else { plain }
}

/// As [`significant`] of a value that is not negative, rounded down.
pub fn below(value: f64, digits: usize) -> String {
    outwards(value, digits, -1.0)
}

/// As [`significant`] of a value that is not negative, rounded up.
pub fn above(value: f64, digits: usize) -> String {
    outwards(value, digits, 1.0)
}

fn outwards(value: f64, digits: usize, side: f64) -> String {
    let text = significant(value, digits);
    let read = text.parse().unwrap_or(value);
    if side * (value - read) <= 0.0 {
        return text;
    }
    // Rounded to the wrong side: one unit of the last digit further.
    let last = 10f64.powi(value.log10().floor() as i32 - digits as i32 + 1);
    significant(read + side * last, digits)
}

/// Three numbers in brackets; coordinates keep millimetres however far from the origin.
pub fn triple(values: [f64; 3]) -> String {
    let [x, y, z] = values.map(|value| {
        if value.abs() >= 1e3 && value.abs() < 1e12 { format!("{value:.3}") } else { number(value) }
    });
    format!("({x}, {y}, {z})")
}

/// Coordinates of a point.
pub fn coordinates(point: &Point3<f64>) -> [f64; 3] {
    point.coords.into()
}

/// A count with its thousands apart.
pub fn count(value: usize) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
