//! Exact neighbours in space: one query or a million, by distance or by distance minus a weight.

// Lanes are indexed across several arrays at once; that is what becomes vector instructions.
#![allow(clippy::needless_range_loop)]

mod batch;
mod build;
mod gather;
#[cfg(feature = "gpu")]
mod gpu;
mod leaf;
mod levels;
mod mask;
mod neighbors;
mod node;
mod packet;
mod score;
mod search;
mod slopes;
mod waiting;
mod weighted;

use std::sync::OnceLock;

use nalgebra::Point3;

pub use batch::{BatchSearch, Queries};
#[cfg(feature = "gpu")]
pub(crate) use gpu::rates as kernel_rates;
pub use neighbors::{Neighbor, Neighbors};
pub use weighted::{ReducedCost, WeightedKdTree};

use crate::PointCloud;
use gather::{KNearest, Within};
use leaf::{LEAF, Leaf, NONE};
use node::Node;
use packet::Packet;
use score::Plain;
use search::{lowest_k, lowest_of_one, lowest_within, squared_limit};

/// A static k-d tree over points in space.
///
/// Answers are exact: what a scan over all points finds, with distances computed as
/// (x₁−y₁)² + (x₂−y₂)² + (x₃−y₃)² in `f64`. Among points at the same distance the one with the lowest index
/// comes first, so that an answer depends on nothing but the points and the query.
///
/// Points with a coordinate that is not finite or above [`PointCloud::MAX_COORDINATE`], which no cloud
/// accepts, are left out; a query like that finds nothing.
///
/// # References
/// Bentley, *Multidimensional binary search trees used for associative searching*, CACM 1975. Boxes along
/// principal axes: Gottschalk, Lin, Manocha, *OBBTree*, SIGGRAPH 1996, section 4.
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
#[derive(Debug, Clone)]
pub struct KdTree {
    leaves: Vec<Leaf>,
    /// Nodes above the leaves; the last level has one. Empty without points.
    levels: Vec<Vec<Node>>,
    /// Number of points that the tree was built from.
    len: usize,
    /// Place of every point among the leaves, once someone asks.
    places: OnceLock<Vec<u32>>,
}

impl KdTree {
    /// Builds the tree, in parallel.
    ///
    /// # Panics
    /// With 2³² points or more, whose indices would not fit.
    pub fn new(points: &[Point3<f64>]) -> Self {
        assert!(points.len() < NONE as usize, "a tree holds fewer than 2^32 points, got {}", points.len());
        let leaves = build::leaves(points);
        let levels = levels::levels(&leaves);
        Self { leaves, levels, len: points.len(), places: OnceLock::new() }
    }

    /// Number of points that the tree was built from.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the tree was built from no points.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The nearest point; `None` if the tree is empty.
    pub fn nearest(&self, query: &Point3<f64>) -> Option<Neighbor> {
        let mut packet = Packet::single(query, f64::MAX)?;
        lowest_of_one(self, &mut packet, &Plain).map(Neighbor::from_score)
    }

    /// The `k` nearest points by increasing distance, then index; all of them if there are fewer.
    pub fn nearest_k(&self, query: &Point3<f64>, k: usize) -> Vec<Neighbor> {
        let k = k.min(self.len);
        let Some(mut packet) = Packet::single(query, f64::MAX).filter(|_| k > 0) else { return Vec::new() };
        let mut gather = KNearest::new(k);
        lowest_k(self, &mut packet, &Plain, &mut gather);
        gather.answer(0).map(Neighbor::from_score).collect()
    }

    /// The points within `radius` \[m\], its surface included, by increasing distance, then index.
    pub fn within(&self, query: &Point3<f64>, radius: f64) -> Vec<Neighbor> {
        let Some(mut packet) = Packet::single(query, squared_limit(radius)) else { return Vec::new() };
        let mut gather = Within::new();
        lowest_within(self, &mut packet, &mut gather);
        gather.answer(0).map(Neighbor::from_score).collect()
    }

    /// Where every point is: leaf × 16 + place in the leaf; [`NONE`] if it was left out.
    fn places(&self) -> &[u32] {
        self.places.get_or_init(|| places(&self.leaves, self.len))
    }

    /// A point by its index; `None` if there is no such point, or if it was left out.
    fn point(&self, index: usize) -> Option<Point3<f64>> {
        let place = *self.places().get(index).filter(|&&place| place != NONE)? as usize;
        Some(self.leaves[place / LEAF].point(place % LEAF))
    }
}

/// Whether a point can be searched for and found.
fn usable(point: &Point3<f64>) -> bool {
    point.iter().all(|value| value.abs() <= PointCloud::MAX_COORDINATE)
}

/// The inverse of the order in leaves.
fn places(leaves: &[Leaf], len: usize) -> Vec<u32> {
    let mut places = vec![NONE; len];
    for (place, &index) in leaves.iter().flat_map(|leaf| &leaf.index).enumerate() {
        if index != NONE {
            places[index as usize] = place as u32;
        }
    }
    places
}
