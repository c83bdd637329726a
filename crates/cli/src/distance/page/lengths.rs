//! The distances that an answer is made of.

use barrow::geometry::{Arc, DirectedDistances, NearestDistances, SparsePlan};

use crate::page::{Distances, Histogram, Html, element, figure, key};

/// Distances that the answer is made of.
pub struct Lengths {
    /// What they are.
    title: &'static str,
    /// What is counted.
    what: &'static str,
    /// The distances, with their name.
    pub bars: (&'static str, Distances),
    /// Others to compare with.
    outline: Option<(&'static str, Distances)>,
    /// The distance of every source point \[m\], and what it is; no number where there is none.
    pub of_source: (&'static str, Vec<f64>),
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

    /// Their histogram.
    pub fn draw(&self) -> Html {
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
