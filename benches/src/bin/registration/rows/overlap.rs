//! Made pairs of every overlap from 0.2 to 1, in unknown poses: the source is turned by any rotation.
//!
//! Views of an object have the overlap asked for. That of two scans of a street is measured: the share of points with
//! a partner within half a metre at the true pose, in the worse direction. Streets and real pairs of large overlap are
//! also cut in two, until so much is common by the same measure.

use super::Asked;
use crate::Result;
use crate::draws::Draws;
use crate::files::Files;
use crate::job::Job;
use crate::made::{Made, MadePair};
use crate::pairs::real_pairs;
use crate::pose::about;

/// How far a car drives between two scans \[m\].
const APART: [f64; 8] = [1.0, 4.0, 8.0, 12.0, 16.0, 24.0, 32.0, 40.0];
const CUT: [f64; 5] = [0.2, 0.3, 0.4, 0.5, 0.7];
/// Real pairs that overlap enough to be cut.
const WHOLE: [&str; 2] = ["simpleicp_dragon_2_to_1", "pcl_room_2_to_1"];

pub fn jobs(asked: &Asked, files: &mut Files) -> Result<Vec<Job>> {
    let made = Made::within(&asked.made)?;
    let mut jobs = Vec::new();
    let mut add =
        |id: String, group: String, make: &mut dyn FnMut() -> Result<Option<MadePair>>| -> Result<()> {
            if !id.contains(&asked.only) {
                return Ok(());
            }
            let Some(pair) = make()? else { return Ok(()) };
            let mut draws = Draws::of(&id);
            let (Some(centroid), Some(bounds)) = (pair.source.centroid(), pair.source.bounds()) else {
                return Err(format!("{id} is empty").into());
            };
            let moved = about(&centroid, draws.rotation(), draws.in_cube(bounds.extent().norm()));
            let group = match group.is_empty() {
                true => format!("street, overlap {:.1}", pair.overlap()?),
                false => group,
            };
            jobs.push(Job { group, moved: Some(moved.into()), ..made.pair(&id, &pair)? });
            Ok(())
        };
    let whole = match asked.folder.join("pairs.json").exists() {
        true => real_pairs(&asked.folder, "")?,
        false => Vec::new(),
    };
    for draw in 0..asked.draws.unwrap_or(10) as u64 {
        for tenths in 2..=10 {
            let overlap = f64::from(tenths) / 10.0;
            let group = format!("object, overlap {overlap:.1}");
            add(format!("object {overlap:.1} {draw}"), group, &mut || {
                // An object may have no two views with so much in common, and then another one does.
                let seeds = (0..20).map(|next| draw + 1000 * next);
                let mut pairs = seeds.map(|seed| MadePair::object(overlap, 0.001, seed));
                pairs.find(|pair| pair.is_ok()).ok_or("no object has such views")?.map(Some)
            })?;
        }
        for apart in APART {
            let name = format!("street {apart} m {draw}");
            add(name, String::new(), &mut || MadePair::street(apart, 0.02, draw).map(Some))?;
        }
        for overlap in CUT {
            let across = |id: &str| Draws::of(&format!("{id} cut")).direction().into_inner();
            let id = format!("street cut {overlap:.1} {draw}");
            add(id.clone(), format!("street cut, overlap {overlap:.1}"), &mut || {
                // Upright, as buildings hide what lies behind them.
                let mut across = across(&id);
                across.z = 0.0;
                MadePair::street(1.0, 0.02, draw)?.cut(&across, overlap)
            })?;
            for pair in whole.iter().filter(|pair| WHOLE.contains(&pair.job.id.as_str())) {
                let id = format!("{} cut {overlap:.1} {draw}", pair.job.id);
                add(id.clone(), format!("{} cut, overlap {overlap:.1}", pair.job.id), &mut || {
                    MadePair::real(&pair.job, files)?.cut(&across(&id), overlap)
                })?;
            }
        }
    }
    jobs.sort_by(|left, right| left.group.cmp(&right.group));
    Ok(jobs)
}
