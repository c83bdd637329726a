//! The network simplex on sparse arcs: exact transport between integer masses.

use super::flow::{Candidate, Flow};

/// No node, no arc.
const NONE: u32 = u32::MAX;

/// A reduced cost counts as negative below this part of the largest numbers that it is made of.
const NEGATIVE: f64 = 16.0 * f64::EPSILON;

/// A node of the spanning tree, with the arc to its parent.
#[derive(Debug, Clone, Copy)]
struct Node {
    parent: u32,
    first_child: u32,
    next: u32,
    previous: u32,
    /// Nodes below this one, itself included.
    size: u32,
    /// The arc to the parent; [`NONE`] for the arc that only ties a part of the tree to the root.
    arc: u32,
    /// Whether the arc leads from this node to its parent.
    upward: bool,
    /// Mass on the arc.
    flow: i64,
}

/// Why a run of pivots ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// No arc has a negative reduced cost: the plan is optimal on these arcs.
    Optimal,
    /// The pivots ran out.
    Stopped,
}

/// A spanning tree of a transport network with a feasible flow and the potentials that make its arcs tight.
///
/// Sources are nodes 0..n, targets n..n + m, the root n + m. Pieces of the tree hang on the root by arcs without
/// mass, which never carry any: what they cost is arbitrary, and is chosen so that the first potentials are those
/// the caller believes in. Zero flows only ever point at the root (a strongly feasible tree), so that degenerate
/// pivots, half of them in an assignment, cannot cycle; masses are integers, so that this is exact.
///
/// # References
/// Cunningham, *A network simplex method*, Mathematical Programming 1976 (strongly feasible trees); Kovács,
/// *Minimum-cost flow algorithms: an experimental evaluation*, 2015, section 3.5 (block search).
pub(super) struct Simplex {
    nodes: Vec<Node>,
    /// f on sources, −g on targets: the reduced cost of (i, j) is c − y_i + y_j.
    dual: Vec<f64>,
    arcs: Vec<Candidate>,
    sources: usize,
    /// Where the search for an entering arc goes on.
    next: usize,
    /// Largest cost of an arc.
    scale: f64,
}

impl Simplex {
    /// Starts from a feasible plan, a forest between sources and targets, with some arcs to choose from.
    ///
    /// `potential` is f as far as it is known.
    pub fn new(
        (sources, targets): (usize, usize),
        arcs: Vec<Candidate>,
        plan: &[Flow],
        potential: &[f64],
        price: impl Fn(u32, u32) -> f64,
    ) -> Self {
        let count = sources + targets + 1;
        let blank = Node {
            parent: NONE,
            first_child: NONE,
            next: NONE,
            previous: NONE,
            size: 1,
            arc: NONE,
            upward: true,
            flow: 0,
        };
        let mut simplex =
            Self { nodes: vec![blank; count], dual: vec![0.0; count], arcs, sources, next: 0, scale: 0.0 };
        // The plan's arcs are appended; a candidate that is the same pair does no harm.
        let first = simplex.arcs.len();
        let cost = |&(i, j, _): &Flow| Candidate { source: i, target: j, cost: price(i, j) };
        simplex.arcs.extend(plan.iter().map(cost));
        simplex.scale = simplex.arcs.iter().map(|arc| arc.cost.abs()).fold(0.0, f64::max);
        simplex.hang(plan, first, potential);
        simplex
    }

    /// Builds the tree: every piece of the forest hangs on the root by its first source.
    fn hang(&mut self, plan: &[Flow], first: usize, potential: &[f64]) {
        let (sources, root) = (self.sources, self.nodes.len() - 1);
        let mut starts = vec![0u32; self.nodes.len() + 1];
        let ends = |&(i, j, _): &Flow| [i as usize, sources + j as usize];
        for arc in plan {
            for node in ends(arc) {
                starts[node + 1] += 1;
            }
        }
        for node in 0..self.nodes.len() {
            starts[node + 1] += starts[node];
        }
        let mut places = starts.clone();
        let mut beside = vec![0u32; 2 * plan.len()];
        for (index, arc) in plan.iter().enumerate() {
            for node in ends(arc) {
                beside[places[node] as usize] = index as u32;
                places[node] += 1;
            }
        }
        let mut seen = vec![false; self.nodes.len()];
        let mut order = Vec::with_capacity(self.nodes.len());
        for start in 0..root {
            if seen[start] {
                continue;
            }
            seen[start] = true;
            self.dual[start] = if start < sources { potential[start] } else { 0.0 };
            self.attach(start as u32, root as u32);
            let mut at = order.len();
            order.push(start);
            while at < order.len() {
                let node = order[at];
                at += 1;
                for &index in &beside[starts[node] as usize..starts[node + 1] as usize] {
                    let arc = &plan[index as usize];
                    let [i, j] = ends(arc);
                    let other = if node == i { j } else { i };
                    if seen[other] {
                        debug_assert!(self.nodes[node].arc == first as u32 + index, "the plan has a cycle");
                        continue;
                    }
                    seen[other] = true;
                    let cost = self.arcs[first + index as usize].cost;
                    self.dual[other] = if node == i { self.dual[i] - cost } else { self.dual[j] + cost };
                    let child = &mut self.nodes[other];
                    (child.arc, child.upward, child.flow) = (first as u32 + index, other < sources, arc.2);
                    self.attach(other as u32, node as u32);
                    order.push(other);
                }
            }
        }
        for &node in order.iter().rev() {
            let size = self.nodes[node].size;
            let parent = self.nodes[node].parent as usize;
            self.nodes[parent].size += size;
        }
    }

    /// Pivots until no arc is too expensive, at most so many times.
    pub fn run(&mut self, pivots: usize) -> Ended {
        let block = ((self.arcs.len() as f64).sqrt() as usize).max(16);
        for _ in 0..pivots {
            let Some((arc, reduced)) = self.entering(block) else { return Ended::Optimal };
            self.pivot(arc, reduced);
        }
        Ended::Stopped
    }

    /// More arcs to choose from.
    pub fn add(&mut self, arcs: impl IntoIterator<Item = Candidate>) {
        self.arcs.extend(arcs);
        self.scale = self.arcs.iter().map(|arc| arc.cost.abs()).fold(0.0, f64::max);
    }

    /// The most negative arc of the first block that has one.
    fn entering(&mut self, block: usize) -> Option<(usize, f64)> {
        let count = self.arcs.len();
        let sources = self.sources;
        let (mut index, mut left) = (self.next, count);
        while left > 0 {
            let (mut best, mut lowest) = (usize::MAX, 0.0);
            // A block may wrap around the end.
            let size = block.min(left);
            left -= size;
            for range in [index..(index + size).min(count), 0..(index + size).saturating_sub(count)] {
                for place in range {
                    let arc = &self.arcs[place];
                    let (up, down) =
                        (self.dual[arc.source as usize], self.dual[sources + arc.target as usize]);
                    let reduced = arc.cost - up + down;
                    if reduced < lowest {
                        (best, lowest) = (place, reduced);
                    }
                }
            }
            index = (index + size) % count;
            if best != usize::MAX
                && self.improves(self.arcs[best].source, self.arcs[best].target, self.arcs[best].cost)
            {
                self.next = index;
                return Some((best, lowest));
            }
        }
        None
    }

    /// Whether an arc would be taken into the tree.
    pub fn improves(&self, source: u32, target: u32, cost: f64) -> bool {
        let (up, down) = (self.dual[source as usize], self.dual[self.sources + target as usize]);
        cost - up + down < -self.slack(up, down)
    }

    /// Rounding of a reduced cost.
    fn slack(&self, up: f64, down: f64) -> f64 {
        NEGATIVE * (self.scale + up.abs() + down.abs())
    }

    /// Takes an arc into the tree and the last blocking arc of its cycle out.
    fn pivot(&mut self, arc: usize, reduced: f64) {
        let from = self.arcs[arc].source;
        let to = self.sources as u32 + self.arcs[arc].target;
        let (join, out, moved, amount) = self.leaving(from, to);
        if amount > 0 {
            let mut node = from;
            while node != join {
                let here = &mut self.nodes[node as usize];
                here.flow += if here.upward { -amount } else { amount };
                node = here.parent;
            }
            let mut node = to;
            while node != join {
                let here = &mut self.nodes[node as usize];
                here.flow += if here.upward { amount } else { -amount };
                node = here.parent;
            }
        }
        let (inside, outside) = if moved { (from, to) } else { (to, from) };
        self.rehang(out, inside, outside, join, arc as u32, amount);
        let change = if moved { reduced } else { -reduced };
        self.shift(inside, change);
    }

    /// Where the paths of an arc's ends join; the node below the leaving arc, whether that is on the side of
    /// `from`, and the mass that can be pushed around.
    fn leaving(&self, from: u32, to: u32) -> (u32, u32, bool, i64) {
        let nodes = &self.nodes;
        let (mut a, mut b) = (from, to);
        let (mut amount, mut out, mut moved) = (i64::MAX, NONE, true);
        // Going up from `from`, the first of equal blocking arcs; from `to`, the last: together the last in the
        // direction of the flow, from the join around.
        let mut amount_to = i64::MAX;
        let mut out_to = NONE;
        while a != b {
            if nodes[a as usize].size < nodes[b as usize].size {
                let here = &nodes[a as usize];
                if here.upward && here.flow < amount {
                    (amount, out) = (here.flow, a);
                }
                a = here.parent;
            } else {
                let here = &nodes[b as usize];
                if !here.upward && here.flow <= amount_to {
                    (amount_to, out_to) = (here.flow, b);
                }
                b = here.parent;
            }
        }
        if out_to != NONE && amount_to <= amount {
            (amount, out, moved) = (amount_to, out_to, false);
        }
        (a, out, moved, amount)
    }

    /// Cuts the tree above `out` and hangs the piece by `inside` on `outside`.
    fn rehang(&mut self, out: u32, inside: u32, outside: u32, join: u32, arc: u32, flow: i64) {
        let total = self.nodes[out as usize].size;
        let mut above = self.nodes[out as usize].parent;
        self.detach(out);
        while above != join {
            self.nodes[above as usize].size -= total;
            above = self.nodes[above as usize].parent;
        }
        // Turns the path from `inside` to `out` around.
        let upward = (inside as usize) < self.sources;
        let (mut node, mut parent, mut link) = (inside, outside, (arc, upward, flow));
        let mut below = 0;
        loop {
            let old = self.nodes[node as usize];
            if node != out {
                self.detach(node);
            }
            let here = &mut self.nodes[node as usize];
            (here.arc, here.upward, here.flow) = link;
            here.size = total - below;
            self.attach(node, parent);
            if node == out {
                break;
            }
            link = (old.arc, !old.upward, old.flow);
            below = old.size;
            (parent, node) = (node, old.parent);
        }
        let mut above = outside;
        while above != join {
            self.nodes[above as usize].size += total;
            above = self.nodes[above as usize].parent;
        }
    }

    /// Adds to the potentials below a node, or takes from all others if they are fewer: only differences count.
    fn shift(&mut self, top: u32, change: f64) {
        if 2 * self.nodes[top as usize].size as usize > self.nodes.len() {
            self.add_below(self.nodes.len() as u32 - 1, top, -change);
        } else {
            self.add_below(top, NONE, change);
        }
    }

    /// Adds to the potentials below `top`, except below `left_out`.
    fn add_below(&mut self, top: u32, left_out: u32, change: f64) {
        let mut node = top;
        loop {
            let mut below = NONE;
            if node != left_out {
                self.dual[node as usize] += change;
                below = self.nodes[node as usize].first_child;
            }
            if below != NONE {
                node = below;
                continue;
            }
            while node != top && self.nodes[node as usize].next == NONE {
                node = self.nodes[node as usize].parent;
            }
            if node == top {
                return;
            }
            node = self.nodes[node as usize].next;
        }
    }

    fn attach(&mut self, node: u32, parent: u32) {
        let first = self.nodes[parent as usize].first_child;
        let here = &mut self.nodes[node as usize];
        (here.parent, here.previous, here.next) = (parent, NONE, first);
        if first != NONE {
            self.nodes[first as usize].previous = node;
        }
        self.nodes[parent as usize].first_child = node;
    }

    fn detach(&mut self, node: u32) {
        let Node { parent, previous, next, .. } = self.nodes[node as usize];
        if previous == NONE {
            self.nodes[parent as usize].first_child = next;
        } else {
            self.nodes[previous as usize].next = next;
        }
        if next != NONE {
            self.nodes[next as usize].previous = previous;
        }
    }

    /// The plan: arcs with mass, in no particular order.
    pub fn plan(&self) -> Vec<Flow> {
        let carried = self.nodes.iter().filter(|node| node.flow > 0);
        carried.map(|node| self.arcs[node.arc as usize].carrying(node.flow)).collect()
    }

    /// f on the sources and g on the targets.
    pub fn potentials(&self) -> (Vec<f64>, Vec<f64>) {
        let (source, target) = self.dual[..self.nodes.len() - 1].split_at(self.sources);
        (source.to_vec(), target.iter().map(|value| -value).collect())
    }
}
