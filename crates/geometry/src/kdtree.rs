//! Exact nearest neighbours; the only file that names the tree's crate.

use std::num::NonZeroUsize;

use kiddo::{ImmutableKdTree, SquaredEuclidean};
use nalgebra::Point3;
use rayon::prelude::*;

/// A point of the tree as seen from a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbor {
    /// Index into the points that the tree was built from.
    pub index: usize,
    /// Squared distance to the query \[m²\].
    pub distance_squared: f64,
}

/// A static k-d tree over points in space.
///
/// Answers are exact. Among points at the same distance one is chosen, the same on every run.
///
/// ```
/// use barrow_geometry::KdTree;
/// use nalgebra::Point3;
///
/// let tree = KdTree::new(&[Point3::origin(), Point3::new(3.0, 0.0, 0.0)]);
/// let neighbor = tree.nearest(&Point3::new(2.0, 0.0, 0.0)).unwrap();
/// assert_eq!((neighbor.index, neighbor.distance_squared), (1, 1.0));
/// assert!(KdTree::new(&[]).nearest(&Point3::origin()).is_none());
/// ```
pub struct KdTree {
    /// `None` over no points: the underlying tree would answer "item 0 at infinite distance".
    tree: Option<ImmutableKdTree<f64, 3>>,
    points: Vec<Point3<f64>>,
}

impl KdTree {
    /// Builds the tree. Coordinates must be finite, which a [`PointCloud`](crate::PointCloud) ensures.
    pub fn new(points: &[Point3<f64>]) -> Self {
        let rows: &[[f64; 3]] = bytemuck::cast_slice(points);
        // Construction fails for no points only.
        Self {
            tree: (!rows.is_empty()).then(|| ImmutableKdTree::new_from_slice(rows).ok()).flatten(),
            points: points.to_vec(),
        }
    }

    /// The nearest point; `None` if the tree is empty.
    pub fn nearest(&self, query: &Point3<f64>) -> Option<Neighbor> {
        let found =
            self.tree.as_ref()?.query(&query.coords.into()).nearest_one::<SquaredEuclidean<f64>>().execute();
        Some(Neighbor { index: found.item as usize, distance_squared: found.distance })
    }

    /// The `k` nearest points by increasing distance; all of them if there are fewer.
    pub fn nearest_k(&self, query: &Point3<f64>, k: usize) -> Vec<Neighbor> {
        let (Some(tree), Some(k)) = (&self.tree, NonZeroUsize::new(k)) else { return Vec::new() };
        tree.query(&query.coords.into())
            .nearest_n::<SquaredEuclidean<f64>>(k)
            .execute()
            .into_iter()
            .map(|found| Neighbor { index: found.item as usize, distance_squared: found.distance })
            .collect()
    }

    /// The points within `radius` \[m\], its surface included, by increasing distance, then index.
    pub fn within(&self, query: &Point3<f64>, radius: f64) -> Vec<Neighbor> {
        let Some(tree) = &self.tree else { return Vec::new() };
        let mut found: Vec<Neighbor> = tree
            .query(&query.coords.into())
            .within::<SquaredEuclidean<f64>>(radius * radius)
            .unsorted()
            .execute()
            .into_iter()
            .map(|found| Neighbor { index: found.item as usize, distance_squared: found.distance })
            .collect();
        found.sort_unstable_by(|a, b| {
            a.distance_squared.total_cmp(&b.distance_squared).then(a.index.cmp(&b.index))
        });
        found
    }

    /// [`nearest`](Self::nearest) for many queries, in parallel, in query order.
    pub fn nearest_all(&self, queries: &[Point3<f64>], search: &BatchSearch) -> Vec<Option<Neighbor>> {
        let limit = search.max_distance * search.max_distance;
        let near = |found: &Neighbor| found.distance_squared <= limit;
        queries.par_iter().map(|query| self.nearest(query).filter(near)).collect()
    }

    /// The nearest point of this tree for every point of another, in the order of the other's points.
    ///
    /// Empty if either tree is. Faster than [`nearest_all`](Self::nearest_all): the queries are sorted in
    /// space already.
    pub fn nearest_from(&self, queries: &KdTree) -> Vec<Neighbor> {
        queries.points.par_iter().filter_map(|query| self.nearest(query)).collect()
    }
}

/// What is known before a search over many queries.
#[derive(Debug, Clone, Copy)]
pub struct BatchSearch<'a> {
    /// Points farther than this \[m\] are not found; infinite by default.
    pub max_distance: f64,
    /// For every query the index of a point that is probably close, such as the answer for the last pose.
    /// Changes how soon the answer comes, never the answer.
    pub guesses: Option<&'a [usize]>,
}

impl Default for BatchSearch<'_> {
    fn default() -> Self {
        Self { max_distance: f64::INFINITY, guesses: None }
    }
}
