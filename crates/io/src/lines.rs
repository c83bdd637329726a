//! Lines of a text, found without holding all of it.

use std::io;

use memchr::{memchr, memchr_iter, memrchr};
use rayon::prelude::*;

use crate::source::Source;

/// Bytes of text looked at by one task. Fixed, so that parts never depend on the number of threads.
const BLOCK: usize = 1 << 18;

/// Some whole lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub start: usize,
    pub length: usize,
    pub lines: usize,
}

/// The line ends of one block: how many, and the places of the first and of the last.
struct Ends {
    count: usize,
    first: Option<usize>,
    last: Option<usize>,
}

/// Where the line after the one at `at` begins.
pub(crate) fn next_line(text: &[u8], at: usize) -> usize {
    memchr(b'\n', &text[at..]).map_or(text.len(), |offset| at + offset + 1)
}

/// The number of the line that a byte is in, from 1.
pub(crate) fn line_number(text: &[u8], at: usize) -> usize {
    memchr_iter(b'\n', &text[..at]).count() + 1
}

/// The number of the line that a byte of a source is in, from 1.
pub(crate) fn line_number_in(source: &Source<'_>, at: usize) -> io::Result<usize> {
    let counts = ends(source, 0, at)?;
    Ok(counts.iter().map(|ends| ends.count).sum::<usize>() + 1)
}

/// Parts of a range of text that end at line ends, of about the same length.
pub(crate) fn parts(source: &Source<'_>, start: usize, end: usize) -> io::Result<Vec<Part>> {
    let mut parts = Vec::new();
    let (mut begin, mut lines, mut last) = (start, 0, None);
    for (block, ends) in ends(source, start, end)?.into_iter().enumerate() {
        last = ends.last.or(last);
        match ends.first {
            // The first line end of a block closes the part that began before it.
            Some(first) if block > 0 => {
                parts.push(Part { start: begin, length: first + 1 - begin, lines: lines + 1 });
                (begin, lines) = (first + 1, ends.count - 1);
            }
            _ => lines += ends.count,
        }
    }
    if begin < end {
        let open = last.is_none_or(|last| last + 1 < end);
        parts.push(Part { start: begin, length: end - begin, lines: lines + usize::from(open) });
    }
    Ok(parts)
}

/// Where the line that is `lines` lines after the one at `start` begins; `None` if there are fewer.
pub(crate) fn after_lines(source: &Source<'_>, start: usize, lines: usize) -> io::Result<Option<usize>> {
    let mut left = lines;
    let mut last = None;
    for (block, ends) in ends(source, start, source.length)?.into_iter().enumerate() {
        if left == 0 {
            break;
        }
        if ends.count < left {
            left -= ends.count;
            last = ends.last.or(last);
            continue;
        }
        let at = start + block * BLOCK;
        let length = BLOCK.min(source.length - at);
        return source.with(at, length, &mut Vec::new(), |text| {
            memchr_iter(b'\n', text).nth(left - 1).map(|offset| at + offset + 1)
        });
    }
    // The last line may lack its line end.
    let open = last.is_none_or(|last: usize| last + 1 < source.length) && start < source.length;
    Ok(match left {
        0 => Some(start),
        1 if open => Some(source.length),
        _ => None,
    })
}

/// The line ends of a range, block by block.
fn ends(source: &Source<'_>, start: usize, end: usize) -> io::Result<Vec<Ends>> {
    (0..(end - start).div_ceil(BLOCK))
        .into_par_iter()
        .map_init(Vec::new, |scratch, block| {
            let at = start + block * BLOCK;
            source.with(at, BLOCK.min(end - at), scratch, |text| Ends {
                count: memchr_iter(b'\n', text).count(),
                first: memchr(b'\n', text).map(|offset| at + offset),
                last: memrchr(b'\n', text).map(|offset| at + offset),
            })
        })
        .collect()
}
