//! What `barrow distance --report` writes.

mod course;
mod lengths;

use std::path::Path;

use anyhow::Result;
use barrow::geometry::NearestDistances;
use nalgebra::Isometry3;

pub use self::course::Course;
pub use self::lengths::Lengths;
use super::{DistanceReport, Options};
use crate::certified;
use crate::clouds::LoadedPair;
use crate::interrupt;
use crate::output;
use crate::page::{
    Fact, Html, Page, Table, element, facts, files, folded, key, made_by, of_json, picture, side_by_side,
    value,
};
use crate::picture::{self, color_of};
use crate::progress::Progress;
use crate::report::{count, number, significant};
use crate::settings::Settings;

/// Patches of a scale of colours.
const COLORS: usize = 24;

/// A distance and how it came about.
pub struct Story<'a> {
    /// What was asked for.
    pub options: &'a Options,
    /// The clouds.
    pub clouds: &'a LoadedPair,
    /// What came out, as it is printed.
    pub report: &'a DistanceReport,
    /// What the run went through.
    pub course: &'a Course,
    /// What the answer is made of, where the metric knows.
    pub lengths: Option<Lengths>,
    /// Whether a limit ended the work before what was asked for was reached.
    pub missed: bool,
}

impl Story<'_> {
    /// Writes the page.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(mut self, path: &Path, settings: &Settings) -> Result<()> {
        let _progress = Progress::new(settings.progress, "writing the report");
        interrupt::hold();
        let title = format!("Distance: {}", self.report.metric.name());
        let mut page =
            Page::new(&title, [files(&self.options.pair, self.clouds, "to"), self.stopped(), self.numbers()]);
        let lengths = self.lengths()?;
        page.section("The clouds", self.pictures(&lengths)?);
        page.section("In words", self.words());
        let is_at_once = matches!(self.course, Course::None);
        page.section(
            if is_at_once { "Distances" } else { "Distances and convergence" },
            self.figures(&lengths),
        );
        page.section("Settings", of_json("What it was computed with", &self.report.settings));
        page.section("Versions", made_by(&self.report.device));
        let answer = of_json("As in the JSON object", &serde_json::to_value(self.report)?);
        page.section("Answer", folded("Every number of the answer", answer));
        output::write_whole(path, &page.into_bytes())
    }

    /// Why the work ended, where there was a choice.
    fn stopped(&self) -> Html {
        let convergence = &self.report.convergence;
        if convergence.iterations == 0 {
            return Html::default();
        }
        let class = if convergence.is_converged() { "badge good" } else { "badge fair" };
        let badge = element("span").with("class", class).text(convergence.status.replace('_', " "));
        let missed = if self.missed { "; a limit came before the gap that was asked for" } else { "" };
        let text = format!("after {} iterations{missed}", count(convergence.iterations));
        element("p").with("class", "verdict").around([badge, Html::text(text)])
    }

    fn numbers(&self) -> Html {
        let report = self.report;
        let unit = match report.unit {
            "1" => "",
            "m^2" => "m²",
            unit => unit,
        };
        let shown = format!("{}\u{a0}{unit}", number(report.value));
        let mut cards = vec![Fact {
            name: "value",
            value: value(report.value, shown.trim_end()),
            note: format!("{} from source to target", report.metric.name()),
        }];
        if let Some(certificate) = &report.certificate {
            let (lower, upper) = certificate.bounds();
            cards.extend([
                Fact {
                    name: "at least",
                    value: value(certificate.lower, format!("{lower}\u{a0}m")),
                    note: "proven, rounded down".into(),
                },
                Fact {
                    name: "at most",
                    value: value(certificate.upper, format!("{upper}\u{a0}m")),
                    note: "proven, rounded up".into(),
                },
                Fact {
                    name: "gap",
                    value: value(certificate.relative_gap, certified::percent(certificate.relative_gap)),
                    note: "(at most − at least) ÷ at most".into(),
                },
            ]);
        }
        cards.push(Fact::time(&report.seconds));
        facts(cards)
    }

    fn pictures(&self, lengths: &Lengths) -> Result<Html> {
        let LoadedPair { source, target, .. } = self.clouds;
        let told = "Source and target, seen along the direction in which the target extends least.";
        let caption = || -> Html {
            let title = element("strong").text("As they came");
            let text = Html::text("White is where both are.");
            [title, Html::text(" "), key("source", "source"), key("target", "target"), text].into()
        };
        let plates = picture::plates(source, target, &[Isometry3::identity()])?;
        let mut figures: Vec<_> = plates.iter().map(|plate| picture(plate, told, caption())).collect();
        let (what, distances) = &lengths.of_source;
        let longest = lengths.bars.1.quantile(0.95).filter(|&longest| longest > 0.0).unwrap_or(1.0);
        let parts: Vec<f64> = distances.iter().map(|distance| distance / longest).collect();
        if let Some(plate) = picture::colored(source, target, &parts)? {
            let told = format!("The source, seen as before, every point coloured by {what}.");
            let title = element("strong").text("The source by distance");
            let ends =
                [Html::text("0 "), scale(), Html::text(format!(" {} m and more", significant(longest, 3)))];
            let scale = element("span").with("class", "keyed").around(ends);
            let stay =
                if parts.iter().any(|part| part.is_nan()) { " Points that stay are left out." } else { "" };
            let text = Html::text(format!("Every point by {what}.{stay}"));
            figures.push(picture(&plate, &told, [title, Html::text(" "), scale, text].into()));
        }
        Ok(if figures.is_empty() { Html::default() } else { side_by_side(figures) })
    }

    fn words(&self) -> Html {
        let mut table = Table::new("What is known beside the value", ["what", "value"]);
        self.report.lines.iter().for_each(|(label, text)| table.row(label, [Html::text(text)]));
        table.finish()
    }

    /// The distances that the answer is made of, or else those to the nearest points.
    fn lengths(&mut self) -> Result<Lengths> {
        let LoadedPair { source, target, .. } = self.clouds;
        match self.lengths.take() {
            Some(lengths) => Ok(lengths),
            None => Ok(Lengths::nearest(&NearestDistances::between(source, target)?)),
        }
    }

    fn figures(&self, lengths: &Lengths) -> Html {
        let (curves, table) = self.course.draw();
        let figures = [lengths.draw()].into_iter().chain(curves);
        [side_by_side(figures), folded("The numbers behind these curves", table)].into()
    }
}

/// The colours from zero to the end of the scale.
fn scale() -> Html {
    let stop = |stop: usize| {
        let [red, green, blue] = color_of(stop as f64 / (COLORS - 1) as f64);
        let patch = element("rect").with("x", 4 * stop).with("width", 4).with("height", 10);
        patch.with("fill", format!("#{red:02x}{green:02x}{blue:02x}")).empty()
    };
    let drawing = element("svg").with("class", "scale").with("viewBox", format!("0 0 {} 10", 4 * COLORS));
    drawing
        .with("role", "img")
        .with("aria-label", "violet to yellow")
        .around((0..COLORS).map(stop).collect::<Html>())
}
