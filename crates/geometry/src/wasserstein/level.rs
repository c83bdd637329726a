//! Potentials and candidate pairs on one level of the hierarchy.

use nalgebra::Point3;
use rayon::prelude::*;

use super::graph::Graph;
use super::hierarchy::Level;
use super::sharpen::sharpen;
use crate::dual_bound::TreePair;
use crate::measure::are_equal_totals;
use crate::sinkhorn::MIN_REACH;
use crate::{
    Backend, Cost, KdTree, MarginalPenalty, Measure, Neighbors, Potentials, ReducedCost, Result, Sinkhorn,
    TransportProblem,
};

/// Cells of the other side that a potential is carried over from.
const LIFTED: usize = 12;

/// Longest reach that potentials begin from, in extents: of longer ones they differ by a constant only.
const FIRST_REACH: f64 = 100.0;

/// How many pairs to look for, and how far to sharpen potentials on them.
pub(super) struct Schedule {
    /// Pairs that every point asks for.
    pub pairs: usize,
    /// Sinkhorn's iterations.
    pub steps: usize,
    /// How many times narrower than at first ε is in the end.
    pub sharpness: f64,
}

/// Both measures on one level, with weights in units of the source's total.
pub(super) struct Pair {
    pub sources: KdTree,
    pub targets: KdTree,
    pub source_weights: Vec<f64>,
    pub target_weights: Vec<f64>,
    pub cost: Cost,
    /// Where searches run.
    pub backend: Backend,
}

/// f on the sources and g on the targets.
#[derive(Debug, Clone, Default)]
pub(super) struct Duals {
    pub f: Vec<f64>,
    pub g: Vec<f64>,
}

impl Pair {
    pub fn new(source: &Level, target: &Level, unit: f64, cost: Cost, backend: &Backend) -> Self {
        let weights = |level: &Level| level.masses.iter().map(|&mass| mass as f64 * unit).collect();
        let (sources, targets) = rayon::join(|| KdTree::new(&source.points), || KdTree::new(&target.points));
        let (source_weights, target_weights) = (weights(source), weights(target));
        Self { sources, targets, source_weights, target_weights, cost, backend: backend.clone() }
    }

    /// With the points, for proofs.
    pub fn trees<'a>(&'a self, source: &'a Level, target: &'a Level) -> Result<TreePair<'a>> {
        Ok(TreePair {
            source: Measure::weighted(&source.points, &self.source_weights)?,
            target: Measure::weighted(&target.points, &self.target_weights)?,
            sources: &self.sources,
            targets: &self.targets,
            cost: self.cost,
            backend: &self.backend,
        })
    }

    /// Potentials of a small problem: entropic ones, about as blurred as the points are far apart.
    pub fn begin(&self, source: &Level, target: &Level, reach: Option<f64>) -> Result<Duals> {
        let trees = self.trees(source, target)?;
        let near = self.targets.nearest_k_all(&target.points, 2, &Default::default());
        let gaps = near.iter().filter_map(|found| Some(found.last()?.distance_squared));
        let spacing = (gaps.sum::<f64>() / target.points.len() as f64).sqrt();
        let all = source.points.iter().chain(&target.points);
        let first = target.points[0];
        let extent = all.map(|point| (point - first).norm()).fold(0.0, f64::max);
        if extent == 0.0 {
            return Ok(Duals { f: vec![0.0; source.points.len()], g: vec![0.0; target.points.len()] });
        }
        let blur = (0.7 * spacing).clamp(1e-3 * extent, extent);
        let begun = reach.map(|reach| reach.min(FIRST_REACH * extent).max(MIN_REACH * blur));
        let problem = TransportProblem {
            cost: self.cost,
            reach: begun,
            penalty: MarginalPenalty::TotalVariation,
            ..TransportProblem::new(trees.source, trees.target, blur)
        };
        let solver = Sinkhorn { scaling: 0.6, tolerance: 0.01, max_iterations: 60, ..Sinkhorn::default() };
        // Hundreds of cells are no work for a device, and so its potentials are those of the processor.
        let Potentials { source: mut f, target: mut g } =
            solver.solve(&problem, &Backend::Cpu)?.potentials().clone();
        if reach != begun {
            // What is too much on one side is dropped there at the full price, and brings as much for all that moves.
            let rho = TransportProblem { reach, ..problem }.rho();
            let (a, b) = (trees.source.total(), trees.target.total());
            let surplus =
                if are_equal_totals(a, b) { 0.0 } else { (rho - problem.rho()).max(0.0) * (a - b).signum() };
            f.iter_mut().for_each(|value| *value = (*value + surplus).clamp(-rho, rho));
            g.iter_mut().for_each(|value| *value = (*value - surplus).clamp(-rho, rho));
        }
        Ok(Duals { f, g })
    }

    /// Potentials on the targets here from those on the coarser sources: the soft minimum over the cells that matter.
    pub fn lift(&self, coarse: &Level, unit: f64, f: &[f64], cap: f64) -> Result<Vec<f64>> {
        let weights: Vec<f64> = coarse.masses.iter().map(|&mass| mass as f64 * unit).collect();
        let tree = KdTree::new(&coarse.points);
        let lists = tree.weighted(f, self.cost)?.lowest_k_all_on(&self.targets, LIFTED, &self.backend)?;
        Ok(soft_minima(&lists, &weights, width(&lists), cap))
    }

    /// Candidate pairs: for every point those of the lowest reduced costs, `k` and half as many again from the
    /// sources' side. Sharpens the potentials on them.
    ///
    /// Returns the pairs and the ε that the potentials are sharp to. `before` is what an earlier call with potentials
    /// that are good already returned; without it ε falls from what suits potentials that were carried over.
    pub fn candidates(
        &self,
        (source, target): (&Level, &Level),
        duals: &mut Duals,
        schedule: &Schedule,
        before: Option<f64>,
        cap: f64,
    ) -> Result<(Graph, f64)> {
        let trees = self.trees(source, target)?;
        let k = schedule.pairs;
        let rows = trees.lowest(&self.targets, &trees.target, &self.sources, &duals.g, k + k / 2)?;
        let first = before.unwrap_or_else(|| width(&rows));
        duals.f = soft_minima(&rows, &self.target_weights, first, cap);
        let columns = trees.lowest(&self.sources, &trees.source, &self.targets, &duals.f, k)?;
        let (x, y) = (&source.points, &target.points);
        let graph = Graph::new(&rows, &columns, |i, j| self.cost.between(&x[i as usize], &y[j as usize]));
        drop((rows, columns));
        let last = before.unwrap_or(first / schedule.sharpness);
        if last > 0.0 && schedule.steps > 0 {
            let at =
                |step: usize| first * (last / first).powf((step as f64 / schedule.steps as f64).min(1.0));
            self.sharpen(&graph, (0..schedule.steps + 2).map(at), duals, cap);
        }
        Ok((graph, last))
    }

    fn sharpen(&self, graph: &Graph, epsilons: impl Iterator<Item = f64>, duals: &mut Duals, cap: f64) {
        let weights = (&self.source_weights[..], &self.target_weights[..]);
        sharpen(graph, epsilons, weights, (&mut duals.f, &mut duals.g), cap);
    }
}

/// An ε at which a handful of every list matters: from how far the lists reach beyond their minima.
fn width(lists: &Neighbors<ReducedCost>) -> f64 {
    let reach = |list: &[ReducedCost]| list[list.len() - 1].value - list[0].value;
    lists.iter().map(reach).sum::<f64>() / (4.0 * lists.len() as f64)
}

/// −ε log Σ b exp(−r / ε) over every list of reduced costs r; the minimum itself if ε is zero. At most `cap`.
fn soft_minima(lists: &Neighbors<ReducedCost>, weights: &[f64], epsilon: f64, cap: f64) -> Vec<f64> {
    let of = |point: usize| {
        let list = lists.of(point);
        let lowest = list[0].value;
        let part = |found: &ReducedCost| weights[found.index] * ((lowest - found.value) / epsilon).exp();
        let sum: f64 = list.iter().map(part).sum();
        let value = lowest - epsilon * sum.ln();
        (if value.is_finite() { value } else { lowest }).min(cap)
    };
    (0..lists.len()).into_par_iter().map(of).collect()
}

/// The cost between two points as a function of their places.
pub(super) fn price<'a>(
    cost: Cost,
    source: &'a [Point3<f64>],
    target: &'a [Point3<f64>],
) -> impl Fn(u32, u32) -> f64 + Sync + 'a {
    move |i, j| cost.between(&source[i as usize], &target[j as usize])
}
