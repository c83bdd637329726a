//! What a search has still to visit.

use super::node::WIDTH;

/// Nodes that wait at most: seven siblings on each of eleven levels hold 8¹¹ leaves, more than indices.
const STACK: usize = 7 * 11 + WIDTH;

/// Nodes and leaves that wait for their visit.
///
/// Two arrays: what was just written in two pieces could not be read back in one without waiting for it.
pub(super) struct Waiting {
    bounds: [f64; STACK],
    /// Level above, number below.
    nodes: [u64; STACK],
    pub count: usize,
}

impl Waiting {
    pub fn none() -> Self {
        Self { bounds: [0.0; STACK], nodes: [0; STACK], count: 0 }
    }

    /// Adds a sibling. The nearest sibling so far, all of which came after `first`, is kept on top.
    #[inline(always)]
    pub fn push(&mut self, first: usize, bound: f64, node: u64) {
        let place = self.count;
        self.count += 1;
        let below = place > first && self.bounds[place - 1] < bound;
        if below {
            self.bounds[place] = self.bounds[place - 1];
            self.nodes[place] = self.nodes[place - 1];
        }
        let place = place - usize::from(below);
        self.bounds[place] = bound;
        self.nodes[place] = node;
    }

    #[inline(always)]
    pub fn pop(&mut self) -> (f64, u64) {
        self.count -= 1;
        (self.bounds[self.count], self.nodes[self.count])
    }
}
