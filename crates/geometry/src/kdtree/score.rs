//! What a search minimises: the squared distance, or something that grows with it.

use super::KdTree;
use super::leaf::LEAF;
use super::node::{Around, Lanes, Node, WIDTH};

/// How a distance becomes the score that is minimised.
pub(super) trait Score: Sync {
    /// Whether scores vary so much with the query that those of a packet are compared with a slope added.
    const STEEP: bool = false;

    /// Nodes visited and leaves looked at, by each query, after which a packet becomes careful: twice as many as
    /// eight queries for their nearest points need on any ordinary cloud.
    const PATIENCE: u32 = 200;

    /// Lower bounds on the scores of queries below the children of a node; with t·(x − x̄) added if
    /// [`STEEP`](Self::STEEP).
    fn of_children(&self, node: &Node, queries: &Around, at: At) -> [f64; WIDTH];
    /// Lower bounds on the scores of eight queries below one child.
    fn of_lanes(&self, node: &Node, queries: &Lanes, at: At, child: usize, careful: bool) -> [f64; WIDTH];
    /// Scores of the points of a leaf.
    fn of_points(&self, distances_squared: [f64; LEAF], leaf: usize) -> [f64; LEAF];
    /// Score of one point, at its place among all leaves.
    fn of_point(&self, distance_squared: f64, place: usize) -> f64;
    /// What to add to the scores around a point, per metre, to make them alike.
    #[inline(always)]
    fn tilt(&self, _: &KdTree, _: &[f64; 3]) -> [f64; 3] {
        [0.0; 3]
    }
}

/// Where a node is.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub level: usize,
    pub node: usize,
}

/// The squared distance itself.
pub(super) struct Plain;

impl Score for Plain {
    #[inline(always)]
    fn of_children(&self, node: &Node, queries: &Around, _: At) -> [f64; WIDTH] {
        node.distances_squared(&queries.bounds)
    }
    #[inline(always)]
    fn of_lanes(&self, node: &Node, queries: &Lanes, _: At, child: usize, _: bool) -> [f64; WIDTH] {
        node.lane_distances_squared(child, queries)
    }
    #[inline(always)]
    fn of_points(&self, distances_squared: [f64; LEAF], _: usize) -> [f64; LEAF] {
        distances_squared
    }
    #[inline(always)]
    fn of_point(&self, distance_squared: f64, _: usize) -> f64 {
        distance_squared
    }
}
