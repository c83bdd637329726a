//! Random subsets.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::PointCloud;

/// `count` points drawn uniformly without replacement, in their original order; the whole cloud if it
/// has no more than that.
///
/// # Determinism
/// The same cloud size, count and seed select the same points on every machine.
///
/// ```
/// use barrow_geometry::{PointCloud, sample};
/// use nalgebra::Point3;
///
/// let cloud = PointCloud::new((0..100).map(|i| Point3::new(i as f64, 0.0, 0.0)).collect())?;
/// assert_eq!(sample(&cloud, 10, 0).len(), 10);
/// assert_eq!(sample(&cloud, 10, 0), sample(&cloud, 10, 0));
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
pub fn sample(cloud: &PointCloud, count: usize, seed: u64) -> PointCloud {
    if count >= cloud.len() {
        return cloud.clone();
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut chosen = rand::seq::index::sample(&mut random, cloud.len(), count).into_vec();
    chosen.sort_unstable();
    cloud.select(&chosen)
}
