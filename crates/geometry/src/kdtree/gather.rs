//! What becomes of the points that a search comes across.

use super::leaf::NONE;
use super::node::WIDTH;

/// Takes what a search finds.
pub(super) trait Gather {
    /// A point whose score is not above the lane's limit; returns the limit from now on, never a larger one.
    ///
    /// Points at the limit are offered too, so that of several at the same score the first can win.
    fn offer(&mut self, lane: usize, score: f64, index: u32) -> f64;
}

/// The lowest score of every lane; of several points with the same the one with the lowest index.
pub(super) struct Nearest {
    score: [f64; WIDTH],
    index: [u32; WIDTH],
}

impl Nearest {
    pub fn new() -> Self {
        Self { score: [f64::INFINITY; WIDTH], index: [NONE; WIDTH] }
    }

    pub fn answer(&self, lane: usize) -> Option<(f64, u32)> {
        (self.index[lane] != NONE).then(|| (self.score[lane], self.index[lane]))
    }
}

impl Gather for Nearest {
    #[inline(always)]
    fn offer(&mut self, lane: usize, score: f64, index: u32) -> f64 {
        if score < self.score[lane] || index < self.index[lane] {
            self.score[lane] = score;
            self.index[lane] = index;
        }
        score
    }
}

/// The `k` lowest scores of every lane, sorted by score, then index.
pub(super) struct KNearest {
    k: usize,
    /// Room for `k` per lane.
    found: Vec<(f64, u32)>,
    count: [usize; WIDTH],
    limits: [f64; WIDTH],
}

impl KNearest {
    /// Room for `k` points in each of the first lanes; no other lane may be searched for.
    pub fn new(k: usize, lanes: usize) -> Self {
        let limits = [f64::NEG_INFINITY; WIDTH];
        Self { k, found: vec![(f64::INFINITY, NONE); lanes * k], count: [0; WIDTH], limits }
    }

    pub fn restart(&mut self, limits: &[f64; WIDTH]) {
        self.count = [0; WIDTH];
        self.limits = *limits;
    }

    pub fn answer(&self, lane: usize) -> impl Iterator<Item = (f64, u32)> + '_ {
        self.found[lane * self.k..][..self.count[lane]].iter().copied()
    }
}

impl Gather for KNearest {
    #[inline(always)]
    fn offer(&mut self, lane: usize, score: f64, index: u32) -> f64 {
        let found = &mut self.found[lane * self.k..][..self.k];
        let mut place = self.count[lane];
        if place < self.k {
            self.count[lane] += 1;
        } else {
            place -= 1;
            if (score, index) >= found[place] {
                return self.limits[lane];
            }
        }
        // Insertion: lists are short, and most points that come late belong at the end.
        while place > 0 && (score, index) < found[place - 1] {
            found[place] = found[place - 1];
            place -= 1;
        }
        found[place] = (score, index);
        if self.count[lane] == self.k {
            self.limits[lane] = found[self.k - 1].0;
        }
        self.limits[lane]
    }
}

/// Every point within the limits.
pub(super) struct Within {
    found: [Vec<(f64, u32)>; WIDTH],
    limits: [f64; WIDTH],
}

impl Within {
    pub fn new() -> Self {
        Self { found: Default::default(), limits: [f64::NEG_INFINITY; WIDTH] }
    }

    /// What was found, sorted by score, then index; leaves the lane empty.
    pub fn answer(&mut self, lane: usize) -> impl Iterator<Item = (f64, u32)> + '_ {
        self.found[lane].sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        self.found[lane].drain(..)
    }

    pub fn restart(&mut self, limits: &[f64; WIDTH]) {
        self.limits = *limits;
    }
}

impl Gather for Within {
    #[inline(always)]
    fn offer(&mut self, lane: usize, score: f64, index: u32) -> f64 {
        self.found[lane].push((score, index));
        self.limits[lane]
    }
}
