//! What a search gives: one neighbour, or a list for every query.

/// A point of the tree as seen from a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbor {
    /// Index into the points that the tree was built from.
    pub index: usize,
    /// Squared distance to the query \[m²\].
    pub distance_squared: f64,
}

impl Neighbor {
    pub(super) fn from_score((distance_squared, index): (f64, u32)) -> Self {
        Self { index: index as usize, distance_squared }
    }
}

/// Lists of what was found, one for every query, in one piece of memory.
///
/// ```
/// use barrow_geometry::{BatchSearch, KdTree};
/// use nalgebra::Point3;
///
/// let points: Vec<_> = (0..9).map(|i| Point3::new(i as f64, 0.0, 0.0)).collect();
/// let tree = KdTree::new(&points);
/// let neighbors = tree.nearest_k_all(&points, 3, &BatchSearch::default());
/// assert_eq!(neighbors.len(), 9);
/// assert_eq!(neighbors.of(4).iter().map(|n| n.index).collect::<Vec<_>>(), [4, 3, 5]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbors<T = Neighbor> {
    /// Where the list of each query begins, and where the last one ends.
    pub(super) starts: Vec<usize>,
    pub(super) found: Vec<T>,
}

impl<T> Neighbors<T> {
    /// Number of queries.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there were no queries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was found for a query, the best first.
    ///
    /// # Panics
    /// If `query` is not below [`len`](Self::len).
    pub fn of(&self, query: usize) -> &[T] {
        &self.found[self.starts[query]..self.starts[query + 1]]
    }

    /// The lists of all queries, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[T]> {
        (0..self.len()).map(|query| self.of(query))
    }

    /// All lists, one behind the other.
    pub fn flat(&self) -> &[T] {
        &self.found
    }
}
