//! What becomes of the points that a search comes across.

use super::leaf::{LEAF, NONE};
use super::mask::{lanes_of, not_above};
use super::node::WIDTH;

/// Takes what a search finds.
pub(super) trait Gather {
    /// The scores of the points of a leaf for one lane; returns the limit from now on, never a larger one.
    ///
    /// Only scores that are not above the limit count. Those at the limit do, so that of several points at the
    /// same score the first can win.
    fn take(&mut self, lane: usize, scores: &[f64; LEAF], found: Found, limit: f64) -> f64;

    /// The index from which on a point at the limit is of no use; [`NONE`] while all are.
    fn tie(&self, lane: usize, limit: f64) -> u32;
}

/// Where scores come from.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub leaf: usize,
    /// Indices of the points of the leaf.
    pub index: &'a [u32; LEAF],
}

/// The lowest score of every lane; of several points with the same the one with the lowest index.
pub(super) struct Nearest {
    score: [f64; WIDTH],
    index: [u32; WIDTH],
    /// Where the points are: leaf × 16 + place in the leaf.
    place: [usize; WIDTH],
}

impl Nearest {
    pub fn new() -> Self {
        Self { score: [f64::INFINITY; WIDTH], index: [NONE; WIDTH], place: [0; WIDTH] }
    }

    pub fn answer(&self, lane: usize) -> Option<(f64, u32)> {
        (self.index[lane] != NONE).then(|| (self.score[lane], self.index[lane]))
    }

    /// Where the point is that a lane has found.
    pub fn place(&self, lane: usize) -> Option<usize> {
        (self.index[lane] != NONE).then_some(self.place[lane])
    }
}

impl Gather for Nearest {
    #[inline(always)]
    fn take(&mut self, lane: usize, scores: &[f64; LEAF], found: Found, limit: f64) -> f64 {
        // The minimum first: which of sixteen is the best so far is a coin toss sixteen times.
        let mut least = [f64::INFINITY; 4];
        for place in 0..LEAF {
            least[place % 4] =
                if scores[place] < least[place % 4] { scores[place] } else { least[place % 4] };
        }
        let least = least.into_iter().fold(f64::INFINITY, |a, b| if b < a { b } else { a });
        if least > limit {
            return limit;
        }
        for place in lanes_of(not_above(scores, least)) {
            if least < self.score[lane] || found.index[place] < self.index[lane] {
                self.score[lane] = least;
                self.index[lane] = found.index[place];
                self.place[lane] = found.leaf * LEAF + place;
            }
        }
        least
    }

    #[inline(always)]
    fn tie(&self, lane: usize, limit: f64) -> u32 {
        if self.score[lane] == limit { self.index[lane] } else { NONE }
    }
}

/// The `k` lowest scores of every lane.
///
/// Newcomers wait unsorted until there are many: sorting each in at once would cost a misprediction or two,
/// every time.
pub(super) struct KNearest {
    k: usize,
    /// Keys that sort by score, then index.
    found: [Vec<u128>; WIDTH],
    /// The largest key of every lane when it was last cut back.
    last: [u128; WIDTH],
}

impl KNearest {
    /// For `k` points in every lane, at least one.
    pub fn new(k: usize) -> Self {
        Self { k, found: Default::default(), last: [u128::MAX; WIDTH] }
    }

    /// What was found, sorted by score, then index; leaves the lane empty.
    pub fn answer(&mut self, lane: usize) -> Drained<'_> {
        let found = &mut self.found[lane];
        if found.len() > self.k {
            found.select_nth_unstable(self.k - 1);
            found.truncate(self.k);
        }
        found.sort_unstable();
        self.last[lane] = u128::MAX;
        Drained(found.drain(..))
    }
}

/// Scores and indices taken out of a list.
pub(super) struct Drained<'a>(std::vec::Drain<'a, u128>);

impl Iterator for Drained<'_> {
    type Item = (f64, u32);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|key| (score_of(key), key as u32))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

/// A number that sorts like the score, then the index.
#[inline(always)]
fn key(score: f64, index: u32) -> u128 {
    let bits = score.to_bits();
    // Negative numbers have the opposite order, and come before positive ones.
    let ordered = bits ^ (((bits as i64 >> 63) as u64) | 1 << 63);
    u128::from(ordered) << 32 | u128::from(index)
}

#[inline(always)]
fn score_of(key: u128) -> f64 {
    let ordered = (key >> 32) as u64;
    f64::from_bits(ordered ^ (!((ordered as i64 >> 63) as u64) | 1 << 63))
}

impl Gather for KNearest {
    #[inline(always)]
    fn take(&mut self, lane: usize, scores: &[f64; LEAF], found: Found, limit: f64) -> f64 {
        let list = &mut self.found[lane];
        let before = list.len();
        for place in lanes_of(not_above(scores, limit)) {
            list.push(key(scores[place], found.index[place]));
        }
        // At once when there are enough for the first limit, later when there are twice as many.
        if list.len() < self.k || (before >= self.k && list.len() < 2 * self.k + LEAF / 2) {
            return limit;
        }
        let (_, &mut last, _) = list.select_nth_unstable(self.k - 1);
        list.truncate(self.k);
        self.last[lane] = last;
        let last = score_of(last);
        if last < limit { last } else { limit }
    }

    #[inline(always)]
    fn tie(&self, lane: usize, limit: f64) -> u32 {
        if score_of(self.last[lane]) == limit { self.last[lane] as u32 } else { NONE }
    }
}

/// Every point within the limits.
pub(super) struct Within {
    found: [Vec<(f64, u32)>; WIDTH],
}

impl Within {
    pub fn new() -> Self {
        Self { found: Default::default() }
    }

    /// What was found, sorted by score, then index; leaves the lane empty.
    pub fn answer(&mut self, lane: usize) -> impl Iterator<Item = (f64, u32)> + '_ {
        self.found[lane].sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        self.found[lane].drain(..)
    }
}

impl Gather for Within {
    #[inline(always)]
    fn take(&mut self, lane: usize, scores: &[f64; LEAF], found: Found, limit: f64) -> f64 {
        self.found[lane]
            .extend(lanes_of(not_above(scores, limit)).map(|place| (scores[place], found.index[place])));
        limit
    }

    #[inline(always)]
    fn tie(&self, _: usize, _: f64) -> u32 {
        NONE
    }
}
