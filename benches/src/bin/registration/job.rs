//! One registration: what is asked, and what came out.

use std::time::Instant;

use barrow::geometry::{PointCloud, sample};
use barrow::registration::{Aligner, Method, Registration, SimilarityAligner};
use nalgebra::{Isometry3, Point3, Similarity3, Vector3};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::draws::Draws;
use crate::files::Files;
use crate::pose::{Limits, PoseError, Rows};

/// What is asked. Poses are `target_from_source` between the clouds as they stand in the files.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Job {
    /// Unlike any other's.
    pub id: String,
    /// What is counted together: a pair, an overlap, a start.
    #[serde(default)]
    pub group: String,
    pub source: String,
    pub target: String,
    /// The true pose; `None` if the clouds have nothing to do with each other.
    #[serde(default)]
    pub truth: Option<Rows>,
    /// How far from the truth an answer may be.
    #[serde(default)]
    pub must: Limits,
    /// `auto`, `transport`, `sliced`, `gicp`, `voxels`, `symmetric`, `plane` or `point`.
    #[serde(default)]
    pub method: String,
    /// Pose to start from.
    #[serde(default)]
    pub initial: Option<Rows>,
    /// Applied to the source first: a motion, for unrelated clouds a similarity.
    #[serde(default)]
    pub moved: Option<Rows>,
    /// Then both clouds are multiplied by this. 0 is 1.
    #[serde(default)]
    pub unit: f64,
    /// Then this is added to every coordinate of both.
    #[serde(default)]
    pub offset: f64,
    /// Before all that, the points are drawn anew.
    #[serde(default)]
    pub resampled: Option<Resampled>,
    /// Options of barrow, in the unit of the files; absent ones are read off the clouds.
    #[serde(default)]
    pub voxel_size: Option<f64>,
    #[serde(default)]
    pub max_distance: Option<f64>,
    /// What peers are told by hand.
    #[serde(default)]
    pub peer: Option<ByHand>,
    /// Runs, of whose times the median counts. 0 is 1.
    #[serde(default)]
    pub repeats: usize,
}

/// Scales that peers must be told, in the unit of the files.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ByHand {
    /// Of the global search.
    pub global_voxel: f64,
    /// Of the refinement.
    pub voxel: f64,
    /// Farthest match of the refinement.
    pub gate: f64,
}

/// A new draw of the points of both clouds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Resampled {
    /// Share of the points that is kept.
    pub share: f64,
    /// Standard deviation of what is added to every coordinate.
    pub noise: f64,
}

/// What came out. Lengths and the pose are between the clouds as they stand in the files.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Answer {
    pub id: String,
    pub group: String,
    /// Why there is no pose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    #[serde(rename = "T_target_source", default)]
    pub pose: Option<Rows>,
    /// None without a truth or a pose.
    #[serde(default)]
    pub error: Option<PoseError>,
    /// Whether the error is within the limits.
    pub right: bool,
    /// Whether the clouds have anything to do with each other.
    pub related: bool,
    /// `accepted`, `doubtful` or `failed`; refusals failed.
    pub verdict: Option<String>,
    #[serde(default)]
    pub fitness: f64,
    #[serde(default)]
    pub overlap: f64,
    #[serde(default)]
    pub converged: bool,
    #[serde(default)]
    pub iterations: usize,
    /// Points that took part.
    #[serde(default)]
    pub points: [usize; 2],
    /// Normalised error squared, δᵀ C⁻¹ δ with δ the error in the tangent space of the true pose: 6 on average, if
    /// the covariance C is right.
    #[serde(default)]
    pub nees: Option<f64>,
    #[serde(default)]
    pub stages: Vec<(String, usize, f64)>,
    /// Median over the runs, without reading.
    pub seconds: f64,
}

impl Job {
    /// Runs it.
    ///
    /// # Errors
    /// If a file cannot be read or the job makes no sense. That barrow finds no pose is an answer.
    pub fn run(&self, files: &mut Files) -> Result<Answer> {
        let moved = self.moved.map_or(Ok(Similarity3::identity()), |rows| rows.similarity())?;
        let unit = if self.unit == 0.0 { 1.0 } else { self.unit };
        let frame = Similarity3::new(Vector3::repeat(self.offset), Vector3::zeros(), unit);
        let (source, target) = (files.read(&self.source)?, files.read(&self.target)?);
        let centroid = source.centroid().ok_or("the source is empty")?;
        let (source, target) = (self.draw(&source, "source")?, self.draw(&target, "target")?);
        let (source, target) = (through(&source, &(frame * moved))?, through(&target, &frame)?);

        let initial = self.initial.map(|rows| rows.similarity()).transpose()?;
        let initial = initial.map(|initial| (frame * initial * moved.inverse() * frame.inverse()).isometry);
        let aligner = Aligner {
            method: method(&self.method)?,
            voxel_size: self.voxel_size.map(|length| unit * length),
            max_distance: self.max_distance.map(|length| unit * length),
            initial,
            ..Aligner::default()
        };
        let mut seconds = Vec::new();
        let found = loop {
            let started = Instant::now();
            // The pairs with a scale to find are the only ones that are told so.
            let found = match self.must.scale {
                None => aligner.align(&source, &target).map(|found| (found, 1.0)),
                Some(_) => SimilarityAligner { aligner: aligner.clone(), ..SimilarityAligner::default() }
                    .align(&source, &target)
                    .map(|found| (found.registration, found.target_from_source.scaling())),
            };
            seconds.push(started.elapsed().as_secs_f64());
            if seconds.len() >= self.repeats.max(1) {
                break found;
            }
        };
        let answer = Answer {
            id: self.id.clone(),
            group: self.group.clone(),
            related: self.truth.is_some(),
            seconds: barrow_benches::median(seconds),
            ..Answer::default()
        };
        let (found, scale) = match found {
            Ok(found) => found,
            Err(error) => {
                let verdict = Some("failed".into());
                return Ok(Answer { refused: Some(error.to_string()), verdict, ..answer });
            }
        };
        let run_truth = self.truth.map(|rows| rows.similarity()).transpose()?;
        let pose =
            frame.inverse() * Similarity3::from_isometry(found.target_from_source, scale) * frame * moved;
        let error = run_truth.map(|truth| PoseError::between(&pose, &truth, &centroid));
        let in_frame = run_truth.map(|truth| frame * truth * moved.inverse() * frame.inverse());
        Ok(Answer {
            pose: Some(pose.into()),
            error,
            right: error.is_some_and(|error| self.must.hold(&error)),
            verdict: verdict_of(&found),
            fitness: found.fitness,
            overlap: found.overlap,
            converged: found.convergence.converged(),
            iterations: found.convergence.iterations,
            points: [found.source_points, found.target_points],
            nees: in_frame.and_then(|truth| normalised_error_squared(&found, &truth.isometry)),
            stages: found
                .stages
                .iter()
                .map(|stage| (stage.name.to_string(), stage.iterations, stage.seconds))
                .collect(),
            ..answer
        })
    }

    /// The cloud, or a new draw of it.
    fn draw(&self, cloud: &PointCloud, role: &str) -> Result<PointCloud> {
        let Some(Resampled { share, noise }) = self.resampled else { return Ok(cloud.clone()) };
        let mut draws = Draws::of(&format!("{} {role}", self.id));
        let count = (share * cloud.len() as f64).round() as usize;
        let kept = sample(cloud, count, (draws.uniform() * 1e15) as u64);
        let positions = kept.positions().iter().map(|point| point + noise * draws.normals()).collect();
        Ok(PointCloud::new(positions)?)
    }
}

/// A cloud moved and scaled, with its normals if it has any.
pub fn through(cloud: &PointCloud, map: &Similarity3<f64>) -> Result<PointCloud> {
    if *map == Similarity3::identity() {
        return Ok(cloud.clone());
    }
    let positions: Vec<Point3<f64>> = cloud.positions().iter().map(|point| map * point).collect();
    let moved = PointCloud::new(positions)?;
    Ok(match cloud.normals() {
        Some(normals) => {
            moved.with_normals(normals.iter().map(|normal| map.isometry.rotation * normal).collect())?
        }
        None => moved,
    })
}

fn method(name: &str) -> Result<Method> {
    Ok(match name {
        "" | "auto" => Method::Auto,
        "transport" => Method::Transport,
        "sliced" => Method::Sliced,
        "gicp" => Method::Gicp,
        "voxels" => Method::VoxelGicp,
        "symmetric" => Method::Symmetric,
        "plane" => Method::PointToPlane,
        "point" => Method::PointToPoint,
        _ => {
            let known = "auto, transport, sliced, gicp, voxels, symmetric, plane, point";
            return Err(format!("method {name} is none of {known}").into());
        }
    })
}

/// What barrow says of it.
fn verdict_of(found: &Registration) -> Option<String> {
    Some(found.verdict.to_string())
}

/// δᵀ C⁻¹ δ, where T = T_truth ∘ (exp ω, t) and δ = (ω, t).
fn normalised_error_squared(found: &Registration, truth: &Isometry3<f64>) -> Option<f64> {
    let step = truth.inverse() * found.target_from_source;
    let (turn, shift) = (step.rotation.scaled_axis(), step.translation.vector);
    let delta = nalgebra::Vector6::new(turn.x, turn.y, turn.z, shift.x, shift.y, shift.z);
    let solved = found.covariance?.cholesky()?.solve(&delta);
    Some(delta.dot(&solved))
}
