//! The scans of a drive, one at a time.

use super::scanner::Scanner;
use super::{Street, StreetWorld};
use crate::scene::{SceneCloud, cloud_name};
use crate::{Error, Result};

/// The scans of a [`Street`], each made when it is asked for: hundreds of them need the memory of one.
///
/// # Determinism
/// A scan is a function of the street's options and its own number, whichever scans were made before.
///
/// ```
/// use barrow_datasets::Street;
///
/// let street = Street { points: 2_000, scans: 500, motion_distortion: true, ..Default::default() };
/// let sequence = street.sequence()?;
/// let last = sequence.scan(499)?;
/// assert_eq!((last.name.as_str(), sequence.len()), ("scan_499", 500));
/// assert_eq!(last.world_from_cloud, street.world_from_sensor(499));
/// # Ok::<(), barrow_datasets::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct StreetSequence {
    street: Street,
    world: StreetWorld,
    columns: usize,
}

impl StreetSequence {
    pub(super) fn new(street: &Street) -> Result<Self> {
        let world = street.world()?;
        let columns = match street.columns {
            Some(columns) => columns,
            None => street.columns_for_points(&world),
        };
        Ok(Self { street: *street, world, columns })
    }

    /// Number of scans.
    pub fn len(&self) -> usize {
        self.street.scans
    }

    /// Whether there are no scans; a street has at least one.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Firings in one revolution.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One scan with its exact pose, named `scan_` and its number in three digits whatever the number of scans.
    ///
    /// # Errors
    /// [`Error::NothingSeen`] if it has no returns at all.
    ///
    /// # Panics
    /// If `scan` is not below [`len`](Self::len).
    pub fn scan(&self, scan: usize) -> Result<SceneCloud> {
        assert!(scan < self.len(), "scan {scan} of {}", self.len());
        let drive = self.street.drive();
        let scanner =
            Scanner { street: &self.street, world: &self.world.world, drive, columns: self.columns };
        let points = scanner.scan(scan)?;
        if points.is_empty() {
            return Err(Error::NothingSeen { scan });
        }
        let mut cloud = SceneCloud::new(cloud_name("scan", scan, usize::MAX), points);
        cloud.world_from_cloud = self.street.world_from_sensor(scan);
        Ok(cloud)
    }
}
