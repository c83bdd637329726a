//! Made pairs whose points are drawn anew, half of them each time, with noise: is the error as large as the covariance says?

use barrow::registration::automatic_max_distance;

use super::{Asked, beside};
use crate::Result;
use crate::files::Files;
use crate::job::{Job, Resampled};
use crate::made::{Made, MadePair};

/// Scenes of a kind, over which the draws go round.
const SCENES: u64 = 5;

/// Standard deviations of the points \[voxels\].
const NOISE: [f64; 3] = [0.0, 0.1, 0.5];

/// Voxels of the gate that is taken for two clouds.
const GATE: f64 = 3.0;

type Make = fn(u64) -> Result<MadePair>;

const KINDS: [(&str, Make); 3] = [
    ("object", |seed| MadePair::object(0.9, 0.0, seed)),
    ("street", |seed| MadePair::street(2.0, 0.0, seed)),
    ("room", MadePair::room),
];

pub fn jobs(asked: &Asked, files: &mut Files) -> Result<Vec<Job>> {
    let made = Made::within(&asked.made)?;
    let mut jobs = Vec::new();
    for (kind, make) in KINDS.into_iter().filter(|(kind, _)| kind.contains(&asked.only)) {
        let scenes = (1..=SCENES).map(|seed| {
            let pair = make(seed)?;
            // Half of the points are left, which takes wider voxels where those follow the spacing.
            let voxel = automatic_max_distance(&pair.source, &pair.target)? / GATE;
            Ok((made.pair(&format!("exact {kind} {seed}"), &pair)?, voxel))
        });
        let scenes = scenes.collect::<Result<Vec<_>>>()?;
        for level in NOISE {
            let group = format!("{kind}, noise {level}");
            for draw in 0..asked.draws.unwrap_or(20) {
                let (pair, voxel) = &scenes[draw % scenes.len()];
                let job = Job { id: format!("{group}, {draw}"), group: group.clone(), ..pair.clone() };
                let resampled = Some(Resampled { share: 0.5, noise: level * voxel });
                jobs.push(Job { resampled, ..beside(job, 1.0, 0.005, files)? });
            }
        }
    }
    Ok(jobs)
}
