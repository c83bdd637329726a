//! A word about coordinates that lost their digits before they came here.

use barrow_geometry::PointCloud;
use rayon::prelude::*;

/// Steps of this fraction of the cloud's diagonal are worth a note; a cloud around its origin has 1e-7.
const COARSE: f64 = 1e-6;

/// The note, if all coordinates are 32-bit floats and lie so far from the origin that these are coarse.
pub(crate) fn note(cloud: &PointCloud) -> Option<String> {
    let bounds = cloud.bounds()?;
    let largest = bounds.min.iter().chain(bounds.max.iter()).fold(0.0_f64, |a, b| a.max(b.abs()));
    let step = f64::from((largest as f32).next_up()) - f64::from(largest as f32);
    if step <= COARSE * bounds.diagonal() || cloud.len() < 2 {
        return None;
    }
    let single = |value: &f64| f64::from(*value as f32) == *value;
    let all = cloud.positions().par_iter().all(|point| point.iter().all(single));
    all.then(|| {
        format!(
            "coordinates of up to {largest:.3e} are 32-bit floats, {step} apart there: the file lost what is finer"
        )
    })
}
