//! The one traversal: up to eight queries go down the tree together.

use nalgebra::{Isometry3, Point3};

use super::gather::{Found, Gather, KNearest, Nearest, Within};
use super::leaf::LEAF;
use super::node::{Lanes, Node, Span, WIDTH, spans, turned};
use super::{KdTree, usable};

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

/// Up to eight queries close to each other.
pub(super) struct Packet {
    pub position: Lanes,
    /// Scores above are of no interest; below all scores for a lane without query.
    pub limits: [f64; WIDTH],
}

/// Points that are probably close to the next queries: what the last ones found.
pub(super) struct Seeds {
    position: Lanes,
    /// Where the points are: leaf × 16 + place in the leaf.
    place: [usize; WIDTH],
    count: usize,
}

impl Seeds {
    pub fn none() -> Self {
        Self { position: [[0.0; WIDTH]; 3], place: [0; WIDTH], count: 0 }
    }

    #[inline(always)]
    fn replace(&mut self, tree: &KdTree, found: &Nearest) {
        self.count = 0;
        for place in (0..WIDTH).filter_map(|lane| found.place(lane)) {
            let point = tree.leaves[place / LEAF].point(place % LEAF);
            for axis in 0..3 {
                self.position[axis][self.count] = point[axis];
            }
            self.place[self.count] = place;
            self.count += 1;
        }
    }
}

/// Nodes and leaves that wait for their visit.
///
/// Two arrays: what was just written in two pieces could not be read back in one without waiting for it.
struct Waiting {
    bounds: [f64; STACK],
    /// Level above, number below.
    nodes: [u64; STACK],
    count: usize,
}

impl Waiting {
    /// Adds a sibling. The nearest sibling so far, all of which came after `first`, is kept on top.
    #[inline(always)]
    fn push(&mut self, first: usize, bound: f64, node: u64) {
        let place = self.count;
        self.count += 1;
        let below = place > first && self.bounds[place - 1] < bound;
        if below {
            self.bounds[place] = self.bounds[place - 1];
            self.nodes[place] = self.nodes[place - 1];
        }
        let place = place - usize::from(below);
        self.bounds[place] = bound;
        self.nodes[place] = node;
    }

    #[inline(always)]
    fn pop(&mut self) -> (f64, u64) {
        self.count -= 1;
        (self.bounds[self.count], self.nodes[self.count])
    }
}

/// Nodes that wait at most: seven siblings on each of eleven levels hold 8¹¹ leaves, more than indices.
const STACK: usize = 7 * 11 + WIDTH;

/// Nodes visited and leaves looked at, by each query, after which a packet becomes careful: twice as many as
/// eight queries for their nearest points need on any ordinary cloud.
const PATIENCE: u32 = 200;

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

    /// Moves the queries; those that end where none can be searched for find nothing.
    pub fn move_by(&mut self, pose: &Isometry3<f64>) {
        for lane in 0..WIDTH {
            let moved = pose * Point3::from(self.position.map(|row| row[lane]));
            for axis in 0..3 {
                self.position[axis][lane] = moved[axis];
            }
            if !usable(&moved) {
                self.limits[lane] = f64::NEG_INFINITY;
            }
        }
    }

    /// Squared distance from a query to a point, as a leaf computes it, to the last bit.
    pub fn distance_squared(&self, lane: usize, point: &Point3<f64>) -> f64 {
        let [x, y, z] = [0, 1, 2].map(|axis| point[axis] - self.position[axis][lane]);
        x * x + y * y + z * z
    }

    #[inline(always)]
    fn widest(&self) -> f64 {
        let mut widest = self.limits[0];
        for lane in 1..WIDTH {
            widest = if self.limits[lane] > widest { self.limits[lane] } else { widest };
        }
        widest
    }

    /// Lowers the limits to the best of some points.
    #[inline(always)]
    fn bound_by(&mut self, seeds: &Seeds, score: &impl Score) {
        for seed in 0..seeds.count {
            let point = [seeds.position[0][seed], seeds.position[1][seed], seeds.position[2][seed]];
            for lane in 0..WIDTH {
                let mut sum = 0.0;
                for axis in 0..3 {
                    let difference = point[axis] - self.position[axis][lane];
                    sum += difference * difference;
                }
                let bound = score.of_point(sum, seeds.place[seed]);
                self.limits[lane] = if bound < self.limits[lane] { bound } else { self.limits[lane] };
            }
        }
    }

    /// Offers every point whose score may be within the limits.
    ///
    /// Thousands of points at one place are equally far from every query; to find the first of them without
    /// visiting all, a search that takes long looks at ties, and at each query by itself, on every level.
    ///
    /// A `SINGLE` query is in the first lane.
    #[inline(always)]
    fn search<const SINGLE: bool, G: Gather>(&mut self, tree: &KdTree, score: &impl Score, gather: &mut G) {
        let position = self.position;
        let bounds = spans(&position);
        let mut widest = self.widest();
        let mut waiting = Waiting { bounds: [0.0; STACK], nodes: [0; STACK], count: 0 };
        if let Some(top) = tree.levels.len().checked_sub(1) {
            waiting.push(0, f64::NEG_INFINITY, (top as u64) << 32);
        }
        let mut effort = 0;
        while waiting.count > 0 {
            let (bound, visit) = waiting.pop();
            if bound > widest {
                continue;
            }
            effort += 1;
            let careful = effort > PATIENCE;
            let (level, node) = ((visit >> 32) as usize, visit as u32 as usize);
            let here: &Node = &tree.levels[level][node];
            let own: Lanes;
            let own_bounds: [Span; 3];
            let (queries, box_of_queries): (&Lanes, &[Span; 3]) = match &here.axes {
                None => (&position, &bounds),
                Some(axes) => {
                    own = turned(axes, &position);
                    own_bounds =
                        if SINGLE { own.map(|row| Span { min: row[0], max: row[0] }) } else { spans(&own) };
                    (&own, &own_bounds)
                }
            };
            let children = score.of_children(here.distances_squared(box_of_queries), level, node);
            let first = waiting.count;
            let below = (visit.wrapping_sub(1 << 32) >> 32 << 32) | (node * WIDTH) as u64;
            let lanes_within = |packet: &Self, child: usize, gather: &G| {
                let bounds = here.lane_distances_squared(child, queries);
                let bounds = score.of_lanes(bounds, level, node * WIDTH + child);
                packet.lanes_within(&bounds, careful.then_some(here.first[child]), gather)
            };
            for child in lanes_of(not_above(&children, widest)) {
                // In turned axes the box around the queries is wider than it need be: each is asked by itself.
                let suspect = careful || (!SINGLE && here.axes.is_some());
                if level > 0 && suspect && lanes_within(self, child, gather) == 0 {
                    continue;
                }
                waiting.push(first, children[child], below | child as u64);
            }
            if level == 0 {
                while waiting.count > first {
                    let (bound, leaf) = waiting.pop();
                    if bound > widest {
                        continue;
                    }
                    let leaf = leaf as u32 as usize;
                    // The box around one query is the query.
                    let sure = SINGLE && !careful;
                    let lanes = if sure { 1 } else { lanes_within(self, leaf % WIDTH, gather) };
                    effort += lanes.count_ones();
                    if self.scan(tree, leaf, lanes, score, gather) {
                        widest = self.widest();
                    }
                }
            }
        }
    }

    /// The lanes that may find a point within their limits, given lower bounds on the scores; and, given the
    /// lowest index of those points, one that a tie would not rule out.
    #[inline(always)]
    fn lanes_within(&self, bounds: &[f64; WIDTH], first: Option<u32>, gather: &impl Gather) -> u32 {
        let lanes = all_below(bounds, &self.limits);
        let Some(first) = first else { return lanes };
        let useful =
            |&lane: &usize| bounds[lane] < self.limits[lane] || first < gather.tie(lane, self.limits[lane]);
        lanes_of(lanes).filter(useful).fold(0, |lanes, lane| lanes | 1 << lane)
    }

    /// Looks at the points of a leaf; returns whether a limit fell.
    #[inline(always)]
    fn scan(
        &mut self,
        tree: &KdTree,
        leaf: usize,
        lanes: u32,
        score: &impl Score,
        gather: &mut impl Gather,
    ) -> bool {
        let points = &tree.leaves[leaf];
        let mut found = false;
        for lane in lanes_of(lanes) {
            let query = [self.position[0][lane], self.position[1][lane], self.position[2][lane]];
            let scores = score.of_points(points.distances_squared(&query), leaf);
            let limit = gather.take(lane, &scores, Found { leaf, index: &points.index }, self.limits[lane]);
            found |= limit < self.limits[lane];
            self.limits[lane] = limit;
        }
        found
    }
}

/// The lanes whose bits are set.
#[inline(always)]
pub(super) fn lanes_of(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (mask != 0).then(|| {
            let lane = mask.trailing_zeros() as usize;
            mask &= mask - 1;
            lane
        })
    })
}

/// A bit for every value that is not above the limit.
#[inline(always)]
pub(super) fn not_above<const N: usize>(values: &[f64; N], limit: f64) -> u32 {
    all_below(values, &[limit; N])
}

/// A bit for every value that is not above its limit.
///
/// Bits are summed as numbers: that becomes half a dozen vector instructions, where shifting and joining
/// integers becomes three dozen.
#[inline(always)]
fn all_below<const N: usize>(values: &[f64; N], limits: &[f64; N]) -> u32 {
    let mut sums = [0.0; 4];
    for place in 0..N {
        let bit = if values[place] <= limits[place] { (1u32 << place) as f64 } else { 0.0 };
        sums[place % 4] += bit;
    }
    // Adding 2⁵² leaves a small whole number in the low bits.
    ((sums[0] + sums[2]) + (sums[1] + sums[3]) + (1u64 << 52) as f64).to_bits() as u32
}

/// The score limit for a distance \[m\]: its square, so that points at the distance are within.
pub(super) fn squared_limit(distance: f64) -> f64 {
    if distance >= 0.0 { (distance * distance).min(f64::MAX) } else { f64::NEG_INFINITY }
}

// The versions for instruction sets. What they call is inlined, or it would not be compiled for them. No fused
// multiplication: a distance has the same bits on every machine.

/// Finds the lowest score of every lane; the seeds become what was found.
#[multiversion::multiversion(
    targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"),
    dispatcher = "direct"
)]
pub(super) fn lowest<S: Score>(tree: &KdTree, packet: &mut Packet, score: &S, seeds: &mut Seeds) -> Nearest {
    let mut found = Nearest::new();
    packet.bound_by(seeds, score);
    packet.search::<false, _>(tree, score, &mut found);
    seeds.replace(tree, &found);
    found
}

/// Finds the lowest score of a single query.
#[multiversion::multiversion(
    targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"),
    dispatcher = "direct"
)]
pub(super) fn lowest_of_one<S: Score>(tree: &KdTree, packet: &mut Packet, score: &S) -> Option<(f64, u32)> {
    let mut found = Nearest::new();
    packet.search::<true, _>(tree, score, &mut found);
    found.answer(0)
}

/// Finds the `k` lowest scores of every lane.
#[multiversion::multiversion(
    targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"),
    dispatcher = "direct"
)]
pub(super) fn lowest_k<S: Score>(tree: &KdTree, packet: &mut Packet, score: &S, gather: &mut KNearest) {
    packet.search::<false, _>(tree, score, gather);
}

/// Finds all squared distances within the limits.
#[multiversion::multiversion(
    targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"),
    dispatcher = "direct"
)]
pub(super) fn lowest_within(tree: &KdTree, packet: &mut Packet, gather: &mut Within) {
    packet.search::<false, _>(tree, &Plain, gather);
}
