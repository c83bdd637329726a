//! What the kernels compute, plainly: the same names, the same whole numbers.

use super::cloud::TOTAL;
use super::cost::CostPart;
use super::grid::Factors;
use super::sort::VALUES;
use super::{BLOCK, cost};

/// Keys of points along a direction: Σ Fₐ Xₐ / 2³² to the nearest, coordinates mirrored where the direction is
/// negative.
pub fn project_keys(columns: &[Vec<u32>; 3], factors: &Factors) -> Vec<u32> {
    let key = |index: usize| {
        let share = |axis: usize| {
            let coordinate = columns[axis][index];
            let mirrored = factors.words[3] >> axis & 1 == 1;
            let coordinate = if mirrored { coordinate.wrapping_neg() } else { coordinate };
            u64::from(coordinate) * u64::from(factors.words[axis])
        };
        (((1 << 31) + share(0) + share(1) + share(2)) >> 32) as u32
    };
    (0..columns[0].len()).map(key).collect()
}

pub fn digit(key: u32, shift: u32) -> usize {
    (key >> shift) as usize % VALUES
}

/// How often every value of a digit occurs in every block of keys.
pub fn count_digits(keys: &[u32], shift: u32) -> Vec<[u32; VALUES]> {
    let tally = |block: &[u32]| {
        let mut counts = [0; VALUES];
        block.iter().for_each(|&key| counts[digit(key, shift)] += 1);
        counts
    };
    keys.chunks(BLOCK).map(tally).collect()
}

/// Counts of the blocks before, for every block; counts of the smaller values, over all blocks.
pub fn place_digits(counts: &[[u32; VALUES]]) -> (Vec<[u32; VALUES]>, [u32; VALUES]) {
    let mut sums = [0; VALUES];
    let before = counts
        .iter()
        .map(|block| {
            let before = sums;
            sums.iter_mut().zip(block).for_each(|(sum, count)| *sum += count);
            before
        })
        .collect();
    let mut until = 0;
    let bases = sums.map(|sum| {
        until += sum;
        until - sum
    });
    (before, bases)
}

/// Moves keys to their places by one digit, those with equal digits in the order in which they stand.
pub fn scatter_keys(keys: &[u32], shift: u32, places: &(Vec<[u32; VALUES]>, [u32; VALUES])) -> Vec<u32> {
    let mut moved = vec![0; keys.len()];
    for (block, before) in keys.chunks(BLOCK).zip(&places.0) {
        let mut next: [u32; VALUES] = std::array::from_fn(|value| before[value] + places.1[value]);
        for &key in block {
            let place = &mut next[digit(key, shift)];
            moved[*place as usize] = key;
            *place += 1;
        }
    }
    moved
}

/// What every block of the larger side costs: its points meet one or two of the smaller side, with masses in units
/// of 1/(larger · smaller).
pub fn quantile_cost(keys: &[u32], others: &[u32], p: f64) -> Vec<CostPart> {
    let (n, m) = (keys.len() as u64, others.len() as u64);
    let meetings = |index: usize| {
        let (rank, into) = ((index as u64 * m / n) as usize, index as u64 * m % n);
        let mass = m.min(n - into);
        let second = (mass < m).then(|| (keys[index].abs_diff(others[rank + 1]), m - mass));
        std::iter::once((keys[index].abs_diff(others[rank]), mass)).chain(second)
    };
    let (whole, rest) = cost::split(p);
    let block = |begin: usize| {
        let range = begin..(begin + BLOCK).min(keys.len());
        let largest = match whole <= 2 && rest == 0.0 {
            true => 1,
            false => range.clone().flat_map(meetings).map(|(apart, _)| apart).max().unwrap_or(0).max(1),
        };
        let cost = |(apart, mass): (u32, u64)| mass as f64 * (f64::from(apart) / f64::from(largest)).powf(p);
        CostPart { largest, sum: range.flat_map(meetings).map(cost).sum::<f64>() as f32 }
    };
    (0..keys.len()).step_by(BLOCK).map(block).collect()
}

/// Moves keys as [`scatter_keys`] does, each with the index of its point.
pub fn scatter_pairs(
    keys: &[u32],
    indices: &[u32],
    shift: u32,
    places: &(Vec<[u32; VALUES]>, [u32; VALUES]),
) -> (Vec<u32>, Vec<u32>) {
    let mut moved = vec![0; keys.len()];
    for (number, (block, before)) in keys.chunks(BLOCK).zip(&places.0).enumerate() {
        let mut next: [u32; VALUES] = std::array::from_fn(|value| before[value] + places.1[value]);
        for (offset, &key) in block.iter().enumerate() {
            let place = &mut next[digit(key, shift)];
            moved[*place as usize] = indices[number * BLOCK + offset];
            *place += 1;
        }
    }
    (scatter_keys(keys, shift, places), moved)
}

/// Masses of blocks of sorted points.
pub fn sum_masses(indices: &[u32], masses: &[u64]) -> Vec<u64> {
    indices.chunks(BLOCK).map(|block| block.iter().map(|&index| masses[index as usize]).sum()).collect()
}

/// The mass of every sorted point and of all before it.
pub fn cumulate_masses(indices: &[u32], masses: &[u64]) -> Vec<u64> {
    let add = |sum: &mut u64, &index: &u32| {
        *sum += masses[index as usize];
        Some(*sum)
    };
    indices.iter().scan(0, add).collect()
}

/// What every block of the one side costs, then every block of the other: moves end where the mass of a point does,
/// and begin where the last point of either side has ended.
pub fn weighted_cost(keys: [&[u32]; 2], cumulated: [&[u64]; 2], p: f64) -> Vec<CostPart> {
    let before = |side: usize, rank: usize| if rank == 0 { 0 } else { cumulated[side][rank - 1] };
    let move_until = |side: usize, rank: usize| {
        let (far, end) = (1 - side, cumulated[side][rank]);
        // Of two points that end together the first side's ends the move.
        let reached = |&mass: &u64| if side == 0 { mass < end } else { mass <= end };
        let to = cumulated[far].partition_point(reached);
        let mass = if to < keys[far].len() { end - before(side, rank).max(before(far, to)) } else { 0 };
        if mass == 0 { (0, 0) } else { (keys[side][rank].abs_diff(keys[far][to]), mass) }
    };
    let (whole, rest) = cost::split(p);
    let block = |side: usize, begin: usize| {
        let range = begin..(begin + BLOCK).min(keys[side].len());
        let moves = || range.clone().map(|rank| move_until(side, rank));
        let largest = match whole <= 2 && rest == 0.0 {
            true => 1,
            false => moves().map(|(apart, _)| apart).max().unwrap_or(0).max(1),
        };
        let cost = |(apart, mass): (u32, u64)| {
            mass as f64 / TOTAL as f64 * (f64::from(apart) / f64::from(largest)).powf(p)
        };
        CostPart { largest, sum: moves().map(cost).sum::<f64>() as f32 }
    };
    [0, 1]
        .into_iter()
        .flat_map(|side| (0..keys[side].len()).step_by(BLOCK).map(move |begin| (side, begin)))
        .map(|(side, begin)| block(side, begin))
        .collect()
}
