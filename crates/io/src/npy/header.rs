//! The header of an NPY array.

use npyz::{DType, Endianness, NpyHeader, TypeChar, TypeStr};

use crate::error::{Fault, Outcome};
use crate::scalar::{Endian, Scalar, gather};

/// The header and the bytes that follow it.
///
/// What npyz trusts is looked at first: it would allocate by the claimed length, recurse by the nesting of
/// brackets and multiply the shape without asking.
pub(crate) fn parse(bytes: &[u8]) -> Outcome<(NpyHeader, &[u8])> {
    const LONGEST: usize = 1 << 16;
    const DEEPEST: usize = 16;
    let cut = || Fault::byte(bytes.len(), "the NPY header is cut off");
    let (start, length) = match bytes.get(6) {
        Some(1) => {
            let word: [u8; 2] = bytes.get(8..10).ok_or_else(cut)?.try_into().unwrap_or_default();
            (10, usize::from(u16::from_le_bytes(word)))
        }
        Some(2 | 3) => {
            let word: [u8; 4] = bytes.get(8..12).ok_or_else(cut)?.try_into().unwrap_or_default();
            (12, u32::from_le_bytes(word) as usize)
        }
        Some(version) => {
            return Err(Fault::byte(6, format!("NPY version {version}; accepted are 1, 2 and 3")));
        }
        None => return Err(cut()),
    };
    if length > LONGEST {
        return Err(Fault::byte(8, format!("a header of {length} bytes; accepted are up to {LONGEST}")));
    }
    let text = bytes.get(start..start + length).ok_or_else(cut)?;
    if text.iter().filter(|byte| b"([{".contains(byte)).count() > LONGEST / 64 || deepest(text) > DEEPEST {
        return Err(Fault::byte(start, "the header nests brackets deeper than any array does"));
    }
    shape_product(text).ok_or_else(|| {
        Fault::byte(start, "the header has no shape, or one of more items than memory can hold")
    })?;
    let header = NpyHeader::from_reader(bytes).map_err(|error| Fault::byte(start, error.to_string()))?;
    Ok((header, &bytes[start + length..]))
}

fn deepest(text: &[u8]) -> usize {
    let mut depth = 0_usize;
    let depths = text.iter().map(|byte| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth
    });
    depths.max().unwrap_or(0)
}

/// The number of items of the shape, if it is one that fits.
fn shape_product(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let mut shapes = text.match_indices("shape");
    let (at, _) = shapes.next()?;
    // A field of that name would hide the real one.
    if shapes.next().is_some() {
        return None;
    }
    let list = text[at..].split_once(['(', '['])?.1.split_once([')', ']'])?.0;
    // Dimensions of zero must not hide a product of the others that overflows.
    list.split(',').map(str::trim).filter(|word| !word.is_empty()).try_fold(1_u64, |product, word| {
        let dimension: u64 = word.trim_end_matches('L').parse().ok()?;
        product.checked_mul(dimension.max(1)).filter(|&product| product < 1 << 48)
    })
}

/// The number type of a plain dtype.
pub(crate) fn scalar(kind: &TypeStr) -> Option<(Scalar, Endian)> {
    let scalar = match (kind.type_char(), kind.size_field()) {
        (TypeChar::Int, 1) => Scalar::I8,
        (TypeChar::Int, 2) => Scalar::I16,
        (TypeChar::Int, 4) => Scalar::I32,
        (TypeChar::Int, 8) => Scalar::I64,
        (TypeChar::Uint | TypeChar::Bool, 1) => Scalar::U8,
        (TypeChar::Uint, 2) => Scalar::U16,
        (TypeChar::Uint, 4) => Scalar::U32,
        (TypeChar::Uint, 8) => Scalar::U64,
        (TypeChar::Float, 4) => Scalar::F32,
        (TypeChar::Float, 8) => Scalar::F64,
        _ => return None,
    };
    let big = kind.endianness() == Endianness::Big;
    Some((scalar, if big { Endian::Big } else { Endian::Little }))
}

/// All numbers of a one-dimensional array, or of a two-dimensional one with one column or row.
pub(crate) fn read_vector(bytes: &[u8]) -> Outcome<Vec<f64>> {
    let (header, body) = parse(bytes)?;
    let DType::Plain(kind) = header.dtype() else {
        return Err(Fault::header("a vector of numbers is needed, this array is structured"));
    };
    let Some((scalar, endian)) = scalar(&kind) else {
        return Err(Fault::header(format!(
            "numbers of type {kind} are not accepted; f4, f8 and integers are"
        )));
    };
    if header.shape().iter().filter(|&&dimension| dimension != 1).count() > 1 {
        return Err(Fault::header(format!("a vector is needed, the shape is {:?}", header.shape())));
    }
    let count = header.len() as usize;
    if body.len() / scalar.size() < count {
        let found = body.len() / scalar.size();
        return Err(Fault::byte(
            bytes.len(),
            format!("the shape promises {count} numbers, the file has {found}"),
        ));
    }
    let mut values = vec![0.0; count];
    gather(scalar, endian, body, scalar.size(), count, |row, value| values[row] = value);
    Ok(values)
}
