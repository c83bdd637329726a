//! Sources of one scene and targets of another: there is no pose to find.
//!
//! Half of the sources are scaled to the size of the target, because a bunny of 15 cm is too easily told from a street.
//! All are turned at random.

use nalgebra::Similarity3;

use super::Asked;
use crate::Result;
use crate::draws::Draws;
use crate::files::Files;
use crate::job::Job;
use crate::pairs::real_pairs;
use crate::pose::{Limits, about};

pub fn jobs(asked: &Asked, files: &mut Files) -> Result<Vec<Job>> {
    let pairs = real_pairs(&asked.folder, "")?;
    let mut clouds: Vec<(String, String, &Job)> = Vec::new();
    for pair in &pairs {
        for path in [&pair.job.source, &pair.job.target] {
            if clouds.iter().all(|(known, ..)| known != path) {
                clouds.push((path.clone(), pair.scene.clone(), &pair.job));
            }
        }
    }
    let mut mixed = Vec::new();
    for (source, source_scene, _) in &clouds {
        for (target, target_scene, job) in &clouds {
            if source_scene != target_scene {
                mixed.push((source, target, format!("{source_scene} on {target_scene}"), *job));
            }
        }
    }
    mixed.retain(|(.., group, _)| group.contains(&asked.only));
    Draws::of("unrelated").shuffle(&mut mixed);
    mixed.truncate(asked.draws.unwrap_or(200));

    let mut jobs = Vec::new();
    for (index, (source, target, group, job)) in mixed.into_iter().enumerate() {
        let scaled = index % 2 == 1;
        let name = |path: &String| path.rsplit('/').next().unwrap_or(path).to_string();
        let how = if scaled { "of one size" } else { "as they are" };
        let id = format!("{group}: {} on {}, {how}", name(source), name(target));
        let mut draws = Draws::of(&id);
        let ((centroid, diagonal), (_, other)) = (files.extent(source)?, files.extent(target)?);
        let turn = about(&centroid, draws.rotation(), draws.in_cube(diagonal));
        let scale = if scaled && diagonal > 0.0 { other / diagonal } else { 1.0 };
        jobs.push(Job {
            id,
            group: how.into(),
            source: source.clone(),
            target: target.clone(),
            truth: None,
            must: Limits::default(),
            moved: Some((Similarity3::from_scaling(scale) * turn).into()),
            peer: job.peer,
            ..Job::default()
        });
    }
    Ok(jobs)
}
