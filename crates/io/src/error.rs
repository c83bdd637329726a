//! What can be wrong with a file, and where.

use std::fmt;
use std::io;

/// Where in a file something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A line of text, counted from 1.
    Line(usize),
    /// A byte, counted from 0.
    Byte(usize),
    /// A point, counted from 0.
    Point(usize),
    /// The header as a whole.
    Header,
    /// The file as a whole.
    File,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(line) => write!(formatter, "line {line}"),
            Place::Byte(byte) => write!(formatter, "byte {byte}"),
            Place::Point(point) => write!(formatter, "point {point}"),
            Place::Header => write!(formatter, "header"),
            Place::File => write!(formatter, "file"),
        }
    }
}

/// A file that could not be read or written, with the place and the value that made it so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system did not let us read.
    #[error("{name}: cannot be read: {cause}")]
    Read {
        /// The file.
        name: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The operating system did not let us write.
    #[error("{name}: cannot be written: {cause}")]
    Write {
        /// The file.
        name: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Neither content nor extension say what the file is.
    #[error("{name}: unknown format: {problem}; accepted are {}", crate::Format::NAMES)]
    UnknownFormat {
        /// The file.
        name: String,
        /// What was looked at.
        problem: String,
    },
    /// The content contradicts its format.
    #[error("{name}: {place}: {problem}")]
    Malformed {
        /// The file.
        name: String,
        /// Where.
        place: Place,
        /// The value found and what would be accepted.
        problem: String,
    },
    /// A coordinate is NaN or infinite, and the caller asked to refuse such clouds.
    #[error(
        "{name}: point {index} is not finite: ({}, {}, {}); without strict reading such points are dropped and counted",
        position[0], position[1], position[2]
    )]
    NonFinite {
        /// The file.
        name: String,
        /// Index of the first such point.
        index: usize,
        /// Its coordinates.
        position: [f64; 3],
    },
    /// The format cannot hold this cloud.
    #[error("{name}: {format} cannot hold this: {problem}")]
    Unwritable {
        /// The file.
        name: String,
        /// The format asked for.
        format: crate::Format,
        /// The value that does not fit and what would.
        problem: String,
    },
}

/// Result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// A fault inside of a file, before its name is known.
#[derive(Debug)]
pub(crate) enum Fault {
    At(Place, String),
    Read(io::Error),
    NonFinite(usize, [f64; 3]),
}

/// Result inside of a format.
pub(crate) type Outcome<T> = std::result::Result<T, Fault>;

impl From<io::Error> for Fault {
    fn from(cause: io::Error) -> Self {
        Fault::Read(cause)
    }
}

impl Fault {
    pub(crate) fn line(line: usize, problem: impl Into<String>) -> Self {
        Fault::At(Place::Line(line), problem.into())
    }

    pub(crate) fn byte(byte: usize, problem: impl Into<String>) -> Self {
        Fault::At(Place::Byte(byte), problem.into())
    }

    pub(crate) fn point(point: usize, problem: impl Into<String>) -> Self {
        Fault::At(Place::Point(point), problem.into())
    }

    pub(crate) fn header(problem: impl Into<String>) -> Self {
        Fault::At(Place::Header, problem.into())
    }

    pub(crate) fn file(problem: impl Into<String>) -> Self {
        Fault::At(Place::File, problem.into())
    }

    pub(crate) fn named(self, name: &str) -> Error {
        let name = name.to_owned();
        match self {
            Fault::At(place, problem) => Error::Malformed { name, place, problem: abridged(problem) },
            Fault::Read(cause) => Error::Read { name, cause },
            Fault::NonFinite(index, position) => Error::NonFinite { name, index, position },
        }
    }
}

/// What is told of a file quotes it, and a hostile one can make a line or a list of names of any length: beginning and end are kept.
fn abridged(problem: String) -> String {
    const BEGINNING: usize = 300;
    const END: usize = 120;
    let count = problem.chars().count();
    if count <= BEGINNING + END {
        return problem;
    }
    let beginning: String = problem.chars().take(BEGINNING).collect();
    let end: String = problem.chars().skip(count - END).collect();
    format!("{beginning} … {end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_quotation_keeps_its_ends() {
        let problem = format!("word \"{}\" is no type", "é".repeat(5000));
        let told = Fault::line(3, problem).named("a.vtk").to_string();
        assert!(told.starts_with("a.vtk: line 3: word \"éé") && told.ends_with("é\" is no type"), "{told}");
        assert!(told.chars().count() < 450);
        assert_eq!(Fault::file("short").named("b").to_string(), "b: file: short");
    }
}
