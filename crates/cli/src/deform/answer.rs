//! What `barrow deform` prints.

use barrow::registration::Deformation;
use serde::Serialize;

use super::Options;
use crate::clouds::LoadedPair;
use crate::device::DeviceReport;
use crate::pose::PoseText;
use crate::report::{ConvergenceReport, Lines, Report, Seconds, count, matrix, number};
use crate::settings::Settings;

/// What a deformation prints.
#[derive(Debug, Serialize)]
pub struct DeformReport {
    /// Rotation and translation of the map.
    #[serde(rename = "T_target_source")]
    target_from_source: [[f64; 4]; 4],
    /// Scale of the map.
    scale: f64,
    /// Share of the source's mass that has a place on the target.
    transported_mass: f64,
    energy: EnergyReport,
    smoothness: SmoothnessReport,
    /// Lengths of the displacements [m].
    displacement: LengthsReport,
    convergence: ConvergenceReport,
    settings: SettingsReport,
    seconds: Seconds,
    device: DeviceReport,
    source_points: usize,
    target_points: usize,
    written: Vec<String>,
    #[serde(skip)]
    pose: PoseText,
}

/// What the last step minimised [m²].
#[derive(Debug, Serialize)]
struct EnergyReport {
    data: f64,
    smoothness: f64,
}

#[derive(Debug, Serialize)]
struct SmoothnessReport {
    /// Squared norm of the field in its kernel's space; 0 where nothing is bent.
    roughness: f64,
    /// Root mean square length of the field, the motion apart [m].
    rms_field: f64,
    /// Largest norm of the field's derivative.
    max_gradient: f64,
    /// Smallest and largest factor of volume, the scale apart.
    jacobian: [f64; 2],
    /// Share of the points where the map folds over itself.
    folded: f64,
}

#[derive(Debug, Serialize)]
struct LengthsReport {
    rms: f64,
    max: f64,
}

#[derive(Debug, Serialize)]
struct SettingsReport {
    stiffness: f64,
    width: f64,
    blur: f64,
    reach: f64,
    anchors: usize,
    weights: String,
}

impl DeformReport {
    /// Gathers what is printed.
    pub fn new(
        answer: &Deformation,
        clouds: &LoadedPair,
        options: &Options,
        seconds: Seconds,
        written: Vec<String>,
        settings: &Settings,
    ) -> Self {
        let pose = answer.target_from_source();
        let squares: f64 = answer.displacements.iter().map(|shift| shift.norm_squared()).sum();
        let longest = answer.displacements.iter().map(|shift| shift.norm()).fold(0.0, f64::max);
        let smoothness = &answer.smoothness;
        Self {
            target_from_source: matrix(&pose),
            scale: answer.scale(),
            transported_mass: answer.transported_mass,
            energy: EnergyReport { data: answer.energy.data, smoothness: answer.energy.smoothness },
            smoothness: SmoothnessReport {
                roughness: smoothness.roughness,
                rms_field: smoothness.rms_field,
                max_gradient: smoothness.max_gradient,
                jacobian: smoothness.jacobian,
                folded: smoothness.folded,
            },
            displacement: LengthsReport { rms: (squares / clouds.source.len() as f64).sqrt(), max: longest },
            convergence: ConvergenceReport::from(&answer.convergence),
            settings: SettingsReport {
                stiffness: options.stiffness,
                width: answer.width,
                blur: answer.blur,
                reach: options.reach,
                anchors: answer.anchors,
                weights: options.weighting.text(),
            },
            seconds,
            device: settings.device.cpu_only("plans between nearby points"),
            source_points: clouds.source.len(),
            target_points: clouds.target.len(),
            written,
            pose: PoseText::of(&pose),
        }
    }
}

impl Report for DeformReport {
    fn text(&self) -> String {
        let metres = |value: f64| format!("{} m", number(value));
        let mut lines = Lines::default();
        lines.add("T_target_source", &self.pose.matrix);
        lines.add("rotation", &self.pose.rotation);
        lines.add("translation", &self.pose.translation);
        lines.add("scale", number(self.scale));
        let (field, gradient) = (metres(self.smoothness.rms_field), number(self.smoothness.max_gradient));
        lines.add("field", format!("{field} root mean square, gradient at most {gradient}"));
        let [least, most] = self.smoothness.jacobian.map(number);
        let folded = match self.smoothness.folded {
            0.0 => "folds nowhere".into(),
            share => format!("folds at {} % of the points", number(100.0 * share)),
        };
        lines.add("volume", format!("factors from {least} to {most}, {folded}"));
        lines.add("matched", format!("{:.4} of the source's mass", self.transported_mass));
        lines.add("left", format!("{} to where the plan points", metres(self.energy.data.sqrt())));
        let SettingsReport { width, blur, anchors, .. } = &self.settings;
        lines.add("width", format!("{}, {} anchors", metres(*width), count(*anchors)));
        lines.add("blur", metres(*blur));
        lines.add("stopped", format!("{} blurs", self.convergence.text("last motion")));
        lines.add_some("device", self.device.text());
        lines.add("time", self.seconds.text());
        if !self.written.is_empty() {
            lines.add("written", self.written.join("\n"));
        }
        lines.text()
    }
}
