//! Cubes of a grid, found by their place.

use nalgebra::Vector3;

/// Cells along one axis, half of them on each side of the origin.
const REACH: f64 = (1u64 << 20) as f64;
/// The key of no cell: three coordinates take 63 bits.
const EMPTY: u64 = u64::MAX;

/// Place of a cell in units of its edge.
pub(crate) type Place = [i32; 3];

/// The cell that a point lies in; `None` further than 2²⁰ cells from the origin.
pub(crate) fn place(point: &Vector3<f64>, edge: f64) -> Option<Place> {
    let scaled = point / edge;
    let inside = scaled.iter().all(|value| value.abs() < REACH - 2.0);
    inside.then(|| [scaled.x.floor() as i32, scaled.y.floor() as i32, scaled.z.floor() as i32])
}

/// The eight cells around a point, its own first: no other one comes nearer to it than half an edge.
pub(crate) fn places_around(point: &Vector3<f64>, edge: f64) -> Option<[Place; 8]> {
    let own = place(point, edge)?;
    let towards = own.map(f64::from);
    let towards: [i32; 3] =
        std::array::from_fn(|axis| if point[axis] / edge - towards[axis] < 0.5 { -1 } else { 1 });
    let corner = |corner: usize, axis: usize| corner >> (2 - axis) & 1 == 1;
    Some(std::array::from_fn(|number| {
        std::array::from_fn(|axis| own[axis] + if corner(number, axis) { towards[axis] } else { 0 })
    }))
}

/// A table from places to indices 0, 1, 2, … in the order in which places are first met.
///
/// Open addressing with a fixed mixing function: nothing about it is drawn, and it is never walked through, so that
/// answers depend on places and their order alone. Cells above each other are neighbours in memory.
#[derive(Debug, Clone)]
pub(crate) struct CellTable {
    /// Key and index; a power of two of them, at most half filled.
    slots: Vec<(u64, u32)>,
    len: usize,
}

impl CellTable {
    /// A table for about as many cells.
    pub fn with_room(cells: usize) -> Self {
        let slots = (2 * cells.max(32)).next_power_of_two();
        Self { slots: vec![(EMPTY, 0); slots], len: 0 }
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The index of a cell.
    pub fn get(&self, place: Place) -> Option<usize> {
        let (_, (key, index)) = self.seek(place);
        (key != EMPTY).then_some(index as usize)
    }

    /// The index of a cell, and whether it is new.
    pub fn insert(&mut self, place: Place) -> (usize, bool) {
        let (slot, (found, index)) = self.seek(place);
        if found != EMPTY {
            return (index as usize, false);
        }
        let index = self.len;
        self.slots[slot] = (key(place), index as u32);
        self.len += 1;
        if 2 * self.len > self.slots.len() {
            self.grow();
        }
        (index, true)
    }

    fn seek(&self, place: Place) -> (usize, (u64, u32)) {
        let (key, mask) = (key(place), self.slots.len() - 1);
        let mut slot = mixed(place) as usize & mask;
        loop {
            let found = self.slots[slot];
            if found.0 == key || found.0 == EMPTY {
                return (slot, found);
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let larger = vec![(EMPTY, 0); 2 * self.slots.len()];
        let filled = std::mem::replace(&mut self.slots, larger);
        let mask = self.slots.len() - 1;
        for entry in filled.into_iter().filter(|entry| entry.0 != EMPTY) {
            let mut slot = mixed(unpacked(entry.0)) as usize & mask;
            while self.slots[slot].0 != EMPTY {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = entry;
        }
    }
}

fn key([x, y, z]: Place) -> u64 {
    let part = |value: i32| (i64::from(value) + (1 << 20)) as u64;
    part(x) << 42 | part(y) << 21 | part(z)
}

fn unpacked(key: u64) -> Place {
    let part = |shift: u32| ((key >> shift & ((1 << 21) - 1)) as i64 - (1 << 20)) as i32;
    [part(42), part(21), part(0)]
}

/// Columns of cells are scattered (finaliser of MurmurHash3, public domain), the cells of a column follow each other.
fn mixed([x, y, z]: Place) -> u64 {
    let mut hash = u64::from(x as u32) << 32 | u64::from(y as u32);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^= hash >> 33;
    hash.wrapping_add(z as u64)
}
