//! The rows of the comparison: each is a list of jobs, and a way to sum the answers up.

mod real;
mod turned;
mod units;
mod unrelated;

use std::path::PathBuf;

use crate::Result;
use crate::files::Files;
use crate::job::Job;

/// What is asked on the command line.
pub struct Asked {
    /// The folder of `pairs.json`.
    pub folder: PathBuf,
    /// Pairs whose id contains this.
    pub only: String,
    /// How many draws; every row has a number of its own.
    pub draws: Option<usize>,
    /// Target onto source.
    pub reverse: bool,
    /// What barrow is to do.
    pub method: String,
}

/// A row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// The real pairs, without a guess.
    Real,
    /// The real pairs, the source turned and shifted at random.
    Turned,
    /// The real pairs in other units and far from the origin.
    Units,
    /// Clouds that have nothing to do with each other.
    Unrelated,
}

impl Row {
    pub const ALL: [(&'static str, Self); 4] = [
        ("real", Self::Real),
        ("turned", Self::Turned),
        ("units", Self::Units),
        ("unrelated", Self::Unrelated),
    ];

    /// What is to be run.
    ///
    /// # Errors
    /// If pairs cannot be read or made.
    pub fn jobs(self, asked: &Asked, files: &mut Files) -> Result<Vec<Job>> {
        let mut jobs = match self {
            Self::Real => real::jobs(asked)?,
            Self::Turned => turned::jobs(asked, files)?,
            Self::Units => units::jobs(asked)?,
            Self::Unrelated => unrelated::jobs(asked, files)?,
        };
        for job in jobs.iter_mut().filter(|job| job.method.is_empty()) {
            job.method.clone_from(&asked.method);
        }
        Ok(jobs)
    }
}
