//! The real pairs from a start beside the truth, off by 2 degrees and 1 % of the diagonal: how exact is the end?

use super::{Asked, beside};
use crate::Result;
use crate::files::Files;
use crate::job::Job;
use crate::pairs::real_pairs;

pub fn jobs(asked: &Asked, files: &mut Files) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for pair in real_pairs(&asked.folder, &asked.only)? {
        // small_gicp has no scale.
        if pair.job.must.scale.is_none() {
            jobs.push(beside(pair.job, 2.0, 0.01, files)?);
        }
    }
    Ok(jobs)
}
