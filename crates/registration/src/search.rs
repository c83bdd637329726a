//! Poses without a guess: found by features, sifted by a few steps each, the best of them settled.

use rayon::prelude::*;

use crate::pair::{JUDGING, Pair, SIFTING};
use crate::schedule::StagePlan;
use crate::track::{Candidate, distinct};
use crate::{Agreement, Result, global};

/// Coarseness of the surfaces on which points are compared, and radius of their features in voxels, search after search. Few points
/// and wide features are quick, and most often enough; scans with little in common have more true matches among all points.
const SEARCHES: [(f64, f64); 2] = [(2.0, 7.0), (1.0, 5.0)];

/// The same of clouds with few points, all of which are needed.
const SEARCHES_OF_FEW: [(f64, f64); 2] = [(1.0, 5.0), (1.0, 10.0)];

/// Searches there are.
pub(crate) const COUNT: usize = SEARCHES.len();

/// Points below which clouds have few.
const FEW: usize = 4000;

/// Poses of a search that are looked at more closely: the best by their score.
const SIFTED: usize = 14;

/// The same by how near the clouds lie, which forgives a pose that is a little off.
const CLOSEST: usize = 8;

/// The same by the matches that they explain.
const SUPPORTED: usize = 4;

/// Of these, poses are left out that have less than this share of the best one's score, nearness or matches.
const WORTH_A_TRY: f64 = 0.1;

/// Steps each of them may take.
const SIFTING_STEPS: usize = 12;

/// Of these, poses that are settled.
const SETTLED: usize = 6;

/// Of these, poses are left out whose score is below this share of the best one.
const HOPEFUL: f64 = 0.15;

/// Candidates worth settling, by falling promise, and the number of matches that they rest on.
pub(crate) struct Found {
    pub candidates: Vec<Candidate>,
    pub matches: usize,
}

impl Pair {
    /// One of the [searches](COUNT), whose poses take a few steps of a stage each.
    pub fn search(&self, number: usize, sifting: StagePlan) -> Result<Found> {
        let points = self.source.thinned(1.0)?.len().max(self.target.thinned(1.0)?.len());
        let (coarseness, radius) = if points < FEW { SEARCHES_OF_FEW[number] } else { SEARCHES[number] };
        let (coarseness, radius) = (coarseness * self.widening, radius * self.widening);
        let places = self.matched_places(coarseness, radius)?;
        let found = global::hypotheses(&places, coarseness * self.voxel_size);
        let (source, target) = self.level(SIFTING)?;
        let width = self.width(SIFTING);
        let judged: Vec<[f64; 3]> = found
            .par_iter()
            .map(|one| {
                let (agreement, near) = Agreement::with_closeness(&source, &target, &one.pose, width);
                [agreement.score(), near, one.support as f64]
            })
            .collect();
        // Mostly by what has proved best; the other two know cases of their own.
        let mut lined_up = Vec::new();
        for (by, most) in [SIFTED, CLOSEST, SUPPORTED].into_iter().enumerate() {
            let candidates =
                found.iter().zip(&judged).map(|(one, by_all)| (by_all[by], Candidate::at(one.pose)));
            let ranked = distinct(candidates.collect(), 2.0 * width, self.rules.radius);
            let least = ranked.first().map_or(0.0, |(best, _)| WORTH_A_TRY * best);
            let promising = ranked.into_iter().filter(|(rank, _)| *rank >= least);
            lined_up.extend(promising.take(most).map(|(_, candidate)| candidate));
        }
        let sifted = self.sifted(lined_up, sifting)?;
        Ok(Found { candidates: sifted, matches: places.len() })
    }

    /// Matches between points that look alike, by what lies within some voxels of them; none without normals.
    fn matched_places(&self, coarseness: f64, radius: f64) -> Result<Vec<global::Place>> {
        let of_source = self.source.features(coarseness, radius)?;
        let of_target = self.target.features(coarseness, radius)?;
        let (source, target) = (self.source.surface(coarseness)?, self.target.surface(coarseness)?);
        Ok(match (of_source, of_target) {
            (Some(of_source), Some(of_target)) => {
                global::matched_places((&source, &of_source), (&target, &of_target))
            }
            _ => Vec::new(),
        })
    }

    /// The best of some candidates after a few steps each.
    fn sifted(&self, candidates: Vec<Candidate>, plan: StagePlan) -> Result<Vec<Candidate>> {
        let (source, target) = self.level(SIFTING)?;
        let width = self.width(SIFTING);
        let mut rules = self.rules;
        rules.max_iterations = rules.max_iterations.min(SIFTING_STEPS);
        let sift = |candidate: Candidate| {
            let Some(ended) = self.stage(plan)?.run(candidate, &rules)? else { return Ok(None) };
            let agreement = Agreement::of(&source, &target, &ended.pose, width);
            Ok(Some((agreement.score(), ended)))
        };
        let sifted: Vec<Option<(f64, Candidate)>> =
            candidates.into_par_iter().map(sift).collect::<Result<_>>()?;
        let mut sifted = distinct(sifted.into_iter().flatten().collect(), 2.0 * width, self.rules.radius);
        let least = sifted.first().map_or(0.0, |(best, _)| HOPEFUL * best);
        sifted.retain(|(score, _)| *score >= least);
        Ok(sifted.into_iter().take(SETTLED).map(|(_, candidate)| candidate).collect())
    }

    /// Where some candidates end after a stage, and how the clouds agree there.
    pub fn settled(
        &self,
        candidates: Vec<Candidate>,
        plan: StagePlan,
    ) -> Result<Vec<(Agreement, Candidate)>> {
        // Made once before the threads ask for it.
        self.level(JUDGING)?;
        let settle = |candidate: Candidate| {
            let Some(ended) = self.stage(plan)?.run(candidate, &self.rules)? else { return Ok(None) };
            Ok(Some((self.agreement(&ended.pose)?, ended)))
        };
        let settled: Vec<Option<_>> = candidates.into_par_iter().map(settle).collect::<Result<_>>()?;
        Ok(settled.into_iter().flatten().collect())
    }
}
