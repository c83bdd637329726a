//! Text with one point per line, decoded in parallel: the bodies of ASCII PLY, PCD and XYZ.

use std::io;

use barrow_geometry::Color;
use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

use crate::color::{ColorScale, unpacked};
use crate::columns::{Columns, Rows};
use crate::error::{Fault, Outcome};
use crate::lines::{Part, line_number_in, next_line, parts};
use crate::number::parse;
use crate::role::{Assignments, Role};
use crate::source::Source;

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
    /// Decodes every line of a range of a text.
    pub(crate) fn decode(&self, source: &Source<'_>, start: usize, end: usize) -> Outcome<Columns> {
        let (scale, certain) = match self.declared {
            Declared::Scale(scale) => (scale, true),
            _ if self.assignments.has(Role::Packed) => (ColorScale::Sixteen, true),
            _ => (ColorScale::Eight, !self.assignments.present().colors),
        };
        let parts = parts(source, start, end)?;
        let (columns, found) = self.decode_scaled(source, &parts, scale)?;
        let meant = ColorScale::of_values(found.largest, found.whole);
        if certain || meant == scale {
            return Ok(columns);
        }
        // Rare: colours that are not 0 to 255. Their scale is known now, so all is read once more.
        self.decode_scaled(source, &parts, meant).map(|(columns, _)| columns)
    }

    fn decode_scaled(
        &self,
        source: &Source<'_>,
        parts: &[Part],
        scale: ColorScale,
    ) -> Outcome<(Columns, Found)> {
        let plan = self.plan();
        // Rows are made where they will stay, so each part must know how many there can be before it: as
        // many as its lines, and no more than its bytes can hold.
        let most = |part: &Part| part.lines.min(part.length / self.width.max(1) + 1);
        let bounds: Vec<usize> = parts.iter().map(most).collect();
        let mut columns = Columns::zeroed(bounds.iter().sum(), self.assignments.present());
        let found: Vec<io::Result<Result<Found, BadLine>>> = columns
            .rows()
            .split(&bounds)
            .into_par_iter()
            .zip(parts)
            .map_init(Vec::new, |scratch, (mut rows, part)| {
                source.with(part.start, part.length, scratch, |text| {
                    let found = self.decode_part(text, &plan, scale, &mut rows);
                    found.map_err(|bad| BadLine { at: part.start + bad.at, ..bad })
                })
            })
            .collect();
        let mut all = Found { rows: 0, largest: 0.0, whole: true };
        let mut rows = Vec::with_capacity(found.len());
        for found in found {
            let found = match found? {
                Ok(found) => found,
                Err(bad) => return Err(Fault::line(line_number_in(source, bad.at)?, bad.problem)),
            };
            rows.push(found.rows);
            all.largest = all.largest.max(found.largest);
            all.whole &= found.whole;
        }
        columns.close_gaps(&bounds, &rows);
        Ok((columns, all))
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

    fn decode_part(
        &self,
        text: &[u8],
        plan: &[Option<Role>],
        scale: ColorScale,
        rows: &mut Rows<'_>,
    ) -> Result<Found, BadLine> {
        let mut found = Found { rows: 0, largest: 0.0, whole: true };
        let mut at = 0;
        while at < text.len() {
            let begin = skip_blanks(text, at);
            match text.get(begin) {
                None => break,
                Some(b'\n' | b'\r') => at = begin + 1,
                Some(_) if self.is_comment(text, begin) => at = next_line(text, begin),
                Some(_) => {
                    at = self
                        .decode_line(text, begin, plan, scale, rows, &mut found)
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
