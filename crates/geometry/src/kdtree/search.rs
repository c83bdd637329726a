//! The one traversal: up to eight queries go down the tree together.

use super::KdTree;
use super::gather::{Found, Gather, KNearest, Nearest, Within};
use super::mask::{lanes_of, not_above};
use super::node::{Around, Lanes, Node, Span, WIDTH, spans, turned};
use super::packet::{Packet, Seeds};
use super::score::{At, Plain, Score};
use super::waiting::Waiting;

impl Packet {
    /// Offers every point whose score may be within the limits.
    ///
    /// Thousands of points at one place are equally far from every query; to find the first of them without
    /// visiting all, a search that takes long looks at ties, and at each query by itself, on every level.
    ///
    /// A `SINGLE` query is in the first lane.
    #[inline(always)]
    fn search<const SINGLE: bool, G: Gather, S: Score>(&mut self, tree: &KdTree, score: &S, gather: &mut G) {
        let position = self.position;
        let bounds = |lanes: &Lanes| if SINGLE { lanes.map(|row| Span::at(row[0])) } else { spans(lanes) };
        let mut around = Around::new(bounds(&position));
        if S::STEEP && SINGLE {
            around = around.tilted(position.map(|row| row[0]), [0.0; 3], 0.0);
        } else if S::STEEP {
            self.tilt(tree, score, &mut around);
        }
        let mut widest = self.widest();
        let mut waiting = Waiting::none();
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
            let careful = effort > S::PATIENCE;
            let at = At { level: (visit >> 32) as usize, node: visit as u32 as usize };
            let here: &Node = &tree.levels[at.level][at.node];
            let own: Lanes;
            let own_around: Around;
            let (queries, around): (&Lanes, &Around) = match &here.axes {
                None => (&position, &around),
                Some(axes) => {
                    own = turned(axes, &position);
                    let bounds = bounds(&own);
                    own_around = if S::STEEP { around.turned(axes, bounds) } else { Around::new(bounds) };
                    (&own, &own_around)
                }
            };
            let children = score.of_children(here, around, at);
            let first = waiting.count;
            let below = (visit.wrapping_sub(1 << 32) >> 32 << 32) | (at.node * WIDTH) as u64;
            let lanes_within = |packet: &Self, child: usize, gather: &G| {
                let bounds = score.of_lanes(here, queries, at, child, careful);
                (packet.lanes_within(&bounds, careful.then_some(here.first[child]), gather), bounds)
            };
            for child in lanes_of(not_above(&children, widest)) {
                let mut bound = children[child];
                // In turned axes the box around the queries is wider than it need be, and slopes are steeper
                // for some queries than for others: each is asked by itself.
                let suspect = careful || (!SINGLE && (S::STEEP || here.axes.is_some()));
                if at.level > 0 && suspect {
                    let (lanes, bounds) = lanes_within(self, child, gather);
                    if lanes == 0 {
                        continue;
                    }
                    if S::STEEP && !SINGLE {
                        let lowest = self.lowest_raised(&bounds);
                        bound = if lowest > bound { lowest } else { bound };
                    }
                }
                waiting.push(first, bound, below | child as u64);
            }
            if at.level == 0 {
                while waiting.count > first {
                    let (bound, leaf) = waiting.pop();
                    if bound > widest {
                        continue;
                    }
                    let leaf = leaf as u32 as usize;
                    // The box around one query is the query.
                    let sure = SINGLE && !careful;
                    let lanes = if sure { 1 } else { lanes_within(self, leaf % WIDTH, gather).0 };
                    effort += lanes.count_ones();
                    if self.scan(tree, leaf, lanes, score, gather) {
                        widest = self.widest();
                    }
                }
            }
        }
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
    packet.search::<false, _, _>(tree, score, &mut found);
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
    packet.search::<true, _, _>(tree, score, &mut found);
    found.answer(0)
}

/// Finds the `k` lowest scores of every lane.
#[multiversion::multiversion(
    targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"),
    dispatcher = "direct"
)]
pub(super) fn lowest_k<S: Score>(tree: &KdTree, packet: &mut Packet, score: &S, gather: &mut KNearest) {
    packet.search::<false, _, _>(tree, score, gather);
}

/// Finds all squared distances within the limits.
#[multiversion::multiversion(
    targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"),
    dispatcher = "direct"
)]
pub(super) fn lowest_within(tree: &KdTree, packet: &mut Packet, gather: &mut Within) {
    packet.search::<false, _, _>(tree, &Plain, gather);
}
