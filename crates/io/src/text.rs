//! Text with one point per line, decoded in parallel: the bodies of ASCII PLY, PCD, XYZ and OBJ.

use barrow_geometry::Color;
use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

use crate::color::{ColorScale, unpacked};
use crate::columns::{Columns, Rows};
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

/// What was found in one part of the text.
#[derive(Clone, Copy)]
struct Found {
    rows: usize,
    /// The largest colour value, and whether all of them are whole.
    largest: f64,
    whole: bool,
}

/// A line that is wrong: its byte offset in the text, and why.
struct BadLine {
    at: usize,
    problem: String,
}

impl Table {
    /// Decodes every line of `text[start..]`; the lines before are there for line numbers alone.
    pub(crate) fn decode(&self, text: &[u8], start: usize) -> Outcome<Columns> {
        let (scale, certain) = match self.declared {
            Declared::Scale(scale) => (scale, true),
            _ if self.assignments.has(Role::Packed) => (ColorScale::Sixteen, true),
            _ => (ColorScale::Eight, !self.assignments.present().colors),
        };
        let (columns, found) = self.decode_scaled(text, start, scale)?;
        let meant = ColorScale::of_values(found.largest, found.whole);
        if certain || meant == scale {
            return Ok(columns);
        }
        // Rare: colours that are not 0 to 255. Their scale is known now, so all is read once more.
        self.decode_scaled(text, start, meant).map(|(columns, _)| columns)
    }

    fn decode_scaled(&self, text: &[u8], start: usize, scale: ColorScale) -> Outcome<(Columns, Found)> {
        let plan = self.plan();
        let chunks = line_chunks(&text[start..]);
        // Rows are made where they will stay, so each part must know how many there can be before it.
        let bounds: Vec<usize> = chunks.par_iter().map(|(_, chunk)| self.most_rows(chunk)).collect();
        let mut columns = Columns::zeroed(bounds.iter().sum(), self.assignments.present());
        let found: Vec<Result<Found, BadLine>> = columns
            .rows()
            .split(&bounds)
            .into_par_iter()
            .zip(&chunks)
            .map(|(mut rows, (at, chunk))| {
                let found = self.decode_chunk(chunk, &plan, scale, &mut rows);
                found.map_err(|bad| BadLine { at: start + at + bad.at, ..bad })
            })
            .collect();
        let found: Vec<Found> = found
            .into_iter()
            .collect::<Result<_, _>>()
            .map_err(|bad| Fault::line(line_number(text, bad.at), bad.problem))?;
        let rows: Vec<usize> = found.iter().map(|found| found.rows).collect();
        columns.close_gaps(&bounds, &rows);
        let all = found.into_iter().reduce(|a, b| Found {
            rows: a.rows + b.rows,
            largest: a.largest.max(b.largest),
            whole: a.whole && b.whole,
        });
        Ok((columns, all.unwrap_or(Found { rows: 0, largest: 0.0, whole: true })))
    }

    /// Upper bound of the rows in some lines: their number, and no more than their bytes can hold.
    fn most_rows(&self, chunk: &[u8]) -> usize {
        let ends: usize = chunk.iter().map(|&byte| usize::from(byte == b'\n')).sum();
        let lines = ends + usize::from(chunk.last().is_some_and(|&byte| byte != b'\n'));
        lines.min(chunk.len() / self.width.max(1) + 1)
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

    fn decode_chunk(
        &self,
        chunk: &[u8],
        plan: &[Option<Role>],
        scale: ColorScale,
        rows: &mut Rows<'_>,
    ) -> Result<Found, BadLine> {
        let mut found = Found { rows: 0, largest: 0.0, whole: true };
        let mut at = 0;
        while at < chunk.len() {
            let begin = skip_blanks(chunk, at);
            match chunk.get(begin) {
                None => break,
                Some(b'\n' | b'\r') => at = begin + 1,
                Some(_) if self.is_comment(chunk, begin) => at = next_line(chunk, begin),
                Some(_) => {
                    at = self
                        .decode_line(chunk, begin, plan, scale, rows, &mut found)
                        .map_err(|problem| BadLine { at: begin, problem })?;
                }
            }
        }
        Ok(found)
    }

    fn is_comment(&self, text: &[u8], at: usize) -> bool {
        // Nearly every line begins with a number; no comment does.
        !matches!(text[at], b'0'..=b'9' | b'-' | b'.')
            && self.comments.iter().any(|word| text[at..].starts_with(word))
    }

    /// Decodes the line that begins at `at` and returns where the next one begins.
    fn decode_line(
        &self,
        text: &[u8],
        mut at: usize,
        plan: &[Option<Role>],
        scale: ColorScale,
        rows: &mut Rows<'_>,
        found: &mut Found,
    ) -> Result<usize, String> {
        let mut position = [0.0; 3];
        let mut normal = [0.0; 3];
        let mut color: Color = [0; 3];
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
                Role::Color(channel) => {
                    color[channel] = scale.channel(value);
                    found.largest = found.largest.max(value);
                    found.whole &= value.fract() == 0.0;
                }
                Role::Packed => {
                    let word = match self.declared {
                        Declared::PackedFloat => (value as f32).to_bits(),
                        _ => value as u32,
                    };
                    color = unpacked(word);
                }
                Role::Intensity => intensity = value,
                Role::Time => time = value,
            }
        }
        if self.exact {
            at = self.expect_end(text, at)?;
        }
        let row = found.rows;
        found.rows += 1;
        rows.positions[row] = Point3::from(position);
        if let Some(column) = &mut rows.normals {
            column[row] = Vector3::from(normal);
        }
        if let Some(column) = &mut rows.colors {
            column[row] = color;
        }
        if let Some(column) = &mut rows.intensities {
            column[row] = intensity;
        }
        if let Some(column) = &mut rows.times {
            column[row] = time;
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
        if matches!(text.get(end), None | Some(b'\n' | b'\r')) || self.is_comment(text, end) {
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
