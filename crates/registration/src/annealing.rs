//! The blur of one match after another: wide at first, so that far is seen, then narrow.

use barrow_geometry::Bounds;
use nalgebra::Point3;

/// Blur of the first match as a share of the target's diagonal: wide enough to see past any offset that
/// leaves the clouds overlapping.
const FIRST_BLUR: f64 = 0.3;

/// Falling blurs, and how far down a matcher has come.
pub(crate) struct Annealing {
    blurs: Vec<f64>,
    calls: usize,
}

impl Annealing {
    /// Blurs from one that sees across the target down to the last one \[m\], each `ratio` times the one before.
    pub fn new(target: &[Point3<f64>], ratio: f64, last: f64) -> Self {
        let diagonal = Bounds::of(target).map_or(0.0, |bounds| bounds.diagonal());
        let mut blurs = vec![(FIRST_BLUR * diagonal).max(last)];
        while let Some(blur) = blurs.last().copied().filter(|&blur| blur > last) {
            blurs.push((ratio * blur).max(last));
        }
        Self { blurs, calls: 0 }
    }

    /// Blur of the match in hand \[m\]: the last one once all have been used.
    pub fn blur(&self) -> f64 {
        self.blurs[self.calls.min(self.blurs.len() - 1)]
    }

    /// The match in hand is made.
    pub fn advance(&mut self) {
        self.calls += 1;
    }

    /// Matches made.
    pub fn calls(&self) -> usize {
        self.calls
    }

    /// Whether the last match was made at the final blur.
    pub fn cooled(&self) -> bool {
        self.calls >= self.blurs.len()
    }

    /// Number of matches from the first blur to the last.
    pub fn levels(&self) -> usize {
        self.blurs.len()
    }
}
