//! Clouds that are made from a seed or thinned, kept as arrays of NumPy so that peers read the same points.

use std::path::{Path, PathBuf};

use barrow::geometry::{NearestDistances, PointCloud, voxel_downsample};
use barrow::io::{WriteOptions, write};
use barrow_datasets::{Object, Scene, Street};
use nalgebra::{Isometry3, Point3, Vector3};

use crate::Result;
use crate::files::Files;
use crate::job::{ByHand, Job};
use crate::pose::Limits;
use crate::room;

/// Halvings of what is kept of two clouds, until they have as much in common as asked.
const CUTS: usize = 12;

/// Where they are kept.
pub struct Made {
    folder: PathBuf,
}

impl Made {
    /// In a folder, which is made.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn within(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.into() })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}.npy", name.replace([' ', '/'], "-")))
    }

    fn save(&self, name: &str, cloud: &PointCloud) -> Result<String> {
        let path = self.path(name);
        write(&path, &PointCloud::new(cloud.positions().to_vec())?, &WriteOptions::default())?;
        Ok(path.to_string_lossy().into_owned())
    }

    /// A pair thinned to one point a voxel.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn thinned(&self, job: &Job, voxel_size: f64, files: &mut Files) -> Result<Job> {
        let mut paths = [job.source.clone(), job.target.clone()];
        for (path, role) in paths.iter_mut().zip(["source", "target"]) {
            let name = format!("{} {role} {voxel_size}", job.id);
            let there = self.path(&name);
            *path = match there.exists() {
                true => there.to_string_lossy().into_owned(),
                false => self.save(&name, &voxel_downsample(&*files.read(path)?, voxel_size)?)?,
            };
        }
        let [source, target] = paths;
        Ok(Job { source, target, ..job.clone() })
    }

    /// A pair as a job without a guess.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn pair(&self, name: &str, pair: &MadePair) -> Result<Job> {
        Ok(Job {
            id: name.into(),
            source: self.save(&format!("{name} source"), &pair.source)?,
            target: self.save(&format!("{name} target"), &pair.target)?,
            truth: Some(pair.truth.into()),
            must: pair.must,
            peer: Some(pair.peer),
            ..Job::default()
        })
    }
}

/// Two clouds with the true pose.
pub struct MadePair {
    pub source: PointCloud,
    pub target: PointCloud,
    pub truth: Isometry3<f64>,
    must: Limits,
    peer: ByHand,
}

impl MadePair {
    fn of(scene: Scene, must: Limits, peer: ByHand) -> Result<Self> {
        let cloud = |name| scene.cloud(name).map(|cloud| cloud.points.clone()).ok_or("the scene is no pair");
        let truth = scene.target_from_source().ok_or("the scene is no pair")?;
        Ok(Self { source: cloud("source")?, target: cloud("target")?, truth, must, peer })
    }

    /// Two views of an object.
    ///
    /// # Errors
    /// If no two views overlap so much.
    pub fn object(overlap: f64, noise: f64, seed: u64) -> Result<Self> {
        let scene = Object { points: 10_000, overlap, noise, seed, ..Object::default() }.make()?;
        let must = Limits { rotation_deg: 5.0, centroid: Some(0.03), ..Limits::default() };
        // The voxel with which KISS-Matcher finds most of them, of 1, 1.5, 2, 3 and 4 cm.
        Self::of(scene, must, ByHand { global_voxel: 0.01, voxel: 0.01, gate: 0.05 })
    }

    /// Two scans of a street, so far apart.
    ///
    /// # Errors
    /// If the drive is out of range.
    pub fn street(apart: f64, noise: f64, seed: u64) -> Result<Self> {
        let street = Street { interval: 1.0, speed: apart, turn_rate: 0.3, noise, seed, ..Street::default() };
        let must = Limits { rotation_deg: 2.0, centroid: Some(0.3), ..Limits::default() };
        Self::of(street.make()?, must, ByHand { global_voxel: 0.5, voxel: 0.25, gate: 1.0 })
    }

    /// Two scans of a room, each of other points all over its surfaces.
    ///
    /// # Errors
    /// None in practice.
    pub fn room(seed: u64) -> Result<Self> {
        Ok(Self {
            source: room::scan(seed, "source")?,
            target: room::scan(seed, "target")?,
            truth: Isometry3::identity(),
            must: Limits { rotation_deg: 2.0, centroid: Some(0.1), ..Limits::default() },
            peer: ByHand { global_voxel: 0.1, voxel: 0.05, gate: 0.25 },
        })
    }

    /// A real pair.
    ///
    /// # Errors
    /// If its clouds cannot be read.
    pub fn real(job: &Job, files: &mut Files) -> Result<Self> {
        let (source, target) = (files.read(&job.source)?, files.read(&job.target)?);
        let (_, diagonal) = files.extent(&job.source)?;
        let must = Limits { rotation_deg: 5.0, centroid: Some(0.03 * diagonal), ..Limits::default() };
        let truth = job.truth.ok_or("no truth")?.similarity()?.isometry;
        let peer = job.peer.ok_or("nothing said by hand")?;
        Ok(Self { source: (*source).clone(), target: (*target).clone(), truth, must, peer })
    }

    /// The share of points with a partner within two voxels at the true pose, in the worse direction.
    ///
    /// # Errors
    /// If nothing is left of a cloud.
    pub fn overlap(&self) -> Result<f64> {
        let near = NearestDistances::between(&self.source.transformed(&self.truth), &self.target)?;
        let score = near.f_score(2.0 * self.peer.voxel)?;
        Ok(score.precision.min(score.recall))
    }

    /// Cuts both across a direction of the target's frame until they overlap no more than asked: the source keeps
    /// what lies lowest, the target what lies highest, the same share of each. `None` if the whole clouds have less in
    /// common.
    ///
    /// # Errors
    /// As [`overlap`](Self::overlap).
    pub fn cut(&self, across: &Vector3<f64>, overlap: f64) -> Result<Option<Self>> {
        if self.overlap()? < overlap {
            return Ok(None);
        }
        let (mut too_little, mut enough) = (0.0, 1.0);
        for _ in 0..CUTS {
            let middle = 0.5 * (too_little + enough);
            match self.ends(across, middle).overlap()? < overlap {
                true => too_little = middle,
                false => enough = middle,
            }
        }
        Ok(Some(self.ends(across, enough)))
    }

    /// This share of the source's lowest and of the target's highest points.
    fn ends(&self, across: &Vector3<f64>, kept: f64) -> Self {
        let source = lowest(&self.source, |point| (self.truth * point).coords.dot(across), kept);
        let target = lowest(&self.target, |point| -point.coords.dot(across), kept);
        Self { source, target, ..*self }
    }
}

/// The share of the points whose heights are the lowest, and at least one.
fn lowest(cloud: &PointCloud, height: impl Fn(&Point3<f64>) -> f64, share: f64) -> PointCloud {
    let heights: Vec<f64> = cloud.positions().iter().map(height).collect();
    let mut order: Vec<usize> = (0..cloud.len()).collect();
    order.sort_by(|&left, &right| heights[left].total_cmp(&heights[right]));
    order.truncate(((share * cloud.len() as f64).round() as usize).max(1));
    order.sort_unstable();
    cloud.select(&order)
}
