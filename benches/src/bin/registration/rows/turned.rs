//! The real pairs, the source turned by any rotation about its centroid and shifted by up to its diagonal on every axis.

use super::Asked;
use crate::Result;
use crate::draws::Draws;
use crate::files::Files;
use crate::job::Job;
use crate::pairs::real_pairs;
use crate::pose::about;

pub fn jobs(asked: &Asked, files: &mut Files) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for pair in real_pairs(&asked.folder, &asked.only)? {
        let (centroid, diagonal) = files.extent(&pair.job.source)?;
        for draw in 0..asked.draws.unwrap_or(20) {
            let id = format!("{} turned {draw}", pair.job.id);
            let mut draws = Draws::of(&id);
            let moved = about(&centroid, draws.rotation(), draws.in_cube(diagonal));
            jobs.push(Job { id, moved: Some(moved.into()), ..pair.job.clone() });
        }
    }
    Ok(jobs)
}
