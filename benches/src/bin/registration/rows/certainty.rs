//! Made pairs whose points are drawn anew, half of them each time, with noise: is the error as large as the covariance says?

use super::{Asked, beside};
use crate::Result;
use crate::files::Files;
use crate::job::{Job, Resampled};
use crate::made::{Made, MadePair};

pub fn jobs(asked: &Asked, files: &mut Files) -> Result<Vec<Job>> {
    let made = Made::within(&asked.made)?;
    let mut jobs = Vec::new();
    for (name, noise, pair) in [
        ("exact object", 0.002, MadePair::object(0.9, 0.0, 1)?),
        ("exact street", 0.02, MadePair::street(2.0, 0.0, 1)?),
    ] {
        if !name.contains(&asked.only) {
            continue;
        }
        let pair = Job { group: name.into(), ..made.pair(name, &pair)? };
        for draw in 0..asked.draws.unwrap_or(50) {
            let job = Job { id: format!("{name} {draw}"), ..pair.clone() };
            let resampled = Some(Resampled { share: 0.5, noise });
            jobs.push(Job { resampled, ..beside(job, 1.0, 0.005, files)? });
        }
    }
    Ok(jobs)
}
