//! The units and the origin of what the device is told: coordinates of size one, weights as whole numbers.

use nalgebra::Point3;
use rayon::prelude::*;

use super::super::leaf::{LEAF, Leaf, NONE};
use super::super::slopes::Moments;
use super::super::{KdTree, WeightedKdTree};
use super::Sought;
use super::list::Floor;
use crate::Cost;

/// Above all rounding of a few operations in double precision, as a part of their operands.
const ROUNDED: f64 = 8.0 * f64::EPSILON;

/// Weights lower than the highest by this many units of cost are told as that: such points cost more than any other, so
/// that it does no harm that they seem to cost less.
const RANGE: f64 = 32.0;

/// Lengths of which squares and cubes neither overflow nor vanish.
const SAFE: std::ops::Range<f64> = 1e-120..1e120;

/// The coordinates that the device computes in.
///
/// With weights of |x − y|² that rise by a slope S on the whole, queries are moved by S/2:
///
/// ```text
/// |x − y|² − g(y) = |x + S/2 − y|² − (g(y) − S·(y − c)) − S·(x − c) − |S|²/4
/// ```
///
/// What is left of the weights is small, and so are the distances to the points that count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// The point c amid the points \[m\].
    centre: [f64; 3],
    /// S \[m\].
    slope: [f64; 3],
    /// Origin, relative to c \[m\].
    origin: [f64; 3],
    /// A unit \[m\], a power of two: no coordinate is larger.
    pub scale: f64,
    /// A unit of cost \[m² or m\].
    pub unit: f64,
    /// Most that computing a coordinate in double precision errs by, in units.
    pub blur: f64,
    /// Most that the score of the tree errs by beyond what goes with the distance in this frame, in units of cost.
    error: f64,
}

/// Smallest and largest coordinates.
type Corners = ([f64; 3], [f64; 3]);

fn corners(leaves: &[Leaf]) -> Option<Corners> {
    let of_leaf = |leaf: &Leaf| {
        let points = (0..leaf.len()).map(|place| -> [f64; 3] { leaf.point(place).coords.into() });
        points.map(|point| (point, point)).reduce(joined)
    };
    leaves.par_iter().filter_map(of_leaf).reduce_with(joined)
}

fn joined(a: Corners, b: Corners) -> Corners {
    let axes = |pick: fn(f64, f64) -> f64, a: [f64; 3], b: [f64; 3]| [0, 1, 2].map(|i| pick(a[i], b[i]));
    (axes(f64::min, a.0, b.0), axes(f64::max, a.1, b.1))
}

impl Frame {
    /// The frame of a search; `None` if it has no points, or is so large or small that numbers leave their range.
    pub fn around(sought: &Sought, queries: &[Leaf]) -> Option<Self> {
        let (points, queries) = (corners(&sought.tree.leaves)?, corners(queries)?);
        let centre = [0, 1, 2].map(|axis| 0.5 * points.0[axis] + 0.5 * points.1[axis]);
        let slope = sought.weighted.map_or([0.0; 3], |weighted| overall_slope(weighted));
        let near = |point: [f64; 3]| [0, 1, 2].map(|axis| point[axis] - centre[axis]);
        let moved = |point: [f64; 3]| [0, 1, 2].map(|axis| near(point)[axis] + 0.5 * slope[axis]);
        let (points, apart) = ((near(points.0), near(points.1)), (near(queries.0), near(queries.1)));
        let all = joined(points, (moved(queries.0), moved(queries.1)));
        let origin = [0, 1, 2].map(|axis| 0.5 * all.0[axis] + 0.5 * all.1[axis]);
        let largest =
            |corners: &Corners| corners.0.iter().chain(&corners.1).fold(0.0, |a: f64, b| a.max(b.abs()));
        let extent = (0..3).fold(0.0, |a: f64, axis| a.max(0.5 * (all.1[axis] - all.0[axis])));
        // A little more than the extent, for its rounding.
        let size = if extent == 0.0 { 1.0 } else { extent * (1.0 + 1e-9) };
        let steep = slope.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        let operands = largest(&points) + largest(&apart) + largest(&all) + steep;
        if !(SAFE.contains(&size) && operands < SAFE.end) {
            return None;
        }
        let scale = 2f64.powi(size.log2().ceil() as i32);
        let unit = match sought.cost() {
            Cost::SquaredEuclidean => scale * scale,
            Cost::Euclidean => scale,
        };
        // Distances in the frame are those of space if nothing is moved.
        let moved = if steep > 0.0 { operands / scale } else { 0.0 };
        let error = ROUNDED * 12.0 * moved * moved;
        let blur = (ROUNDED * operands / scale).max(ROUNDED);
        Some(Self { centre, slope, origin, scale, unit, blur, error })
    }

    /// Coordinates of a point.
    pub fn point(&self, point: &Point3<f64>) -> [f64; 3] {
        [0, 1, 2].map(|axis| (point[axis] - self.centre[axis] - self.origin[axis]) / self.scale)
    }

    /// Coordinates of a query, moved.
    pub fn query(&self, query: &Point3<f64>) -> [f64; 3] {
        let moved = |axis: usize| query[axis] - self.centre[axis] + 0.5 * self.slope[axis];
        [0, 1, 2].map(|axis| (moved(axis) - self.origin[axis]) / self.scale)
    }

    /// Slopes in the frame \[units\], of what is left of the weights.
    pub fn slope_left(&self, slope: [f64; 3]) -> [f32; 3] {
        // Steeper is as good as none.
        const STEEPEST: f64 = 1e3;
        let left = [0, 1, 2].map(|axis| (slope[axis] - self.slope[axis]) / self.scale);
        if left.iter().all(|value| value.abs() < STEEPEST) {
            left.map(|value| value as f32)
        } else {
            [0.0; 3]
        }
    }

    /// S·(y − c), and the sum of the sizes of its terms, in units of cost.
    fn rise(&self, point: &Point3<f64>) -> (f64, f64) {
        let term = |axis: usize| self.slope[axis] * ((point[axis] - self.centre[axis]) / self.unit);
        let terms = [term(0), term(1), term(2)];
        (terms.iter().sum(), terms.iter().map(|term| term.abs()).sum())
    }

    /// What was taken from the scores of a query, −S·(x − c) − |S|²/4, and the sum of its sizes.
    fn taken(&self, query: &Point3<f64>) -> (f64, f64) {
        let (rise, sizes) = self.rise(query);
        let square = self.slope.iter().map(|slope| (0.5 * slope) * (0.5 * slope / self.unit)).sum::<f64>();
        (-rise - square, sizes + square)
    }

    /// What is added to all weights, so that the lowest score near a query that has this score is about zero.
    pub fn offset(&self, raised: &Raised, query: &Point3<f64>, score: f64) -> i32 {
        let score = score / self.unit - self.taken(query).0 + raised.middle;
        // Far beyond, it is of no use, and must not make a sum overflow.
        const LARGEST: f64 = (1 << 30) as f64;
        if raised.unit > 0.0 { (score / raised.unit).clamp(-LARGEST, LARGEST) as i32 } else { 0 }
    }

    /// What turns scores of a query into those that the tree would compute.
    pub fn floor(&self, raised: &Raised, offset: i32, query: &Point3<f64>) -> Floor {
        let (taken, sizes) = self.taken(query);
        let offset = f64::from(offset) * raised.unit;
        let error = self.error + ROUNDED * (offset.abs() + sizes + raised.middle.abs());
        Floor { unit: self.unit, shift: offset + taken - raised.middle, error }
    }
}

/// The slope of all weights; zero where slopes are of no use.
fn overall_slope(weighted: &WeightedKdTree) -> [f64; 3] {
    if weighted.cost == Cost::Euclidean {
        return [0.0; 3];
    }
    // Merged in a fixed order.
    const CHUNK: usize = 1024;
    let rows = weighted.tree.leaves.par_chunks(CHUNK).zip(weighted.weights.par_chunks(CHUNK));
    let parts: Vec<Moments> = rows.map(|(leaves, weights)| Moments::of_leaves(leaves, weights)).collect();
    parts.iter().fold(Moments::NONE, |all, part| all.merged(part)).slope().into()
}

/// What is left of the weights, as whole numbers that are not below them.
pub(super) struct Raised {
    /// In units of cost: of one, and of what was taken from all; a power of two, or zero if all weights are.
    pub unit: f64,
    middle: f64,
    /// One for every place among the leaves; [`ABSENT`] where there is no point.
    pub weights: Vec<[i32; LEAF]>,
}

/// Weight of a point that is not there.
pub(super) const ABSENT: i32 = i32::MIN;

/// Size of the largest weight.
const LARGEST: f64 = (1 << 29) as f64;

impl Raised {
    /// All weights zero.
    pub fn none(tree: &KdTree) -> Self {
        let weight = |&index: &u32| if index == NONE { ABSENT } else { 0 };
        let weights = tree.leaves.par_iter().map(|leaf| leaf.index.each_ref().map(weight)).collect();
        Self { unit: 0.0, middle: 0.0, weights }
    }

    /// `None` if there are no weights, or such that leave the range of numbers.
    pub fn new(weighted: &WeightedKdTree, frame: &Frame) -> Option<Self> {
        // What is left of a weight, and the sum of the sizes that it comes from.
        let left = |leaf: &Leaf, weights: &[f64; LEAF], place: usize| {
            let weight = weights[place];
            (leaf.index[place] != NONE && weight > f64::NEG_INFINITY).then(|| {
                let (rise, sizes) = frame.rise(&leaf.point(place));
                let weight = weight / frame.unit;
                (weight - rise, weight.abs() + sizes)
            })
        };
        let rows = || weighted.tree.leaves.par_iter().zip(&weighted.weights);
        let ranges = rows().flat_map_iter(|(leaf, weights)| {
            let values = (0..LEAF).filter_map(|place| left(leaf, weights, place)).map(|(value, _)| value);
            values.map(
                |value| if value.is_finite() { (value, value) } else { (f64::NEG_INFINITY, f64::INFINITY) },
            )
        });
        let (lowest, highest) = ranges.reduce_with(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        if highest.is_infinite() {
            return None;
        }
        let lowest = lowest.max(highest - RANGE);
        let middle = 0.5 * lowest + 0.5 * highest;
        let pad = |sizes: f64| ROUNDED * (sizes + middle.abs());
        let raised = |(value, sizes): (f64, f64)| (value + pad(sizes)).max(lowest) - middle;
        let sizes = rows().flat_map_iter(|(leaf, weights)| {
            let all = (0..LEAF).filter_map(|place| left(leaf, weights, place));
            all.map(|some| raised(some).abs())
        });
        let half = sizes.reduce(|| 0.0, f64::max);
        if half.max(middle.abs()) >= SAFE.end {
            return None;
        }
        let unit = if half > 0.0 { 2f64.powi(half.max(1e-20).log2().ceil() as i32) / LARGEST } else { 0.0 };
        // Too coarse to tell anything apart.
        if unit > 1.0 {
            return None;
        }
        let weight = |leaf: &Leaf, weights: &[f64; LEAF], place: usize| match left(leaf, weights, place) {
            None => ABSENT,
            Some(_) if unit == 0.0 => 0,
            // One more for the rounding of what is written here.
            Some(some) => (raised(some) / unit).ceil() as i32 + 1,
        };
        let row = |(leaf, weights): (&Leaf, &[f64; LEAF])| {
            std::array::from_fn(|place| weight(leaf, weights, place))
        };
        Some(Self { unit, middle, weights: rows().map(row).collect() })
    }
}
