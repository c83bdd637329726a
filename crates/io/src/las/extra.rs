//! Extra bytes: fields of a record that a file describes itself.

use crate::scalar::{Endian, Scalar};

/// Bytes of one description.
const DESCRIPTION: usize = 192;

/// A number in the extra bytes of a record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ExtraField {
    scalar: Scalar,
    /// Offset in the record.
    at: usize,
    scale: f64,
    offset: f64,
}

impl ExtraField {
    pub(crate) fn value(&self, record: &[u8]) -> f64 {
        self.scalar.read(Endian::Little, &record[self.at..]) * self.scale + self.offset
    }
}

/// Names and places of the described fields that lie within a record; those that are no numbers are skipped.
///
/// # References
/// LAS 1.4 - R15, tables 24 and 25.
pub(crate) fn parse(descriptions: &[u8], start: usize, length: usize) -> Vec<(String, ExtraField)> {
    let mut fields = Vec::new();
    let mut at = start;
    for description in descriptions.chunks_exact(DESCRIPTION) {
        let (kind, options) = (description[2], description[3]);
        let scalar = match kind {
            1 => Scalar::U8,
            2 => Scalar::I8,
            3 => Scalar::U16,
            4 => Scalar::I16,
            5 => Scalar::U32,
            6 => Scalar::I32,
            7 => Scalar::U64,
            8 => Scalar::I64,
            9 => Scalar::F32,
            10 => Scalar::F64,
            // Bytes without a type: the options say how many.
            0 => {
                at += usize::from(options);
                continue;
            }
            // Deprecated pairs and triples, whose sizes few writers agree on: what follows is out of reach.
            _ => break,
        };
        if at + scalar.size() > length {
            break;
        }
        let number = |offset: usize| Scalar::F64.read(Endian::Little, &description[offset..]);
        let scale = if options & 0x08 != 0 { number(112) } else { 1.0 };
        let offset = if options & 0x10 != 0 { number(136) } else { 0.0 };
        let name = description[4..36].split(|&byte| byte == 0).next().unwrap_or_default();
        let name = String::from_utf8_lossy(name).trim().to_ascii_lowercase();
        fields.push((name, ExtraField { scalar, at, scale, offset }));
        at += scalar.size();
    }
    fields
}

/// The description of a double.
pub(crate) fn describe(name: &str) -> Vec<u8> {
    const DOUBLE: u8 = 10;
    let mut description = vec![0; DESCRIPTION];
    description[2] = DOUBLE;
    description[4..4 + name.len()].copy_from_slice(name.as_bytes());
    description
}
