//! The real pairs in other units and far from the origin: the pose found must be the same.

use super::Asked;
use crate::Result;
use crate::job::Job;
use crate::pairs::real_pairs;

/// What both clouds go through, and how it is called; the first leaves them as they are.
const FRAMES: [(&str, f64, f64); 4] =
    [("as it is", 1.0, 0.0), ("× 1e-3", 1e-3, 0.0), ("× 1e3", 1e3, 0.0), ("+ 5e6", 1.0, 5e6)];

pub fn jobs(asked: &Asked) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for pair in real_pairs(&asked.folder, &asked.only)? {
        for (name, unit, offset) in FRAMES {
            jobs.push(Job { id: format!("{} {name}", pair.job.id), unit, offset, ..pair.job.clone() });
        }
    }
    Ok(jobs)
}
