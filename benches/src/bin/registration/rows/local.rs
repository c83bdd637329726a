//! Refinement alone: clouds thinned beforehand, a start off by 3 degrees and 1 % of the diagonal, one matching distance.
//!
//! Barrow is told half of the voxel by which the clouds were thinned, so that it merges next to none of the points.

use super::{Asked, beside};
use crate::Result;
use crate::files::Files;
use crate::job::Job;
use crate::made::Made;
use crate::pairs::real_pairs;

pub fn jobs(asked: &Asked, files: &mut Files) -> Result<Vec<Job>> {
    let made = Made::within(&asked.made)?;
    let mut jobs = Vec::new();
    for pair in real_pairs(&asked.folder, &asked.only)? {
        if pair.job.must.scale.is_some() {
            continue;
        }
        let by_hand = pair.job.peer.ok_or("nothing said by hand")?;
        let thinned = made.thinned(&pair.job, by_hand.voxel, files)?;
        jobs.push(Job {
            method: if asked.method == "auto" { "gicp".into() } else { asked.method.clone() },
            voxel_size: Some(0.5 * by_hand.voxel),
            max_distance: Some(by_hand.gate),
            ..beside(thinned, 3.0, 0.01, files)?
        });
    }
    Ok(jobs)
}
