//! A depth camera and what two of them see in common.

use std::f64::consts::PI;

use barrow_geometry::{Color, PointCloud};
use nalgebra::{Isometry3, Point3, Rotation3, Translation3, Unit, UnitQuaternion, Vector3};
use rayon::prelude::*;

use super::Object;
use super::solid::ObjectSolid;
use crate::Result;
use crate::random::Draws;

/// Distance of a camera from the object's middle.
pub(super) const DISTANCE: f64 = 1.6;
/// Tangent of half of the field of view: the object fills the image and never leaves it.
const HALF_FIELD: f64 = 0.43;
/// Pixels on an edge of the image by which overlap is measured, whatever the resolution of the scans.
const MEASURE: usize = 64;

/// A pinhole camera at one viewpoint: x to the right, y down, z along the optical axis.
pub(super) struct Camera<'a> {
    pub(super) solid: &'a ObjectSolid,
    pub(super) world_from_camera: Isometry3<f64>,
}

/// A viewpoint drawn from the seed, turned by an angle about an axis through the object's middle that is
/// drawn too.
pub(super) fn viewpoint(seed: u64, angle: f64) -> Isometry3<f64> {
    const STREAM: u64 = (1 << 32) + 1;
    let mut draws = Draws::at(seed, STREAM, 0);
    let outwards = draws.direction();
    // Perpendicular to the view, so that the angle is the one between the two optical axes.
    let axis = Unit::new_normalize(outwards.cross(&draws.direction()));
    let down = axis.cross(&outwards);
    let rotation = Rotation3::from_basis_unchecked(&[down.cross(&-outwards), down, -outwards]);
    let start = Isometry3::from_parts(
        Translation3::from(DISTANCE * outwards),
        UnitQuaternion::from_rotation_matrix(&rotation),
    );
    // Without a roll the axis would lie along the image's rows, whatever the seed.
    let roll = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), draws.between(-PI, PI));
    UnitQuaternion::from_axis_angle(&axis, angle) * start * roll
}

impl Camera<'_> {
    /// Depth along the optical axis of every pixel, row by row; `None` where the background is.
    fn depths(&self, resolution: usize) -> Vec<Option<f64>> {
        (0..resolution * resolution)
            .into_par_iter()
            .map(|pixel| {
                let direction = self.world_from_camera.rotation * pixel_ray(pixel, resolution).normalize();
                let origin = Point3::from(self.world_from_camera.translation.vector);
                let range = self.solid.hit(&origin, &direction)?;
                Some(range / pixel_ray(pixel, resolution).norm())
            })
            .collect()
    }

    /// Points of the surface, in the world, that a coarse image sees.
    pub(super) fn surface(&self) -> Vec<Point3<f64>> {
        let point = |(pixel, depth): (usize, Option<f64>)| {
            Some(self.world_from_camera * Point3::from(depth? * pixel_ray(pixel, MEASURE)))
        };
        self.depths(MEASURE).into_iter().enumerate().filter_map(point).collect()
    }

    /// Whether nothing hides a point of the surface from this camera.
    fn sees(&self, point: &Point3<f64>) -> bool {
        let origin = Point3::from(self.world_from_camera.translation.vector);
        let range = (point - origin).norm();
        // A tenth of a millimetre: less than any wave of the surface is high.
        self.solid.hit(&origin, &((point - origin) / range)).is_some_and(|hit| hit > range - 1e-4)
    }

    /// Share of some points of the surface that this camera sees; zero if there are none.
    pub(super) fn share_seen(&self, surface: &[Point3<f64>]) -> f64 {
        let seen = surface.par_iter().filter(|point| self.sees(point)).count();
        seen as f64 / surface.len().max(1) as f64
    }

    /// Pixels on an edge of an image with about some number of points, given the coarse image's ones.
    pub(super) fn resolution_for(points: f64, coarse: usize) -> usize {
        let filled = coarse.max(1) as f64 / (MEASURE * MEASURE) as f64;
        ((points / filled).sqrt().round() as usize).max(1)
    }

    /// The points of one image in the camera's frame, row by row, coloured by their place on the object.
    ///
    /// # Determinism
    /// The draws of a pixel are addressed by seed, view and pixel.
    pub(super) fn scan(&self, options: &Object, view: usize, resolution: usize) -> Result<PointCloud> {
        let depths = self.depths(resolution);
        let points: Vec<(Point3<f64>, Color)> = depths
            .par_iter()
            .enumerate()
            .filter_map(|(pixel, depth)| {
                let mut draws = Draws::at(options.seed, view as u64, pixel);
                if draws.happens(options.dropout) {
                    return None;
                }
                let (depth, ray) = ((*depth)?, pixel_ray(pixel, resolution));
                let color = color(&(self.world_from_camera * Point3::from(depth * ray)));
                let measured = depth + options.noise * draws.normal();
                // Noise as large as the distance would put a point behind the camera.
                (measured > 0.0).then(|| (Point3::from(measured * ray), color))
            })
            .collect();
        let (positions, colors) = points.into_iter().unzip();
        Ok(PointCloud::new(positions)?.with_colors(colors)?)
    }
}

/// Direction through the middle of a pixel, with depth one.
fn pixel_ray(pixel: usize, resolution: usize) -> Vector3<f64> {
    let coordinate = |index: usize| HALF_FIELD * ((2 * index + 1) as f64 / resolution as f64 - 1.0);
    Vector3::new(coordinate(pixel % resolution), coordinate(pixel / resolution), 1.0)
}

/// Broad stripes in three directions, of 8 bits each.
fn color(point: &Point3<f64>) -> Color {
    let stripe = |along: f64, shift: f64| {
        let share = 0.5 + 0.45 * (9.0 * along + shift).sin();
        257 * (255.0 * share).round() as u16
    };
    [stripe(point.x, 0.0), stripe(point.y, 2.0), stripe(point.z, 4.0)]
}
