//! Samples of simple shapes, with exactly the number of points asked for.

use std::f64::consts::TAU;

use barrow_geometry::PointCloud;
use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

use crate::error::{require_count, require_points, require_within};
use crate::random::Draws;
use crate::scene::{Exact, Scene, SceneCloud};
use crate::{Error, Result};

/// A sphere and a torus, sampled uniformly by area: two surfaces that no rigid motion makes equal.
///
/// Point `i` depends on the seed and on `i` alone, so that a larger cloud begins with the smaller one.
///
/// ```
/// use barrow_datasets::SphereTorus;
///
/// let scene = SphereTorus { points: 500, ..Default::default() }.make()?;
/// let sphere = scene.cloud("source").unwrap();
/// assert!(sphere.points.positions().iter().all(|point| (point.coords.norm() - 1.0).abs() < 1e-12));
/// # Ok::<(), barrow_datasets::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SphereTorus {
    /// Points of each cloud, exactly.
    pub points: usize,
    /// Seed of every draw.
    pub seed: u64,
    /// Standard deviation of the noise on every coordinate, in metres.
    pub noise: f64,
}

impl Default for SphereTorus {
    fn default() -> Self {
        Self { points: 10_000, seed: 0, noise: 0.0 }
    }
}

impl SphereTorus {
    /// Radius of the sphere, in metres, around the origin.
    pub const SPHERE_RADIUS: f64 = 1.0;
    /// Distance of the torus' tube from its axis z, in metres.
    pub const TORUS_MAJOR: f64 = 0.75;
    /// Radius of the tube, in metres.
    pub const TORUS_MINOR: f64 = 0.25;

    /// The sphere as source, the torus as target.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if there are no points, too many, or the noise is negative or not finite.
    pub fn make(&self) -> Result<Scene> {
        require_points(self.points)?;
        require_noise(self.noise)?;
        let sphere = cloud(self.points, |index| {
            let mut draws = Draws::at(self.seed, 0, index);
            Self::SPHERE_RADIUS * draws.direction() + self.noise * draws.normals()
        })?;
        let torus = cloud(self.points, |index| {
            let mut draws = Draws::at(self.seed, 1, index);
            on_torus(&mut draws) + self.noise * draws.normals()
        })?;
        let exact = vec![
            Exact::new("sphere_radius", Self::SPHERE_RADIUS),
            Exact::new("torus_major_radius", Self::TORUS_MAJOR),
            Exact::new("torus_minor_radius", Self::TORUS_MINOR),
        ];
        Ok(pair(sphere, torus, exact))
    }
}

/// Two independent samples of the unit cube.
///
/// Both have the same density, whose distance to itself is zero: what a solver finds between the samples
/// is the fluctuation of sampling, the hardest case for methods that look for structure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cube {
    /// Points of each cloud, exactly.
    pub points: usize,
    /// Seed of every draw.
    pub seed: u64,
}

impl Default for Cube {
    fn default() -> Self {
        Self { points: 10_000, seed: 0 }
    }
}

impl Cube {
    /// Both samples, uniform in the cube of side 1 m around the origin.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if there are no points or too many.
    pub fn make(&self) -> Result<Scene> {
        require_points(self.points)?;
        let sample = |stream| cloud(self.points, |index| Draws::at(self.seed, stream, index).in_cube());
        Ok(pair(sample(0)?, sample(1)?, vec![Exact::new("wasserstein_2_of_the_densities", 0.0)]))
    }
}

/// Two samples of Gaussian clusters in the unit cube, source and target with centres of their own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clusters {
    /// Points of each cloud, exactly.
    pub points: usize,
    /// Seed of every draw.
    pub seed: u64,
    /// Number of clusters in each cloud, from 1 to 100 000.
    pub clusters: usize,
    /// Standard deviation of a cluster on every axis, in metres.
    pub spread: f64,
}

impl Default for Clusters {
    fn default() -> Self {
        Self { points: 10_000, seed: 0, clusters: 16, spread: 0.02 }
    }
}

impl Clusters {
    /// Both mixtures. Point `i` belongs to cluster `i % clusters`.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if a count is out of range or the spread is negative or not finite.
    pub fn make(&self) -> Result<Scene> {
        require_points(self.points)?;
        require_count("clusters", self.clusters, 1, 100_000, "from 1 to 100000")?;
        require_within("spread", self.spread, 0.0, 1e6, "finite, >= 0 and <= 1e6")?;
        let mixture = |stream: u64| {
            // Centres and members are streams of their own.
            let center = |cluster| Draws::at(self.seed, 2 + stream, cluster).in_cube();
            let centers: Vec<Vector3<f64>> = (0..self.clusters).map(center).collect();
            cloud(self.points, |index| {
                let mut draws = Draws::at(self.seed, stream, index);
                centers[index % self.clusters] + self.spread * draws.normals()
            })
        };
        Ok(pair(mixture(0)?, mixture(1)?, vec![Exact::new("clusters", self.clusters as f64)]))
    }
}

/// Accepts a standard deviation in metres.
pub(crate) fn require_noise(noise: f64) -> Result<f64> {
    require_within("noise", noise, 0.0, 1e6, "finite, >= 0 and <= 1e6")
}

/// Uniform by area: the tube's circumference at angle φ is proportional to R + r cos φ, so φ is drawn
/// uniformly and kept with that probability.
fn on_torus(draws: &mut Draws) -> Vector3<f64> {
    let (major, minor) = (SphereTorus::TORUS_MAJOR, SphereTorus::TORUS_MINOR);
    let (sine, cosine) = loop {
        let (sine, cosine) = (TAU * draws.uniform()).sin_cos();
        if draws.happens((major + minor * cosine) / (major + minor)) {
            break (sine, cosine);
        }
    };
    let (around_y, around_x) = (TAU * draws.uniform()).sin_cos();
    let from_axis = major + minor * cosine;
    Vector3::new(from_axis * around_x, from_axis * around_y, minor * sine)
}

fn cloud(points: usize, position: impl Fn(usize) -> Vector3<f64> + Sync) -> Result<PointCloud> {
    let positions = (0..points).into_par_iter().map(|index| Point3::from(position(index))).collect();
    PointCloud::new(positions).map_err(Error::from)
}

fn pair(source: PointCloud, target: PointCloud, exact: Vec<Exact>) -> Scene {
    Scene { clouds: vec![SceneCloud::new("source", source), SceneCloud::new("target", target)], exact }
}
