//! What `barrow distance --report` writes.

use std::path::Path;

use anyhow::Result;
use barrow::geometry::{
    Arc, DirectedDistances, NearestDistances, PointCloud, SinkhornStep, SparsePlan, WassersteinStep,
};
use nalgebra::Isometry3;

use super::{DistanceReport, Options};
use crate::certified;
use crate::clouds::{LoadedPair, name};
use crate::interrupt;
use crate::output;
use crate::page::{
    Axis, Band, Chart, Curve, Distances, Fact, Histogram, Html, Page, Point, Seen, Table, Trace, drawing,
    element, facts, figure, folded, key, made_by, of_json, picture, side_by_side, value,
};
use crate::picture::{self, color_of};
use crate::progress::Progress;
use crate::report::{count, number, significant};
use crate::settings::Settings;

/// Patches of a scale of colours.
const COLORS: usize = 24;

/// What a run went through.
pub enum Course {
    /// It was computed at once.
    None,
    /// An interval that closed, and the relative gap that it was to reach.
    Certificate(Trace<WassersteinStep>, f64),
    /// Mass that found its place, in one problem after the other, with their names.
    Entropic(Trace<SinkhornStep>, Vec<&'static str>),
}

/// Distances that the answer is made of.
pub struct Lengths {
    /// What they are.
    title: &'static str,
    /// What is counted.
    what: &'static str,
    bars: (&'static str, Distances),
    outline: Option<(&'static str, Distances)>,
    /// The distance of every source point \[m\], and what it is; no number where there is none.
    of_source: (&'static str, Vec<f64>),
}

impl Lengths {
    /// Distances to the nearest point, in both directions.
    pub fn nearest(found: &NearestDistances) -> Self {
        let side = |side: &DirectedDistances| match side.weights() {
            Some(weights) => {
                let weighted = side.distances().iter().copied().zip(weights.iter().copied());
                Distances::weighted(weighted, weights.iter().sum())
            }
            None => Distances::of(side.distances().iter().copied(), side.len()),
        };
        Self {
            title: "Distances to the nearest point",
            what: "points",
            bars: ("source to target", side(found.source_to_target())),
            outline: Some(("target to source", side(found.target_to_source()))),
            of_source: (
                "its distance to the nearest target point",
                found.source_to_target().distances().to_vec(),
            ),
        }
    }

    /// How far mass travels; costs are distances to the power p.
    pub fn travelled(plan: &SparsePlan, p: u8) -> Self {
        let length = |arc: &Arc| (if p == 1 { arc.cost } else { arc.cost.sqrt() }, arc.mass);
        let row = |source: usize| {
            let arcs = || plan.row(source).iter().map(length);
            arcs().map(|(length, mass)| mass * length).sum::<f64>()
                / arcs().map(|(_, mass)| mass).sum::<f64>()
        };
        Self {
            title: "How far mass travels",
            what: "mass",
            bars: ("moved mass", Distances::weighted(plan.arcs().iter().map(length), plan.mass())),
            outline: None,
            of_source: ("how far its mass travels, on average", (0..plan.source_len()).map(row).collect()),
        }
    }

    fn draw(&self) -> Html {
        let histogram = Histogram {
            label: "distance [m]".into(),
            what: self.what,
            bars: (self.bars.0, &self.bars.1),
            outline: self.outline.as_ref().map(|(name, distances)| (*name, distances)),
            limit: None,
        };
        let (drawn, left_out) = histogram.draw(&format!("Histogram: {}", self.title));
        let keys = [Some(("two", self.bars.0)), self.outline.as_ref().map(|(name, _)| ("one", *name))];
        let keys = keys.into_iter().flatten().map(|(class, name)| key(class, name));
        let text = format!("Median and 95 % are of {} (bars).{left_out}", self.bars.0);
        let title = element("strong").text(self.title);
        let caption = [title, Html::text(" "), keys.collect(), Html::text(text)];
        figure(drawn, caption.into())
    }
}

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
        let mut page = Page::new(&title, [self.files(), self.stopped(), self.numbers()]);
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

    fn files(&self) -> Html {
        let pair = &self.options.pair;
        let side = |path: &Path, cloud: &PointCloud| {
            [element("bdi").text(name(path)), Html::text(format!(" ({} points)", count(cloud.len())))]
        };
        let [source, points] = side(&pair.source, &self.clouds.source);
        let [target, others] = side(&pair.target, &self.clouds.target);
        element("p").with("class", "files").around([source, points, Html::text(" to "), target, others])
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
        let shown = format!("{} {unit}", number(report.value));
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
                    value: value(certificate.lower, format!("{lower} m")),
                    note: "proven, rounded down".into(),
                },
                Fact {
                    name: "at most",
                    value: value(certificate.upper, format!("{upper} m")),
                    note: "proven, rounded up".into(),
                },
                Fact {
                    name: "gap",
                    value: value(certificate.relative_gap, certified::percent(certificate.relative_gap)),
                    note: "(at most − at least) ÷ at most".into(),
                },
            ]);
        }
        let seconds = &report.seconds;
        let all = seconds.read + seconds.prepare + seconds.solve;
        cards.push(Fact { name: "time", value: value(all, format!("{all:.2} s")), note: seconds.text() });
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
            let text = Html::text(format!("Every point by {what}."));
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
        let (curves, table) = match self.course {
            Course::None => (Vec::new(), Html::default()),
            Course::Certificate(trace, gap) => closing(trace, *gap),
            Course::Entropic(trace, names) => settling(trace, names),
        };
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

/// The interval closing over time, and its gap.
fn closing(trace: &Trace<WassersteinStep>, asked: f64) -> (Vec<Html>, Html) {
    // Until the points have been reached nothing is proven.
    let proven: Vec<_> = trace.steps().filter(|seen| seen.step.certificate.upper.is_finite()).collect();
    let curve = |class, of: fn(&WassersteinStep) -> f64, name: &str, unit: &str| {
        let point = |(index, seen): (usize, &&Seen<WassersteinStep>)| {
            let (step, seconds) = (&seen.step, significant(seen.seconds, 3));
            let stage = certified::name(step.stage);
            let title =
                format!("step {}, {seconds} s, {stage}: {name} {}{unit}", step.iteration, number(of(step)));
            Point { x: seen.seconds, y: of(step), begins: index == 0, title }
        };
        Curve { class, points: proven.iter().enumerate().map(point).collect() }
    };
    let all = |curve: &Curve| curve.points.iter().map(|point| point.y).collect::<Vec<_>>();
    let seconds = || Axis::between("time [s]", proven.iter().map(|seen| seen.seconds).chain([0.0]));

    let lower = curve("two", |step| step.certificate.lower, "at least", " m");
    let upper = curve("one", |step| step.certificate.upper, "at most", " m");
    let y = Axis::between("distance [m]", all(&lower).into_iter().chain(all(&upper)));
    let mut interval = Chart::new(seconds(), y);
    interval.between(&lower, &upper);
    interval.curve(&lower);
    interval.curve(&upper);
    let text = format!("The distance is proven to lie between both curves.{}", trace.thinned());
    let keys = [key("one", "at most"), key("two", "at least")];
    let caption =
        [element("strong").text("The certificate"), Html::text(" "), keys.into(), Html::text(&text)];
    let interval = figure(interval.finish(&format!("The proven interval over time. {text}")), caption.into());

    let gap = curve("two", |step| step.certificate.relative_gap(), "gap", "");
    let y = Axis::of_lengths("relative gap", all(&gap).into_iter().chain([asked]));
    let zeros = if y.ends_in_zero(all(&gap).into_iter()) { " Zero is drawn at the bottom." } else { "" };
    let mut chart = Chart::new(seconds(), y);
    chart.level(asked, "asked for");
    chart.curve(&gap);
    let text = format!("(at most − at least) ÷ at most.{zeros}{}", trace.thinned());
    let gap = drawing(chart.finish(&format!("The gap over time. {text}")), "Its relative gap", &text);

    let columns = ["step", "stage", "cells or points", "time [s]", "at least [m]", "at most [m]", "gap"];
    let mut table = Table::new("Steps", columns);
    for Seen { seconds, step, .. } in trace.steps() {
        let certificate = &step.certificate;
        let bound =
            |bound: f64| if bound.is_finite() { value(bound, number(bound)) } else { Html::text("–") };
        let gap = certificate.relative_gap();
        table.row(
            step.iteration,
            [
                Html::text(certified::name(step.stage)),
                Html::text(count(step.points)),
                value(*seconds, format!("{seconds:.3}")),
                bound(certificate.lower),
                bound(certificate.upper),
                value(gap, certified::percent(gap)),
            ],
        );
    }
    let curves = if proven.is_empty() { Vec::new() } else { vec![interval, gap] };
    (curves, table.finish())
}

/// Misplaced mass and blur over the iterations of one problem after the other.
fn settling(trace: &Trace<SinkhornStep>, names: &[&'static str]) -> (Vec<Html>, Html) {
    let steps: Vec<_> = trace.steps().collect();
    let begins = |index: usize| index == 0 || steps[index].step.iteration <= steps[index - 1].step.iteration;
    let mut bands: Vec<Band> = Vec::new();
    for (index, seen) in steps.iter().enumerate() {
        let end = seen.number as f64 + 0.5;
        match bands.last_mut() {
            Some(band) if !begins(index) => band.range[1] = end,
            last => {
                let start = last.map_or(0.5, |band| band.range[1]);
                let name = names.get(bands.len()).copied().unwrap_or_default();
                bands.push(Band { range: [start, end], name: name.into() });
            }
        }
    }
    let chart = |title: &str, label: &str, text: &str, of: fn(&SinkhornStep) -> f64, unit: &str| {
        let point = |(index, seen): (usize, &&Seen<SinkhornStep>)| {
            let title = format!("iteration {}: {}{unit}", seen.step.iteration, number(of(&seen.step)));
            Point { x: seen.number as f64, y: of(&seen.step), begins: begins(index), title }
        };
        let curve = Curve { class: "two", points: steps.iter().enumerate().map(point).collect() };
        let values = || curve.points.iter().map(|point| point.y);
        let y = Axis::of_lengths(label, values());
        let zeros = if y.ends_in_zero(values()) { " Zero is drawn at the bottom." } else { "" };
        let mut chart = Chart::new(Axis::of_steps("step", trace.len()), y);
        chart.bands(&bands);
        chart.curve(&curve);
        let text = format!("{text}{zeros}{}", trace.thinned());
        drawing(chart.finish(&format!("{title} by step. {text}")), title, &text)
    };
    let misplaced = "Distance of the plan's target marginal from the weights, relative to their total. Shaded: transport from source to target, and of each to itself.";
    let curves = vec![
        chart("Misplaced mass", "misplaced mass", misplaced, |step| step.residual, ""),
        chart(
            "Blur",
            "blur [m]",
            "Length below which the plan is fuzzy, step by step.",
            |step| step.blur,
            " m",
        ),
    ];
    let mut table = Table::new("Steps", ["step", "iteration", "time [s]", "blur [m]", "misplaced mass"]);
    for Seen { number: index, seconds, step } in &steps {
        let cells = [step.blur, step.residual].map(|entry| value(entry, number(entry)));
        let [blur, residual] = cells;
        let time = value(*seconds, format!("{seconds:.3}"));
        table.row(index, [Html::text(step.iteration), time, blur, residual]);
    }
    let curves = if steps.is_empty() { Vec::new() } else { curves };
    (curves, table.finish())
}
