//! The header of a PLY file.

use ply_rs::parser::Parser;
use ply_rs::ply::{DefaultElement, Header};

use crate::error::{Fault, Outcome};

/// No real header is longer; a file that claims to be PLY is not searched to its end for one.
const LONGEST: usize = 1 << 20;

/// The header and where the body begins.
pub(crate) fn parse(bytes: &[u8]) -> Outcome<(Header, usize)> {
    let window = &bytes[..bytes.len().min(LONGEST)];
    let mut text = String::new();
    let mut at = 0;
    let (mut elements, mut properties) = (0, 0);
    loop {
        let Some(length) = window[at..].iter().position(|&byte| byte == b'\n') else {
            return Err(Fault::byte(at, "the header has no line \"end_header\""));
        };
        let line = String::from_utf8_lossy(&window[at..at + length]);
        let line = line.trim_end();
        at += length + 1;
        elements += usize::from(line.starts_with("element"));
        properties += usize::from(line.starts_with("property"));
        text.push_str(&with_plain_name(line, properties));
        text.push('\n');
        if line == "end_header" {
            break;
        }
    }
    let header = Parser::<DefaultElement>::new().read_ply_header(&mut text.as_bytes()).map_err(|error| {
        let line = error.line().unwrap_or(1);
        let found = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        Fault::line(line, format!("{found:?} is not a line of a PLY header"))
    })?;
    // ply-rs lets a second element or property of the same name replace the first, which would shift
    // every byte after it.
    let kept: usize = header.elements.values().map(|element| element.properties.len()).sum();
    if header.elements.len() != elements || kept != properties {
        return Err(Fault::header("two elements, or two properties of one element, have the same name"));
    }
    Ok((header, at))
}

/// A name that others write, such as CloudCompare's `scalar_Illuminance_(PCV)`, in letters that ply-rs accepts.
///
/// A changed name gets its number, so that it meets no other.
fn with_plain_name(line: &str, number: usize) -> String {
    let Some((head, name)) = line.rsplit_once([' ', '\t']).filter(|_| line.starts_with("property")) else {
        return line.to_owned();
    };
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '_' };
    let renamed: String = name.chars().map(plain).collect();
    if renamed != name || name.starts_with(|letter: char| letter.is_ascii_digit()) {
        return format!("{head} _{renamed}_{number}");
    }
    line.to_owned()
}
