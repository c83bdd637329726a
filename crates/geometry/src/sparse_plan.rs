//! A transport plan with few arcs, row by row.

use crate::{Arc, Error, Marginals, Result};

/// A transport plan that is written down: its arcs, by source and then target, at most one for a pair.
///
/// An optimal plan between n and m points needs no more than n + m − 1 arcs. Everything here takes memory and time
/// in proportion to the arcs.
///
/// ```
/// use barrow_geometry::{Arc, SparsePlan};
///
/// let arc = |source, target, mass, cost| Arc { source, target, mass, cost };
/// let plan = SparsePlan::new(2, 3, vec![arc(1, 2, 0.5, 4.0), arc(0, 0, 0.25, 1.0), arc(0, 1, 0.25, 0.0)])?;
/// assert_eq!(plan.row(0).len(), 2);
/// assert_eq!((plan.mass(), plan.cost()), (1.0, 2.25));
/// assert_eq!(plan.marginals().target, [0.25, 0.25, 0.5]);
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SparsePlan {
    arcs: Vec<Arc>,
    /// Where the arcs of every source point start; one more entry than there are source points.
    starts: Vec<usize>,
    targets: usize,
}

impl SparsePlan {
    /// The plan of some arcs in any order. Arcs of the same pair are joined, arcs without mass left out.
    ///
    /// # Errors
    /// [`Error::InvalidArc`] for an index that is no point's, a mass that is negative or not finite, or a cost that is
    /// not finite.
    pub fn new(sources: usize, targets: usize, mut arcs: Vec<Arc>) -> Result<Self> {
        let bad = |arc: &Arc| {
            let known = arc.source < sources && arc.target < targets;
            !(known && arc.mass.is_finite() && arc.mass >= 0.0 && arc.cost.is_finite())
        };
        if let Some(index) = arcs.iter().position(bad) {
            return Err(Error::InvalidArc { index, arc: arcs[index], sources, targets });
        }
        arcs.retain(|arc| arc.mass > 0.0);
        if !arcs.is_sorted_by_key(|arc| (arc.source, arc.target)) {
            arcs.sort_by_key(|arc| (arc.source, arc.target));
        }
        arcs.dedup_by(|next, arc| {
            let same = (next.source, next.target) == (arc.source, arc.target);
            if same {
                arc.mass += next.mass;
            }
            same
        });
        let mut starts = vec![0; sources + 1];
        for arc in &arcs {
            starts[arc.source + 1] += 1;
        }
        for source in 0..sources {
            starts[source + 1] += starts[source];
        }
        Ok(Self { arcs, starts, targets })
    }

    /// All arcs, by source, then target.
    pub fn arcs(&self) -> &[Arc] {
        &self.arcs
    }

    /// The arcs of one source point, by target.
    ///
    /// # Panics
    /// If `source` is not below [`source_len`](Self::source_len).
    pub fn row(&self, source: usize) -> &[Arc] {
        &self.arcs[self.starts[source]..self.starts[source + 1]]
    }

    /// Number of source points, with or without mass.
    pub fn source_len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of target points, with or without mass.
    pub fn target_len(&self) -> usize {
        self.targets
    }

    /// The same plan backwards: targets become sources.
    pub fn transposed(&self) -> Self {
        let mut starts = vec![0; self.targets + 1];
        for arc in &self.arcs {
            starts[arc.target + 1] += 1;
        }
        for target in 0..self.targets {
            starts[target + 1] += starts[target];
        }
        let mut next = starts.clone();
        let mut arcs = self.arcs.clone();
        for arc in &self.arcs {
            arcs[next[arc.target]] = Arc { source: arc.target, target: arc.source, ..*arc };
            next[arc.target] += 1;
        }
        Self { arcs, starts, targets: self.source_len() }
    }

    /// Σ mass.
    pub fn mass(&self) -> f64 {
        self.arcs.iter().map(|arc| arc.mass).sum()
    }

    /// Σ mass · cost \[the cost's unit times mass\].
    pub fn cost(&self) -> f64 {
        self.arcs.iter().map(|arc| arc.mass * arc.cost).sum()
    }

    /// Mass that leaves each source point and arrives at each target point.
    pub fn marginals(&self) -> Marginals {
        let (mut source, mut target) = (vec![0.0; self.source_len()], vec![0.0; self.targets]);
        for arc in &self.arcs {
            source[arc.source] += arc.mass;
            target[arc.target] += arc.mass;
        }
        Marginals { source, target }
    }
}
