//! Boxes around the children of a node, and how far a query is from them.

use nalgebra::Matrix3;

use super::leaf::NONE;

/// Children of a node, and queries searched together: two vectors of four doubles.
pub(super) const WIDTH: usize = 8;

/// Coordinates of eight points or of eight corners, axis by axis.
pub(super) type Lanes = [[f64; WIDTH]; 3];

/// The boxes around up to eight children, in the axes of the node.
#[derive(Debug, Clone)]
#[repr(align(32))]
pub(super) struct Node {
    pub min: Lanes,
    pub max: Lanes,
    /// Rows are the node's axes, where they are not those of space.
    ///
    /// A slanted piece of surface is thin along its normal, while its box along the axes of space is a
    /// cube. From far away all such cubes along a surface seem equally near; the thin boxes do not.
    pub axes: Option<[[f64; 3]; 3]>,
    /// Lowest index of a point below each child: settles ties without a visit.
    pub first: [u32; WIDTH],
}

impl Node {
    /// No child: a box that contains nothing is infinitely far.
    pub const EMPTY: Self = Self {
        min: [[f64::INFINITY; WIDTH]; 3],
        max: [[f64::NEG_INFINITY; WIDTH]; 3],
        axes: None,
        first: [NONE; WIDTH],
    };

    pub fn set(&mut self, child: usize, bounds: &[Span; 3]) {
        for axis in 0..3 {
            self.min[axis][child] = bounds[axis].min;
            self.max[axis][child] = bounds[axis].max;
        }
    }
}

/// An interval of one coordinate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub min: f64,
    pub max: f64,
}

impl Span {
    pub const EMPTY: Self = Self { min: f64::INFINITY, max: f64::NEG_INFINITY };

    /// One value.
    #[inline(always)]
    pub fn at(value: f64) -> Self {
        Self { min: value, max: value }
    }

    #[inline(always)]
    pub fn add(&mut self, value: f64) {
        self.min = if value < self.min { value } else { self.min };
        self.max = if value > self.max { value } else { self.max };
    }

    pub fn union(&self, other: &Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

/// What a distance to a turned box is multiplied by, so that rounding never makes it too large.
///
/// Turning a query q errs by a few ε|q|, and |q| is at most the distance plus the extent of the node from
/// the origin. [`slack`] covers the second part, this factor the first.
const TURNED: f64 = 1.0 - 1e-12;

/// How much wider a turned box is than its points: far above the rounding of turned coordinates.
pub(super) fn slack(bounds: &[Span; 3]) -> f64 {
    1e-14 * bounds.iter().map(|span| span.min.abs().max(span.max.abs())).sum::<f64>()
}

/// Coordinates along other axes.
#[inline(always)]
pub(super) fn turned<const N: usize>(axes: &[[f64; 3]; 3], points: &[[f64; N]; 3]) -> [[f64; N]; 3] {
    let mut out = [[0.0; N]; 3];
    for row in 0..3 {
        let [x, y, z] = axes[row];
        for place in 0..N {
            out[row][place] = x * points[0][place] + y * points[1][place] + z * points[2][place];
        }
    }
    out
}

/// One point along other axes.
#[inline(always)]
pub(super) fn turned_one(axes: &[[f64; 3]; 3], point: &[f64; 3]) -> [f64; 3] {
    turned(axes, &point.map(|value| [value])).map(|row| row[0])
}

/// One point back from other axes.
#[inline(always)]
pub(super) fn turned_back(axes: &[[f64; 3]; 3], point: &[f64; 3]) -> [f64; 3] {
    std::array::from_fn(|column| (0..3).map(|row| axes[row][column] * point[row]).sum())
}

pub(super) fn rows(matrix: &Matrix3<f64>) -> [[f64; 3]; 3] {
    std::array::from_fn(|row| std::array::from_fn(|column| matrix[(row, column)]))
}

/// Smallest and largest coordinates of eight lanes.
#[inline(always)]
pub(super) fn spans(lanes: &Lanes) -> [Span; 3] {
    let mut out = [Span::EMPTY; 3];
    for axis in 0..3 {
        for lane in 0..WIDTH {
            out[axis].add(lanes[axis][lane]);
        }
    }
    out
}

/// Queries that go down the tree together, as one.
#[derive(Clone, Copy)]
pub(super) struct Around {
    pub bounds: [Span; 3],
    /// A point x̄ amid the queries, how far they are from it along each axis, and a slope t: their scores are
    /// compared with t·(x − x̄) added, which makes them more alike. Zeros for scores that need none of it.
    pub middle: [f64; 3],
    pub reach: [f64; 3],
    pub tilt: [f64; 3],
}

/// Part by which the reach of queries is widened, far above all rounding.
pub(super) const WIDENED: f64 = 1e-12;

impl Around {
    pub fn new(bounds: [Span; 3]) -> Self {
        Self { bounds, middle: [0.0; 3], reach: [0.0; 3], tilt: [0.0; 3] }
    }

    /// With a point amid the queries, and with the slope.
    pub fn tilted(self, middle: [f64; 3], tilt: [f64; 3], blurred: f64) -> Self {
        let reach = std::array::from_fn(|axis| {
            let Span { min, max } = self.bounds[axis];
            let (below, above) = (middle[axis] - min, max - middle[axis]);
            (1.0 + WIDENED) * if below > above { below } else { above } + blurred
        });
        Self { middle, reach, tilt, ..self }
    }

    /// Along other axes, where the queries have other bounds. Turning errs by a few ε of the coordinates.
    pub fn turned(&self, axes: &[[f64; 3]; 3], bounds: [Span; 3]) -> Self {
        let blurred = 1e-14 * self.middle.iter().map(|value| value.abs()).sum::<f64>();
        Self::new(bounds).tilted(turned_one(axes, &self.middle), turned_one(axes, &self.tilt), blurred)
    }
}

impl Node {
    /// Squared distances from a box of queries to the children.
    ///
    /// Differences, squares and sums are rounded in the order in which those of points are. Rounding is
    /// monotone, so along the axes of space the result is never above the computed squared distance between
    /// a query and a point inside: nothing is pruned that a scan would find.
    #[inline(always)]
    pub fn distances_squared(&self, queries: &[Span; 3]) -> [f64; WIDTH] {
        let mut sum = [0.0; WIDTH];
        for axis in 0..3 {
            let Span { min: low, max: high } = queries[axis];
            for child in 0..WIDTH {
                let outside = outside(self.min[axis][child] - high, low - self.max[axis][child]);
                sum[child] += outside * outside;
            }
        }
        if self.axes.is_some() { sum.map(|sum| sum * TURNED) } else { sum }
    }

    /// Squared distances from eight queries to one child.
    #[inline(always)]
    pub fn lane_distances_squared(&self, child: usize, queries: &Lanes) -> [f64; WIDTH] {
        let mut sum = [0.0; WIDTH];
        for axis in 0..3 {
            let (min, max) = (self.min[axis][child], self.max[axis][child]);
            for lane in 0..WIDTH {
                let outside = outside(min - queries[axis][lane], queries[axis][lane] - max);
                sum[lane] += outside * outside;
            }
        }
        if self.axes.is_some() { sum.map(|sum| sum * TURNED) } else { sum }
    }
}

/// The larger of both, or zero. Not `f64::max`, whose care for NaN costs instructions.
#[inline(always)]
pub(super) fn outside(below: f64, above: f64) -> f64 {
    let farther = if below > above { below } else { above };
    if farther > 0.0 { farther } else { 0.0 }
}
