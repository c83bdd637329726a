//! Clouds from files and from standard input.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use barrow::geometry::PointCloud;
use barrow::io::{Format, Loaded, ReadOptions};
use clap::Args;

use crate::failure::usage;
use crate::progress::Progress;
use crate::settings::Settings;

/// How clouds are read.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Reading")]
pub struct Reading {
    /// What standard input (`-`) holds; without `-`, what all the clouds hold [default: told by the
    /// content, then by the extension].
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Refuse points that are not finite instead of dropping and counting them.
    #[arg(long)]
    pub strict: bool,
    /// Numbers per point of a raw KITTI .bin: 3, 4 or 5 [default: told by the content].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(3..=5))]
    pub kitti_columns: Option<u8>,
}

/// Source and target, in this order.
#[derive(Debug, Clone, Args)]
pub struct Pair {
    /// The cloud that moves; `-` for standard input.
    pub source: PathBuf,
    /// The cloud that stays; `-` for standard input.
    pub target: PathBuf,
    #[command(flatten)]
    pub reading: Reading,
}

/// Two clouds and the time that reading them took.
pub struct LoadedPair {
    /// The cloud that moves.
    pub source: PointCloud,
    /// The cloud that stays.
    pub target: PointCloud,
    /// Wall-clock time [s].
    pub seconds: f64,
}

impl Pair {
    /// Reads both.
    ///
    /// # Errors
    /// If one cannot be read or has no finite points.
    pub fn read(&self, settings: &Settings) -> Result<LoadedPair> {
        let start = Instant::now();
        let paths = [self.source.clone(), self.target.clone()];
        let source = self.reading.read(&self.source, &paths, settings)?.cloud;
        let target = self.reading.read(&self.target, &paths, settings)?.cloud;
        Ok(LoadedPair { source, target, seconds: start.elapsed().as_secs_f64() })
    }

    /// Both names as messages call them.
    pub fn names(&self) -> String {
        format!("{} against {}", name(&self.source), name(&self.target))
    }
}

impl Reading {
    /// Reads one of the clouds of a command, and tells what the user should know about it.
    ///
    /// # Errors
    /// If it cannot be read or has no finite points; also if standard input is to serve twice.
    pub fn read(&self, path: &Path, all: &[PathBuf], settings: &Settings) -> Result<Loaded> {
        let from_standard_input = all.iter().filter(|path| is_standard_input(path)).count();
        if from_standard_input > 1 {
            return Err(usage("standard input (-) can be read only once; give a file for the other clouds"));
        }
        let options = ReadOptions {
            format: self.format.filter(|_| from_standard_input == 0 || is_standard_input(path)),
            strict: self.strict,
            kitti_columns: self.kitti_columns.map(usize::from),
        };
        let name = name(path);
        let _progress = Progress::new(settings.progress, format!("reading {name}"));
        let loaded = if is_standard_input(path) {
            barrow::io::read_from(std::io::stdin().lock(), &name, &options)?
        } else {
            barrow::io::read(path, &options)?
        };
        if loaded.cloud.is_empty() {
            match loaded.dropped_nonfinite {
                0 => bail!("{name}: has no points; at least one is needed"),
                dropped => bail!("{name}: none of its {dropped} points is finite; at least one is needed"),
            }
        }
        if loaded.dropped_nonfinite > 0 {
            let dropped = loaded.dropped_nonfinite;
            settings.note(format!("{name}: {dropped} points that are not finite were dropped"));
        }
        for note in &loaded.notes {
            settings.note(format!("{name}: {note}"));
        }
        Ok(loaded)
    }
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// A path as messages call it.
pub fn name(path: &Path) -> String {
    if is_standard_input(path) { "standard input".into() } else { path.display().to_string() }
}
