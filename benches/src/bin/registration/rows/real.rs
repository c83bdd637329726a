//! The real pairs as they are, without a guess.

use super::Asked;
use crate::Result;
use crate::job::Job;
use crate::pairs::real_pairs;

pub fn jobs(asked: &Asked) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for pair in real_pairs(&asked.folder, &asked.only)? {
        let mut job = pair.job;
        if asked.reverse {
            std::mem::swap(&mut job.source, &mut job.target);
            let truth = job.truth.map(|truth| truth.similarity()).transpose()?;
            job.truth = truth.map(|truth| truth.inverse().into());
        }
        jobs.push(job);
    }
    Ok(jobs)
}
