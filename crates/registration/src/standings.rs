//! Where tracks have ended, and how well each end is borne out.

use crate::track::{Candidate, length};
use crate::{Agreement, Verdict};

/// Two poses are not the same if a point at the source's radius is this many voxels from one to the other.
pub(crate) const APART: f64 = 20.0;

/// The ends of all tracks so far.
#[derive(Debug, Default)]
pub(crate) struct Standings {
    ends: Vec<(Agreement, Candidate)>,
}

impl Standings {
    pub fn add(&mut self, agreement: Agreement, candidate: Candidate) {
        self.ends.push((agreement, candidate));
    }

    /// The end whose pose is borne out best; the first among equals.
    pub fn best(&self) -> Option<&Candidate> {
        best(self.ends.iter()).map(|(_, candidate)| candidate)
    }

    /// The best end that is another pose than this one.
    pub fn rival(&self, one: &Candidate, radius: f64, voxel_size: f64) -> Option<&(Agreement, Candidate)> {
        let back = one.pose.inverse();
        let is_other = |other: &Candidate| length(&(back * other.pose), radius) > APART * voxel_size;
        best(self.ends.iter().filter(|(_, other)| is_other(other)))
    }

    /// Whether the last end leaves no doubt.
    pub fn is_clear(&self) -> bool {
        self.ends.last().is_some_and(|(agreement, _)| agreement.is_clear())
    }

    /// Whether the best end would be the answer, with what else there is.
    pub fn is_settled(&self, radius: f64, voxel_size: f64) -> bool {
        best(self.ends.iter()).is_some_and(|(agreement, one)| {
            let rival = self.rival(one, radius, voxel_size).map(|(rival, _)| rival);
            Verdict::of(agreement, rival) == Verdict::Accepted
        })
    }
}

fn best<'a>(ends: impl Iterator<Item = &'a (Agreement, Candidate)>) -> Option<&'a (Agreement, Candidate)> {
    ends.reduce(|best, next| if next.0.score() > best.0.score() { next } else { best })
}
