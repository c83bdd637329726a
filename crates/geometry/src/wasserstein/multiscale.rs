//! The state of a solution by scales: levels, sweeps, simplex.

use super::bisection::bisect;
use super::blocks::sweep;
use super::exact::{ADDED, Exact};
use super::flow::{Candidate, Flow};
use super::graph::Graph;
use super::hierarchy::Hierarchy;
use super::level::{Duals, Pair, Schedule, price};
use super::masses::Masses;
use super::outside::{Leftover, first_plan};
use super::problem::{Moved, WassersteinProblem};
use super::refine::refine;
use super::run::{Bounds, WassersteinStage};
use crate::dual_bound::Outside;
use crate::{Backend, Cost, Potentials, Result};
use nalgebra::Point3;

/// Cells of the coarsest level at most.
const COARSEST: usize = 512;

/// Candidate pairs that every point asks for, half as many again on the source side.
const CANDIDATES: usize = 8;

/// Points above which fewer are asked for: memory goes with them.
const MANY: usize = 1 << 18;

/// Source points of a small problem at first, and how many times more when sweeps are no longer worth it.
const BLOCK: usize = 1024;
const LARGER: usize = 4;

/// Sweeps on levels of cells; what they leave is left to the next level.
const COARSE_SWEEPS: usize = 2;

/// Sweeps with the smallest blocks where the optimum itself is asked for; of larger ones, one each.
const SWEEPS_TO_EXACT: usize = 3;

/// How many times narrower than at first ε is in the end: on the points themselves, and on cells, whose potentials
/// must stay smooth enough to be carried over.
const SHARP: (f64, f64) = (20.0, 4.0);

/// Sinkhorn's iterations on the candidates of a level, and how many times candidates may be found anew on the points.
const STEPS: usize = 20;
const RENEWALS: usize = 2;

/// A sweep or renewal that closes less than this part of the gap was the last of its kind.
const WORTH: f64 = 0.25;

/// What comes next.
enum Stage {
    Level,
    Candidates,
    Sweep,
    Exact(Box<Exact>),
    Done,
}

/// Everything on the finest level.
struct Finest {
    pair: Pair,
    graph: Graph,
    epsilon: f64,
}

/// A solution under way. Lengths are in units of 1 / scale metres, masses in units of the source's total.
pub(super) struct Multiscale {
    cost: Cost,
    backend: Backend,
    masses: Masses,
    leftover: Option<Leftover>,
    source: Hierarchy,
    target: Hierarchy,
    /// Largest cost that a repair of the marginals could have.
    largest: f64,
    gap: f64,
    reach: Option<f64>,
    level: usize,
    stage: Stage,
    duals: Duals,
    plan: Vec<Flow>,
    finest: Option<Finest>,
    /// Source points of a small problem.
    block: usize,
    sweeps: usize,
    renewals: usize,
    lower: f64,
    upper: f64,
    /// Those of the best bound.
    potentials: Option<Potentials>,
}

impl Multiscale {
    pub fn new(
        problem: &WassersteinProblem,
        (source, target): (&[Point3<f64>], &[Point3<f64>]),
        scale: f64,
        gap: f64,
        backend: &Backend,
    ) -> Self {
        let (masses, leftover) = problem.masses(scale);
        let depths = Hierarchy::depths(source.len().max(target.len()), COARSEST);
        let (from, to) = rayon::join(
            || Hierarchy::new(source, &masses.source, &depths),
            || Hierarchy::new(target, &masses.target, &depths),
        );
        let cost = if problem.p == 1.0 { Cost::Euclidean } else { Cost::SquaredEuclidean };
        let first = source[0];
        let (min, max) = source
            .iter()
            .chain(target)
            .fold((first, first), |(min, max), point| (min.inf(point), max.sup(point)));
        let diagonal = (max - min).norm() * (1.0 + 1e-15);
        let reach = match problem.moved {
            Moved::Within(reach) => Some(reach * scale),
            Moved::All | Moved::Mass(_) => None,
        };
        Self {
            cost,
            backend: backend.clone(),
            largest: cost.between(&Point3::origin(), &Point3::new(diagonal, 0.0, 0.0)),
            masses,
            leftover,
            source: from,
            target: to,
            gap,
            reach,
            level: 0,
            stage: Stage::Level,
            duals: Duals::default(),
            plan: Vec::new(),
            finest: None,
            block: BLOCK,
            sweeps: 0,
            renewals: 0,
            lower: 0.0,
            upper: f64::INFINITY,
            potentials: None,
        }
    }

    /// Goes on for a while; what was done, `None` if there was nothing left to do.
    pub fn step(&mut self) -> Result<Option<WassersteinStage>> {
        let stage = match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Done => return Ok(None),
            Stage::Level => {
                self.descend()?;
                WassersteinStage::Level
            }
            Stage::Candidates => {
                self.gather()?;
                WassersteinStage::Level
            }
            Stage::Sweep => {
                self.sweep()?;
                WassersteinStage::Sweep
            }
            Stage::Exact(exact) => {
                self.pivot(exact)?;
                WassersteinStage::Simplex
            }
        };
        Ok(Some(stage))
    }

    pub fn done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    pub fn bounds(&self) -> Bounds {
        Bounds { lower: self.lower, upper: self.upper }
    }

    /// Points of the source on the level at hand.
    pub fn points(&self) -> usize {
        self.source.levels[self.level].points.len()
    }

    /// The plan on the points by their indices, without what rounding tore off, and the proof by places.
    pub fn answer(self) -> Answer {
        let (n, m) = (self.source.order.len(), self.target.order.len());
        let whole = |&(i, j, mass): &Flow| {
            mass > self.masses.negligible
                || mass == self.source.levels[self.level].masses[i as usize]
                || mass == self.target.levels[self.level].masses[j as usize]
        };
        let inside = |flow: &&Flow| (flow.0 as usize) < n && (flow.1 as usize) < m;
        let flows = self.plan.iter().filter(inside).filter(|flow| whole(flow));
        let flows = flows
            .map(|&(i, j, mass)| {
                (self.source.order[i as usize], self.target.order[j as usize], mass as f64 * self.masses.unit)
            })
            .collect();
        let potentials = self.potentials.unwrap_or_default();
        Answer { flows, potentials, source: self.source.order, target: self.target.order }
    }

    fn finest(&self) -> bool {
        self.level + 1 == self.source.levels.len()
    }

    /// Potentials never exceed this, where mass may be dropped at a price.
    fn cap(&self) -> f64 {
        self.leftover.map_or(f64::INFINITY, |leftover| leftover.drop)
    }

    /// Works on one level, starting from the answer of the one above.
    fn descend(&mut self) -> Result<()> {
        let (level, finest, cap) = (self.level, self.finest(), self.cap());
        let (source, target) = (&self.source.levels[level], &self.target.levels[level]);
        let pair = Pair::new(source, target, self.masses.unit, self.cost, &self.backend);
        let partial = self.leftover.is_some() && self.reach.is_none();
        if level == 0 || partial {
            // A price for what stays behind is not known yet where only the mass is.
            self.duals = if partial {
                Duals { f: vec![0.0; source.points.len()], g: vec![0.0; target.points.len()] }
            } else {
                pair.begin(source, target, self.reach)?
            };
        } else {
            let above = &self.source.levels[level - 1];
            self.duals.g = pair.lift(above, self.masses.unit, &self.duals.f, cap)?;
        }
        if finest {
            return self.arrive(pair);
        }
        let mut duals = std::mem::take(&mut self.duals);
        let schedule = self.schedule();
        let (graph, _) = pair.candidates((source, target), &mut duals, &schedule, None, cap)?;
        self.duals = duals;
        if self.leftover.is_none() {
            self.plan_cells(&graph);
        }
        self.level += 1;
        self.stage = Stage::Level;
        Ok(())
    }

    /// A first plan between the points, and what the potentials prove that came down with it.
    fn arrive(&mut self, pair: Pair) -> Result<()> {
        self.plan = match &self.leftover {
            None => self.first_plan(),
            Some(leftover) => {
                let (source, target) = (&self.source.levels[self.level], &self.target.levels[self.level]);
                let bisect = |from: &[i64], to: &[i64]| bisect(&source.points, from, &target.points, to);
                first_plan(leftover, (&source.masses, &target.masses), bisect)
            }
        };
        self.upper = self.value(&self.plan);
        self.finest = Some(Finest { pair, graph: Graph::default(), epsilon: 0.0 });
        // Where the two are far apart this is all that a gap of a percent needs.
        if self.gap > 0.0 {
            self.prove(1)?;
        }
        self.stage = Stage::Candidates;
        self.stop_if_met();
        Ok(())
    }

    /// Candidates on the points, and what the potentials prove that are sharpened on them.
    fn gather(&mut self) -> Result<()> {
        if let Some(mut finest) = self.finest.take() {
            let level = (&self.source.levels[self.level], &self.target.levels[self.level]);
            let (schedule, cap) = (self.schedule(), self.cap());
            (finest.graph, finest.epsilon) =
                finest.pair.candidates(level, &mut self.duals, &schedule, None, cap)?;
            self.finest = Some(finest);
        }
        self.prove(1)?;
        let small = self.source.levels.len() == 1;
        self.stage = if small || self.leftover.is_some() { self.hand_over() } else { Stage::Sweep };
        self.stop_if_met();
        Ok(())
    }

    /// From the plan of the level above, or from nothing.
    fn first_plan(&mut self) -> Vec<Flow> {
        let (source, target) = (&self.source.levels[self.level], &self.target.levels[self.level]);
        let mut plan = std::mem::take(&mut self.plan);
        if self.level == 0 {
            plan = bisect(&source.points, &source.masses, &target.points, &target.masses);
            plan.sort_unstable();
        } else {
            let above = &self.target.levels[self.level - 1].points;
            refine(&mut plan, (source, target), above, &|x, y| self.cost.between(x, y));
        }
        plan
    }

    /// A good plan on a level of cells.
    fn plan_cells(&mut self, graph: &Graph) {
        let mut plan = self.first_plan();
        let (source, target) = (&self.source.levels[self.level], &self.target.levels[self.level]);
        let between = price(self.cost, &source.points, &target.points);
        if self.level == 0 {
            let sizes = (source.points.len(), target.points.len());
            let mut exact = Exact::new(sizes, candidates(graph), plan, &self.duals.f, between);
            while !exact.step() {}
            plan = exact.plan();
        } else {
            for number in 0..COARSE_SWEEPS {
                let number = number + COARSE_SWEEPS * self.level;
                plan = sweep(number, BLOCK, &source.points, &plan, &graph.rows, &self.duals.f, &between);
            }
        }
        self.plan = plan;
    }

    /// Improves the plan; once that is not worth it any more the potentials, then with larger blocks; at last hands
    /// over to the simplex.
    fn sweep(&mut self) -> Result<()> {
        let Some(finest) = self.finest.take() else { return Ok(()) };
        let before = self.bounds();
        let points = &self.source.levels[self.level].points;
        let between = price(self.cost, points, &self.target.levels[self.level].points);
        let number = self.sweeps + COARSE_SWEEPS * self.level;
        self.plan = sweep(number, self.block, points, &self.plan, &finest.graph.rows, &self.duals.f, between);
        self.sweeps += 1;
        self.upper = self.value(&self.plan).min(self.upper);
        self.finest = Some(finest);
        let count = points.len();
        let worth = |after: Bounds| {
            before.upper - after.upper + after.lower - before.lower > WORTH * (before.upper - before.lower)
        };
        let go_on = if self.gap == 0.0 { self.sweeps < SWEEPS_TO_EXACT } else { worth(self.bounds()) };
        if !go_on && !self.met() {
            if self.gap > 0.0 && self.renewals < RENEWALS {
                self.renew()?;
            }
            self.block *= LARGER;
        }
        self.stage = if 2 * self.block <= count { Stage::Sweep } else { self.hand_over() };
        self.stop_if_met();
        Ok(())
    }

    /// How candidates are found on the level at hand.
    fn schedule(&self) -> Schedule {
        let pairs = if self.points() > MANY { CANDIDATES - 2 } else { CANDIDATES };
        // Only where all is moved, or at a price that is known, are entropic potentials those of the problem.
        let steps = if self.leftover.is_some() && self.reach.is_none() { 0 } else { STEPS };
        Schedule { pairs, steps, sharpness: if self.finest() { SHARP.0 } else { SHARP.1 } }
    }

    /// Finds the candidates of the sharpened potentials, and sharpens these on those.
    fn renew(&mut self) -> Result<()> {
        self.renewals += 1;
        if let Some(mut finest) = self.finest.take() {
            let level = (&self.source.levels[self.level], &self.target.levels[self.level]);
            let (schedule, cap) = (self.schedule(), self.cap());
            finest.graph = Graph::default();
            let before = Some(finest.epsilon);
            (finest.graph, finest.epsilon) =
                finest.pair.candidates(level, &mut self.duals, &schedule, before, cap)?;
            self.finest = Some(finest);
        }
        self.prove(1)
    }

    /// The last stage: a simplex on all candidates.
    fn hand_over(&mut self) -> Stage {
        if self.met() {
            return Stage::Done;
        }
        let Some(finest) = &mut self.finest else { return Stage::Done };
        let mut arcs = candidates(&finest.graph);
        finest.graph = Graph::default();
        let (x, y) = (&self.source.levels[self.level].points, &self.target.levels[self.level].points);
        let between = price(self.cost, x, y);
        let (n, m) = (x.len(), y.len());
        // Those of a proof are as small as costs are; entropic ones of a degenerate problem may be of any size, and the
        // simplex can be no more exact than the numbers that it starts from. Where mass may be left they are capped.
        let proven = self.potentials.as_ref().filter(|_| self.leftover.is_none());
        let mut potential = proven.map_or_else(|| self.duals.f.clone(), |proven| proven.source.clone());
        let plan = std::mem::take(&mut self.plan);
        let exact = match self.leftover {
            None => Exact::new((n, m), arcs, plan.clone(), &potential, between),
            Some(leftover) => {
                let price = |i, j| leftover.price((n, m), i, j, &between);
                let outside = |(source, target)| Candidate { source, target, cost: price(source, target) };
                arcs.extend(leftover.pairs((n, m)).map(outside));
                potential.push(0.0);
                Exact::new((n + 1, m + 1), arcs, plan.clone(), &potential, price)
            }
        };
        self.plan = plan;
        Stage::Exact(Box::new(exact))
    }

    /// Pivots, and adds the missing pairs once the candidates are exhausted.
    fn pivot(&mut self, mut exact: Box<Exact>) -> Result<()> {
        let exhausted = exact.step();
        self.plan = exact.plan();
        self.upper = self.value(&self.plan).min(self.upper);
        let mut optimal = false;
        if exhausted && !self.met() {
            let (mut f, mut g) = exact.potentials();
            let outside = self.leftover.map(|leftover| {
                f.pop();
                leftover.in_parts(&self.masses, g.pop().unwrap_or(0.0))
            });
            self.duals = Duals { f, g };
            let pairs = self.prove_with(ADDED, outside)?;
            let (x, y) = (&self.source.levels[self.level].points, &self.target.levels[self.level].points);
            let between = price(self.cost, x, y);
            optimal = exact.grow(pairs.into_iter(), between) == 0;
        }
        self.stage = if optimal { Stage::Done } else { Stage::Exact(exact) };
        self.stop_if_met();
        Ok(())
    }

    /// Proves a lower bound by the potentials on the target; keeps the best.
    fn prove(&mut self, k: usize) -> Result<()> {
        let outside = self.leftover.map(|leftover| leftover.in_parts(&self.masses, 0.0));
        self.prove_with(k, outside)?;
        Ok(())
    }

    /// As [`prove`](Self::prove); returns the `k` pairs of each point with the lowest reduced costs.
    fn prove_with(&mut self, k: usize, outside: Option<Outside>) -> Result<Vec<(u32, u32)>> {
        let (source, target) = (&self.source.levels[self.level], &self.target.levels[self.level]);
        let Some(finest) = &self.finest else { return Ok(Vec::new()) };
        let proof = finest.pair.trees(source, target)?.prove(&self.duals.g, k, outside.as_ref())?;
        let lower = proof.lower - self.masses.rounding * self.repair();
        let mut pairs = Vec::new();
        if k > 1 {
            for (i, row) in proof.rows.iter().enumerate() {
                pairs.extend(row.iter().map(|found| (i as u32, found.index as u32)));
            }
            for (j, column) in proof.columns.iter().enumerate() {
                pairs.extend(column.iter().map(|found| (found.index as u32, j as u32)));
            }
        }
        if lower > self.lower || self.potentials.is_none() {
            self.lower = lower.max(0.0);
            self.potentials = Some(proof.potentials);
        }
        Ok(pairs)
    }

    /// What moving a unit of mass about can cost at most.
    fn repair(&self) -> f64 {
        self.largest.max(self.leftover.map_or(0.0, |leftover| leftover.drop))
    }

    /// More than what a plan costs, for the weights as they were given.
    fn value(&self, plan: &[Flow]) -> f64 {
        let (x, y) = (&self.source.levels[self.level].points, &self.target.levels[self.level].points);
        let between = price(self.cost, x, y);
        let sizes = (x.len(), y.len());
        let part = |range: std::ops::Range<usize>| {
            let term = |&(i, j, mass): &Flow| {
                let cost = match self.leftover {
                    None => between(i, j),
                    Some(leftover) => leftover.price(sizes, i, j, &between),
                };
                mass as f64 * cost
            };
            plan[range].iter().map(term).sum::<f64>()
        };
        let sum = crate::fold_ordered(plan.len(), part, |a, b| a + b).unwrap_or(0.0) * self.masses.unit;
        // Equal clouds cost nothing, not even rounding.
        let stays = |&(i, j, _): &Flow| sizes.0 > i as usize && x.get(i as usize) == y.get(j as usize);
        if sum == 0.0 && self.masses.rounding == 0.0 && plan.iter().all(stays) {
            return 0.0;
        }
        // Every term errs by less than eight half-ulps, the sum of n of them by n more.
        let rounding = 1.1 * (plan.len() as f64 + 16.0) * f64::EPSILON * sum + f64::MIN_POSITIVE;
        sum + rounding + self.masses.rounding * self.repair()
    }

    fn met(&self) -> bool {
        (self.gap > 0.0 || self.upper == 0.0) && self.bounds().relative_gap(self.cost) <= self.gap
    }

    fn stop_if_met(&mut self) {
        if self.met() {
            self.stage = Stage::Done;
        }
    }
}

/// What [`Multiscale`] found, points by their indices.
pub(super) struct Answer {
    pub flows: Vec<(u32, u32, f64)>,
    /// By places.
    pub potentials: Potentials,
    /// Index of every place.
    pub source: Vec<u32>,
    pub target: Vec<u32>,
}

fn candidates(graph: &Graph) -> Vec<Candidate> {
    graph.rows.pairs().map(|(source, target, cost)| Candidate { source, target, cost }).collect()
}
