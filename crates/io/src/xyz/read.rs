//! Text read: separator, header and count found from its first lines, then all lines in parallel.

use super::guess;
use crate::color::ColorScale;
use crate::columns::Columns;
use crate::error::{Fault, Outcome};
use crate::lines::{line_number, next_line};
use crate::number::parse;
use crate::role::{Assignments, Role};
use crate::source::Source;
use crate::text::{Declared, Separator, Table};

/// Lines looked at to find out what the columns mean.
const SAMPLE: usize = 256;

const COMMENTS: &[&[u8]] = &[b"#", b"//"];

/// Bytes at the beginning that are looked at to find out what the columns mean.
const HEAD: usize = 1 << 16;

/// Reads a text part by part; `None` if the first lines do not tell what the columns mean, for [`read`] to say.
pub(crate) fn read_parts(source: &Source<'_>, notes: &mut Vec<String>) -> Option<Outcome<Columns>> {
    let start = describe(whole_lines(source.head), &mut Vec::new()).ok()?.start;
    // The sample must be the one that the whole file would give.
    (start < HEAD / 2 && source.head.len() >= HEAD).then(|| read_source(source, notes))
}

/// Reads a whole text, noting what is remarkable.
pub(crate) fn read(bytes: &[u8], notes: &mut Vec<String>) -> Outcome<Columns> {
    read_source(&Source::whole(bytes), notes)
}

fn read_source(source: &Source<'_>, notes: &mut Vec<String>) -> Outcome<Columns> {
    let head = if source.head.len() < source.length { whole_lines(source.head) } else { source.head };
    let Description { table, start, promised } = describe(head, notes)?;
    let mut columns = table.decode(source, start, source.length)?;
    if let Some((count, line)) = promised {
        if columns.len() < count {
            let problem = format!("the line promises {count} points, the file has {}", columns.len());
            return Err(Fault::line(line, problem));
        }
        if columns.len() > count {
            notes.push(format!("line {line} promises {count} points; all {} are read", columns.len()));
        }
    }
    refuse_transform(&table, &mut columns)?;
    Ok(columns)
}

/// Bytes up to the last line end; all of them if there is none.
fn whole_lines(bytes: &[u8]) -> &[u8] {
    memchr::memrchr(b'\n', bytes).map_or(bytes, |end| &bytes[..=end])
}

/// What the first lines say.
struct Description {
    table: Table,
    /// Where the points begin.
    start: usize,
    /// The number of points that a line promises, and which line.
    promised: Option<(usize, usize)>,
}

fn describe(bytes: &[u8], notes: &mut Vec<String>) -> Outcome<Description> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let mut start = if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let (mut first, commented_header) = first_line(bytes, start)?;
    let mut promised = None;
    if let Some(count) = lone_count(first.text) {
        promised = Some((count, line_number(bytes, first.begin)));
        start = first.end;
        first = match first_line(bytes, start) {
            Ok((line, _)) => line,
            Err(_) if count == 0 => {
                let table = positions();
                return Ok(Description { table, start, promised });
            }
            Err(fault) => return Err(fault),
        };
    }
    let separator = separator(first.text);
    let words = words(first.text, separator);
    let named_words = words.iter().filter(|word| is_name(word)).count();
    let header = if 2 * named_words > words.len() {
        start = first.end;
        Some((words, line_number(bytes, first.begin)))
    } else {
        commented_header.filter(|names| names.len() == words.len()).map(|names| (names, 1))
    };
    let table = match header {
        Some((names, line)) => named(&names, line, separator)?,
        None => unnamed(bytes, start, separator, notes)?,
    };
    Ok(Description { table, start, promised })
}

/// Lines of x y z.
fn positions() -> Table {
    let roles: Vec<Option<Role>> = (0..3).map(|axis| Some(Role::Position(axis))).collect();
    Table {
        separator: Separator::Blank,
        width: 3,
        declared: Declared::Unknown,
        assignments: Assignments::of_roles(&roles),
        comments: COMMENTS,
        exact: true,
    }
}

/// A line that is neither blank nor a comment.
struct Line<'a> {
    begin: usize,
    end: usize,
    text: &'a [u8],
}

/// The first line with content at or after `start`, and the last comment before it that names x and y.
fn first_line(bytes: &[u8], start: usize) -> Outcome<(Line<'_>, Option<Vec<String>>)> {
    let mut begin = start;
    let mut header = None;
    while begin < bytes.len() {
        let end = next_line(bytes, begin);
        let text = bytes[begin..end].trim_ascii();
        match COMMENTS.iter().find(|word| text.starts_with(word)) {
            _ if text.is_empty() => {}
            Some(word) => {
                let text = text[word.len()..].trim_ascii();
                let names = words(text, separator(text));
                let has = |axis| names.iter().any(|name| Role::of(name) == Some(Role::Position(axis)));
                if has(0) && has(1) {
                    header = Some(names);
                }
            }
            None => return Ok((Line { begin, end, text }, header)),
        }
        begin = end;
    }
    Err(Fault::line(line_number(bytes, bytes.len()), "the file has no line with a point"))
}

fn separator(line: &[u8]) -> Separator {
    let found = [b';', b','].into_iter().find(|byte| line.contains(byte));
    found.map_or(Separator::Blank, Separator::Byte)
}

fn words(line: &[u8], separator: Separator) -> Vec<String> {
    let text = String::from_utf8_lossy(line);
    match separator {
        Separator::Blank => text.split_ascii_whitespace().map(str::to_owned).collect(),
        Separator::Byte(byte) => {
            let mut words: Vec<String> =
                text.split(byte as char).map(|word| word.trim().to_owned()).collect();
            if words.last().is_some_and(String::is_empty) {
                words.pop();
            }
            words
        }
    }
}

/// A name is what is no number and begins like a name.
fn is_name(word: &str) -> bool {
    let whole = |(_, length): (f64, usize)| length == word.len();
    !parse(word.as_bytes()).is_some_and(whole)
        && word.trim_start_matches(['"', '_']).starts_with(|letter: char| letter.is_alphabetic())
}

/// The number of points, where a line holds that alone.
fn lone_count(line: &[u8]) -> Option<usize> {
    std::str::from_utf8(line).ok()?.trim().parse().ok()
}

fn named(names: &[String], line: usize, separator: Separator) -> Outcome<Table> {
    let plain: Vec<String> = names.iter().map(|name| name.trim_matches('"').to_ascii_lowercase()).collect();
    let sixteen = ["red16", "green16", "blue16"];
    let roles: Vec<Option<Role>> = plain
        .iter()
        .map(|name| match sixteen.iter().position(|known| known == name) {
            Some(channel) => Some(Role::Color(channel)),
            None => Role::of(name).filter(|role| *role != Role::Packed),
        })
        .collect();
    let assignments = Assignments::of_roles(&roles);
    if let Some(axis @ ("x" | "y")) = assignments.missing_axis() {
        return Err(Fault::line(line, format!("no column {axis:?}; the columns are {names:?}")));
    }
    let declared = match plain.iter().any(|name| name == sixteen[0]) {
        true => Declared::Scale(ColorScale::Sixteen),
        false => Declared::Unknown,
    };
    let width = assignments.0.iter().map(|known| known.column + 1).max().unwrap_or(0);
    Ok(Table { separator, width, declared, assignments, comments: COMMENTS, exact: false })
}

fn unnamed(bytes: &[u8], start: usize, separator: Separator, notes: &mut Vec<String>) -> Outcome<Table> {
    // As much as a file read in parts has at hand, so that both ways find the same.
    let window = if start < HEAD / 2 { whole_lines(&bytes[..bytes.len().min(HEAD)]) } else { bytes };
    let mut sample: Vec<Vec<f64>> = Vec::new();
    let mut begin = start;
    while sample.len() < SAMPLE
        && let Ok((line, _)) = first_line(window, begin)
    {
        let number = |word: &String| parse(word.as_bytes()).map_or(f64::NAN, |(value, _)| value);
        sample.push(words(line.text, separator).iter().map(number).collect());
        begin = line.end;
    }
    let width = sample.first().map_or(0, Vec::len);
    if width < 2 {
        let (line, _) = first_line(bytes, start)?;
        let begin = String::from_utf8_lossy(&line.text[..line.text.len().min(60)]);
        return Err(Fault::line(
            line_number(bytes, line.begin),
            format!("{begin:?} is not a point: 2 or more numbers, separated by blanks, tabs, \",\" or \";\""),
        ));
    }
    sample.retain(|row| row.len() == width);
    let roles = guess::roles(width, &sample);
    let unread = roles.iter().filter(|role| role.is_none()).count();
    if unread > 0 {
        notes
            .push(format!("{unread} of {width} columns have no name and no clear meaning; they are skipped"));
    }
    if width == 2 {
        notes.push("two columns are x and y; z is 0".to_owned());
    }
    let assignments = Assignments::of_roles(&roles);
    Ok(Table { separator, width, declared: Declared::Unknown, assignments, comments: COMMENTS, exact: true })
}

/// Four rows of four that end in 0 0 0 1 are a pose, whatever the extension says.
fn refuse_transform(table: &Table, columns: &mut Columns) -> Outcome<()> {
    let pose = table.width == 4
        && columns.len() == 4
        && columns.positions[3].coords.iter().all(|&value| value == 0.0)
        && columns.intensities.as_ref().is_some_and(|column| column[3] == 1.0);
    if pose {
        return Err(Fault::line(1, "this is a 4 by 4 transform, not a point cloud"));
    }
    Ok(())
}
