//! What `barrow register --report` writes.

mod curves;

use std::path::Path;

use anyhow::Result;
use barrow::registration::{AlignmentStep, Registration, Verdict};
use clap::ValueEnum;
use nalgebra::Isometry3;
use serde_json::{Value, json};

use super::Options;
use super::answer::RegisterReport;
use crate::clouds::LoadedPair;
use crate::output;
use crate::page::{
    Fact, Html, Page, Table, Trace, element, facts, files, folded, key, made_by, metres, of_json, picture,
    side_by_side, value,
};
use crate::picture;
use crate::progress::Progress;
use crate::report::{count, number};
use crate::settings::Settings;

/// A registration and how it came about.
pub struct Story<'a> {
    /// What was asked for.
    pub options: &'a Options,
    /// The clouds, the source at the scale that was found.
    pub clouds: &'a LoadedPair,
    /// What came out.
    pub registration: &'a Registration,
    /// The same as it is printed.
    pub report: &'a RegisterReport,
    /// What the observer saw.
    pub trace: &'a Trace<AlignmentStep>,
}

impl Story<'_> {
    /// Writes the page.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path, settings: &Settings) -> Result<()> {
        let _progress = Progress::new(settings.progress, "writing the report");
        let mut page = Page::new(
            "Registration",
            [files(&self.options.pair, self.clouds, "onto"), self.verdict(), self.numbers()],
        );
        page.section("Before and after", self.pictures()?);
        page.section("Pose", self.pose());
        page.section("Residuals and convergence", self.curves());
        page.section("Stages", self.stages());
        page.section(
            "Settings",
            of_json("What was asked for; nothing given means read off the clouds", &self.settings()),
        );
        page.section("Versions", made_by(&self.report.device));
        page.section(
            "Answer",
            folded(
                "Every number of the answer",
                of_json("As in the JSON object", &serde_json::to_value(self.report)?),
            ),
        );
        output::write_whole(path, &page.into_bytes())
    }

    fn verdict(&self) -> Html {
        let (class, words) = match self.registration.verdict {
            Verdict::Accepted => {
                ("good", "The clouds bear this pose out where they meet, and no other pose as well.")
            }
            Verdict::Doubtful => ("fair", "The clouds bear this pose out in part, or another pose as well."),
            Verdict::Failed => (
                "bad",
                "No pose was found that the clouds bear out: this is the best there was, and most likely wrong.",
            ),
        };
        let badge = element("span").with("class", format!("badge {class}")).text(&self.report.verdict);
        let mut told = vec![badge, Html::text(words)];
        if let Some(scale) = self.registration.other_scale {
            told.push(Html::text(format!(
                " At {} times its size the source would agree clearly better.",
                number(scale)
            )));
        }
        if !self.report.convergence.is_converged() {
            told.push(Html::text(format!(
                " The iterations did not converge: {}.",
                self.report.convergence.short()
            )));
        }
        element("p").with("class", "verdict").around(told.into_iter().collect::<Html>())
    }

    fn numbers(&self) -> Html {
        let Registration { agreement, .. } = self.registration;
        let percent = |share: f64| value(share, format!("{:.1} %", 100.0 * share));
        facts([
            Fact {
                name: "fitness",
                value: percent(self.registration.fitness),
                note: format!(
                    "{} of {} source points, one a voxel, within {} m",
                    count(self.registration.inliers),
                    count(self.registration.source_points),
                    number(self.registration.max_distance)
                ),
            },
            Fact {
                name: "inlier rmse",
                value: self.registration.inlier_rmse.map_or(Html::text("none"), metres),
                note: "root mean square distance of these points".into(),
            },
            Fact {
                name: "overlap",
                value: percent(self.registration.overlap),
                note: "smaller share of the points of a cloud with a partner".into(),
            },
            Fact {
                name: "consistency",
                value: percent(agreement.consistency),
                note: "of what is near the other cloud agrees with its surface".into(),
            },
            Fact::time(&self.report.seconds),
        ])
    }

    fn pictures(&self) -> Result<Html> {
        let LoadedPair { source, target, .. } = self.clouds;
        let poses = [Isometry3::identity(), self.registration.target_from_source];
        let plates = picture::plates(source, target, &poses)?;
        let keys = || Html::from([key("source", "source"), key("target", "target")]);
        let words = [
            (
                "Before",
                "Both clouds as they came.",
                "Source and target as they came, seen along the direction in which the target extends least.",
            ),
            (
                "After",
                "White is where they agree.",
                "The source moved by the pose found, and the target, seen as before.",
            ),
        ];
        let figures = plates.iter().zip(words).map(|(plate, (title, text, told))| {
            let title = element("strong").text(title);
            picture(plate, told, [title, Html::text(" "), keys(), Html::text(text)].into())
        });
        Ok(if plates.is_empty() { Html::default() } else { side_by_side(figures) })
    }

    fn pose(&self) -> Html {
        let report = self.report;
        let matrix = |caption: &str, rows: &[[f64; 4]; 4]| {
            let mut table = Table::new(caption, ["", "x source", "y source", "z source", "1"]).numeric();
            for (name, row) in ["x target", "y target", "z target", "1"].into_iter().zip(rows) {
                table.row(name, row.map(|entry| value(entry, format!("{:.8}", entry + 0.0))));
            }
            table.finish()
        };
        let mut words = Table::new("In words", ["what", "value"]);
        let mut tell = |name: &str, text: &str| {
            let lines = text.lines().map(|line| element("div").text(line));
            words.row(name, [lines.collect()]);
        };
        tell("rotation", &report.pose.rotation);
        tell("translation", &report.pose.translation);
        if let Some(scale) = report.scale {
            tell(
                "scale",
                &format!(
                    "{}, part of the matrix; pictures and residuals are at the target's size",
                    number(scale)
                ),
            );
        }
        match &report.deviations {
            Some(deviations) => tell("certain to", deviations),
            None if self.registration.covariance.is_none() => {
                tell("certain to", "unknown: some direction is free")
            }
            None => tell("certain to", "unknown"),
        }
        tell("directions left free", report.freedom.as_deref().unwrap_or("none"));
        let pose = matrix(
            "T_target_source: target coordinates = T · source coordinates [m]",
            &report.target_from_source,
        );
        let runner_up = report.runner_up.as_ref().map(|rows| {
            folded("The pose that came closest without being the same", matrix("Runner-up", rows))
        });
        [pose, words.finish(), runner_up.unwrap_or_default()].into()
    }

    fn stages(&self) -> Html {
        let mut table =
            Table::new("What was run, tracks that were not kept included", ["stage", "steps", "time"])
                .numeric();
        for stage in &self.registration.stages {
            table.row(
                stage.name,
                [Html::text(stage.iterations), value(stage.seconds, format!("{:.3} s", stage.seconds))],
            );
        }
        table.finish()
    }

    fn settings(&self) -> Value {
        let options = self.options;
        let aligner = options.aligner();
        json!({
            "method": typed(&options.method),
            "kernel": typed(&options.kernel),
            "unmatched": typed(&options.unmatched),
            "init": options.init.as_ref().map(|path| path.display().to_string()),
            "scale": options.scale,
            "voxel_size": { "asked": aligner.voxel_size, "used": self.registration.voxel_size },
            "max_distance": { "asked": aligner.max_distance, "used": self.registration.max_distance },
            "full_detail": aligner.full_detail,
            "max_iterations": aligner.max_iterations,
            "tolerance": aligner.tolerance,
        })
    }
}

/// A choice as it is typed.
fn typed(choice: &impl ValueEnum) -> Option<String> {
    choice.to_possible_value().map(|value| value.get_name().to_owned())
}
