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
    spare: Buffer,
    counts: Buffer,
    bases: Buffer,
    /// Indices of points, which move with their keys, and room to move them to.
    indices: Option<[Buffer; 2]>,
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
        let groups = count.div_ceil(BLOCK) * directions;
        let cost = 4.0 * (count * directions) as f64;
        let (mut from, mut to) = (keys, &self.spare);
        let mut indices = self.indices.as_ref().map(|[from, to]| (from, to));
        for shift in SHIFTS {
            self.place(work, from, count, directions, shift)?;
            let parameters = digits(count, shift);
            match &mut indices {
                None => {
                    let buffers = [from, &self.counts, &self.bases, to];
                    work.run_in_parts(&SCATTER, parameters, &buffers, groups, cost)?;
                }
                Some((own, moved)) => {
                    let buffers = [from, own, &self.counts, &self.bases, to, moved];
                    work.run_in_parts(&SCATTER_PAIRS, parameters, &buffers, groups, 1.5 * cost)?;
                    std::mem::swap(own, moved);
                }
            }
            (from, to) = (to, from);
        }
        Ok(())
    }

    /// Where the keys of every block go by one digit.
    fn place(
        &self,
        work: &mut Work,
        keys: &Buffer,
        count: usize,
        directions: usize,
        shift: u32,
    ) -> Result<()> {
        let blocks = count.div_ceil(BLOCK);
        let cost = (count * directions) as f64;
        work.run_in_parts(&COUNT, digits(count, shift), &[keys, &self.counts], blocks * directions, cost)?;
        let parameters = |first| [first, blocks as u32, 0, 0];
        let cost = ((blocks + 16) * VALUES * directions) as f64;
        work.run_in_parts(&PLACE, parameters, &[&self.counts, &self.bases], directions, cost)
    }
}

/// Parameters of the kernels that see one digit.
pub(super) fn digits(count: usize, shift: u32) -> impl Fn(u32) -> [u32; 4] {
    move |first| [first, count as u32, count.div_ceil(BLOCK) as u32, shift]
}
