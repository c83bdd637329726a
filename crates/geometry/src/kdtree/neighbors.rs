//! What a search gives: one neighbour, or a list for every query.

use super::leaf::NONE;

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

/// Lists of what was found, one for every query.
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
#[derive(Debug, Clone)]
pub struct Neighbors<T = Neighbor> {
    /// Where the list of each query is: task × lists of a task + list of the task; [`NONE`] is the empty list.
    pub(super) places: Vec<u32>,
    /// The lists as the tasks of the search left them; copying a hundred megabytes takes as long as a search.
    pub(super) tasks: Vec<Lists<T>>,
    /// Lists of every task but the last.
    pub(super) lists: usize,
}

impl<T> Neighbors<T> {
    /// Number of queries.
    pub fn len(&self) -> usize {
        self.places.len()
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
        match self.places[query] {
            NONE => &[],
            place => self.tasks[place as usize / self.lists].of(place as usize % self.lists),
        }
    }

    /// The lists of all queries, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[T]> {
        (0..self.len()).map(|query| self.of(query))
    }
}

impl<T: PartialEq> PartialEq for Neighbors<T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

/// Lists, one behind the other.
#[derive(Debug, Clone)]
pub(super) struct Lists<T> {
    ends: Vec<usize>,
    found: Vec<T>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self { ends: Vec::new(), found: Vec::new() }
    }
}

impl<T> Lists<T> {
    pub fn push(&mut self, list: impl Iterator<Item = T>) {
        self.found.extend(list);
        self.ends.push(self.found.len());
    }

    fn of(&self, list: usize) -> &[T] {
        &self.found[list.checked_sub(1).map_or(0, |last| self.ends[last])..self.ends[list]]
    }
}
