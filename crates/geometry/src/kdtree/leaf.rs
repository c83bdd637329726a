//! The points of a leaf, side by side.

use nalgebra::Point3;

/// Points of a leaf: four vectors of four doubles. Fewer means more boxes, more means more points in vain.
pub(super) const LEAF: usize = 16;

/// Index of an empty place.
pub(super) const NONE: u32 = u32::MAX;

/// Up to sixteen points, coordinate by coordinate. Empty places come last and are infinitely far.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Leaf {
    pub position: [[f64; LEAF]; 3],
    /// Index among the points that the tree was built from.
    pub index: [u32; LEAF],
}

impl Leaf {
    pub const EMPTY: Self = Self { position: [[f64::INFINITY; LEAF]; 3], index: [NONE; LEAF] };

    pub fn len(&self) -> usize {
        if self.index[LEAF - 1] != NONE {
            return LEAF;
        }
        self.index.iter().take_while(|&&index| index != NONE).count()
    }

    pub fn point(&self, place: usize) -> Point3<f64> {
        Point3::from(self.position.map(|row| row[place]))
    }

    /// Squared distances to a query.
    #[inline(always)]
    pub fn distances_squared(&self, query: &[f64; 3]) -> [f64; LEAF] {
        let mut sum = [0.0; LEAF];
        for axis in 0..3 {
            for place in 0..LEAF {
                let difference = self.position[axis][place] - query[axis];
                sum[place] += difference * difference;
            }
        }
        sum
    }
}
