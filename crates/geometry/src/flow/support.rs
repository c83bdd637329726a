//! Where the points of a barycenter start.

use std::collections::BTreeSet;

use nalgebra::{Point3, Vector3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Measure;

/// `count` points spread like the measure with the largest share, around the common mean of all.
///
/// Points are chosen by systematic sampling, so that as many points of equal weight are chosen once each. One chosen again
/// is moved by up to a blur along every axis: coincident points would stay together for ever.
pub(super) fn support(
    measures: &[Measure],
    shares: &[f64],
    count: usize,
    blur: f64,
    seed: u64,
) -> Vec<Point3<f64>> {
    let largest = (1..shares.len()).fold(0, |best, k| if shares[k] > shares[best] { k } else { best });
    let first = measures[largest];
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let start: f64 = random.random();
    let mut chosen = Vec::with_capacity(count);
    let (mut index, mut passed) = (0, first.weight(0));
    for draw in 0..count {
        // The draw lies in the weights of one point; rounding must not lead beyond the last.
        let here = first.total() * ((draw as f64 + start) / count as f64);
        while passed <= here && index + 1 < first.len() {
            index += 1;
            passed += first.weight(index);
        }
        chosen.push(index);
    }
    let origin = first.positions()[0];
    let mean = |measure: &Measure| -> Vector3<f64> {
        let parts = measure.positions().iter().enumerate();
        parts.map(|(k, point)| (point - origin) * (measure.weight(k) / measure.total())).sum()
    };
    let common: Vector3<f64> =
        measures.iter().zip(shares).map(|(measure, share)| mean(measure) * *share).sum();
    let shift = common - mean(&first);
    let mut taken = BTreeSet::new();
    let mut place = |index: usize| {
        let point = first.positions()[index] + shift;
        if taken.insert(index) {
            return point;
        }
        point + Vector3::from_fn(|_, _| blur * (2.0 * random.random::<f64>() - 1.0))
    };
    chosen.into_iter().map(&mut place).collect()
}
