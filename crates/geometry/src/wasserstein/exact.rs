//! The exact stage: simplex on the candidates, and more candidates as long as a pair is missed.

use super::flow::{Candidate, Flow};
use super::forest::forest;
use super::simplex::{Ended, Simplex};

/// Pairs added for every point and round, from either side.
pub(super) const ADDED: usize = 4;

/// Pivots of a step: few enough to be stopped soon.
const PIVOTS: usize = 1 << 14;

/// A transport network that grows by the pairs that it lacks.
pub(super) struct Exact {
    simplex: Simplex,
}

impl Exact {
    pub fn new(
        sizes: (usize, usize),
        arcs: Vec<Candidate>,
        plan: Vec<Flow>,
        potential: &[f64],
        price: impl Fn(u32, u32) -> f64,
    ) -> Self {
        let plan = forest(sizes, plan, &price);
        Self { simplex: Simplex::new(sizes, arcs, &plan, potential, price) }
    }

    /// Pivots for a while; whether no candidate improves the plan any more.
    pub fn step(&mut self) -> bool {
        self.simplex.run(PIVOTS) == Ended::Optimal
    }

    pub fn plan(&self) -> Vec<Flow> {
        let mut plan = self.simplex.plan();
        plan.sort_unstable();
        plan
    }

    /// f and g, tight on the plan.
    pub fn potentials(&self) -> (Vec<f64>, Vec<f64>) {
        self.simplex.potentials()
    }

    /// Adds those of some pairs that would improve the plan; returns how many.
    pub fn grow(
        &mut self,
        pairs: impl Iterator<Item = (u32, u32)>,
        price: impl Fn(u32, u32) -> f64,
    ) -> usize {
        let mut missing: Vec<(u32, u32)> =
            pairs.filter(|&(i, j)| self.simplex.improves(i, j, price(i, j))).collect();
        missing.sort_unstable();
        missing.dedup();
        let candidate =
            |&(source, target): &(u32, u32)| Candidate { source, target, cost: price(source, target) };
        self.simplex.add(missing.iter().map(candidate));
        missing.len()
    }
}
