//! What `barrow register --report` writes.

use std::path::Path;

use anyhow::Result;
use barrow::geometry::{BatchSearch, KdTree, PointCloud};
use barrow::registration::{AlignmentStep, Registration, Verdict};
use clap::ValueEnum;
use nalgebra::Isometry3;
use serde_json::{Value, json};

use super::Options;
use super::answer::RegisterReport;
use crate::clouds::{LoadedPair, name};
use crate::output;
use crate::page::{
    Axis, Band, Chart, Curve, Distances, Fact, Histogram, Html, Page, Point, Seen, Table, Trace, drawing,
    element, facts, figure, folded, key, made_by, metres, of_json, picture, side_by_side, value,
};
use crate::picture;
use crate::progress::Progress;
use crate::report::{count, number};
use crate::settings::Settings;

/// Stages that look at many poses at once: they have no residual of their own to draw.
const UNMEASURED: [&str; 2] = ["search", "settling"];

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
        let mut page = Page::new("Registration", [self.files(), self.verdict(), self.numbers()]);
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

    fn files(&self) -> Html {
        let pair = &self.options.pair;
        let side = |path: &Path, cloud: &PointCloud| {
            [element("bdi").text(name(path)), Html::text(format!(" ({} points)", count(cloud.len())))]
        };
        let [source, points] = side(&pair.source, &self.clouds.source);
        let [target, others] = side(&pair.target, &self.clouds.target);
        element("p").with("class", "files").around([source, points, Html::text(" onto "), target, others])
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
        let seconds = &self.report.seconds;
        let all = seconds.read + seconds.prepare + seconds.solve;
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
            Fact { name: "time", value: value(all, format!("{all:.2} s")), note: seconds.text() },
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
            None => tell("certain to", "unknown: some direction is free"),
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

    fn residuals(&self) -> Html {
        let LoadedPair { source, target, .. } = self.clouds;
        let gate = self.registration.max_distance;
        let tree = KdTree::new(target.positions());
        let distances = |pose: Option<Isometry3<f64>>| {
            let search = BatchSearch { max_distance: gate, pose, ..BatchSearch::default() };
            let found = tree.nearest_all(source.positions(), &search);
            Distances::of(found.iter().flatten().map(|found| found.distance_squared.sqrt()), source.len())
        };
        let (before, after) = (distances(None), distances(Some(self.registration.target_from_source)));
        let histogram = Histogram {
            label: "distance to the nearest target point [m]".into(),
            what: "source points",
            bars: ("after", &after),
            outline: Some(("before", &before)),
            limit: Some(gate),
        };
        let within = |distances: &Distances| format!("{} of {}", count(distances.len()), count(source.len()));
        let text = format!(
            "of all source points, up to the gate of {} m. Within it are {} after the motion (bars), {} before (outline); median and 95 % are of those after.",
            number(gate),
            within(&after),
            within(&before)
        );
        let (drawn, left_out) = histogram.draw(&format!("Histogram of the distances {text}"));
        let keys = [key("two", "after"), key("one", "before")];
        let title = element("strong").text("Distances to the nearest target point");
        let caption = [title, Html::text(" "), keys.into(), Html::text(text + &left_out)];
        figure(drawn, caption.into())
    }

    fn curves(&self) -> Html {
        let steps: Vec<_> = self.trace.steps().collect();
        let bands = bands(&steps);
        let curves = [
            (
                "Residual",
                "rmse [m]",
                "Root mean square distance of the matches before every step.",
                (|step| step.rmse) as fn(&AlignmentStep) -> f64,
                " m",
            ),
            (
                "Motion",
                "motion [m]",
                "How far a point at the source's radius moves in every step.",
                |step| step.motion,
                " m",
            ),
            (
                "Matches",
                "matches",
                "Correspondences found in every step.",
                |step| step.correspondences as f64,
                "",
            ),
        ];
        let figures = curves.map(|(title, label, text, number_of, unit)| {
            let curve = Curve { class: "two", points: points(&steps, number_of, unit) };
            let y = Axis::of_lengths(label, curve.points.iter().map(|point| point.y));
            let zeros = y.ends_in_zero(curve.points.iter().map(|point| point.y));
            let mut chart = Chart::new(Axis::of_steps("step", self.trace.len()), y);
            chart.bands(&bands);
            chart.curve(&curve);
            let zeros = if zeros { " Zero is drawn at the bottom." } else { "" };
            let text = format!("{text} Shaded: stages.{zeros}{}", self.trace.thinned());
            drawing(chart.finish(&format!("{title} over {} steps. {text}", self.trace.len())), title, &text)
        });
        let mut table = Table::new(
            "Steps",
            ["step", "stage", "in the stage", "time [s]", "rmse [m]", "motion [m]", "matches"],
        );
        for Seen { number: index, seconds, step } in &steps {
            let measured = |length: f64| {
                if is_measured(step) { value(length, number(length)) } else { Html::text("–") }
            };
            table.row(
                index,
                [
                    Html::text(step.stage),
                    Html::text(step.iteration),
                    value(*seconds, format!("{seconds:.3}")),
                    measured(step.rmse),
                    measured(step.motion),
                    Html::text(count(step.correspondences)),
                ],
            );
        }
        let figures = [self.residuals()].into_iter().chain(figures);
        [side_by_side(figures), folded("The numbers behind these curves", table.finish())].into()
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

fn is_measured(step: &AlignmentStep) -> bool {
    !UNMEASURED.contains(&step.stage)
}

/// Whether a step is the first one of a stage.
fn begins(before: Option<&&Seen<AlignmentStep>>, seen: &Seen<AlignmentStep>) -> bool {
    before.is_none_or(|before| {
        before.step.stage != seen.step.stage || before.step.iteration >= seen.step.iteration
    })
}

/// A number of every step that has it.
fn points(steps: &[&Seen<AlignmentStep>], of: fn(&AlignmentStep) -> f64, unit: &str) -> Vec<Point> {
    let point = |(index, seen): (usize, &&Seen<AlignmentStep>)| {
        let step = &seen.step;
        let title =
            format!("step {}, {} {}: {}{unit}", seen.number, step.stage, step.iteration, number(of(step)));
        let before = index.checked_sub(1).and_then(|index| steps.get(index));
        is_measured(step).then(|| Point {
            x: seen.number as f64,
            y: of(step),
            begins: begins(before, seen),
            title,
        })
    };
    steps.iter().enumerate().filter_map(point).collect()
}

/// The stages, from half a step before the first of theirs to half a step behind the last.
fn bands(steps: &[&Seen<AlignmentStep>]) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    for (index, seen) in steps.iter().enumerate() {
        let end = seen.number as f64 + 0.5;
        match bands.last_mut() {
            Some(band) if !begins(index.checked_sub(1).and_then(|index| steps.get(index)), seen) => {
                band.range[1] = end
            }
            last => {
                let start = last.map_or(seen.number as f64 - 0.5, |band| band.range[1]);
                bands.push(Band { range: [start, end], name: seen.step.stage.into() });
            }
        }
    }
    bands
}
