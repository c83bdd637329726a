//! One revolution of the sensor.

use std::f64::consts::TAU;

use barrow_geometry::PointCloud;
use nalgebra::{Isometry3, Point3, Vector3};
use rayon::prelude::*;

use super::Street;
use super::drive::Drive;
use super::surface::Ray;
use super::tree::SurfaceTree;
use super::world::World;
use crate::Result;
use crate::random::Draws;

/// Duration of a revolution.
const REVOLUTION: f64 = 0.1;
/// Stream of the phases, away from those of the scans and of the street.
const PHASES: u64 = 1 << 33;
/// Nearer returns come from the vehicle itself.
const BLIND: f64 = 0.5;

pub(super) struct Scanner<'a> {
    pub(super) street: &'a Street,
    pub(super) world: &'a World,
    pub(super) drive: Drive,
    pub(super) columns: usize,
}

struct Return {
    position: Point3<f64>,
    intensity: f64,
    time: f64,
}

impl Scanner<'_> {
    /// The returns of one scan in firing order, in the sensor's frame.
    ///
    /// # Determinism
    /// The draws of a ray are addressed by seed, scan, column and beam.
    pub(super) fn scan(&self, scan: usize) -> Result<PointCloud> {
        let returns = self.returns(scan);
        let positions = returns.iter().map(|point| point.position).collect();
        Ok(PointCloud::new(positions)?
            .with_intensities(returns.iter().map(|point| point.intensity).collect())?
            .with_times(returns.iter().map(|point| point.time).collect())?)
    }

    /// Number of returns of a scan.
    pub(super) fn count(&self, scan: usize) -> usize {
        self.returns(scan).len()
    }

    fn returns(&self, scan: usize) -> Vec<Return> {
        let start = self.street.interval * scan as f64;
        let at =
            |time| (self.drive.world_from_sensor(time), self.world.cars_at(time, &self.drive.place(time)));
        let frozen = at(start);
        // The disc does not stand where it stood a revolution ago.
        let phase = Draws::at(self.street.seed, PHASES, scan).uniform();
        let columns: Vec<Vec<Return>> = (0..self.columns)
            .into_par_iter()
            .map(|column| {
                let turn = column as f64 / self.columns as f64;
                let time = start + REVOLUTION * turn;
                let azimuth = TAU * (turn + phase / self.columns as f64);
                if self.street.motion_distortion {
                    let (pose, cars) = at(time);
                    self.column(scan, column, azimuth, time, &pose, &cars)
                } else {
                    self.column(scan, column, azimuth, time, &frozen.0, &frozen.1)
                }
            })
            .collect();
        columns.into_iter().flatten().collect()
    }

    /// All beams of one firing, from the lowest up. The disc turns clockwise seen from above.
    fn column(
        &self,
        scan: usize,
        column: usize,
        azimuth: f64,
        time: f64,
        world_from_sensor: &Isometry3<f64>,
        cars: &SurfaceTree,
    ) -> Vec<Return> {
        let beams = self.street.beams;
        let [low, high] = self.street.elevations;
        let cast = |beam: usize| {
            let share = if beams == 1 { 0.5 } else { beam as f64 / (beams - 1) as f64 };
            let (up, ahead) = (low + share * (high - low)).sin_cos();
            let direction = Vector3::new(ahead * azimuth.cos(), -ahead * azimuth.sin(), up);
            let ray = Ray {
                origin: world_from_sensor.translation.vector.into(),
                direction: world_from_sensor.rotation * direction,
            };
            let hit = self.world.hit(&ray, self.street.max_range, cars)?;
            let mut draws = Draws::at(self.street.seed, scan as u64, column * beams + beam);
            if draws.happens(self.street.dropout) {
                return None;
            }
            let range = hit.distance + self.street.noise * draws.normal();
            (range > BLIND).then(|| Return {
                position: Point3::from(range * direction),
                intensity: hit.reflectance * hit.normal.dot(&ray.direction).abs(),
                time,
            })
        };
        (0..beams).filter_map(cast).collect()
    }
}
