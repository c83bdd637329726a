//! Comparisons of many values at once, as bits.

/// The lanes whose bits are set.
#[inline(always)]
pub(super) fn lanes_of(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (mask != 0).then(|| {
            let lane = mask.trailing_zeros() as usize;
            mask &= mask - 1;
            lane
        })
    })
}

/// A bit for every value that is not above the limit.
#[inline(always)]
pub(super) fn not_above<const N: usize>(values: &[f64; N], limit: f64) -> u32 {
    all_below(values, &[limit; N])
}

/// A bit for every value that is not above its limit.
///
/// Bits are summed as numbers: that becomes half a dozen vector instructions, where shifting and joining
/// integers becomes three dozen.
#[inline(always)]
pub(super) fn all_below<const N: usize>(values: &[f64; N], limits: &[f64; N]) -> u32 {
    let mut sums = [0.0; 4];
    for place in 0..N {
        let bit = if values[place] <= limits[place] { (1u32 << place) as f64 } else { 0.0 };
        sums[place % 4] += bit;
    }
    // Adding 2⁵² leaves a small whole number in the low bits.
    ((sums[0] + sums[2]) + (sums[1] + sums[3]) + (1u64 << 52) as f64).to_bits() as u32
}
