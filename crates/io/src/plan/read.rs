//! Plans read: every arc between two points that are there, with a mass and a cost that can be.

use std::path::Path;

use barrow_geometry::{Arc, SparsePlan};

use crate::error::{Fault, Outcome, Result};
use crate::guard::guarded;
use crate::number::parse;
use crate::{file, npy, ply};

/// Reads a plan between clouds of `sources` and `targets` points, as [`write_plan`](crate::write_plan) writes it.
///
/// The format is told by the content: an archive of NumPy, a PLY file, or text with the columns `source`, `target`, `mass`
/// and `cost` in any order, which its first line names. Arcs of the same pair are joined, arcs without mass left out.
///
/// # Errors
/// [`Error::Read`](crate::Error::Read) if the system refuses; [`Error::Malformed`](crate::Error::Malformed) with the place for what is no plan, for an index that is no
/// point's, and for a mass or cost that is negative or not finite.
///
/// ```
/// use barrow_geometry::{Arc, PointCloud};
/// use nalgebra::Point3;
///
/// let clouds = [1, 2].map(|count| PointCloud::new(vec![Point3::origin(); count]).unwrap());
/// let arcs = [0, 1].map(|target| Arc { source: 0, target, mass: 0.5, cost: 0.0 });
/// let directory = tempfile::tempdir().unwrap();
/// let path = directory.path().join("plan.npz");
/// barrow_io::write_plan(&path, &clouds[0], &clouds[1], &arcs)?;
/// assert_eq!(barrow_io::read_plan(&path, 1, 2)?.arcs(), arcs);
/// # Ok::<(), barrow_io::Error>(())
/// ```
pub fn read_plan(path: impl AsRef<Path>, sources: usize, targets: usize) -> Result<SparsePlan> {
    let path = path.as_ref();
    let bytes = file::read(path)?;
    decode(&bytes, sources, targets).map_err(|fault| fault.named(&file::name(path)))
}

fn decode(bytes: &[u8], sources: usize, targets: usize) -> Outcome<SparsePlan> {
    let sides = Sides { sources, targets };
    let columns = if bytes.is_empty() {
        return Err(Fault::file("the file is empty; a plan is .npz, .csv or .ply"));
    } else if bytes.starts_with(b"PK") {
        guarded(|| npy::read_plan(bytes))?
    } else if bytes.starts_with(b"ply") {
        ply::read_arcs(bytes, sources, targets)?
    } else {
        csv(bytes)?
    };
    let arcs = columns
        .into_iter()
        .map(|(place, [source, target, mass, cost])| {
            Ok(Arc {
                source: sides.index(place, "source", source, sides.sources)?,
                target: sides.index(place, "target", target, sides.targets)?,
                mass: amount(place, "mass", mass)?,
                cost: amount(place, "cost", cost)?,
            })
        })
        .collect::<Outcome<Vec<Arc>>>()?;
    SparsePlan::new(sources, targets, arcs).map_err(|error| Fault::file(error.to_string()))
}

/// Where an arc stands, and its source, target, mass and cost as numbers.
pub(crate) type Entry = (ArcPlace, [f64; 4]);

/// Where an arc stands in its file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ArcPlace {
    /// Counted from 1.
    Line(usize),
    /// Counted from 0.
    Row(usize),
}

impl ArcPlace {
    fn fault(self, problem: String) -> Fault {
        match self {
            Self::Line(line) => Fault::line(line, problem),
            Self::Row(row) => Fault::file(format!("arc {row}: {problem}")),
        }
    }
}

struct Sides {
    sources: usize,
    targets: usize,
}

impl Sides {
    /// A whole number that is a point's.
    fn index(&self, place: ArcPlace, name: &str, value: f64, count: usize) -> Outcome<usize> {
        if value >= 0.0 && value < count as f64 && value.fract() == 0.0 {
            return Ok(value as usize);
        }
        let Self { sources, targets } = self;
        Err(place.fault(format!(
            "{name} is {value}; accepted are whole numbers from 0 to {}, for the plan is between {sources} source and \
             {targets} target points",
            count.saturating_sub(1)
        )))
    }
}

fn amount(place: ArcPlace, name: &str, value: f64) -> Outcome<f64> {
    if value.is_finite() && value >= 0.0 {
        return Ok(value);
    }
    Err(place.fault(format!("{name} is {value}; accepted are finite numbers >= 0")))
}

/// Text whose first line names the columns.
fn csv(bytes: &[u8]) -> Outcome<Vec<Entry>> {
    let mut lines = bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).enumerate();
    let (_, header) = lines.next().unwrap_or_default();
    let names: Vec<&[u8]> = header.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).collect();
    let mut places = [0; 4];
    for (place, wanted) in places.iter_mut().zip(["source", "target", "mass", "cost"]) {
        let found = names.iter().position(|name| name.eq_ignore_ascii_case(wanted.as_bytes()));
        *place = found.ok_or_else(|| {
            let header = String::from_utf8_lossy(&header[..header.len().min(60)]).into_owned();
            Fault::line(1, format!("no column {wanted:?} in {header:?}; a plan has source,target,mass,cost"))
        })?;
    }
    let mut entries = Vec::new();
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let words: Vec<&[u8]> = line.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).collect();
        let mut values = [0.0; 4];
        for (value, &place) in values.iter_mut().zip(&places) {
            let word = words.get(place).copied().unwrap_or_default();
            let parsed = parse(word).filter(|&(_, length)| length == word.len());
            let Some((number_read, _)) = parsed else {
                let word = String::from_utf8_lossy(&word[..word.len().min(40)]).into_owned();
                let column = String::from_utf8_lossy(names[place]).into_owned();
                return Err(Fault::line(number + 1, format!("{column} is {word:?}, not a number")));
            };
            *value = number_read;
        }
        entries.push((ArcPlace::Line(number + 1), values));
    }
    Ok(entries)
}
