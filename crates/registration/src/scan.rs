//! A cloud on its way through a registration: thinned as coarsely as asked, and only once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use barrow_geometry::{PointCloud, voxel_downsample};
use nalgebra::Translation3;

use crate::Result;
use crate::global::{Feature, estimate_features};
use crate::surface::Surface;

/// Voxels of the last stage, in voxels: errors of scans with far points halve once more. Coarser levels are made of what its
/// grid leaves.
pub(crate) const FINEST: f64 = 0.5;

/// One of the two clouds, about its own centroid, at every resolution that has been asked for.
///
/// Coarsenesses are in voxels. A level from one voxel up is thinned from the next finer one of ½, 1 instead of the full cloud: a mean of
/// means, which weighs places by their area and not by how often they were hit.
pub(crate) struct Scan {
    /// The full cloud, positions only.
    cloud: Arc<PointCloud>,
    /// The centroid that it had.
    pub origin: Translation3<f64>,
    /// Edge of the voxel \[m\].
    voxel_size: f64,
    thinned: Cache<u64, PointCloud>,
    surfaces: Cache<u64, Surface>,
    features: Cache<(u64, u64), Vec<Option<Feature>>>,
}

impl Scan {
    /// A cloud that has been moved to its centroid.
    pub fn new(cloud: PointCloud, origin: Translation3<f64>, voxel_size: f64) -> Self {
        let (thinned, surfaces, features) = Default::default();
        Self { cloud: Arc::new(cloud), origin, voxel_size, thinned, surfaces, features }
    }

    /// The cloud with one point a cell of a grid; all of it at coarseness zero.
    pub fn thinned(&self, coarseness: f64) -> Result<Arc<PointCloud>> {
        if coarseness == 0.0 {
            return Ok(self.cloud.clone());
        }
        self.thinned.get(coarseness.to_bits(), || {
            let size = self.voxel_size * coarseness;
            if coarseness <= FINEST {
                Ok(voxel_downsample(&self.cloud, size)?)
            } else {
                let finer = self.thinned(if coarseness <= 1.0 { FINEST } else { 1.0 })?;
                Ok(voxel_downsample(&finer, size)?)
            }
        })
    }

    /// The same with tree and normals.
    pub fn surface(&self, coarseness: f64) -> Result<Arc<Surface>> {
        self.surfaces.get(coarseness.to_bits(), || Surface::of(&*self.thinned(coarseness)?))
    }

    /// Features of a surface's points by what lies within some voxels of them; `None` without normals.
    pub fn features(&self, coarseness: f64, radius: f64) -> Result<Option<Arc<Vec<Option<Feature>>>>> {
        let surface = self.surface(coarseness)?;
        let Some(normals) = &surface.normals else { return Ok(None) };
        let radius = radius * self.voxel_size;
        let estimated = || Ok(estimate_features(&surface.positions, normals, &surface.tree, radius));
        self.features.get((coarseness.to_bits(), radius.to_bits()), estimated).map(Some)
    }
}

/// What has been made so far.
struct Cache<K, T>(Mutex<BTreeMap<K, Arc<T>>>);

impl<K, T> Default for Cache<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord, T> Cache<K, T> {
    /// Made outside the lock: what makes it may wait for threads that ask here as well.
    fn get(&self, key: K, make: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = known().get(&key) {
            return Ok(made.clone());
        }
        let made = Arc::new(make()?);
        Ok(known().entry(key).or_insert(made).clone())
    }
}
