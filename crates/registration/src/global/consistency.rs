//! Which matches could be true together: the graph of pairs of matches that one motion explains.

use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

/// Cosines of angles between normals and lines may differ by this much: normals of coarse clouds are no better.
const ANGLE: f32 = 0.3;

/// Matches of points closer together than this many tolerances say nothing about a rotation.
const NEAREST: f32 = 3.0;

/// A match by its places and normals on both sides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub source: Point3<f64>,
    pub source_normal: Vector3<f64>,
    pub target: Point3<f64>,
    pub target_normal: Vector3<f64>,
}

/// A symmetric graph over matches; one row of bits each.
pub(crate) struct Consistency {
    rows: Vec<u64>,
    words: usize,
    len: usize,
}

impl Consistency {
    /// Joins two matches if the lengths between their points agree within `tolerance` \[m\], and so do the angles between
    /// both normals and between each normal and the line. A motion keeps all four.
    ///
    /// # References
    /// Drost et al., *Model globally, match locally*, CVPR 2010, section 3.1 (the four numbers of a pair).
    pub fn of(places: &[Place], tolerance: f64) -> Self {
        let (len, words) = (places.len(), places.len().div_ceil(64));
        let narrow = |vector: Vector3<f64>| vector.map(|v| v as f32);
        let unit = 1.0 / tolerance;
        let narrowed: Vec<[Vector3<f32>; 4]> = places
            .iter()
            .map(|place| {
                [
                    narrow(place.source.coords * unit),
                    narrow(place.source_normal),
                    narrow(place.target.coords * unit),
                    narrow(place.target_normal),
                ]
            })
            .collect();
        let mut rows = vec![0_u64; len * words];
        rows.par_chunks_mut(words.max(1)).enumerate().for_each(|(a, row)| {
            for (b, other) in narrowed.iter().enumerate() {
                if consistent(&narrowed[a], other) {
                    row[b / 64] |= 1 << (b % 64);
                }
            }
        });
        Self { rows, words, len }
    }

    fn row(&self, index: usize) -> &[u64] {
        &self.rows[index * self.words..(index + 1) * self.words]
    }

    /// Matches joined to one, by index.
    pub fn neighbors(&self, index: usize) -> impl Iterator<Item = usize> {
        self.row(index).iter().enumerate().flat_map(|(word, &bits)| {
            let mut bits = bits;
            std::iter::from_fn(move || {
                (bits != 0).then(|| {
                    let bit = bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    64 * word + bit
                })
            })
        })
    }

    /// Number of matches joined to both.
    pub fn common(&self, a: usize, b: usize) -> u32 {
        self.row(a).iter().zip(self.row(b)).map(|(a, b)| (a & b).count_ones()).sum()
    }

    /// Twice the number of triangles of each match: how many others vouch for it together.
    ///
    /// # References
    /// Chen et al., *SC²-PCR: a second order spatial compatibility for efficient and robust point cloud registration*,
    /// CVPR 2022, equation 4.
    pub fn triangles(&self) -> Vec<u64> {
        (0..self.len)
            .into_par_iter()
            .map(|a| self.neighbors(a).map(|b| u64::from(self.common(a, b))).sum())
            .collect()
    }
}

/// All lengths in tolerances.
fn consistent(a: &[Vector3<f32>; 4], b: &[Vector3<f32>; 4]) -> bool {
    let (x, y) = (b[0] - a[0], b[2] - a[2]);
    let (x_length, y_length) = (x.norm(), y.norm());
    if (x_length - y_length).abs() > 1.0 || x_length.min(y_length) < NEAREST {
        return false;
    }
    let differ = |p: f32, q: f32| (p.abs() - q.abs()).abs() > ANGLE;
    !(differ(a[1].dot(&b[1]), a[3].dot(&b[3]))
        || differ(a[1].dot(&x) / x_length, a[3].dot(&y) / y_length)
        || differ(b[1].dot(&x) / x_length, b[3].dot(&y) / y_length))
}
