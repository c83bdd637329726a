//! The walk for the lowest scores, timed on a device.

use super::tiles::{Points, QueryTiles};
use super::{Asked, Sought, batch, kernel, lowest_k, prepared, upload};
use crate::gpu::{Gpu, KernelRate, surface};
use crate::kdtree::leaf::LEAF;
use crate::kdtree::{KdTree, Queries};
use crate::{Cost, Result};

/// Times the search for the nearest points of a torus to those of a sphere, and for their lowest reduced costs.
pub(crate) fn rates(gpu: &Gpu, points: usize) -> Result<Vec<KernelRate>> {
    let (source, target) = (surface(points, false), surface(points, true));
    let tree = KdTree::new(&target);
    // About what brings the torus to the sphere.
    let potential: Vec<f64> =
        target.iter().map(|y| y.coords.norm_squared() - 2.0 * 0.4 * y.coords.norm()).collect();
    let weighted = tree.weighted(&potential, Cost::SquaredEuclidean)?;
    let queries = Queries::from(&source[..]);
    let plain = rate("lowest, nearest points", Sought { tree: &tree, weighted: None }, &queries, gpu)?;
    let reduced =
        rate("lowest, reduced costs", Sought { tree: &tree, weighted: Some(&weighted) }, &queries, gpu)?;
    Ok(plain.into_iter().chain(reduced).collect())
}

/// The rate of one search, of as many queries as go to the device at once; nothing if it is none for a device.
fn rate(name: &'static str, sought: Sought, queries: &Queries, gpu: &Gpu) -> Result<Option<KernelRate>> {
    let Some((frame, raised)) = prepared(&sought, queries) else { return Ok(None) };
    let points = Points::new(sought.tree, sought.weighted, &frame, &raised);
    let parts = upload(&points, gpu)?;
    let leaves = &queries.leaves[..queries.leaves.len().min(batch(1, gpu))];
    let tiles = QueryTiles::new(&sought, leaves, &frame, &raised, &points);
    let asked = Asked::new(&tiles, 1, gpu)?;
    let kernel = kernel(1, sought.cost());
    let seconds = gpu.fastest(&asked.values, |work| asked.run(work, &parts, (&frame, &raised), &kernel))?;
    // Where it is too many, all are left.
    let left = lowest_k(sought, queries, 1, gpu)?
        .map_or(1.0, |found| found.left as f64 / (queries.leaves.len() * LEAF) as f64);
    let count = leaves.iter().map(|leaf| leaf.len()).sum::<usize>() as f64;
    Ok(Some(KernelRate { error: left, ..KernelRate::timed(name, "queries", count, seconds) }))
}
