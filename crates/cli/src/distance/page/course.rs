//! What a run went through, as curves and as a table.

use barrow::geometry::{SinkhornStep, WassersteinStep};

use crate::certified;
use crate::page::{
    Axis, Band, Chart, Curve, Html, Point, Seen, Table, Trace, drawing, element, figure, key, value,
};
use crate::report::{count, number, significant};

/// What a run went through.
pub enum Course {
    /// It was computed at once.
    None,
    /// An interval that closed, and the relative gap that it was to reach.
    Certificate(Trace<WassersteinStep>, f64),
    /// Mass that found its place, in one problem after the other, with their names.
    Entropic(Trace<SinkhornStep>, Vec<&'static str>),
}

impl Course {
    /// Its curves, and the numbers behind them.
    pub fn draw(&self) -> (Vec<Html>, Html) {
        match self {
            Self::None => (Vec::new(), Html::default()),
            Self::Certificate(trace, gap) => closing(trace, *gap),
            Self::Entropic(trace, names) => settling(trace, names),
        }
    }
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
    let zeros = y.note(all(&gap).into_iter());
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
    let mut names = names.iter();
    let beginning = |(index, seen): (usize, &&Seen<SinkhornStep>)| {
        (seen.number, begins(index).then(|| names.next().copied().unwrap_or_default()))
    };
    let bands = Band::of(steps.iter().enumerate().map(beginning));
    let chart = |title: &str, label: &str, text: &str, of: fn(&SinkhornStep) -> f64, unit: &str| {
        let point = |(index, seen): (usize, &&Seen<SinkhornStep>)| {
            let title = format!("iteration {}: {}{unit}", seen.step.iteration, number(of(&seen.step)));
            Point { x: seen.number as f64, y: of(&seen.step), begins: begins(index), title }
        };
        let curve = Curve { class: "two", points: steps.iter().enumerate().map(point).collect() };
        let values = || curve.points.iter().map(|point| point.y);
        let y = Axis::of_lengths(label, values());
        let zeros = y.note(values());
        let mut chart = Chart::new(Axis::of_steps("step", trace.len()), y);
        chart.bands(&bands);
        chart.curve(&curve);
        let text = format!("{text}{zeros}{}", trace.thinned());
        drawing(chart.finish(&format!("{title} by step. {text}")), title, &text)
    };
    let terms = if names.len() > 1 { " Shaded: from source to target, and from each to itself." } else { "" };
    let misplaced =
        format!("Distance of the plan's target marginal from the weights, relative to their total.{terms}");
    let curves = vec![
        chart("Misplaced mass", "misplaced mass", &misplaced, |step| step.residual, ""),
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
