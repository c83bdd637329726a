//! Sorting the keys of many directions at once, by digits from the lowest.

use super::BLOCK;
use crate::Result;
use crate::gpu::{Buffer, Gpu, Kernel, Work};

/// Values of a digit of eight bits.
pub(super) const VALUES: usize = 256;

/// Lowest bits of the digits: an even number of them, so that what is sorted ends where it began.
pub(super) const SHIFTS: [u32; 4] = [0, 8, 16, 24];

pub(super) const COUNT: Kernel =
    Kernel { source: barrow_shaders::COUNT_DIGITS, entry: "count_digits", constants: &[] };
pub(super) const PLACE: Kernel =
    Kernel { source: barrow_shaders::PLACE_DIGITS, entry: "place_digits", constants: &[] };
pub(super) const SCATTER: Kernel =
    Kernel { source: barrow_shaders::SCATTER_KEYS, entry: "scatter_keys", constants: &[] };
pub(super) const SCATTER_PAIRS: Kernel =
    Kernel { source: barrow_shaders::SCATTER_PAIRS, entry: "scatter_pairs", constants: &[] };

/// A stable radix sort: every block counts its digits, every value of a digit gets its place, every block moves its
/// keys. Nothing depends on which workgroup comes first.
pub(super) struct Sorter {
    pub spare: Buffer,
    pub counts: Buffer,
    pub bases: Buffer,
    /// Indices of points, which move with their keys, and room to move them to.
    pub indices: Option<[Buffer; 2]>,
}

impl Sorter {
    /// With room for some directions of some keys each.
    pub fn new(gpu: &Gpu, keys: usize, directions: usize) -> Result<Self> {
        Ok(Self {
            spare: gpu.zeros::<u32>(keys * directions)?,
            counts: gpu.zeros::<u32>(keys.div_ceil(BLOCK) * VALUES * directions)?,
            bases: gpu.zeros::<u32>(VALUES * directions)?,
            indices: None,
        })
    }

    /// As [`new`](Self::new), to sort indices along with keys.
    pub fn with_indices(gpu: &Gpu, keys: usize, directions: usize) -> Result<Self> {
        let room = || gpu.zeros::<u32>(keys * directions);
        Ok(Self { indices: Some([room()?, room()?]), ..Self::new(gpu, keys, directions)? })
    }

    /// The indices of the points whose keys were sorted last, if they went along.
    pub fn indices(&self) -> Option<&Buffer> {
        self.indices.as_ref().map(|[indices, _]| indices)
    }

    /// Sorts the keys of every direction.
    pub fn run(&self, work: &mut Work, keys: &Buffer, count: usize, directions: usize) -> Result<()> {
        let (mut from, mut to) = (keys, &self.spare);
        let mut indices = self.indices.as_ref().map(|[from, to]| [from, to]);
        for shift in SHIFTS {
            let pass = Pass { count, directions, shift };
            self.count(work, from, pass)?;
            self.place(work, pass)?;
            self.scatter(work, [from, to], indices, pass)?;
            (from, to) = (to, from);
            indices = indices.map(|[own, moved]| [moved, own]);
        }
        Ok(())
    }

    /// Counts the digits of every block.
    pub fn count(&self, work: &mut Work, keys: &Buffer, pass: Pass) -> Result<()> {
        let cost = (pass.count * pass.directions) as f64;
        work.run_in_parts(&COUNT, pass.digits(), &[keys, &self.counts], pass.groups(), cost)
    }

    /// Turns the counts into where the keys of every block go.
    pub fn place(&self, work: &mut Work, pass: Pass) -> Result<()> {
        let (blocks, directions) = (pass.count.div_ceil(BLOCK), pass.directions);
        let parameters = |first| [first, blocks as u32, 0, 0];
        let cost = ((blocks + 16) * VALUES * directions) as f64;
        work.run_in_parts(&PLACE, parameters, &[&self.counts, &self.bases], directions, cost)
    }

    /// Moves the keys there, and indices if they go along.
    pub fn scatter(
        &self,
        work: &mut Work,
        [from, to]: [&Buffer; 2],
        indices: Option<[&Buffer; 2]>,
        pass: Pass,
    ) -> Result<()> {
        let cost = 4.0 * (pass.count * pass.directions) as f64;
        match indices {
            None => {
                let buffers = [from, &self.counts, &self.bases, to];
                work.run_in_parts(&SCATTER, pass.digits(), &buffers, pass.groups(), cost)
            }
            Some([own, moved]) => {
                let buffers = [from, own, &self.counts, &self.bases, to, moved];
                work.run_in_parts(&SCATTER_PAIRS, pass.digits(), &buffers, pass.groups(), 1.5 * cost)
            }
        }
    }
}

/// One digit of the keys of some directions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass {
    pub count: usize,
    pub directions: usize,
    pub shift: u32,
}

impl Pass {
    fn groups(&self) -> usize {
        self.count.div_ceil(BLOCK) * self.directions
    }

    fn digits(&self) -> impl Fn(u32) -> [u32; 4] + use<> {
        digits(self.count, self.shift)
    }
}

/// Parameters of the kernels that see one digit.
pub(super) fn digits(count: usize, shift: u32) -> impl Fn(u32) -> [u32; 4] {
    move |first| [first, count as u32, count.div_ceil(BLOCK) as u32, shift]
}
