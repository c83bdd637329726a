//! Residuals and their course: what is drawn of a registration.

use barrow::geometry::{BatchSearch, KdTree};
use barrow::registration::AlignmentStep;
use nalgebra::Isometry3;

use super::Story;
use crate::clouds::LoadedPair;
use crate::page::{
    Axis, Band, Chart, Curve, Distances, Histogram, Html, Point, Seen, Table, drawing, element, figure,
    folded, key, side_by_side, value,
};
use crate::report::{count, number};

/// Stages that look at many poses at once: they have no residual of their own to draw.
const UNMEASURED: [&str; 2] = ["search", "settling"];

impl Story<'_> {
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

    /// The histogram and the curves.
    pub(super) fn curves(&self) -> Html {
        let steps: Vec<_> = self.trace.steps().collect();
        let beginning = |index: usize| {
            let before = index.checked_sub(1).map(|index| steps[index]);
            begins(before, steps[index]).then_some(steps[index].step.stage)
        };
        let bands = Band::of(steps.iter().enumerate().map(|(index, seen)| (seen.number, beginning(index))));
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
        let figures = curves.into_iter().filter_map(|(title, label, text, number_of, unit)| {
            let curve = Curve { class: "two", points: points(&steps, number_of, unit) };
            // Where no step had a match there is nothing to draw.
            curve.points.first()?;
            let y = Axis::of_lengths(label, curve.points.iter().map(|point| point.y));
            let zeros = y.note(curve.points.iter().map(|point| point.y));
            let mut chart = Chart::new(Axis::of_steps("step", self.trace.len()), y);
            chart.bands(&bands);
            chart.curve(&curve);
            let text = format!("{text} Shaded: stages.{zeros}{}", self.trace.thinned());
            let told = format!("{title} over {} steps. {text}", self.trace.len());
            Some(drawing(chart.finish(&told), title, &text))
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
}

fn is_measured(step: &AlignmentStep) -> bool {
    !UNMEASURED.contains(&step.stage)
}

/// Whether a step is the first one of a stage.
fn begins(before: Option<&Seen<AlignmentStep>>, seen: &Seen<AlignmentStep>) -> bool {
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
        let before = index.checked_sub(1).map(|index| steps[index]);
        is_measured(step).then(|| Point {
            x: seen.number as f64,
            y: of(step),
            begins: begins(before, seen),
            title,
        })
    };
    steps.iter().enumerate().filter_map(point).collect()
}
