//! What a search minimises: the squared distance, or something that grows with it.

use super::leaf::LEAF;
use super::node::WIDTH;

/// How a distance becomes the score that is minimised.
pub(super) trait Score: Sync {
    /// Lower bounds on the scores below the children of a node, from squared distances to their boxes.
    fn of_children(&self, distances_squared: [f64; WIDTH], level: usize, node: usize) -> [f64; WIDTH];
    /// Lower bounds on the scores of eight queries below one child: a node of the level below, or a leaf.
    fn of_lanes(&self, distances_squared: [f64; WIDTH], level: usize, child: usize) -> [f64; WIDTH];
    /// Scores of the points of a leaf.
    fn of_points(&self, distances_squared: [f64; LEAF], leaf: usize) -> [f64; LEAF];
    /// Score of one point, at its place among all leaves.
    fn of_point(&self, distance_squared: f64, place: usize) -> f64;
}

/// The squared distance itself.
pub(super) struct Plain;

impl Score for Plain {
    #[inline(always)]
    fn of_children(&self, distances_squared: [f64; WIDTH], _: usize, _: usize) -> [f64; WIDTH] {
        distances_squared
    }
    #[inline(always)]
    fn of_lanes(&self, distances_squared: [f64; WIDTH], _: usize, _: usize) -> [f64; WIDTH] {
        distances_squared
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
