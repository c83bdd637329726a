//! Scans read ahead of the work on them.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};

use anyhow::{Result, bail};
use barrow::geometry::PointCloud;
use barrow::io::ReadOptions;

/// Scans read that nobody has asked for yet: memory for this many more than one.
const AHEAD: usize = 2;

/// A scan and what the user should know about it.
pub struct Scan {
    /// Its file.
    pub name: String,
    /// Its points, none at all if the file has none.
    pub cloud: PointCloud,
    /// What to tell.
    pub notes: Vec<String>,
}

/// Reads files in their order on a thread of its own, which ends with the reader or at the first file that cannot be read.
pub struct Reader {
    scans: Receiver<Result<Scan>>,
}

impl Reader {
    /// Begins to read.
    pub fn start(paths: Vec<PathBuf>, strict: bool, kitti_columns: Option<u8>) -> Self {
        let options = ReadOptions { format: None, strict, kitti_columns: kitti_columns.map(usize::from) };
        let (sender, scans) = sync_channel(AHEAD);
        std::thread::spawn(move || {
            for path in &paths {
                let scan = read(path, &options);
                let failed = scan.is_err();
                if sender.send(scan).is_err() || failed {
                    break;
                }
            }
        });
        Self { scans }
    }

    /// The next scan; `None` after the last.
    pub fn next(&mut self) -> Option<Result<Scan>> {
        self.scans.recv().ok()
    }
}

fn read(path: &Path, options: &ReadOptions) -> Result<Scan> {
    let name = path.display().to_string();
    let loaded = barrow::io::read(path, options)?;
    if options.strict && loaded.cloud.is_empty() {
        bail!("{name}: has no points; at least one is needed, or no --strict");
    }
    let mut notes = Vec::new();
    if loaded.dropped_nonfinite > 0 {
        let dropped = loaded.dropped_nonfinite;
        notes.push(format!("{name}: {dropped} points that are not finite were dropped"));
    }
    Ok(Scan { name, cloud: loaded.cloud, notes })
}
