//! Which arcs of a plan are drawn, and in what color.

use barrow_geometry::{Arc, SparsePlan};

use crate::legend::Scale;
use crate::{ArcChoice, ArcColor, Look};

/// Arcs at most: more would take a device's memory and show nothing.
pub(crate) const MOST: usize = 200_000;

/// The arcs of a plan that are shown, by index, and the scale of their colors.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownArcs {
    /// Indices into the plan's arcs, rising.
    pub indices: Vec<usize>,
    /// What colors mean.
    pub scale: Scale,
}

impl ShownArcs {
    /// Chooses among the arcs of a plan. `length` is that of an arc \[m\].
    pub fn of(plan: &SparsePlan, look: &Look, length: impl Fn(&Arc) -> f64) -> Self {
        let arcs = plan.arcs();
        let wanted = (look.arcs.clamp(0.0, 1.0) * arcs.len() as f64).ceil() as usize;
        let count = wanted.min(MOST);
        let mut indices = match look.arc_choice {
            _ if count >= arcs.len() => (0..arcs.len()).collect(),
            ArcChoice::Sampled => sampled(arcs, count),
            ArcChoice::Heaviest => heaviest(arcs, count),
        };
        indices.retain(|&index| arcs[index].mass > 0.0);
        // Of all arcs, so that the slider does not change what a color means.
        let (title, unit) = match look.arc_color {
            ArcColor::Length => ("length of an arc", "m"),
            ArcColor::Mass => ("mass of an arc", ""),
        };
        let values: Vec<f64> = arcs.iter().map(|arc| value(arc, look.arc_color, &length)).collect();
        Self { indices, scale: Scale::of(title, unit, values.iter()) }
    }
}

/// What the color of an arc tells.
pub(crate) fn value(arc: &Arc, by: ArcColor, length: impl Fn(&Arc) -> f64) -> f64 {
    match by {
        ArcColor::Length => length(arc),
        ArcColor::Mass => arc.mass,
    }
}

fn heaviest(arcs: &[Arc], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..arcs.len()).collect();
    order.sort_by(|&a, &b| arcs[b].mass.total_cmp(&arcs[a].mass).then(a.cmp(&b)));
    order.truncate(count);
    order.sort_unstable();
    order
}

/// Stratified sampling: of every step of equal mass along the arcs one arc, so that each is taken as often as its share of the mass
/// says, give or take one. Where in a step follows the golden section: were it the same place in all, clouds whose points come in
/// a regular order would show some of their parts only. What is left of an arc that was taken is not looked at again.
///
/// # References
/// Cochran, *Sampling techniques*, 1977, sections 5.2 and 8.
fn sampled(arcs: &[Arc], count: usize) -> Vec<usize> {
    const GOLDEN: f64 = 0.618_033_988_75;
    let step = arcs.iter().map(|arc| arc.mass).sum::<f64>() / count as f64;
    let mut indices = Vec::with_capacity(count);
    let (mut index, mut reached) = (0, 0.0);
    for stratum in 0..count {
        let (from, to) = (step * stratum as f64, step * (stratum + 1) as f64);
        // Behind the arc that was taken last, if that is in this step.
        let from = if indices.is_empty() { from } else { from.max(reached) };
        if from >= to {
            continue;
        }
        let place = from + (to - from) * (0.5 + GOLDEN * stratum as f64).fract();
        while index < arcs.len() && reached + arcs[index].mass <= place {
            reached += arcs[index].mass;
            index += 1;
        }
        if index < arcs.len() {
            reached += arcs[index].mass;
            indices.push(index);
            index += 1;
        }
    }
    indices
}
