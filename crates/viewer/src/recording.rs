//! Pictures of mass on its way, saved one after another while the window shows them.

use std::io;
use std::path::{Path, PathBuf};

use crate::Picture;

/// Pictures along a plan that are being saved.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recording {
    folder: PathBuf,
    saved: u32,
    count: u32,
    /// The time that was shown before.
    before: Option<f64>,
}

impl Recording {
    /// Saves two pictures or more, once it is told to: `FOLDER/000.png` shows time 0, the last one time 1.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn start(folder: PathBuf, count: u32, before: Option<f64>) -> io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder, saved: 0, count: count.max(2), before })
    }

    /// The time of the next picture; `None` if all are saved.
    pub fn time(&self) -> Option<f64> {
        (self.saved < self.count).then(|| f64::from(self.saved) / f64::from(self.count - 1))
    }

    /// Saves the next picture.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn take(&mut self, picture: &Picture) -> io::Result<()> {
        picture.save(&self.folder.join(format!("{:03}.png", self.saved)))?;
        self.saved += 1;
        Ok(())
    }

    /// The time that was shown before, and what to tell.
    pub fn end(&self) -> (Option<f64>, String) {
        let folder = self.folder.display();
        let note = match self.time() {
            None => format!("saved {} pictures in {folder}", self.saved),
            Some(_) => format!("stopped: saved {} of {} pictures in {folder}", self.saved, self.count),
        };
        (self.before, note)
    }
}

impl Picture {
    /// Writes the picture to a PNG file. Nothing is left of a file that cannot be written whole.
    pub(crate) fn save(&self, path: &Path) -> io::Result<()> {
        let bytes = self.png().map_err(io::Error::other)?;
        // The first error is the one to report; there may be no file to remove.
        std::fs::write(path, bytes).inspect_err(|_| drop(std::fs::remove_file(path)))
    }
}
