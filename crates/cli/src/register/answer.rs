//! What `barrow register` prints.

use barrow::registration::Registration;
use serde::Serialize;

use super::certainty;
use crate::device::DeviceReport;
use crate::pose::PoseText;
use crate::report::{ConvergenceReport, Lines, Report, Seconds, count, matrix, number, rows};

/// What a registration prints.
#[derive(Debug, Serialize)]
pub struct RegisterReport {
    #[serde(rename = "T_target_source")]
    pub(super) target_from_source: [[f64; 4]; 4],
    pub(super) verdict: String,
    agreement: AgreementReport,
    pub(super) runner_up: Option<[[f64; 4]; 4]>,
    pub(super) scale: Option<f64>,
    other_scale: Option<f64>,
    fitness: f64,
    inlier_rmse: Option<f64>,
    inliers: usize,
    overlap: f64,
    information: [[f64; 6]; 6],
    covariance: Option<[[f64; 6]; 6]>,
    degenerate_directions: Vec<[f64; 6]>,
    pub(super) convergence: ConvergenceReport,
    stages: Vec<StageReport>,
    pub(super) seconds: Seconds,
    pub(super) device: DeviceReport,
    source_points: usize,
    target_points: usize,
    voxel_size: f64,
    max_distance: f64,
    pub(super) written: Vec<String>,
    #[serde(skip)]
    pub(super) pose: PoseText,
    #[serde(skip)]
    pub(super) deviations: Option<String>,
    #[serde(skip)]
    pub(super) freedom: Option<String>,
}

#[derive(Debug, Serialize)]
struct AgreementReport {
    met: f64,
    supported: f64,
    consistency: f64,
    gap: Option<f64>,
}

#[derive(Debug, Serialize)]
struct StageReport {
    name: &'static str,
    iterations: usize,
    seconds: f64,
}

impl RegisterReport {
    /// Gathers what is printed.
    pub fn new(
        answer: &Registration,
        scale: Option<f64>,
        seconds: Seconds,
        written: Vec<String>,
        device: DeviceReport,
    ) -> Self {
        Self {
            target_from_source: scaled(matrix(&answer.target_from_source), scale),
            verdict: answer.verdict.to_string(),
            agreement: AgreementReport {
                met: answer.agreement.met,
                supported: answer.agreement.supported,
                consistency: answer.agreement.consistency,
                gap: Some(answer.agreement.gap).filter(|gap| gap.is_finite()),
            },
            runner_up: answer.runner_up.as_ref().map(matrix),
            scale,
            other_scale: answer.other_scale,
            fitness: answer.fitness,
            inlier_rmse: answer.inlier_rmse,
            inliers: answer.inliers,
            overlap: answer.overlap,
            information: rows(&answer.information),
            covariance: answer.covariance.as_ref().map(rows),
            degenerate_directions: answer.degenerate_directions.iter().map(|&d| d.into()).collect(),
            convergence: ConvergenceReport::from(&answer.convergence),
            stages: answer
                .stages
                .iter()
                .map(|stage| StageReport {
                    name: stage.name,
                    iterations: stage.iterations,
                    seconds: stage.seconds,
                })
                .collect(),
            seconds,
            device,
            source_points: answer.source_points,
            target_points: answer.target_points,
            voxel_size: answer.voxel_size,
            max_distance: answer.max_distance,
            written,
            pose: PoseText::of(&answer.target_from_source),
            deviations: answer.covariance.as_ref().and_then(certainty::deviations),
            freedom: certainty::freedom(&answer.degenerate_directions),
        }
    }
}

/// The rows of a pose after a scale.
fn scaled(mut rows: [[f64; 4]; 4], scale: Option<f64>) -> [[f64; 4]; 4] {
    rows.iter_mut()
        .take(3)
        .for_each(|row| row[..3].iter_mut().for_each(|entry| *entry *= scale.unwrap_or(1.0)));
    rows
}

impl Report for RegisterReport {
    fn text(&self) -> String {
        let mut lines = Lines::default();
        let agreement = &self.agreement;
        lines.add(
            "verdict",
            format!(
                "{} (of what is near the other cloud {:.0} % agrees with it, {:.0} % of all points)",
                self.verdict,
                100.0 * agreement.consistency,
                100.0 * agreement.supported
            ),
        );
        if let Some(scale) = self.scale {
            lines.add("scale", number(scale));
        }
        if let Some(scale) = self.other_scale {
            lines.add(
                "other scale",
                format!("{} times the source would agree clearly better: --scale", number(scale)),
            );
        }
        lines.add("T_target_source", &self.pose.matrix);
        lines.add("rotation", &self.pose.rotation);
        lines.add("translation", &self.pose.translation);
        let (inliers, points) = (count(self.inliers), count(self.source_points));
        let gate = number(self.max_distance);
        lines.add("fitness", format!("{:.4} ({inliers} of {points} points within {gate} m)", self.fitness));
        lines
            .add("inlier rmse", self.inlier_rmse.map_or("none".into(), |rmse| format!("{} m", number(rmse))));
        lines.add("overlap", format!("{:.4}", self.overlap));
        lines.add("voxel size", format!("{} m", number(self.voxel_size)));
        lines.add_some("certain to", self.deviations.clone());
        lines.add_some("degenerate", self.freedom.clone());
        lines.add("stopped", format!("{} m", self.convergence.text("last motion")));
        let stages = self
            .stages
            .iter()
            .map(|stage| format!("{}: {} steps, {:.2} s", stage.name, stage.iterations, stage.seconds));
        lines.add("stages", stages.collect::<Vec<_>>().join("\n"));
        lines.add_some("device", self.device.text());
        lines.add("time", self.seconds.text());
        if !self.written.is_empty() {
            lines.add("written", self.written.join("\n"));
        }
        lines.text()
    }
}
