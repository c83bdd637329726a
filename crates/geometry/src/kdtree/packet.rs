//! Queries that are searched for together.

use nalgebra::{Isometry3, Point3};

use super::gather::{Gather, Nearest};
use super::leaf::LEAF;
use super::mask::{all_below, lanes_of};
use super::node::{Around, Lanes, WIDENED, WIDTH};
use super::score::Score;
use super::{KdTree, usable};

/// Up to eight queries close to each other.
pub(super) struct Packet {
    pub position: Lanes,
    /// Scores above are of no interest; below all scores for a lane without query.
    pub limits: [f64; WIDTH],
    /// What is added to the scores of every lane where those of all are compared, rounded up.
    raised: [f64; WIDTH],
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
    pub fn replace(&mut self, tree: &KdTree, found: &Nearest) {
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

impl Packet {
    /// Lanes without a query.
    pub const EMPTY: Self =
        Self { position: [[0.0; WIDTH]; 3], limits: [f64::NEG_INFINITY; WIDTH], raised: [0.0; WIDTH] };

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

    /// The largest limit, raised. Finite, or no lane has a query: what is infinitely far is beyond it.
    #[inline(always)]
    pub fn widest(&self) -> f64 {
        let mut widest = f64::NEG_INFINITY;
        for lane in 0..WIDTH {
            let limit = self.limits[lane] + self.raised[lane];
            widest = if limit > widest { limit } else { widest };
        }
        if widest < f64::MAX { widest } else { f64::MAX }
    }

    /// Tilts the frame in which the lanes are compared.
    ///
    /// Where weights are steep, so are the lowest scores as the query moves: over eight neighbouring queries they
    /// differ by more than a leaf is worth, and the largest limit would tell little. Of scores with t·(x − x̄) added,
    /// t near the slope of the weights where the answers are, it tells as much as that of one query.
    ///
    /// What is raised is lowered nowhere: scores are rounded in the order in which limits are, so that a point within
    /// a limit stays within it raised. [`WIDENED`] covers the rounding of t·(x − x̄) itself, in any axes.
    #[inline(always)]
    pub fn tilt(&mut self, tree: &KdTree, score: &impl Score, around: &mut Around) {
        let middle = around.bounds.map(|span| 0.5 * (span.min + span.max));
        let tilt = score.tilt(tree, &middle);
        *around = around.tilted(middle, tilt, 0.0);
        let pad: f64 = (0..3).map(|axis| WIDENED * tilt[axis].abs() * around.reach[axis]).sum();
        self.raised = [pad; WIDTH];
        for axis in 0..3 {
            for lane in 0..WIDTH {
                self.raised[lane] += tilt[axis] * (self.position[axis][lane] - middle[axis]);
            }
        }
    }

    /// The lowest of the lanes' bounds where the lanes are compared.
    #[inline(always)]
    pub fn lowest_raised(&self, bounds: &[f64; WIDTH]) -> f64 {
        let mut lowest = f64::INFINITY;
        for lane in 0..WIDTH {
            let bound = bounds[lane] + self.raised[lane];
            lowest = if bound < lowest { bound } else { lowest };
        }
        lowest
    }

    /// Lowers the limits to the best of some points.
    #[inline(always)]
    pub fn bound_by(&mut self, seeds: &Seeds, score: &impl Score) {
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

    /// The lanes that may find a point within their limits, given lower bounds on the scores; and, given the
    /// lowest index of those points, one that a tie would not rule out.
    #[inline(always)]
    pub fn lanes_within(&self, bounds: &[f64; WIDTH], first: Option<u32>, gather: &impl Gather) -> u32 {
        let lanes = all_below(bounds, &self.limits);
        let Some(first) = first else { return lanes };
        let useful =
            |&lane: &usize| bounds[lane] < self.limits[lane] || first < gather.tie(lane, self.limits[lane]);
        lanes_of(lanes).filter(useful).fold(0, |lanes, lane| lanes | 1 << lane)
    }
}
