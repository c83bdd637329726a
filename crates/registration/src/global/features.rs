//! Fast point feature histograms: what the surface around a point looks like from the point itself.

use std::f64::consts::FRAC_1_PI;

use barrow_geometry::{BatchSearch, KdTree};
use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

/// Bins of each of the three angles.
const BINS: usize = 11;

/// Numbers of one histogram.
pub(crate) const LENGTH: usize = 3 * BINS;

/// The histogram of one point: three parts, each the square roots of shares that sum to one. The Euclidean distance
/// between two is then that of Hellinger between the shares.
pub(crate) type Feature = [f32; LENGTH];

/// Histograms of every point over the neighbours within `radius` \[m\]; `None` for a point with too few of them to say
/// anything.
///
/// Each neighbour contributes the three angles between its own normal and the frame that the point's normal and the line to
/// it span. A point's histogram is then averaged with those of its neighbours, near ones weighing more. An angle is shared
/// between the two nearest bins, so that a small change of the surface is a small change of the histogram.
///
/// # Determinism
/// The same bits on any number of threads.
///
/// # References
/// Rusu, Blodow, Beetz, *Fast point feature histograms (FPFH) for 3D registration*, ICRA 2009, equations 1–4; Arandjelović and
/// Zisserman, CVPR 2012, section 2 (square roots).
pub(crate) fn estimate_features(
    positions: &[Point3<f64>],
    normals: &[Vector3<f64>],
    tree: &KdTree,
    radius: f64,
) -> Vec<Option<Feature>> {
    let search = BatchSearch { max_distance: radius, ..BatchSearch::default() };
    let neighbors = tree.within_all(tree, &search);
    let simple: Vec<Option<[f32; LENGTH]>> = (0..positions.len())
        .into_par_iter()
        .map(|point| {
            let mut histogram = [0.0; LENGTH];
            let mut counted = 0;
            for other in neighbors.of(point) {
                let line = positions[other.index] - positions[point];
                if let Some(angles) = pair_angles(&normals[point], &normals[other.index], &line) {
                    add(&mut histogram, &angles);
                    counted += 1;
                }
            }
            (counted >= FEWEST).then(|| histogram.map(|sum| sum / counted as f32))
        })
        .collect();
    (0..positions.len())
        .into_par_iter()
        .map(|point| {
            let own = simple[point]?;
            let (mut sum, mut weight) = ([0.0_f32; LENGTH], 0.0_f32);
            for other in neighbors.of(point) {
                let Some(histogram) = &simple[other.index] else { continue };
                if other.distance_squared > 0.0 {
                    // In units of the radius: no weight depends on the unit of length.
                    let near = (radius / other.distance_squared.sqrt()) as f32;
                    sum.iter_mut().zip(histogram).for_each(|(sum, bin)| *sum += near * bin);
                    weight += near;
                }
            }
            let scale = if weight > 0.0 { 1.0 / weight } else { 0.0 };
            let mut feature: Feature = std::array::from_fn(|bin| own[bin] + scale * sum[bin]);
            for part in feature.chunks_mut(BINS) {
                let total: f32 = part.iter().sum();
                part.iter_mut().for_each(|bin| *bin = (*bin / total).max(0.0).sqrt());
            }
            Some(feature)
        })
        .collect()
}

/// Neighbours without which a histogram is noise.
const FEWEST: usize = 5;

/// Angles of one pair as places in [0, 1]: those of Darboux's frame u = n, v = u × d, w = u × v.
fn pair_angles(normal: &Vector3<f64>, other: &Vector3<f64>, line: &Vector3<f64>) -> Option<[f64; 3]> {
    let direction = line.try_normalize(0.0)?;
    let v = normal.cross(&direction).try_normalize(1e-9)?;
    let w = normal.cross(&v);
    let turn = w.dot(other).atan2(normal.dot(other));
    Some([0.5 + 0.5 * v.dot(other), 0.5 + 0.5 * normal.dot(&direction), 0.5 + 0.5 * turn * FRAC_1_PI])
}

fn add(histogram: &mut [f32; LENGTH], places: &[f64; 3]) {
    for (part, &place) in histogram.chunks_mut(BINS).zip(places) {
        // Centres of bins lie at (b + ½) / BINS.
        let at = place.clamp(0.0, 1.0) * BINS as f64 - 0.5;
        let low = at.floor();
        let share = (at - low) as f32;
        let bin = |offset: f64| (low + offset).clamp(0.0, (BINS - 1) as f64) as usize;
        part[bin(0.0)] += 1.0 - share;
        part[bin(1.0)] += share;
    }
}
