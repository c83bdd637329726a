//! Decimal numbers out of bytes, correctly rounded.
//!
//! fast-float2 and not the standard parser: it finds the end of the number by itself, and takes half the time where all
//! digits are written (56 ns instead of 103 ns).

/// The number at the beginning of some bytes and the length of its text; `None` if there is none.
///
/// Accepts what C's `strtod` does in decimal: a sign, digits with or without a point, an exponent with `e`
/// or `E`; `nan` and `inf` in either case, with `-nan(ind)` as some libraries print it. Commas are never
/// decimal points.
#[inline]
pub(crate) fn parse(text: &[u8]) -> Option<(f64, usize)> {
    let (value, length) = fast_float2::parse_partial::<f64, _>(text).ok()?;
    if value.is_nan() && text.get(length) == Some(&b'(') {
        // The payload in parentheses is part of the word.
        const LONGEST: usize = 40;
        let payload = text[length..].iter().take(LONGEST).position(|&byte| byte == b')');
        return Some((value, length + payload.map_or(0, |end| end + 1)));
    }
    Some((value, length))
}
