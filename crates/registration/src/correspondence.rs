//! A match as a weighted pair, and the trait of everything that finds matches.

use nalgebra::{Isometry3, Point3, Vector3};

use crate::Result;

/// One source point and the place on the target where it should go.
///
/// The pose solver sees nothing else: whether `target` is a point of the cloud (nearest neighbour) or the
/// mean of many (row of a transport plan) makes no difference to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correspondence {
    /// Index of the source point.
    pub source: usize,
    /// Where it should go, in the target frame \[m\].
    pub target: Point3<f64>,
    /// Unit normal of the target surface there, if known.
    pub normal: Option<Vector3<f64>>,
    /// Share of the point in the sums, >= 0.
    pub weight: f64,
}

/// Finds matches for a source at a pose.
pub trait Matcher {
    /// Pairs source points, moved by `target_from_source`, with places on the target.
    ///
    /// Ordered by source index, at most one per source point; source points without a match are left out.
    ///
    /// # Errors
    /// What the search itself cannot answer; finding nothing is an empty list.
    fn correspond(
        &mut self,
        source: &[Point3<f64>],
        target_from_source: &Isometry3<f64>,
    ) -> Result<Vec<Correspondence>>;
}
