//! The one traversal: up to eight queries go down the tree together.

use nalgebra::Point3;

use super::gather::{Gather, KNearest, Nearest, Within};
use super::leaf::LEAF;
use super::node::{Lanes, Node, Span, WIDTH, spans, turned};
use super::{KdTree, usable};

/// How a distance becomes the score that is minimised.
pub(super) trait Score: Sync {
    /// Lower bounds on the scores below the children of a node, from squared distances to their boxes.
    fn of_children(&self, distances_squared: [f64; WIDTH], level: usize, node: usize) -> [f64; WIDTH];
    /// Lower bounds on the scores of eight queries in one leaf, from squared distances to its box.
    fn of_lanes(&self, distances_squared: [f64; WIDTH], leaf: usize) -> [f64; WIDTH];
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
    fn of_lanes(&self, distances_squared: [f64; WIDTH], _: usize) -> [f64; WIDTH] {
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

/// Up to eight queries close to each other.
pub(super) struct Packet {
    pub position: Lanes,
    /// Scores above are of no interest; below all scores for a lane without query.
    pub limits: [f64; WIDTH],
}

/// A node to visit.
#[derive(Clone, Copy)]
struct Visit {
    bound: f64,
    level: u32,
    node: u32,
}

/// Nodes that wait at most: seven siblings on each of eleven levels hold 8¹¹ leaves, more than indices.
const STACK: usize = 7 * 11 + WIDTH;

impl Packet {
    /// Lanes without a query.
    pub const EMPTY: Self = Self { position: [[0.0; WIDTH]; 3], limits: [f64::NEG_INFINITY; WIDTH] };

    /// One query; `None` if it cannot be searched for.
    pub fn single(query: &Point3<f64>, limit: f64) -> Option<Self> {
        usable(query).then(|| {
            let mut packet = Self { position: [0, 1, 2].map(|axis| [query[axis]; WIDTH]), ..Self::EMPTY };
            packet.limits[0] = limit;
            packet
        })
    }

    #[inline(always)]
    fn widest(&self) -> f64 {
        let mut widest = self.limits[0];
        for lane in 1..WIDTH {
            widest = if self.limits[lane] > widest { self.limits[lane] } else { widest };
        }
        widest
    }

    /// Offers every point whose score may be within the limits.
    #[inline(always)]
    fn search(&mut self, tree: &KdTree, score: &impl Score, gather: &mut impl Gather) {
        let position = self.position;
        let bounds = spans(&position);
        let mut widest = self.widest();
        let mut stack = [Visit { bound: 0.0, level: 0, node: 0 }; STACK];
        let mut waiting = 0;
        if let Some(top) = tree.levels.len().checked_sub(1) {
            stack[0] = Visit { bound: f64::NEG_INFINITY, level: top as u32, node: 0 };
            waiting = 1;
        }
        while waiting > 0 {
            waiting -= 1;
            let Visit { bound, level, node } = stack[waiting];
            if bound > widest {
                continue;
            }
            let here: &Node = &tree.levels[level as usize][node as usize];
            let own: Lanes;
            let own_bounds: [Span; 3];
            let (queries, box_of_queries): (&Lanes, &[Span; 3]) = match &here.axes {
                None => (&position, &bounds),
                Some(axes) => {
                    own = turned(axes, &position);
                    own_bounds = spans(&own);
                    (&own, &own_bounds)
                }
            };
            let children =
                score.of_children(here.distances_squared(box_of_queries), level as usize, node as usize);
            let mut mask = not_above(&children, widest);
            let first = waiting;
            while mask != 0 {
                let child = mask.trailing_zeros() as usize;
                mask &= mask - 1;
                let visit = Visit {
                    bound: children[child],
                    level: level.wrapping_sub(1),
                    node: node * WIDTH as u32 + child as u32,
                };
                // The nearest goes on top.
                let mut place = waiting;
                while place > first && stack[place - 1].bound < visit.bound {
                    stack[place] = stack[place - 1];
                    place -= 1;
                }
                stack[place] = visit;
                waiting += 1;
            }
            if level == 0 {
                while waiting > first {
                    waiting -= 1;
                    let leaf = stack[waiting].node as usize;
                    if stack[waiting].bound > widest {
                        continue;
                    }
                    let lanes = score.of_lanes(here.lane_distances_squared(leaf % WIDTH, queries), leaf);
                    if self.scan(tree, leaf, &lanes, score, gather) {
                        widest = self.widest();
                    }
                }
            }
        }
    }

    /// Whether a limit fell.
    #[inline(always)]
    fn scan(
        &mut self,
        tree: &KdTree,
        leaf: usize,
        bounds: &[f64; WIDTH],
        score: &impl Score,
        gather: &mut impl Gather,
    ) -> bool {
        let mut lanes = 0;
        for lane in 0..WIDTH {
            lanes |= u32::from(bounds[lane] <= self.limits[lane]) << lane;
        }
        let mut found = false;
        let points = &tree.leaves[leaf];
        while lanes != 0 {
            let lane = lanes.trailing_zeros() as usize;
            lanes &= lanes - 1;
            let query = [self.position[0][lane], self.position[1][lane], self.position[2][lane]];
            let scores = score.of_points(points.distances_squared(&query), leaf);
            let mut mask = not_above(&scores, self.limits[lane]);
            while mask != 0 {
                let place = mask.trailing_zeros() as usize;
                mask &= mask - 1;
                if scores[place] <= self.limits[lane] {
                    self.limits[lane] = gather.offer(lane, scores[place], points.index[place]);
                    found = true;
                }
            }
        }
        found
    }
}

/// A bit for every value that is not above the limit.
#[inline(always)]
fn not_above<const N: usize>(values: &[f64; N], limit: f64) -> u32 {
    let mut mask = 0;
    for place in 0..N {
        mask |= u32::from(values[place] <= limit) << place;
    }
    mask
}

/// The score limit for a distance \[m\]: its square, so that points at the distance are within.
pub(super) fn squared_limit(distance: f64) -> f64 {
    if distance >= 0.0 { (distance * distance).min(f64::MAX) } else { f64::NEG_INFINITY }
}

// The versions for instruction sets. What they call is inlined, or it would not be compiled for them. No fused
// multiplication: a distance has the same bits on every machine.

/// Finds the lowest score of every lane.
#[multiversion::multiversion(
    targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"),
    dispatcher = "direct"
)]
pub(super) fn lowest<S: Score>(tree: &KdTree, packet: &mut Packet, score: &S, gather: &mut Nearest) {
    packet.search(tree, score, gather);
}

/// Finds the `k` lowest scores of every lane.
#[multiversion::multiversion(
    targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"),
    dispatcher = "direct"
)]
pub(super) fn lowest_k<S: Score>(tree: &KdTree, packet: &mut Packet, score: &S, gather: &mut KNearest) {
    packet.search(tree, score, gather);
}

/// Finds all squared distances within the limits.
#[multiversion::multiversion(
    targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"),
    dispatcher = "direct"
)]
pub(super) fn lowest_within(tree: &KdTree, packet: &mut Packet, gather: &mut Within) {
    packet.search(tree, &Plain, gather);
}
