//! LZF decompression, which grows its output as bytes arrive and never by a claimed size.

/// Decompresses until `input` ends; `None` if it is not LZF or would yield more than `limit` bytes.
///
/// # References
/// Marc Lehmann, LibLZF, `lzf_d.c`.
pub(crate) fn decompress(input: &[u8], limit: usize) -> Option<Vec<u8>> {
    /// One reference of three bytes yields at most 264.
    const LARGEST_RATIO: usize = 88;
    let mut output: Vec<u8> = Vec::with_capacity(limit.min(input.len().saturating_mul(LARGEST_RATIO)));
    let mut at = 0;
    while let Some(&control) = input.get(at) {
        at += 1;
        let control = usize::from(control);
        if control < 32 {
            let literal = input.get(at..at + control + 1)?;
            at += literal.len();
            output.extend_from_slice(literal);
        } else {
            let mut length = control >> 5;
            if length == 7 {
                length += usize::from(*input.get(at)?);
                at += 1;
            }
            length += 2;
            let distance = ((control & 0x1f) << 8) + usize::from(*input.get(at)?) + 1;
            at += 1;
            let start = output.len().checked_sub(distance)?;
            if distance >= length {
                output.extend_from_within(start..start + length);
            } else {
                // The reference runs into what it writes: a repeated pattern.
                for source in start..start + length {
                    output.push(output[source]);
                }
            }
        }
        if output.len() > limit {
            return None;
        }
    }
    Some(output)
}
