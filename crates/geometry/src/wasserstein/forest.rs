//! A plan without cycles that costs no more.

use super::flow::Flow;

/// No node, no arc.
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
    let mut growing = Growing::new((sources, targets), plan);
    for arc in 0..growing.plan.len() as u32 {
        // Several cycles may be closed one after the other: emptying one arc may leave this one with mass.
        while growing.plan[arc as usize].2 > 0 {
            if !growing.find_path(arc) {
                growing.link(arc);
                break;
            }
            growing.resolve(arc, &price);
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

/// A forest under construction: every node knows the arc that leads upward, and nothing that lies below. In a plan that
/// leaves mass out, half a million points hang on one node, and no step may look at all of them.
struct Growing {
    plan: Vec<Flow>,
    sources: usize,
    /// The node above every node and the arc that leads there; [`NONE`] at a root.
    above: Vec<(u32, u32)>,
    /// Which search saw a node last, even from an arc's source and odd from its target.
    seen: Vec<u64>,
    search: u64,
    /// The arcs from the target of an arc back to its source, as found last.
    path: Vec<u32>,
}

impl Growing {
    fn new((sources, targets): (usize, usize), plan: Vec<Flow>) -> Self {
        let count = sources + targets;
        Self {
            plan,
            sources,
            above: vec![(NONE, NONE); count],
            seen: vec![0; count],
            search: 0,
            path: Vec::new(),
        }
    }

    fn ends(&self, arc: u32) -> [u32; 2] {
        let (i, j, _) = self.plan[arc as usize];
        [i, self.sources as u32 + j]
    }

    /// Finds the path between the ends of an arc; `false` if the forest does not join them.
    fn find_path(&mut self, arc: u32) -> bool {
        let ends = self.ends(arc);
        let Some(meeting) = self.meeting(ends) else { return false };
        self.path.clear();
        let [source, target] = ends;
        self.climb(target, meeting);
        let turn = self.path.len();
        self.climb(source, meeting);
        self.path[turn..].reverse();
        true
    }

    /// Adds the arcs from a node up to one above.
    fn climb(&mut self, mut node: u32, top: u32) {
        while node != top {
            let (above, arc) = self.above[node as usize];
            self.path.push(arc);
            node = above;
        }
    }

    /// The lowest node above both: whoever comes second to it finds the traces of the other.
    fn meeting(&mut self, ends: [u32; 2]) -> Option<u32> {
        self.search += 2;
        let mut at = ends;
        while at != [NONE; 2] {
            for (side, node) in (0..).zip(&mut at) {
                if *node == NONE {
                    continue;
                }
                let seen = &mut self.seen[*node as usize];
                if *seen == self.search + (1 - side) {
                    return Some(*node);
                }
                *seen = self.search + side;
                *node = self.above[*node as usize].0;
            }
        }
        None
    }

    /// Joins two trees by an arc: the root that is nearer moves to the arc's end, and hangs below the other end.
    fn link(&mut self, arc: u32) {
        let [i, j] = self.ends(arc);
        let mut at = [i, j];
        let lower = loop {
            match at.map(|node| self.above[node as usize].0) {
                [NONE, _] => break i,
                [_, NONE] => break j,
                above => at = above,
            }
        };
        let (mut node, mut hangs) = (lower, (if lower == i { j } else { i }, arc));
        while node != NONE {
            let before = std::mem::replace(&mut self.above[node as usize], hangs);
            hangs = (node, before.1);
            node = before.0;
        }
    }

    /// Takes an arc out: what hung by it is a tree of its own.
    fn cut(&mut self, arc: u32) {
        for node in self.ends(arc) {
            if self.above[node as usize].1 == arc {
                self.above[node as usize] = (NONE, NONE);
            }
        }
    }

    /// Pushes mass around the cycle of an arc and the path that was found, and cuts what becomes empty.
    fn resolve(&mut self, arc: u32, price: &impl Fn(u32, u32) -> f64) {
        let path = std::mem::take(&mut self.path);
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
                self.cut(arc);
            }
        }
        self.path = path;
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
