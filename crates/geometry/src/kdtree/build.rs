//! Points into leaves, by median splits along the widest axis.

use std::cmp::Ordering;

use nalgebra::Point3;
use rayon::prelude::*;

use super::leaf::{LEAF, Leaf};
use super::node::{Span, WIDTH};
use super::usable;

/// Points below which both halves are built by the same thread.
const SEQUENTIAL: usize = 1 << 13;

/// A point on its way to its place.
#[derive(Clone, Copy)]
#[repr(align(32))]
struct Entry {
    position: [f64; 3],
    index: u32,
}

/// Groups points into leaves: full ones, but for the last. Points that cannot be found are left out.
///
/// The tree is complete: eight consecutive leaves are the children of one node, eight consecutive nodes
/// those of the next. Its shape follows from the number of points alone and needs no pointers.
///
/// # References
/// Bentley, *Multidimensional binary search trees used for associative searching*, CACM 1975; complete
/// trees with full leaves as in Kamel, Faloutsos, *On packing R-trees*, CIKM 1993.
pub(super) fn leaves(points: &[Point3<f64>]) -> Vec<Leaf> {
    let entry =
        |(index, point): (usize, &Point3<f64>)| Entry { position: point.coords.into(), index: index as u32 };
    let mut entries: Vec<Entry> = if points.par_iter().all(usable) {
        points.par_iter().enumerate().map(entry).collect()
    } else {
        points.iter().enumerate().filter(|(_, point)| usable(point)).map(entry).collect()
    };
    let mut leaves = vec![Leaf::EMPTY; entries.len().div_ceil(LEAF)];
    split(&mut entries, &mut leaves);
    leaves
}

/// Distributes points over leaves.
fn split(entries: &mut [Entry], leaves: &mut [Leaf]) {
    let Some((first, rest)) = leaves.split_first_mut() else { return };
    if rest.is_empty() {
        return fill(entries, first);
    }
    // Half of the smallest power of two that holds all leaves: the left side is full.
    let half = leaves.len().next_power_of_two() / 2;
    divide(entries, half * LEAF);
    let (low, high) = entries.split_at_mut(half * LEAF);
    let (low_leaves, high_leaves) = leaves.split_at_mut(half);
    if low.len() >= SEQUENTIAL {
        rayon::join(|| split(low, low_leaves), || split(high, high_leaves));
    } else {
        split(low, low_leaves);
        split(high, high_leaves);
    }
}

/// Points that are asked which axis is the widest; a thousand tell as well as a million.
const WITNESSES: usize = 1024;

/// Moves the `count` entries with the smallest coordinates along the widest axis to the front.
fn divide(entries: &mut [Entry], count: usize) {
    let mut spans = [Span::EMPTY; 3];
    for entry in entries.iter().step_by(entries.len().div_ceil(WITNESSES)) {
        for axis in 0..3 {
            spans[axis].add(entry.position[axis]);
        }
    }
    let extent = |axis: usize| spans[axis].max - spans[axis].min;
    match (1..3).fold(0, |widest, axis| if extent(axis) > extent(widest) { axis } else { widest }) {
        0 => select::<0>(entries, count),
        1 => select::<1>(entries, count),
        _ => select::<2>(entries, count),
    }
}

fn select<const AXIS: usize>(entries: &mut [Entry], count: usize) {
    entries.select_nth_unstable_by(count, |a, b| {
        a.position[AXIS].partial_cmp(&b.position[AXIS]).unwrap_or(Ordering::Equal)
    });
}

/// Places the points of one leaf, each half of them close together: a packet of queries.
fn fill(entries: &mut [Entry], leaf: &mut Leaf) {
    if entries.len() > WIDTH {
        divide(entries, WIDTH);
    }
    for (place, entry) in entries.iter().enumerate() {
        for axis in 0..3 {
            leaf.position[axis][place] = entry.position[axis];
        }
        leaf.index[place] = entry.index;
    }
}
