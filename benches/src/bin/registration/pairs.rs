//! The real pairs: what `pairs.json` lists, and what `sets.json` asks of each.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Result;
use crate::job::{ByHand, Job};
use crate::pose::{Limits, Rows};

/// What is asked of every set of pairs, and what peers are told by hand.
const SETS: &str = include_str!("../../../registration/sets.json");

/// An entry of `pairs.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct Pair {
    pub id: String,
    dir: String,
    source: String,
    target: String,
    gt_file: String,
}

/// Pairs that are asked alike.
#[derive(Debug, Clone, Deserialize)]
struct Set {
    /// How their ids begin.
    pairs: Vec<String>,
    /// What was scanned: clouds of two scenes have nothing to do with each other.
    scene: String,
    must: Limits,
    peer: ByHand,
}

/// A pair with all that is known of it.
#[derive(Debug, Clone)]
pub struct RealPair {
    /// Unmoved, with the true pose.
    pub job: Job,
    pub scene: String,
}

/// All pairs of a folder whose id contains `only`.
///
/// # Errors
/// If the list or a pose cannot be read, or a pair belongs to no set.
pub fn real_pairs(folder: &Path, only: &str) -> Result<Vec<RealPair>> {
    let text = |path: PathBuf| {
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let pairs: Vec<Pair> = serde_json::from_str(&text(folder.join("pairs.json"))?)?;
    let sets: Vec<Set> = serde_json::from_str(SETS)?;
    let known = |pair: Pair| -> Result<RealPair> {
        let of = |set: &&Set| set.pairs.iter().any(|prefix| pair.id.starts_with(prefix));
        let set = sets.iter().find(of).ok_or_else(|| format!("sets.json has no set for {}", pair.id))?;
        let at = |name: &str| folder.join(&pair.dir).join(name).to_string_lossy().into_owned();
        let truth = Rows::parse(&text(folder.join(&pair.gt_file))?)?.similarity()?;
        let job = Job {
            group: pair.id.clone(),
            source: at(&pair.source),
            target: at(&pair.target),
            truth: Some(truth.into()),
            must: set.must,
            peer: Some(set.peer),
            id: pair.id,
            ..Job::default()
        };
        Ok(RealPair { job, scene: set.scene.clone() })
    };
    pairs.into_iter().filter(|pair| pair.id.contains(only)).map(known).collect()
}
