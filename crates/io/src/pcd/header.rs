//! The header of a PCD file.

use pcd_rs::metas::{PcdMeta, ValueKind};

use crate::error::{Fault, Outcome};
use crate::scalar::Scalar;

/// No real header is longer.
const LONGEST: usize = 1 << 16;

/// The header and where the body begins.
pub(crate) fn parse(bytes: &[u8]) -> Outcome<(PcdMeta, usize)> {
    let window = &bytes[..bytes.len().min(LONGEST)];
    let mut at = 0;
    let mut text = String::new();
    loop {
        let Some(length) = window[at..].iter().position(|&byte| byte == b'\n') else {
            return Err(Fault::byte(at, "the header has no line \"DATA ascii|binary|binary_compressed\""));
        };
        let line = String::from_utf8_lossy(&window[at..at + length]);
        text.push_str(line.trim_end());
        text.push('\n');
        at += length + 1;
        if line.split_ascii_whitespace().next() == Some("DATA") {
            break;
        }
    }
    // POINTS may be missing in files of before 0.7, where it is the product of the other two.
    if !has(&text, "POINTS")
        && let (Some(width), Some(height)) = (number(&text, "WIDTH"), number(&text, "HEIGHT"))
    {
        text.insert_str(0, &format!("POINTS {}\n", width.saturating_mul(height)));
    }
    if !has(&text, "VERSION") {
        text.insert_str(0, "VERSION 0.7\n");
    }
    let meta = PcdMeta::from_reader(text.as_bytes()).map_err(|error| match error {
        pcd_rs::error::Error::ParseError { desc, .. } => Fault::header(desc),
        other => Fault::header(other.to_string()),
    })?;
    Ok((meta, at))
}

fn entries<'a>(text: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().filter(move |line| line.split_ascii_whitespace().next() == Some(key))
}

fn has(text: &str, key: &str) -> bool {
    entries(text, key).next().is_some()
}

fn number(text: &str, key: &str) -> Option<u64> {
    entries(text, key).next()?.split_ascii_whitespace().nth(1)?.parse().ok()
}

pub(crate) fn scalar(kind: ValueKind) -> Scalar {
    match kind {
        ValueKind::U8 => Scalar::U8,
        ValueKind::U16 => Scalar::U16,
        ValueKind::U32 => Scalar::U32,
        ValueKind::U64 => Scalar::U64,
        ValueKind::I8 => Scalar::I8,
        ValueKind::I16 => Scalar::I16,
        ValueKind::I32 => Scalar::I32,
        ValueKind::I64 => Scalar::I64,
        ValueKind::F32 => Scalar::F32,
        ValueKind::F64 => Scalar::F64,
    }
}
