//! The pairs that a plan may use, by source and by target.

use rayon::prelude::*;

use crate::{Neighbors, ReducedCost};

/// Rows in a part of the parallel work.
pub(super) const CHUNK: usize = 1024;

/// For every point of one side the points of the other that it is paired with, and at what cost.
#[derive(Debug, Clone, Default)]
pub(super) struct Lists {
    /// Where each list starts, and an end.
    starts: Vec<u32>,
    others: Vec<u32>,
    costs: Vec<f64>,
}

impl Lists {
    /// The list of one point.
    pub fn of(&self, point: usize) -> (&[u32], &[f64]) {
        let range = self.starts[point] as usize..self.starts[point + 1] as usize;
        (&self.others[range.clone()], &self.costs[range])
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// All pairs.
    pub fn pairs(&self) -> impl Iterator<Item = (u32, u32, f64)> {
        (0..self.len()).flat_map(|point| {
            let (others, costs) = self.of(point);
            others.iter().zip(costs).map(move |(&other, &cost)| (point as u32, other, cost))
        })
    }

    /// The same pairs from the other side, which has `len` points.
    fn transposed(&self, len: usize) -> Self {
        let mut starts = vec![0u32; len + 1];
        for &other in &self.others {
            starts[other as usize + 1] += 1;
        }
        accumulate(&mut starts);
        let mut places = starts.clone();
        let mut others = vec![0; self.others.len()];
        let mut costs = vec![0.0; self.others.len()];
        for (point, other, cost) in self.pairs() {
            let place = &mut places[other as usize];
            (others[*place as usize], costs[*place as usize]) = (point, cost);
            *place += 1;
        }
        Self { starts, others, costs }
    }
}

/// Candidate pairs from both sides; lists by index.
#[derive(Debug, Clone, Default)]
pub(super) struct Graph {
    pub rows: Lists,
    pub columns: Lists,
}

impl Graph {
    /// The pairs found from either side, once each.
    pub fn new(
        rows: &Neighbors<ReducedCost>,
        columns: &Neighbors<ReducedCost>,
        price: impl Fn(u32, u32) -> f64 + Sync,
    ) -> Self {
        let sources = rows.len();
        // Found from the target's side, brought into rows by counting.
        let mut starts = vec![0u32; sources + 1];
        for found in columns.iter().flatten() {
            starts[found.index + 1] += 1;
        }
        accumulate(&mut starts);
        let mut places = starts.clone();
        let mut more = vec![0u32; starts[sources] as usize];
        for (target, found) in columns.iter().enumerate() {
            for source in found {
                more[places[source.index] as usize] = target as u32;
                places[source.index] += 1;
            }
        }
        drop(places);
        let parts: Vec<(Vec<u32>, Vec<u32>, Vec<f64>)> = (0..sources.div_ceil(CHUNK))
            .into_par_iter()
            .map(|chunk| {
                let (mut counts, mut others, mut costs) = (Vec::new(), Vec::new(), Vec::new());
                let mut row: Vec<u32> = Vec::new();
                for source in chunk * CHUNK..((chunk + 1) * CHUNK).min(sources) {
                    row.clear();
                    row.extend(rows.of(source).iter().map(|found| found.index as u32));
                    row.extend(&more[starts[source] as usize..starts[source + 1] as usize]);
                    row.sort_unstable();
                    row.dedup();
                    counts.push(row.len() as u32);
                    others.extend_from_slice(&row);
                    costs.extend(row.iter().map(|&target| price(source as u32, target)));
                }
                (counts, others, costs)
            })
            .collect();
        let mut lists = Lists { starts: vec![0], ..Lists::default() };
        let total = parts.iter().map(|part| part.1.len()).sum();
        lists.others.reserve_exact(total);
        lists.costs.reserve_exact(total);
        for (counts, others, costs) in parts {
            lists.starts.extend(counts);
            lists.others.extend(others);
            lists.costs.extend(costs);
        }
        accumulate(&mut lists.starts);
        let columns = lists.transposed(columns.len());
        Self { rows: lists, columns }
    }
}

/// Counts, each one place late, become starts.
pub(super) fn accumulate(counts: &mut [u32]) {
    let mut sum = 0;
    for count in counts {
        sum += *count;
        *count = sum;
    }
}
