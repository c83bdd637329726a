//! The small change of a solver: pairs with a cost, pairs with a mass.

/// Mass from a source to a target.
pub(super) type Flow = (u32, u32, i64);

/// A pair that a plan may use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub source: u32,
    pub target: u32,
    pub cost: f64,
}

impl Candidate {
    pub fn carrying(&self, mass: i64) -> Flow {
        (self.source, self.target, mass)
    }
}
