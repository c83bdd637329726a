//! The answer for one query, where the device's list decides it.

use nalgebra::Point3;

use super::super::batch::NOTHING;
use super::Sought;

/// Longest list that the kernel keeps.
const KEPT: usize = 20;

/// Last entry of a list that is not full: everything that there is stands in it.
const FULL: f32 = 1e29;

/// Turns the last score of a list into a score that nothing outside of the list is below.
#[derive(Clone, Copy)]
pub(super) struct Floor {
    /// Cost of one unit.
    pub unit: f64,
    /// What the kernel's scores lack, and by how much that may be too large.
    pub shift: f64,
    pub error: f64,
}

/// Part by which the sum of a floor is lowered: above its rounding.
const ROUNDED: f64 = 8.0 * f64::EPSILON;

impl Floor {
    /// A score of the tree's kind that is not above the device's.
    pub fn of(&self, last: f32) -> f64 {
        if last >= FULL {
            return f64::INFINITY;
        }
        let last = f64::from(last);
        self.unit * (last + self.shift - ROUNDED * (last.abs() + self.shift.abs()) - self.error)
    }
}

/// Whether the `k` lowest scores among the candidates, as many as `rows` has places for, are those of all points; they
/// are put there if so.
pub(super) fn decide(
    sought: &Sought,
    query: &Point3<f64>,
    (values, found): (&[f32], &[u32]),
    places: &[u32],
    floor: Floor,
    rows: &mut [(f64, u32)],
) -> bool {
    let Some(&last) = values.last() else { return false };
    let floor = floor.of(last);
    let mut all = [NOTHING; KEPT];
    let mut count = 0;
    for (_, &found) in values.iter().zip(found).filter(|&(&value, _)| value < FULL) {
        let row = sought.score(query, places[found as usize] as usize);
        // As in the tree, what is infinitely far is not there.
        if row.0 <= f64::MAX {
            all[count] = row;
            count += 1;
        }
    }
    all[..count].sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    rows.copy_from_slice(&all[..rows.len()]);
    // Without a last one there are fewer points, if the list is not full.
    floor == f64::INFINITY || rows.last().is_some_and(|last| last.0 < floor)
}
