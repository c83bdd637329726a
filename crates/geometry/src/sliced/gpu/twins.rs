//! What the kernels compute, plainly: the same names, the same whole numbers.

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
