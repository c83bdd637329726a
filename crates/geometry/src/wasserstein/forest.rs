//! A plan without cycles that costs no more.

use super::flow::Flow;

/// No arc.
const NONE: u32 = u32::MAX;

/// Pushes mass around the cycles of a plan, towards lower cost, until an arc of each is empty: what remains is a
/// forest of at most n + m − 1 arcs with the same marginals.
///
/// Every arc is added to a growing forest; one that closes a cycle is resolved at once. The marginals of the flows
/// stay exact. Costs are looked up for arcs on cycles only.
pub(super) fn forest(
    (sources, targets): (usize, usize),
    plan: Vec<Flow>,
    price: impl Fn(u32, u32) -> f64,
) -> Vec<Flow> {
    if is_forest((sources, targets), &plan) {
        return plan;
    }
    let mut growing = Growing { plan, beside: vec![Vec::new(); sources + targets], sources };
    let mut from = vec![NONE; sources + targets];
    for arc in 0..growing.plan.len() as u32 {
        // Several cycles may be closed one after the other: emptying one arc may leave this one with mass.
        while growing.plan[arc as usize].2 > 0 {
            let (i, j, _) = growing.plan[arc as usize];
            let Some(path) = growing.path(i, sources as u32 + j, &mut from) else {
                growing.link(arc);
                break;
            };
            growing.resolve(arc, &path, &price);
        }
    }
    growing.plan.retain(|flow| flow.2 > 0);
    growing.plan
}

/// Whether no two points are joined twice.
fn is_forest((sources, targets): (usize, usize), plan: &[Flow]) -> bool {
    let mut above: Vec<u32> = (0..(sources + targets) as u32).collect();
    plan.iter().all(|flow| {
        let (a, b) = (root(&mut above, flow.0), root(&mut above, sources as u32 + flow.1));
        above[a as usize] = b;
        a != b
    })
}

/// The representative of a piece; halves the way there.
fn root(above: &mut [u32], mut node: u32) -> u32 {
    while above[node as usize] != node {
        above[node as usize] = above[above[node as usize] as usize];
        node = above[node as usize];
    }
    node
}

/// A forest under construction.
struct Growing {
    plan: Vec<Flow>,
    /// Arcs of the forest at every node.
    beside: Vec<Vec<u32>>,
    sources: usize,
}

impl Growing {
    fn ends(&self, arc: u32) -> [u32; 2] {
        let (i, j, _) = self.plan[arc as usize];
        [i, self.sources as u32 + j]
    }

    fn link(&mut self, arc: u32) {
        for node in self.ends(arc) {
            self.beside[node as usize].push(arc);
        }
    }

    /// The arcs from `last` back to `first`, if the forest joins them. `from` is scratch, all [`NONE`].
    fn path(&self, first: u32, last: u32, from: &mut [u32]) -> Option<Vec<u32>> {
        let mut reached = vec![first];
        let mut at = 0;
        let mut found = false;
        while at < reached.len() && !found {
            let node = reached[at];
            at += 1;
            for &arc in &self.beside[node as usize] {
                let [i, j] = self.ends(arc);
                let other = if node == i { j } else { i };
                if other == first || from[other as usize] != NONE {
                    continue;
                }
                from[other as usize] = arc;
                reached.push(other);
                found |= other == last;
            }
        }
        let path = found.then(|| {
            let mut path = Vec::new();
            let mut node = last;
            while node != first {
                let arc = from[node as usize];
                path.push(arc);
                let [i, j] = self.ends(arc);
                node = if node == i { j } else { i };
            }
            path
        });
        reached.into_iter().for_each(|node| from[node as usize] = NONE);
        path
    }

    /// Pushes mass around the cycle of an arc and a path, and unlinks what becomes empty.
    fn resolve(&mut self, arc: u32, path: &[u32], price: &impl Fn(u32, u32) -> f64) {
        // Around a cycle of a bipartite graph every other arc gains and the rest lose. The path starts at the
        // arc's target.
        let cost = |arc: u32| price(self.plan[arc as usize].0, self.plan[arc as usize].1);
        let signed =
            |(place, &arc): (usize, &u32)| if place.is_multiple_of(2) { -cost(arc) } else { cost(arc) };
        let gain = cost(arc) + path.iter().enumerate().map(signed).sum::<f64>();
        let loses = |place: usize| place.is_multiple_of(2) == (gain <= 0.0);
        let losing = path.iter().enumerate().filter(|&(place, _)| loses(place));
        let least = losing.map(|(_, &arc)| self.plan[arc as usize].2).min().unwrap_or(i64::MAX);
        let amount = if gain <= 0.0 { least } else { least.min(self.plan[arc as usize].2) };
        self.plan[arc as usize].2 += if gain <= 0.0 { amount } else { -amount };
        for (place, &arc) in path.iter().enumerate() {
            self.plan[arc as usize].2 += if loses(place) { -amount } else { amount };
            if self.plan[arc as usize].2 == 0 {
                for node in self.ends(arc) {
                    self.beside[node as usize].retain(|&other| other != arc);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    #[test]
    fn dense_plans_become_forests_with_the_same_marginals_and_no_more_cost() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        for (n, m) in [(1, 1), (1, 5), (4, 4), (13, 7), (40, 60)] {
            let costs: Vec<f64> = (0..n * m).map(|_| random.random()).collect();
            let price = |i: u32, j: u32| costs[i as usize * m + j as usize];
            let pairs = (0..n as u32).flat_map(|i| (0..m as u32).map(move |j| (i, j)));
            let plan: Vec<Flow> = pairs.map(|(i, j)| (i, j, random.random_range(1..9))).collect();
            let sums = |plan: &[Flow]| {
                let (mut rows, mut columns, mut cost) = (vec![0; n], vec![0; m], 0.0);
                for &(i, j, mass) in plan {
                    rows[i as usize] += mass;
                    columns[j as usize] += mass;
                    cost += price(i, j) * mass as f64;
                }
                (rows, columns, cost)
            };
            let before = sums(&plan);
            let plan = forest((n, m), plan, price);
            let after = sums(&plan);
            assert!(plan.len() < n + m && plan.iter().all(|flow| flow.2 > 0));
            assert_eq!((before.0, before.1), (after.0, after.1));
            assert!(after.2 <= before.2 + 1e-9);
        }
    }
}
