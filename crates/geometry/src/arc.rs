//! One entry of a sparse transport plan.

/// A nonzero entry of a transport plan: mass that goes from one source point to one target point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arc {
    /// Index of the source point.
    pub source: usize,
    /// Index of the target point.
    pub target: usize,
    /// Mass moved, in units of the measures' total.
    pub mass: f64,
    /// Cost of moving one unit of mass along this arc, \[m²\] for the squared distance.
    pub cost: f64,
}
