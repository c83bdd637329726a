//! Starts that are off by 30, 60, 90 and 120 degrees about random axes, and by 2 % of the diagonal.

use nalgebra::UnitQuaternion;

use super::Asked;
use crate::Result;
use crate::draws::Draws;
use crate::files::Files;
use crate::job::Job;
use crate::made::Made;
use crate::pairs::real_pairs;
use crate::pose::{Limits, about};

/// The pairs, and what translation counts as found: the peers' figures were taken with these.
const PAIRS: [(&str, f64); 3] = [("small_gicp", 0.3), ("bunny_045_to_000", 0.005), ("fricp_monkey", 0.03)];
const STARTS: [f64; 4] = [30.0, 60.0, 90.0, 120.0];

pub fn jobs(asked: &Asked, files: &mut Files) -> Result<Vec<Job>> {
    let made = Made::within(&asked.made)?;
    let mut jobs = Vec::new();
    for pair in real_pairs(&asked.folder, &asked.only)? {
        let Some((_, translation)) = PAIRS.iter().find(|(id, _)| *id == pair.job.id) else { continue };
        let voxel_size = pair.job.peer.ok_or("nothing said by hand")?.global_voxel;
        let thinned = made.thinned(&pair.job, voxel_size, files)?;
        let truth = thinned.truth.ok_or("no truth")?.similarity()?.isometry;
        let (centroid, diagonal) = files.extent(&thinned.source)?;
        for degrees in STARTS {
            for draw in 0..asked.draws.unwrap_or(20) {
                let id = format!("{} from {degrees} {draw}", pair.job.id);
                let mut draws = Draws::of(&id);
                let turn = UnitQuaternion::from_axis_angle(&draws.direction(), degrees.to_radians());
                let shift = 0.02 * diagonal * draws.direction().into_inner();
                let start = about(&(truth * centroid), turn, shift) * truth;
                jobs.push(Job {
                    id,
                    group: format!("{} from {degrees}°", pair.job.id),
                    must: Limits { rotation_deg: 5.0, translation: Some(*translation), ..Limits::default() },
                    method: if asked.method == "auto" { "transport".into() } else { asked.method.clone() },
                    initial: Some(start.into()),
                    ..thinned.clone()
                });
            }
        }
    }
    Ok(jobs)
}
