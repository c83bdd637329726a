//! The rows of the comparison: each is a list of jobs, and a way to sum the answers up.

mod basin;
mod certainty;
mod local;
mod overlap;
mod real;
mod refined;
mod turned;
mod units;
mod unrelated;

use std::path::PathBuf;

use nalgebra::UnitQuaternion;

use crate::Result;
use crate::draws::Draws;
use crate::files::Files;
use crate::job::Job;
use crate::pose::about;

/// What is asked on the command line.
pub struct Asked {
    /// The folder of `pairs.json`.
    pub folder: PathBuf,
    /// Where clouds that are made or thinned are kept.
    pub made: PathBuf,
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
    /// Local alignment from starts that are far off.
    Basin,
    /// Made pairs of every overlap.
    Overlap,
    /// How exact a refinement ends.
    Refined,
    /// How long a refinement takes.
    Local,
    /// Whether the covariance tells the error.
    Certainty,
}

impl Row {
    pub const ALL: [(&'static str, Self); 9] = [
        ("real", Self::Real),
        ("turned", Self::Turned),
        ("units", Self::Units),
        ("unrelated", Self::Unrelated),
        ("basin", Self::Basin),
        ("overlap", Self::Overlap),
        ("refined", Self::Refined),
        ("local", Self::Local),
        ("certainty", Self::Certainty),
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
            Self::Basin => basin::jobs(asked, files)?,
            Self::Overlap => overlap::jobs(asked, files)?,
            Self::Refined => refined::jobs(asked, files)?,
            Self::Local => local::jobs(asked, files)?,
            Self::Certainty => certainty::jobs(asked, files)?,
        };
        for job in jobs.iter_mut().filter(|job| job.method.is_empty()) {
            job.method.clone_from(&asked.method);
        }
        Ok(jobs)
    }
}

/// A job that starts beside its truth: off by an angle about a random axis, and by a share of the diagonal.
fn beside(job: Job, degrees: f64, share: f64, files: &mut Files) -> Result<Job> {
    let (centroid, diagonal) = files.extent(&job.source)?;
    let truth = job.truth.ok_or("no truth to start beside")?.similarity()?.isometry;
    let mut draws = Draws::of(&format!("{} beside", job.id));
    let turn = UnitQuaternion::from_axis_angle(&draws.direction(), degrees.to_radians());
    let shift = share * diagonal * draws.direction().into_inner();
    let initial = about(&(truth * centroid), turn, shift) * truth;
    Ok(Job { initial: Some(initial.into()), ..job })
}
