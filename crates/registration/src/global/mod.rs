//! Poses without a first guess: from points that look alike.

mod consistency;
mod features;
mod matches;
mod robust;

use nalgebra::Isometry3;
use rayon::prelude::*;

use self::consistency::Consistency;
pub(crate) use self::consistency::Place;
pub(crate) use self::features::{Feature, estimate_features};
use self::matches::{Match, mutual_matches};
use self::robust::truncated_least_squares;
use crate::surface::Surface;

/// Rank up to which two points are alike to each other.
const MUTUAL: usize = 3;

/// Matches that are looked at together; every pair of them is.
const MOST_MATCHES: usize = 2000;

/// Distance in voxels up to which a match agrees with a pose.
const TOLERANCE: f64 = 1.5;

/// Normals of a match agree with a pose if their angle has at least this cosine.
const PARALLEL: f64 = 0.7;

/// Seeds taken at once. What they explain is no seed for the next.
const BATCH: usize = 64;

/// Poses looked for.
const POSES: usize = 200;

/// Companions of a seed that its pose is found from.
const COMPANIONS: usize = 40;

/// Matches that a pose has to explain: three fix it, a fourth speaks for it.
const FEWEST: usize = 4;

/// A pose, and the number of matches it explains.
#[derive(Debug, Clone)]
pub(crate) struct Hypothesis {
    pub pose: Isometry3<f64>,
    pub support: usize,
}

/// Matches between two surfaces by the features of their points.
pub(crate) fn matched_places(
    (source, of_source): (&Surface, &[Option<Feature>]),
    (target, of_target): (&Surface, &[Option<Feature>]),
) -> Vec<Place> {
    let (Some(source_normals), Some(target_normals)) = (&source.normals, &target.normals) else {
        return Vec::new();
    };
    let place = |pair: Match| Place {
        source: source.positions[pair.source],
        source_normal: source_normals[pair.source],
        target: target.positions[pair.target],
        target_normal: target_normals[pair.target],
    };
    selected(mutual_matches(of_source, of_target, MUTUAL)).into_iter().map(place).collect()
}

/// The matches of the best ranks, as many as are looked at; of the last rank taken some, evenly spread.
fn selected(found: Vec<Match>) -> Vec<Match> {
    let mut selected = Vec::new();
    for rank in 0..MUTUAL {
        let of_rank: Vec<Match> = found.iter().filter(|pair| pair.rank == rank).copied().collect();
        let room = MOST_MATCHES - selected.len();
        if of_rank.len() <= room {
            selected.extend(of_rank);
        } else {
            selected.extend((0..room).map(|index| of_rank[index * of_rank.len() / room]));
            break;
        }
    }
    selected
}

/// Poses that explain several matches, by falling support.
pub(crate) fn hypotheses(places: &[Place], voxel_size: f64) -> Vec<Hypothesis> {
    let tolerance = TOLERANCE * voxel_size;
    let graph = Consistency::of(places, tolerance);
    let triangles = graph.triangles();
    let mut seeds: Vec<usize> = (0..places.len()).filter(|&index| triangles[index] > 0).collect();
    seeds.sort_by_key(|&index| (std::cmp::Reverse(triangles[index]), index));
    let explained = |pose: &Isometry3<f64>| {
        let agrees = |place: &Place| {
            (pose * place.source - place.target).norm() <= tolerance
                && (pose.rotation * place.source_normal).dot(&place.target_normal).abs() > PARALLEL
        };
        (0..places.len()).filter(|&index| agrees(&places[index])).collect::<Vec<_>>()
    };
    let solve = |members: &[usize]| {
        let members: Vec<Place> = members.iter().map(|&index| places[index]).collect();
        truncated_least_squares(&members, tolerance)
    };
    let grown = |seed: usize| {
        let mut companions: Vec<(u32, usize)> =
            graph.neighbors(seed).map(|other| (graph.common(seed, other), other)).collect();
        companions.sort_by_key(|&(common, other)| (std::cmp::Reverse(common), other));
        let members: Vec<usize> = std::iter::once(seed)
            .chain(companions.iter().take(COMPANIONS).map(|&(_, other)| other))
            .collect();
        let mut members = explained(&solve(&members)?);
        let pose = solve(&members)?;
        members = explained(&pose);
        (members.len() >= FEWEST).then_some((pose, members))
    };
    let mut is_explained = vec![false; places.len()];
    let mut found = Vec::new();
    let mut next = 0;
    while found.len() < POSES && next < seeds.len() {
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH && next < seeds.len() {
            if !is_explained[seeds[next]] {
                batch.push(seeds[next]);
            }
            next += 1;
        }
        let grown: Vec<_> = batch.par_iter().map(|&seed| grown(seed)).collect();
        for (seed, grown) in batch.iter().zip(grown) {
            // Seeds of one batch may find the same pose: the first keeps it.
            let Some((pose, members)) = grown.filter(|_| !is_explained[*seed]) else { continue };
            members.iter().for_each(|&member| is_explained[member] = true);
            found.push(Hypothesis { pose, support: members.len() });
        }
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.support));
    found
}
