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
        let (len, words) = (places.len(), places.len().div_ceil(LANES));
        let numbers: Vec<Numbers> = places.iter().map(|place| numbers(place, 1.0 / tolerance)).collect();
        let blocks: Vec<Block> = numbers.chunks(LANES).map(block).collect();
        let mut rows = vec![0_u64; len * words];
        rows.par_chunks_mut(words.max(1)).zip(&numbers).for_each(|(row, one)| {
            joined(one, &blocks, row);
            // The last block is filled up with nobody.
            if let Some(last) = row.last_mut().filter(|_| len % LANES > 0) {
                *last &= (1 << (len % LANES)) - 1;
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

/// Matches that are compared at once: as many as a word has bits.
const LANES: usize = 64;

/// A match in numbers: source point, its normal, target point, its normal; lengths in tolerances.
type Numbers = [f32; 12];

/// The numbers of several matches side by side.
type Block = [[f32; LANES]; 12];

fn numbers(place: &Place, unit: f64) -> Numbers {
    let (source, target) = (place.source.coords * unit, place.target.coords * unit);
    let all = [source, place.source_normal, target, place.target_normal];
    std::array::from_fn(|number| all[number / 3][number % 3] as f32)
}

fn block(matches: &[Numbers]) -> Block {
    let of_lane = |lane: usize, number: usize| matches.get(lane).map_or(0.0, |one| one[number]);
    std::array::from_fn(|number| std::array::from_fn(|lane| of_lane(lane, number)))
}

/// Sets the bits of the matches that could be true together with one.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn joined(one: &Numbers, blocks: &[Block], row: &mut [u64]) {
    for (bits, block) in row.iter_mut().zip(blocks) {
        let mut agrees = [0_u8; LANES];
        for (lane, agrees) in agrees.iter_mut().enumerate() {
            // Of one side: length of the line, cosines between the line and both normals, and between the normals.
            let side = |first: usize| {
                let own = [one[first + 3], one[first + 4], one[first + 5]];
                let other = [block[first + 3][lane], block[first + 4][lane], block[first + 5][lane]];
                let line = [0, 1, 2].map(|axis| block[first + axis][lane] - one[first + axis]);
                let length = dot(line, line).sqrt();
                [length, dot(own, line) / length, dot(other, line) / length, dot(own, other)]
            };
            let (x, y) = (side(0), side(6));
            let alike = |number: usize| (x[number].abs() - y[number].abs()).abs() <= ANGLE;
            let far = (x[0] >= NEAREST) & (y[0] >= NEAREST);
            *agrees = u8::from(far & ((x[0] - y[0]).abs() <= 1.0) & alike(1) & alike(2) & alike(3));
        }
        *bits = agrees.iter().rev().fold(0, |bits, &agrees| bits << 1 | u64::from(agrees));
    }
}

#[inline(always)]
fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}
