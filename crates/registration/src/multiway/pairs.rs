//! Which pairs are registered next.

use std::collections::{BTreeSet, VecDeque};

use barrow_geometry::{BatchSearch, KdTree, PointCloud, voxel_downsample};
use nalgebra::{Isometry3, Point3};
use rayon::prelude::*;

use super::picture::Picture;
use crate::Result;

/// Cells of a sketch along the largest cloud's diagonal.
const CELLS: f64 = 48.0;

/// Points of sketches this many cells apart overlap.
const NEAR: f64 = 1.5;

/// Least overlap of two sketches whose clouds are worth a try: below it no registration is accepted.
const LEAST_OVERLAP: f64 = 0.1;

/// The coarse shape of a cloud.
struct Sketch {
    tree: KdTree,
    center: Point3<f64>,
    radius: f64,
}

/// All clouds, coarsely, to tell which overlap at given poses.
pub(super) struct Sketches {
    sketches: Vec<Sketch>,
    cell: f64,
}

impl Sketches {
    pub fn new(clouds: &[PointCloud]) -> Result<Self> {
        let bounds = || clouds.iter().filter_map(|cloud| cloud.bounds());
        let largest = bounds().fold(0.0, |largest: f64, bounds| largest.max(bounds.diagonal()));
        let cell = if largest > 0.0 { largest / CELLS } else { 1.0 };
        let sketch = |cloud: &PointCloud| {
            let thinned = voxel_downsample(cloud, cell)?;
            let center = thinned.centroid().unwrap_or_default();
            let distance = |point: &Point3<f64>| (point - center).norm();
            let radius = thinned.positions().iter().map(distance).fold(0.0, f64::max);
            Ok(Sketch { tree: KdTree::new(thinned.positions()), center, radius })
        };
        Ok(Self { sketches: clouds.iter().map(sketch).collect::<Result<_>>()?, cell })
    }

    /// The smaller of the shares of either cloud that lie near the other.
    fn overlap(&self, source: usize, target: usize, target_from_source: &Isometry3<f64>) -> f64 {
        let (from, onto) = (&self.sketches[source], &self.sketches[target]);
        let near = NEAR * self.cell;
        if (target_from_source * from.center - onto.center).norm() > from.radius + onto.radius + near {
            return 0.0;
        }
        let share = |from: &Sketch, onto: &Sketch, pose: Isometry3<f64>| {
            let search = BatchSearch { max_distance: near, pose: Some(pose), guesses: None };
            let found = onto.tree.nearest_all(&from.tree, &search);
            found.iter().flatten().count() as f64 / found.len().max(1) as f64
        };
        share(from, onto, *target_from_source).min(share(onto, from, target_from_source.inverse()))
    }

    /// Pairs of one part that overlap at its poses and are not barred, as (source, target). First come those that say most: clouds
    /// that overlap much, and are many steps apart along the pairs in use.
    pub fn overlapping(&self, picture: &Picture, barred: &BTreeSet<(usize, usize)>) -> Vec<(usize, usize)> {
        let Picture { part, poses, .. } = picture;
        let pairs: Vec<(usize, usize)> = all(part.len())
            .filter(|&(source, target)| part[source] == part[target] && !barred.contains(&(source, target)))
            .collect();
        let steps: Vec<Vec<usize>> = (0..part.len()).map(|cloud| steps_from(cloud, &picture.near)).collect();
        let measured = |&(source, target): &(usize, usize)| {
            let overlap = self.overlap(source, target, &poses[target].inv_mul(&poses[source]));
            (overlap, (source, target))
        };
        let mut measured: Vec<(f64, (usize, usize))> = pairs.par_iter().map(measured).collect();
        measured.retain(|(overlap, _)| *overlap >= LEAST_OVERLAP);
        for (worth, (source, target)) in &mut measured {
            *worth *= steps[*source][*target] as f64;
        }
        measured.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        measured.into_iter().map(|(_, pair)| pair).collect()
    }
}

/// Fewest pairs that lead from one cloud to each of its part; 0 to those of others.
fn steps_from(start: usize, near: &[Vec<usize>]) -> Vec<usize> {
    let mut steps = vec![0; near.len()];
    let mut reached = VecDeque::from([start]);
    while let Some(cloud) = reached.pop_front() {
        for &next in &near[cloud] {
            if next != start && steps[next] == 0 {
                steps[next] = steps[cloud] + 1;
                reached.push_back(next);
            }
        }
    }
    steps
}

/// Every pair as (source, target), the target being the earlier one.
pub(super) fn all(clouds: usize) -> impl Iterator<Item = (usize, usize)> {
    (1..clouds).flat_map(|source| (0..source).map(move |target| (source, target)))
}

/// What is registered first: everything, or each cloud with the one before it.
pub(super) fn first(clouds: usize, budget: usize) -> VecDeque<(usize, usize)> {
    if clouds * clouds.saturating_sub(1) / 2 <= budget {
        all(clouds).collect()
    } else {
        (1..clouds).map(|source| (source, source - 1)).collect()
    }
}

/// The next pair of clouds that do not hang together, the nearest in the order given; `None` if all have been tried.
pub(super) fn joining(part: &[usize], tried: &BTreeSet<(usize, usize)>) -> Option<(usize, usize)> {
    all(part.len())
        .filter(|&(source, target)| part[source] != part[target] && !tried.contains(&(source, target)))
        .min_by_key(|&(source, target)| (source - target, source))
}
