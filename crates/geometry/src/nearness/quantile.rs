//! Order statistics of a column of distances, without sorting it.

use rayon::prelude::*;

/// A share that misses a fraction by less than this part has only been rounded.
const ROUNDING: f64 = 1e-12;

/// Distances whose bits agree above this one share a bucket: sixty-four buckets an octave.
///
/// The bits of non-negative numbers are ordered as the numbers are, so buckets are too.
const BUCKET_SHIFT: u32 = 46;

/// One for every exponent and six bits of the mantissa; the sign is never set.
const BUCKETS: usize = 1 << (63 - BUCKET_SHIFT);

/// Distances counted at a time: a histogram is 0.5 MB, so parts are not small.
const PART: usize = 1 << 17;

fn bucket(distance: f64) -> usize {
    (distance.to_bits() >> BUCKET_SHIFT) as usize
}

/// For every fraction the smallest distance that at least this fraction of all do not exceed.
///
/// Counts distances by bucket, then selects within the one bucket that holds the rank.
///
/// # Determinism
/// Counts are integers: their sums do not depend on how the work was split.
pub(super) fn by_count(distances: &[f64], fractions: &[f64]) -> Vec<f64> {
    let counts = distances
        .par_chunks(PART)
        .fold(
            || vec![0_u32; BUCKETS],
            |mut counts, part| {
                part.iter().for_each(|&distance| counts[bucket(distance)] += 1);
                counts
            },
        )
        .reduce_with(|mut counts, others| {
            counts.iter_mut().zip(others).for_each(|(count, other)| *count += other);
            counts
        })
        .unwrap_or_default();
    let places: Vec<(usize, usize)> =
        fractions.iter().map(|&fraction| place(&counts, rank(fraction, distances.len()))).collect();
    // Only what shares a bucket with an answer is looked at once more.
    let mut wanted = vec![false; BUCKETS];
    places.iter().for_each(|&(holds, _)| wanted[holds] = true);
    let members: Vec<f64> =
        distances.par_iter().copied().filter(|&distance| wanted[bucket(distance)]).collect();
    let select = |(holds, rest): (usize, usize)| {
        let mut members: Vec<f64> =
            members.iter().copied().filter(|&distance| bucket(distance) == holds).collect();
        *members.select_nth_unstable_by(rest, f64::total_cmp).1
    };
    places.into_iter().map(select).collect()
}

/// How many distances are below the quantile among `count`.
fn rank(fraction: f64, count: usize) -> usize {
    let reached = (fraction * count as f64 * (1.0 - ROUNDING)).ceil() as usize;
    reached.clamp(1, count) - 1
}

/// The bucket that holds a rank, and the rank within it.
fn place(counts: &[u32], rank: usize) -> (usize, usize) {
    let mut rest = rank;
    for (index, &count) in counts.iter().enumerate() {
        match rest.checked_sub(count as usize) {
            Some(less) => rest = less,
            None => return (index, rest),
        }
    }
    unreachable!("a rank below the number of distances lies in a bucket")
}

/// For every fraction the smallest distance that at least this fraction of the weight does not exceed;
/// distances of weight zero are not there.
///
/// # Determinism
/// Weights are summed by increasing distance, then index.
pub(super) fn by_weight(distances: &[f64], weights: &[f64], fractions: &[f64]) -> Vec<f64> {
    let mut order: Vec<u32> =
        (0..distances.len() as u32).into_par_iter().filter(|&index| weights[index as usize] > 0.0).collect();
    let key = |index: u32| distances[index as usize];
    order.par_sort_unstable_by(|&a, &b| key(a).total_cmp(&key(b)).then(a.cmp(&b)));
    let mut sum = 0.0;
    let sums: Vec<f64> = order
        .iter()
        .map(|&index| {
            sum += weights[index as usize];
            sum
        })
        .collect();
    let select = |&fraction: &f64| {
        let wanted = fraction * sum * (1.0 - ROUNDING);
        let rank = sums.partition_point(|&reached| reached < wanted).min(order.len() - 1);
        key(order[rank])
    };
    fractions.iter().map(select).collect()
}
