//! Weights bounded by affine functions: what a node needs to know where they are steep.

#[cfg(feature = "gpu")]
use nalgebra::Point3;
use nalgebra::{Matrix3, Vector3};
use rayon::prelude::*;

use super::KdTree;
use super::leaf::{LEAF, Leaf};
use super::node::{Around, Lanes, Node, WIDTH, outside, turned_one};

/// Affine bounds on the weights below the children of a node, made ready for |x − y|² − g(y).
///
/// With g(y) ≤ G + s·(y − c) for all points y in the box B of a child, and z = y − s/2,
///
/// ```text
/// |x − y|² − g(y) ≥ |x − y|² − s·(y − c) − G = |x − z|² − s·(x − c) − |s|²/4 − G
///                 ≥ d(x, B − s/2)² − s·(x − c) − above        above = |s|²/4 + G
/// ```
///
/// The largest weight alone, s = 0, tells little where mass moves far: along a displacement D the weights have the
/// slope 2D, |x − y|² has the opposite one, and their sum is flat while each varies by 2D times the size of the box.
///
/// # Rounding
/// The bound must not exceed the computed score of any point, so it is lowered by more than all rounding. With h the
/// extent of the children from c, every quantity here and in the search is at most a small multiple of
/// |x − z|² + |s|² + |s|h + |G| for the point y in question (|x − c| ≤ |x − z| + |s|/2 + h), and errs by a few ε of
/// that. [`ALLOWANCE`] times the last three is added to `above`, [`SHRUNK`] takes as much from d² as
/// |x − z|² asks for. In turned axes coordinates err by ε times their size, which counts as extent. Corners of
/// moved boxes are moved outward by more than their own rounding.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub(super) struct Slopes {
    /// The boxes around the children, moved by −s/2, in the axes of the node.
    min: Lanes,
    max: Lanes,
    slope: Lanes,
    above: [f64; WIDTH],
    centre: [f64; 3],
}

/// Part of the constants that is given away to rounding: hundreds of ε.
const ALLOWANCE: f64 = 1e-13;

/// What squared distances to moved boxes are multiplied by; [`TURNED`](super::node) does the same.
const SHRUNK: f64 = 1.0 - 1e-12;

/// Ridge of the fit, as a part of the variance of the points: where they say nothing, across a plane or along all
/// but one axis, the slope is zero.
const RIDGE: f64 = 1e-6;

/// Slopes above could overflow a product with a coordinate, and are taken for none.
const STEEPEST: f64 = 1e140;

/// Slopes pay where weights differ by this part of |h|² between a leaf's centre and its corner, h from centre to
/// corner.
const WORTHWHILE: f64 = 0.5;

/// Moments of the points whose weight is above −∞.
#[derive(Clone, Copy)]
pub(super) struct Moments {
    count: f64,
    mean: Vector3<f64>,
    mean_weight: f64,
    /// Sum of (p − mean)(p − mean)ᵀ.
    scatter: Matrix3<f64>,
    /// Sum of (p − mean)(g − mean weight).
    cross: Vector3<f64>,
}

impl Moments {
    pub(super) const NONE: Self = Self {
        count: 0.0,
        mean: Vector3::new(0.0, 0.0, 0.0),
        mean_weight: 0.0,
        scatter: Matrix3::new(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        cross: Vector3::new(0.0, 0.0, 0.0),
    };

    fn of(leaf: &Leaf, weights: &[f64; LEAF]) -> Self {
        let Some(first) = weights.iter().position(|&weight| weight > f64::NEG_INFINITY) else {
            return Self::NONE;
        };
        // Relative to a point of the leaf, so that sizes far from zero cost no digits.
        let (point, weight) = (leaf.point(first).coords, weights[first]);
        let mut rows = [[0.0; LEAF]; 4];
        let mut count = 0.0;
        for place in 0..LEAF {
            let there = weights[place] > f64::NEG_INFINITY;
            count += f64::from(u8::from(there));
            for axis in 0..3 {
                let offset = leaf.position[axis][place] - point[axis];
                rows[axis][place] = if there { offset } else { 0.0 };
            }
            rows[3][place] = if there { weights[place] - weight } else { 0.0 };
        }
        let mean = rows.map(|row| sum(&row) / count);
        let product = |a: usize, b: usize| {
            let products = std::array::from_fn(|place| rows[a][place] * rows[b][place]);
            sum(&products) - count * mean[a] * mean[b]
        };
        let (xy, xz, yz) = (product(0, 1), product(0, 2), product(1, 2));
        Self {
            count,
            mean: point + Vector3::new(mean[0], mean[1], mean[2]),
            mean_weight: weight + mean[3],
            scatter: Matrix3::new(product(0, 0), xy, xz, xy, product(1, 1), yz, xz, yz, product(2, 2)),
            cross: Vector3::new(product(0, 3), product(1, 3), product(2, 3)),
        }
    }

    /// Of some leaves, merged in their order.
    #[cfg(feature = "gpu")]
    pub(super) fn of_leaves(leaves: &[Leaf], weights: &[[f64; LEAF]]) -> Self {
        let rows = leaves.iter().zip(weights);
        rows.fold(Self::NONE, |all, (leaf, weights)| all.merged(&Self::of(leaf, weights)))
    }

    /// Of points with their weights, all above −∞.
    #[cfg(feature = "gpu")]
    pub(super) fn of_points(points: impl Iterator<Item = (Point3<f64>, f64)>) -> Self {
        let one = |(point, weight): (Point3<f64>, f64)| Self {
            count: 1.0,
            mean: point.coords,
            mean_weight: weight,
            ..Self::NONE
        };
        points.fold(Self::NONE, |all, point| all.merged(&one(point)))
    }

    /// Pairwise update, as for the boxes of the nodes.
    pub(super) fn merged(&self, other: &Self) -> Self {
        let count = self.count + other.count;
        if self.count == 0.0 || other.count == 0.0 {
            return if self.count == 0.0 { *other } else { *self };
        }
        let (apart, higher) = (other.mean - self.mean, other.mean_weight - self.mean_weight);
        let share = other.count / count;
        let between = self.count * share;
        Self {
            count,
            mean: self.mean + apart * share,
            mean_weight: self.mean_weight + higher * share,
            scatter: self.scatter + other.scatter + apart * apart.transpose() * between,
            cross: self.cross + other.cross + apart * (higher * between),
        }
    }

    /// The slope of the weights in the least-squares sense; zero where there is none to speak of.
    pub(super) fn slope(&self) -> Vector3<f64> {
        let size = self.scatter.trace();
        if !size.is_normal() {
            return Vector3::zeros();
        }
        let ridged = self.scatter / size + Matrix3::from_diagonal_element(RIDGE);
        let slope = ridged.cholesky().map(|factors| factors.solve(&(self.cross / size)));
        // Not a number is not within.
        slope.filter(|slope| slope.iter().all(|value| value.abs() <= STEEPEST)).unwrap_or_default()
    }
}

/// In four parts at once.
fn sum(row: &[f64; LEAF]) -> f64 {
    let mut parts = [0.0; 4];
    for place in 0..LEAF {
        parts[place % 4] += row[place];
    }
    (parts[0] + parts[2]) + (parts[1] + parts[3])
}

/// Slopes for every node, level by level; `None` where the weights are so flat that the largest of them does.
pub(super) fn slopes(tree: &KdTree, weights: &[[f64; LEAF]]) -> Option<Vec<Vec<Slopes>>> {
    let mut below: Vec<Moments> =
        tree.leaves.par_iter().zip(weights).map(|(leaf, weights)| Moments::of(leaf, weights)).collect();
    let mut levels = Vec::with_capacity(tree.levels.len());
    // Leaves below one child.
    let mut each = 1;
    for nodes in &tree.levels {
        let all: Vec<Moments> = below
            .par_chunks(WIDTH)
            .map(|some| some.iter().fold(Moments::NONE, |all, child| all.merged(child)))
            .collect();
        let level: Vec<Slopes> = nodes
            .par_iter()
            .zip(below.par_chunks(WIDTH))
            .zip(&all)
            .zip(tree.leaves.par_chunks(WIDTH * each).zip(weights.par_chunks(WIDTH * each)))
            .map(|(((node, children), all), (leaves, weights))| {
                let rows = leaves.chunks(each).zip(weights.chunks(each));
                Slopes::new(node, children, &all.mean, rows)
            })
            .collect();
        if each == 1 && !worthwhile(&level) {
            return None;
        }
        levels.push(level);
        below = all;
        each *= WIDTH;
    }
    Some(levels)
}

/// Whether the slopes of leaves are steep beside their sizes.
fn worthwhile(level: &[Slopes]) -> bool {
    let (mut steep, mut size) = (0.0, 0.0);
    for slopes in level {
        for child in 0..WIDTH {
            let half: [f64; 3] =
                std::array::from_fn(|axis| 0.5 * (slopes.max[axis][child] - slopes.min[axis][child]));
            let half = half.iter().map(|half| half * half).sum::<f64>().sqrt();
            if half < f64::INFINITY {
                let slope: f64 = (0..3).map(|axis| slopes.slope[axis][child].powi(2)).sum();
                steep += slope.sqrt() * half;
                size += half * half;
            }
        }
    }
    steep > WORTHWHILE * size
}

impl Slopes {
    fn new<'a>(
        node: &Node,
        children: &[Moments],
        centre: &Vector3<f64>,
        rows: impl Iterator<Item = (&'a [Leaf], &'a [[f64; LEAF]])>,
    ) -> Self {
        let own = |vector: &Vector3<f64>| -> [f64; 3] {
            let vector = [vector.x, vector.y, vector.z];
            node.axes.as_ref().map_or(vector, |axes| turned_one(axes, &vector))
        };
        let mut slopes = Self {
            min: Node::EMPTY.min,
            max: Node::EMPTY.max,
            slope: [[0.0; WIDTH]; 3],
            above: [0.0; WIDTH],
            centre: own(centre),
        };
        for (child, (moments, (leaves, weights))) in children.iter().zip(rows).enumerate() {
            if moments.count == 0.0 {
                continue;
            }
            let slope = moments.slope();
            let highest = highest_above(leaves, weights, &slope, centre);
            slopes.set(child, node, own(&slope), highest);
        }
        slopes
    }

    fn set(&mut self, child: usize, node: &Node, slope: [f64; 3], highest: f64) {
        let (mut extent, mut steepness, mut square) = (0.0, 0.0, 0.0);
        for axis in 0..3 {
            let (min, max, slope) = (node.min[axis][child], node.max[axis][child], slope[axis]);
            let centre = self.centre[axis];
            extent += (max - centre).abs().max((min - centre).abs());
            if node.axes.is_some() {
                extent += centre.abs();
            }
            steepness += slope.abs();
            square += slope * slope;
            let outward = 1e-14 * slope.abs();
            self.min[axis][child] = min - 0.5 * slope - outward - 1e-15 * min.abs();
            self.max[axis][child] = max - 0.5 * slope + outward + 1e-15 * max.abs();
            self.slope[axis][child] = slope;
        }
        let allowance = ALLOWANCE * (steepness * (steepness + extent) + highest.abs()) + f64::MIN_POSITIVE;
        self.above[child] = 0.25 * square + highest + allowance;
    }

    /// Lower bounds on |x − y|² − g(y) + t·(x − x̄) for all queries x around x̄ and all points y below each child.
    #[inline(always)]
    pub fn of_children(&self, queries: &Around) -> [f64; WIDTH] {
        let mut distance = [0.0; WIDTH];
        let mut affine = self.above;
        for axis in 0..3 {
            let (low, high) = (queries.bounds[axis].min, queries.bounds[axis].max);
            let offset = queries.middle[axis] - self.centre[axis];
            let (reach, tilt) = (queries.reach[axis], queries.tilt[axis]);
            for child in 0..WIDTH {
                let outside = outside(self.min[axis][child] - high, low - self.max[axis][child]);
                distance[child] += outside * outside;
                let slope = self.slope[axis][child];
                affine[child] += slope * offset + (slope - tilt).abs() * reach;
            }
        }
        for child in 0..WIDTH {
            distance[child] = distance[child] * SHRUNK - affine[child];
        }
        distance
    }

    /// Lower bounds on |x − y|² − g(y) of eight queries for all points y below one child.
    #[inline(always)]
    pub fn of_lanes(&self, child: usize, queries: &Lanes) -> [f64; WIDTH] {
        let mut distance = [0.0; WIDTH];
        let mut affine = [self.above[child]; WIDTH];
        for axis in 0..3 {
            let (min, max) = (self.min[axis][child], self.max[axis][child]);
            let (slope, centre) = (self.slope[axis][child], self.centre[axis]);
            for lane in 0..WIDTH {
                let query = queries[axis][lane];
                let outside = outside(min - query, query - max);
                distance[lane] += outside * outside;
                affine[lane] += slope * (query - centre);
            }
        }
        for lane in 0..WIDTH {
            distance[lane] = distance[lane] * SHRUNK - affine[lane];
        }
        distance
    }

    /// The slope below one child.
    #[inline(always)]
    pub fn slope(&self, child: usize) -> [f64; 3] {
        self.slope.map(|row| row[child])
    }
}

/// The largest g − s·(y − c) of some leaves. What is not a number, at empty places, is not larger.
fn highest_above(
    leaves: &[Leaf],
    weights: &[[f64; LEAF]],
    slope: &Vector3<f64>,
    centre: &Vector3<f64>,
) -> f64 {
    let mut highest = [f64::NEG_INFINITY; LEAF];
    for (leaf, weights) in leaves.iter().zip(weights) {
        for place in 0..LEAF {
            let mut above = weights[place];
            for axis in 0..3 {
                above -= slope[axis] * (leaf.position[axis][place] - centre[axis]);
            }
            highest[place] = if above > highest[place] { above } else { highest[place] };
        }
    }
    highest.into_iter().fold(f64::NEG_INFINITY, f64::max)
}
