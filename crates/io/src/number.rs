//! Decimal numbers out of bytes, correctly rounded.
//!
//! Ours, because the standard parser wants a string that is already cut out: finding the end of the
//! number and reading its digits is one pass here, and the exact case (at most 15 significant digits, a
//! small power of ten: Clinger 1990) needs one multiplication or division. All else goes to the standard
//! parser, so every value is the nearest double.

/// Powers of ten that a double holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// The number at the beginning of some bytes and the length of its text; `None` if there is none.
///
/// Accepts what C's `strtod` does in decimal: a sign, digits with or without a point, an exponent with `e`
/// or `E`; `nan` and `inf` in either case, with `-nan(ind)` as some libraries print it. Commas are never decimal points.
#[inline]
pub(crate) fn parse(text: &[u8]) -> Option<(f64, usize)> {
    let mut at = 0;
    let negative = match text.first() {
        Some(b'-') => {
            at = 1;
            true
        }
        Some(b'+') => {
            at = 1;
            false
        }
        _ => false,
    };
    let start = at;
    let mut mantissa: u64 = 0;
    while let Some(digit) = digit(text, at) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
        at += 1;
    }
    let mut digits = at - start;
    let mut exponent: i64 = 0;
    if text.get(at) == Some(&b'.') {
        at += 1;
        let fraction = at;
        while let Some(digit) = digit(text, at) {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
            at += 1;
        }
        digits += at - fraction;
        exponent = -((at - fraction) as i64);
    }
    if digits == 0 {
        return special(text, start, negative);
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let mut end = at + 1;
        let minus = text.get(end) == Some(&b'-');
        if let Some(b'-' | b'+') = text.get(end) {
            end += 1;
        }
        if digit(text, end).is_some() {
            let mut written: i64 = 0;
            while let Some(digit) = digit(text, end) {
                written = (written * 10 + digit as i64).min(1 << 30);
                end += 1;
            }
            exponent += if minus { -written } else { written };
            at = end;
        }
    }
    // Up to 19 digits cannot have wrapped, and up to 2^53 they are exact.
    if digits <= 19 && mantissa <= 1 << 53 && exponent.unsigned_abs() < POWERS.len() as u64 {
        let power = POWERS[exponent.unsigned_abs() as usize];
        let value = mantissa as f64;
        let value = if exponent < 0 { value / power } else { value * power };
        return Some((if negative { -value } else { value }, at));
    }
    let value: f64 = std::str::from_utf8(&text[..at]).ok()?.parse().ok()?;
    Some((value, at))
}

#[inline]
fn digit(text: &[u8], at: usize) -> Option<u64> {
    let digit = text.get(at)?.wrapping_sub(b'0');
    (digit < 10).then_some(u64::from(digit))
}

/// The non-finite numbers.
#[cold]
fn special(text: &[u8], start: usize, negative: bool) -> Option<(f64, usize)> {
    let word = &text[start..];
    let starts = |name: &[u8]| word.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
    let (value, length) = if starts(b"nan") {
        // The payload in parentheses is part of the word.
        let payload = match word.get(3) {
            Some(b'(') => word.iter().take(40).position(|&byte| byte == b')').map(|end| end + 1),
            _ => None,
        };
        (f64::NAN, payload.unwrap_or(3))
    } else if starts(b"infinity") {
        (f64::INFINITY, 8)
    } else if starts(b"inf") {
        (f64::INFINITY, 3)
    } else {
        return None;
    };
    Some((if negative { -value } else { value }, start + length))
}
