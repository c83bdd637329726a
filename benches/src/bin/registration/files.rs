//! Clouds in memory, so that each file is read once.

use std::collections::HashMap;
use std::sync::Arc;

use barrow::geometry::PointCloud;
use barrow::io::{ReadOptions, read};
use nalgebra::Point3;

use crate::Result;

/// More points than this are not kept: they take 24 bytes each.
const POINTS_KEPT: usize = 40_000_000;

/// What was read so far.
#[derive(Default)]
pub struct Files {
    clouds: HashMap<String, Arc<PointCloud>>,
    points: usize,
}

impl Files {
    pub fn read(&mut self, path: &str) -> Result<Arc<PointCloud>> {
        if let Some(cloud) = self.clouds.get(path) {
            return Ok(cloud.clone());
        }
        let cloud = Arc::new(read(path, &ReadOptions::default())?.cloud);
        if self.points + cloud.len() > POINTS_KEPT {
            *self = Self::default();
        }
        self.points += cloud.len();
        self.clouds.insert(path.into(), cloud.clone());
        Ok(cloud)
    }

    /// Centroid of a cloud, and the diagonal of its bounds.
    ///
    /// # Errors
    /// If it cannot be read or is empty.
    pub fn extent(&mut self, path: &str) -> Result<(Point3<f64>, f64)> {
        let cloud = self.read(path)?;
        let (Some(centroid), Some(bounds)) = (cloud.centroid(), cloud.bounds()) else {
            return Err(format!("{path} is empty").into());
        };
        Ok((centroid, (bounds.max - bounds.min).norm()))
    }
}
