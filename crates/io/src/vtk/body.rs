//! Words, lines and arrays of numbers of a legacy VTK file.

use crate::error::{Fault, Outcome};
use crate::lines::{line_number, next_line};
use crate::number::parse;
use crate::scalar::{Endian, Scalar, gather};

/// A place in the file.
pub(crate) struct Body<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
    pub binary: bool,
}

/// The type of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Number(Scalar),
    /// Eight values in a byte.
    Bit,
}

impl Kind {
    pub(crate) fn of(name: &str) -> Option<Kind> {
        Some(Kind::Number(match name.to_ascii_lowercase().as_str() {
            "bit" => return Some(Kind::Bit),
            "char" | "signed_char" | "vtktypeint8" => Scalar::I8,
            "unsigned_char" | "vtktypeuint8" => Scalar::U8,
            "short" | "vtktypeint16" => Scalar::I16,
            "unsigned_short" | "vtktypeuint16" => Scalar::U16,
            "int" | "vtkidtype" | "vtktypeint32" => Scalar::I32,
            "unsigned_int" | "vtktypeuint32" => Scalar::U32,
            "long" | "vtktypeint64" => Scalar::I64,
            "unsigned_long" | "vtktypeuint64" => Scalar::U64,
            "float" => Scalar::F32,
            "double" => Scalar::F64,
            _ => return None,
        }))
    }

    fn bytes(self, count: usize) -> Option<usize> {
        match self {
            Kind::Number(scalar) => count.checked_mul(scalar.size()),
            Kind::Bit => Some(count.div_ceil(8)),
        }
    }
}

impl<'a> Body<'a> {
    /// The next line that is not blank, and where it begins.
    pub(crate) fn line(&mut self) -> Option<(usize, &'a str)> {
        while self.at < self.bytes.len() {
            let begin = self.at;
            self.at = next_line(self.bytes, begin);
            let line = self.bytes[begin..self.at].trim_ascii();
            if !line.is_empty() {
                // A keyword line is ASCII; whatever is not, is no keyword.
                return Some((begin, std::str::from_utf8(line).unwrap_or("")));
            }
        }
        None
    }

    pub(crate) fn fault(&self, at: usize, problem: String) -> Fault {
        if self.binary { Fault::byte(at, problem) } else { Fault::line(line_number(self.bytes, at), problem) }
    }

    /// Reads an array.
    pub(crate) fn numbers(&mut self, kind: Kind, count: usize) -> Outcome<Vec<f64>> {
        if self.binary {
            let bytes = self.take(kind, count)?;
            let mut values = vec![0.0; count];
            match kind {
                Kind::Number(scalar) => {
                    gather(scalar, Endian::Big, bytes, scalar.size(), count, |row, value| {
                        values[row] = value
                    });
                }
                Kind::Bit => values.iter_mut().enumerate().for_each(|(row, value)| {
                    *value = f64::from(bytes[row / 8] >> (7 - row % 8) & 1);
                }),
            }
            return Ok(values);
        }
        // Every number takes a digit and a separator.
        let mut values = Vec::with_capacity(count.min((self.bytes.len() - self.at) / 2 + 1));
        self.each(count, |value| values.push(value))?;
        Ok(values)
    }

    /// Passes over an array.
    pub(crate) fn skip(&mut self, kind: Kind, count: usize) -> Outcome<()> {
        if self.binary { self.take(kind, count).map(|_| ()) } else { self.each(count, |_| {}) }
    }

    fn take(&mut self, kind: Kind, count: usize) -> Outcome<&'a [u8]> {
        let end = kind.bytes(count).and_then(|length| self.at.checked_add(length));
        let Some(bytes) = end.and_then(|end| self.bytes.get(self.at..end)) else {
            let left = self.bytes.len() - self.at;
            return Err(Fault::byte(self.at, format!("{count} numbers are promised, {left} bytes follow")));
        };
        self.at += bytes.len();
        Ok(bytes)
    }

    fn each(&mut self, count: usize, mut put: impl FnMut(f64)) -> Outcome<()> {
        for index in 0..count {
            while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
                self.at += 1;
            }
            let rest = &self.bytes[self.at..];
            let whole = |&(_, length): &(f64, usize)| rest.get(length).is_none_or(u8::is_ascii_whitespace);
            let Some((value, length)) = parse(rest).filter(whole) else {
                let word = rest.split(u8::is_ascii_whitespace).next().unwrap_or_default();
                let word = String::from_utf8_lossy(&word[..word.len().min(40)]).into_owned();
                let problem =
                    format!("{word:?} is not a number: {count} are promised, this is number {index}");
                return Err(self.fault(self.at, problem));
            };
            put(value);
            self.at += length;
        }
        Ok(())
    }
}
