//! Text with one point per line, decoded in parallel: the bodies of ASCII PLY, PCD, XYZ and OBJ.

use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

use crate::color::{ColorScale, unpacked};
use crate::columns::{Columns, Present};
use crate::error::{Fault, Outcome};
use crate::number::parse;
use crate::role::{Assignments, Role};

/// Bytes of text decoded by one task. Fixed, so that parts never depend on the number of threads.
const CHUNK: usize = 1 << 18;

/// What separates the values of a line, besides blanks and tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Separator {
    /// Blanks and tabs alone.
    Blank,
    /// One of these bytes; nothing between two of them is a missing value.
    Byte(u8),
}

/// The type of a text column, where the header of the file declares one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Declared {
    /// Nothing is declared.
    Unknown,
    /// Colours are of this scale.
    Scale(ColorScale),
    /// A packed colour is written as the float with the same bits.
    PackedFloat,
}

/// How lines are to be read.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub separator: Separator,
    pub assignments: Assignments,
    /// Values that every line must have.
    pub width: usize,
    pub declared: Declared,
    /// Words at the beginning of a line that make it a comment.
    pub comments: &'static [&'static [u8]],
    /// Whether a line with more values than `width` is wrong.
    pub exact: bool,
}

/// One part of the text, decoded. Colours stay numbers until the scale of all of them is known.
#[derive(Default)]
struct Part {
    columns: Columns,
    colors: Option<Vec<[f64; 3]>>,
}

/// A line that is wrong: its byte offset in the text, and why.
struct BadLine {
    at: usize,
    problem: String,
}

impl Table {
    /// Decodes every line of `text[start..]`; the lines before are there for line numbers alone.
    pub(crate) fn decode(&self, text: &[u8], start: usize) -> Outcome<Columns> {
        let body = &text[start..];
        let plan = self.plan();
        let parts: Vec<Result<Part, BadLine>> = line_chunks(body)
            .into_par_iter()
            .map(|(at, chunk)| {
                self.decode_chunk(chunk, &plan).map_err(|bad| BadLine { at: start + at + bad.at, ..bad })
            })
            .collect();
        let parts: Vec<Part> = parts
            .into_iter()
            .collect::<Result<_, _>>()
            .map_err(|bad| Fault::line(line_number(text, bad.at), bad.problem))?;
        Ok(self.assembled(parts))
    }

    /// The role of each column up to the last one that is read.
    fn plan(&self) -> Vec<Option<Role>> {
        let last = self.assignments.0.iter().map(|known| known.column + 1).max().unwrap_or(0);
        let mut plan = vec![None; last.max(self.width)];
        for known in &self.assignments.0 {
            plan[known.column] = Some(known.role);
        }
        plan
    }

    fn decode_chunk(&self, chunk: &[u8], plan: &[Option<Role>]) -> Result<Part, BadLine> {
        let present = self.assignments.present();
        // A line of w values has at least 2 w bytes, so the guess is bounded by the bytes at hand.
        let first_line = chunk.iter().position(|&byte| byte == b'\n').unwrap_or(chunk.len()) + 1;
        let rows = chunk.len() / first_line.max(2 * plan.len()).max(2) + 1;
        let mut part = Part {
            columns: Columns::with_capacity(rows, Present { colors: false, ..present }),
            colors: present.colors.then(|| Vec::with_capacity(rows)),
        };
        let mut at = 0;
        while at < chunk.len() {
            let begin = skip_blanks(chunk, at);
            match chunk.get(begin) {
                None => break,
                Some(b'\n' | b'\r') => at = begin + 1,
                Some(_) if self.comments.iter().any(|word| chunk[begin..].starts_with(word)) => {
                    at = next_line(chunk, begin);
                }
                Some(_) => {
                    at = self
                        .decode_line(chunk, begin, plan, &mut part)
                        .map_err(|problem| BadLine { at: begin, problem })?;
                }
            }
        }
        Ok(part)
    }

    /// Decodes the line that begins at `at` and returns where the next one begins.
    fn decode_line(
        &self,
        text: &[u8],
        mut at: usize,
        plan: &[Option<Role>],
        part: &mut Part,
    ) -> Result<usize, String> {
        let mut position = [0.0; 3];
        let mut normal = [0.0; 3];
        let mut color = [0.0; 3];
        let (mut intensity, mut time) = (f64::NAN, f64::NAN);
        for (column, role) in plan.iter().enumerate() {
            at = skip_blanks(text, at);
            if column > 0
                && let Separator::Byte(separator) = self.separator
                && text.get(at) == Some(&separator)
            {
                at = skip_blanks(text, at + 1);
            }
            if matches!(text.get(at), None | Some(b'\n' | b'\r')) && column < self.width {
                let needed = self.width;
                return Err(format!("{column} values where {needed} are needed: {}", quoted(text, at)));
            }
            let Some(role) = role else {
                at = self.skip_value(text, at);
                continue;
            };
            let (value, end) = self.value(text, at)?;
            at = end;
            match *role {
                Role::Position(axis) => position[axis] = value,
                Role::Normal(axis) => normal[axis] = value,
                Role::Color(channel) => color[channel] = value,
                Role::Packed => {
                    let word = match self.declared {
                        Declared::PackedFloat => (value as f32).to_bits(),
                        _ => value as u32,
                    };
                    color = unpacked(word).map(f64::from);
                }
                Role::Intensity => intensity = value,
                Role::Time => time = value,
            }
        }
        if self.exact {
            at = self.expect_end(text, at)?;
        }
        part.columns.positions.push(Point3::from(position));
        if let Some(column) = &mut part.columns.normals {
            column.push(Vector3::from(normal));
        }
        if let Some(colors) = &mut part.colors {
            colors.push(color);
        }
        if let Some(column) = &mut part.columns.intensities {
            column.push(intensity);
        }
        if let Some(column) = &mut part.columns.times {
            column.push(time);
        }
        Ok(next_line(text, at))
    }

    /// The number at `at` and where it ends; nothing between separators is NaN, a missing value.
    fn value(&self, text: &[u8], at: usize) -> Result<(f64, usize), String> {
        if self.ends_value(text.get(at)) {
            return Ok((f64::NAN, at));
        }
        match parse(&text[at..]) {
            Some((value, length)) if self.ends_value(text.get(at + length)) => Ok((value, at + length)),
            _ => {
                let end = self.skip_value(text, at);
                let word = String::from_utf8_lossy(&text[at..end.min(at + 40)]).into_owned();
                Err(format!("{word:?} is not a number"))
            }
        }
    }

    /// Accepts the end of a line, after one separator and before a comment.
    fn expect_end(&self, text: &[u8], at: usize) -> Result<usize, String> {
        let mut end = skip_blanks(text, at);
        if let (Separator::Byte(separator), Some(byte)) = (self.separator, text.get(end))
            && *byte == separator
        {
            end = skip_blanks(text, end + 1);
        }
        let comment = || self.comments.iter().any(|word| text[end..].starts_with(word));
        if matches!(text.get(end), None | Some(b'\n' | b'\r')) || comment() {
            return Ok(end);
        }
        Err(format!("more than {} values: {}", self.width, quoted(text, at)))
    }

    fn skip_value(&self, text: &[u8], mut at: usize) -> usize {
        while !self.ends_value(text.get(at)) {
            at += 1;
        }
        at
    }

    fn ends_value(&self, byte: Option<&u8>) -> bool {
        match byte {
            None | Some(b' ' | b'\t' | b'\n' | b'\r') => true,
            Some(&byte) => self.separator == Separator::Byte(byte),
        }
    }

    fn assembled(&self, parts: Vec<Part>) -> Columns {
        let scale = match self.declared {
            Declared::Scale(scale) => scale,
            _ if self.assignments.has(Role::Packed) => ColorScale::Sixteen,
            _ => {
                let values = || parts.iter().flat_map(|part| part.colors.iter().flatten().flatten());
                let largest = values().fold(0.0, |largest: f64, &value| largest.max(value));
                ColorScale::of_values(largest, values().all(|value| value.fract() == 0.0))
            }
        };
        let convert = |color: [f64; 3]| color.map(|value| scale.channel(value));
        let columns = parts
            .into_par_iter()
            .map(|part| {
                let colors = part.colors.map(|colors| colors.into_iter().map(convert).collect());
                Columns { colors, ..part.columns }
            })
            .collect();
        Columns::concatenated(columns).unwrap_or_else(|| Columns::zeroed(0, self.assignments.present()))
    }
}

/// Parts of a text that end at line ends, with their offsets.
pub(crate) fn line_chunks(text: &[u8]) -> Vec<(usize, &[u8])> {
    let mut chunks = Vec::with_capacity(text.len() / CHUNK + 1);
    let mut at = 0;
    while at < text.len() {
        let end = match text.get(at + CHUNK..) {
            Some(_) => next_line(text, at + CHUNK),
            None => text.len(),
        };
        chunks.push((at, &text[at..end]));
        at = end;
    }
    chunks
}

/// Where the line after the one at `at` begins.
pub(crate) fn next_line(text: &[u8], at: usize) -> usize {
    text[at..].iter().position(|&byte| byte == b'\n').map_or(text.len(), |offset| at + offset + 1)
}

/// The number of the line that a byte is in, from 1.
pub(crate) fn line_number(text: &[u8], at: usize) -> usize {
    text[..at].iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// Where line `lines` (from 0) after `start` begins; `None` if there are fewer.
pub(crate) fn after_lines(text: &[u8], start: usize, lines: usize) -> Option<usize> {
    if lines == 0 {
        return Some(start);
    }
    let counts: Vec<(usize, usize)> = line_chunks(&text[start..])
        .into_par_iter()
        .map(|(at, chunk)| (at, chunk.iter().map(|&byte| usize::from(byte == b'\n')).sum()))
        .collect();
    let mut left = lines;
    for (at, count) in counts {
        if count < left {
            left -= count;
            continue;
        }
        return Some((0..left).fold(start + at, |position, _| next_line(text, position)));
    }
    // The last line may lack its line end.
    (left == 1 && text.last() != Some(&b'\n')).then_some(text.len())
}

fn skip_blanks(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

/// The beginning of the line that `at` is in, for a message.
fn quoted(text: &[u8], at: usize) -> String {
    let begin = text[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |line_end| line_end + 1);
    let end = text[begin..].iter().position(|&byte| byte == b'\n' || byte == b'\r');
    let line = &text[begin..end.map_or(text.len(), |length| begin + length)];
    format!("{:?}", String::from_utf8_lossy(&line[..line.len().min(60)]))
}
