//! A depth camera that looks at an object from several sides.

mod camera;
mod solid;

use std::f64::consts::PI;

use crate::error::{require_count, require_points};
use crate::scene::{Exact, Scene, SceneCloud, cloud_name};
use crate::shapes::require_noise;
use crate::{Error, Result};
use camera::{Camera, viewpoint};
pub use solid::ObjectSolid;

/// Scans of an asymmetric object from viewpoints whose views overlap as much as asked.
///
/// The object measures about a metre and hides parts of itself. A cloud holds what one pinhole depth
/// camera sees, in the camera's frame (x right, y down, z ahead), with colours that belong to the object. The
/// camera moves around the object by the same angle from view to view; the angle is found by bisection.
///
/// `Scene::exact` holds `view_angle`, in radians, and `overlap`: the share of the source's view that the target
/// sees too, measured without noise, which is also the best fitness that a registration can reach. With more
/// than two views it is that of the first pair, and `overlap_001_002` and so on follow.
///
/// # Units
/// Metres, radians.
///
/// ```
/// use barrow_datasets::Object;
///
/// let scene = Object { points: 1_000, overlap: 0.6, ..Default::default() }.make()?;
/// assert!((scene.value("overlap").unwrap() - 0.6).abs() < 0.01);
/// # Ok::<(), barrow_datasets::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Object {
    /// Points of a scan, approximately: the resolution of the camera is chosen for it.
    pub points: usize,
    /// Seed of the object, the viewpoints and every draw.
    pub seed: u64,
    /// Standard deviation of the depth, in metres.
    pub noise: f64,
    /// Probability that a pixel is lost, from 0 to below 1.
    pub dropout: f64,
    /// Number of views, from 1 to 1000.
    pub views: usize,
    /// Share of a view that the next view sees too, above 0 and at most 1. One view sees all of itself: at 1
    /// the camera does not move.
    pub overlap: f64,
}

impl Default for Object {
    fn default() -> Self {
        Self { points: 10_000, seed: 0, noise: 0.001, dropout: 0.01, views: 2, overlap: 0.9 }
    }
}

impl Object {
    /// Largest difference between the overlap asked for and the one measured.
    pub const OVERLAP_TOLERANCE: f64 = 0.01;

    /// Looks at the object from all viewpoints.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for an option out of its range, [`Error::OverlapOutOfReach`] if no angle
    /// gives the overlap to within [`OVERLAP_TOLERANCE`](Self::OVERLAP_TOLERANCE), [`Error::NothingSeen`] if
    /// a view has no points.
    pub fn make(&self) -> Result<Scene> {
        self.check()?;
        let solid = self.solid();
        let camera = |angle: f64| Camera { solid: &solid, world_from_camera: viewpoint(self.seed, angle) };
        let first = camera(0.0).surface();
        let angle = self.view_angle(|angle| camera(angle).share_seen(&first))?;
        let mut clouds = Vec::with_capacity(self.views);
        let mut exact = vec![Exact::new("view_angle", angle)];
        for view in 0..self.views {
            let here = camera(angle * view as f64);
            let surface = here.surface();
            let pixels = self.points as f64 / (1.0 - self.dropout);
            let mut resolution = Camera::resolution_for(pixels, surface.len());
            let mut points = here.scan(self, view, resolution)?;
            // A few pixels may all look through the handle.
            while points.is_empty() && resolution < 64 {
                resolution *= 2;
                points = here.scan(self, view, resolution)?;
            }
            if points.is_empty() {
                return Err(Error::NothingSeen { scan: view });
            }
            let mut cloud = SceneCloud::new(cloud_name("view", view, self.views), points);
            cloud.world_from_cloud = here.world_from_camera;
            clouds.push(cloud);
            if view + 1 < self.views {
                let overlap = camera(angle * (view + 1) as f64).share_seen(&surface);
                exact.push(match view {
                    0 => Exact::new("overlap", overlap),
                    _ => Exact::new(format!("overlap_{view:03}_{:03}", view + 1), overlap),
                });
            }
        }
        Ok(Scene { clouds, exact })
    }

    /// The object itself, in the common frame, to measure points against.
    pub fn solid(&self) -> ObjectSolid {
        ObjectSolid::new(self.seed)
    }

    /// The angle between two views with the overlap asked for. Overlap falls from 1 at angle 0 to 0 at the
    /// back, with dips where parts hide each other; bisection ends at one of the angles where it crosses.
    fn view_angle(&self, overlap: impl Fn(f64) -> f64) -> Result<f64> {
        // Seen once more from the same place, rounding hides a pixel here and there.
        if self.overlap == 1.0 {
            return Ok(0.0);
        }
        let (mut near, mut far) = (0.0, PI);
        let mut best = (f64::INFINITY, 0.0, 1.0);
        for _ in 0..16 {
            let angle = 0.5 * (near + far);
            let measured = overlap(angle);
            if (measured - self.overlap).abs() < best.0 {
                best = ((measured - self.overlap).abs(), angle, measured);
            }
            // A fifth of the tolerance: finer steps would follow single pixels.
            if best.0 < 0.2 * Self::OVERLAP_TOLERANCE {
                break;
            }
            if measured > self.overlap {
                near = angle;
            } else {
                far = angle;
            }
        }
        if best.0 <= Self::OVERLAP_TOLERANCE {
            Ok(best.1)
        } else {
            Err(Error::OverlapOutOfReach { asked: self.overlap, closest: best.2 })
        }
    }

    fn check(&self) -> Result<()> {
        require_points(self.points)?;
        require_noise(self.noise)?;
        require_count("views", self.views, 1, 1000, "from 1 to 1000")?;
        let within = |name, inside, requirement, got| match inside {
            true => Ok(()),
            false => Err(Error::InvalidOption { name, requirement, got }),
        };
        within("dropout", (0.0..1.0).contains(&self.dropout), ">= 0 and < 1", self.dropout)?;
        within("overlap", self.overlap > 0.0 && self.overlap <= 1.0, "> 0 and <= 1", self.overlap)
    }
}
