//! Which files are the scans of a sequence, in which order, and when they were measured.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use barrow::geometry::PointCloud;
use barrow::io::Format;

use super::require_some;
use crate::settings::Settings;

/// The scans that were named: those of folders and files alike, each list in natural order.
///
/// # Errors
/// If a folder cannot be read or holds no clouds.
pub fn scans(named: &[PathBuf], settings: &Settings) -> Result<Vec<PathBuf>> {
    let (folders, mut files): (Vec<_>, Vec<_>) =
        named.iter().cloned().partition(|path: &PathBuf| path.is_dir());
    files.sort_by(|a, b| natural(a, b));
    let mut scans = Vec::new();
    for folder in folders {
        scans.extend(clouds_in(&folder, settings)?);
    }
    scans.extend(files);
    Ok(scans)
}

/// The clouds of a folder: the files of its most frequent format, text only where there is no other.
fn clouds_in(folder: &Path, settings: &Settings) -> Result<Vec<PathBuf>> {
    let name = folder.display();
    let entries = std::fs::read_dir(folder).with_context(|| format!("{name}: cannot be read"))?;
    let mut by_format: BTreeMap<(bool, Format), Vec<PathBuf>> = BTreeMap::new();
    for entry in entries {
        let path = entry.with_context(|| format!("{name}: cannot be read"))?.path();
        if let Some(format) = Format::from_extension(&path).filter(|_| path.is_file()) {
            by_format.entry((format == Format::Xyz, format)).or_default().push(path);
        }
    }
    let rank = |(key, files): &(&(bool, Format), &Vec<PathBuf>)| (!key.0, files.len());
    // Of equals the first in the order of formats.
    let Some((&chosen, _)) = by_format.iter().rev().max_by_key(rank) else {
        require_some(&[], &name.to_string())?;
        return Ok(Vec::new());
    };
    let mut files = by_format.remove(&chosen).unwrap_or_default();
    let others: usize = by_format.iter().filter(|(key, _)| !key.0).map(|(_, files)| files.len()).sum();
    if others > 0 {
        settings.note(format!("{name}: {others} clouds of other formats than {} are left out", chosen.1));
    }
    files.sort_by(|a, b| natural(a, b));
    Ok(files)
}

/// Runs of digits are compared as numbers, all else byte by byte.
fn natural(a: &Path, b: &Path) -> Ordering {
    let (a, b) = (a.to_string_lossy(), b.to_string_lossy());
    let (mut left, mut right) = (a.as_bytes(), b.as_bytes());
    while let (Some(&x), Some(&y)) = (left.first(), right.first()) {
        let order = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (number, other) = (digits(&mut left), digits(&mut right));
            number.len().cmp(&other.len()).then_with(|| number.cmp(other))
        } else {
            (left, right) = (&left[1..], &right[1..]);
            x.cmp(&y)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    // What is left of one of them, and at last the leading zeros.
    left.len().cmp(&right.len()).then_with(|| a.cmp(&b))
}

/// Takes the digits at the front, leading zeros dropped.
fn digits<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    *text = rest;
    let zeros = number.iter().take_while(|&&digit| digit == b'0').count();
    &number[zeros..]
}

/// The first time of a scan.
pub fn first_time(cloud: &PointCloud) -> Option<f64> {
    cloud.times()?.iter().copied().filter(|time| time.is_finite()).reduce(f64::min)
}

/// The times of all scans, if all have one and they rise.
pub fn stamps(times: &[Option<f64>]) -> Option<Vec<f64>> {
    let stamps: Vec<f64> = times.iter().copied().collect::<Option<_>>()?;
    stamps.windows(2).all(|pair| pair[0] < pair[1]).then_some(stamps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count() {
        let mut names = ["s10.ply", "s9.ply", "s009.ply", "a/s1.ply", "s9b.ply", "s"].map(PathBuf::from);
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a/s1.ply", "s", "s009.ply", "s9.ply", "s9b.ply", "s10.ply"].map(PathBuf::from));
    }

    #[test]
    fn stamps_must_rise() {
        assert_eq!(stamps(&[Some(1.0), Some(2.0)]), Some(vec![1.0, 2.0]));
        assert_eq!(stamps(&[Some(1.0), Some(1.0)]), None);
        assert_eq!(stamps(&[Some(1.0), None]), None);
    }
}
