//! Pairs of points that look alike.

use rayon::prelude::*;

use super::features::{Feature, LENGTH};

/// Source points whose products are taken at once: with more, sums no longer fit into registers.
const ROWS: usize = 4;

/// Target points in a panel: two registers of eight.
const LANES: usize = 16;

/// Source points of one task.
const TASK: usize = 256;

/// A source point and a target point whose features resemble each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Match {
    /// Index of the source point.
    pub source: usize,
    /// Index of the target point.
    pub target: usize,
    /// The worse of their places in each other's lists: 0 if each is the most alike of the other.
    pub rank: usize,
}

/// Pairs in which each point is among the `mutual` most alike of the other, ordered by source, then by likeness.
///
/// Likeness is the product of two features: all have the same length, so that the largest product is the least distance.
///
/// # Determinism
/// Equal likeness is decided by the lower index: the same pairs on any number of threads.
pub(crate) fn mutual_matches(
    source: &[Option<Feature>],
    target: &[Option<Feature>],
    mutual: usize,
) -> Vec<Match> {
    let (source_points, target_points) = (described(source), described(target));
    let panels: Vec<Panel> = target_points
        .chunks(LANES)
        .map(|points| {
            let mut panel = [[0.0; LANES]; LENGTH];
            for (lane, &point) in points.iter().enumerate() {
                let feature = target[point].iter().flatten();
                panel.iter_mut().zip(feature).for_each(|(row, &value)| row[lane] = value);
            }
            panel
        })
        .collect();
    let tasks: Vec<Found> = source_points
        .par_chunks(TASK)
        .enumerate()
        .map(|(task, points)| {
            let features: Vec<Feature> = points.iter().filter_map(|&point| source[point]).collect();
            Found::of(&features, task * TASK, &panels, target_points.len(), mutual)
        })
        .collect();
    let mut of_targets = vec![Best::new(mutual); target_points.len()];
    for task in &tasks {
        for (best, found) in of_targets.iter_mut().zip(&task.of_targets) {
            found.entries.iter().for_each(|&(index, value)| best.offer(index, value));
        }
    }
    let mut matches = Vec::new();
    for (row, best) in tasks.iter().flat_map(|task| &task.of_sources).enumerate() {
        for (place, &(column, _)) in best.entries.iter().enumerate() {
            if let Some(back) = of_targets[column].entries.iter().position(|&(index, _)| index == row) {
                let rank = place.max(back);
                matches.push(Match { source: source_points[row], target: target_points[column], rank });
            }
        }
    }
    matches
}

/// Features of [`LANES`] target points, one row a number.
type Panel = [[f32; LANES]; LENGTH];

/// What one task found.
struct Found {
    /// The best target points of its source points.
    of_sources: Vec<Best>,
    /// The best of its source points for every target point.
    of_targets: Vec<Best>,
}

impl Found {
    /// `first` is the row of the first feature, `count` the number of target points.
    fn of(features: &[Feature], first: usize, panels: &[Panel], count: usize, mutual: usize) -> Self {
        let mut found = Self {
            of_sources: vec![Best::new(mutual); features.len()],
            of_targets: vec![Best::new(mutual); count],
        };
        // What a product has to exceed to be among the best of a target point, by panel and lane.
        let mut least = vec![[f32::MIN; LANES]; panels.len()];
        let mut likeness = vec![[[0.0; LANES]; ROWS]; panels.len()];
        for (group, rows) in features.chunks(ROWS).enumerate() {
            let mut padded = [[0.0; LENGTH]; ROWS];
            padded[..rows.len()].copy_from_slice(rows);
            products(&padded, panels, &mut likeness);
            for local in 0..rows.len() {
                let row = group * ROWS + local;
                let mut own_least = f32::MIN;
                for (panel, values) in likeness.iter().enumerate() {
                    let values = &values[local];
                    let stands_out = values
                        .iter()
                        .zip(&least[panel])
                        .fold(false, |any, (&value, &least)| any | (value > least))
                        | values.iter().fold(false, |any, &value| any | (value > own_least));
                    if !stands_out {
                        continue;
                    }
                    for (lane, &value) in values.iter().enumerate() {
                        let column = panel * LANES + lane;
                        if column < count {
                            found.of_sources[row].offer(column, value);
                            found.of_targets[column].offer(first + row, value);
                            least[panel][lane] = found.of_targets[column].least();
                        }
                    }
                    own_least = found.of_sources[row].least();
                }
            }
        }
        found
    }
}

/// Products of a few features with all panels.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn products(rows: &[Feature; ROWS], panels: &[Panel], likeness: &mut [[[f32; LANES]; ROWS]]) {
    for (panel, likeness) in panels.iter().zip(likeness) {
        let mut sums = [[0.0_f32; LANES]; ROWS];
        for (number, lanes) in panel.iter().enumerate() {
            for (sums, row) in sums.iter_mut().zip(rows) {
                for (sum, lane) in sums.iter_mut().zip(lanes) {
                    *sum += row[number] * lane;
                }
            }
        }
        *likeness = sums;
    }
}

/// The few largest values offered, largest first; among equals the first offered.
#[derive(Debug, Clone)]
struct Best {
    entries: Vec<(usize, f32)>,
    most: usize,
}

impl Best {
    fn new(most: usize) -> Self {
        Self { entries: Vec::with_capacity(most), most }
    }

    /// What a value has to exceed to be taken.
    fn least(&self) -> f32 {
        match self.entries.last() {
            Some(last) if self.entries.len() == self.most => last.1,
            _ => f32::MIN,
        }
    }

    fn offer(&mut self, index: usize, value: f32) {
        if value > self.least() {
            self.entries.truncate(self.most - 1);
            let place = self.entries.partition_point(|entry| entry.1 >= value);
            self.entries.insert(place, (index, value));
        }
    }
}

/// Indices of the points that have a feature.
fn described(features: &[Option<Feature>]) -> Vec<usize> {
    (0..features.len()).filter(|&index| features[index].is_some()).collect()
}
