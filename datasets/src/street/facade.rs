//! A house: a box whose four walls are cut by rows of windows.

use barrow_geometry::Bounds;
use nalgebra::{Point3, Vector3};

use super::surface::{Ray, signed_box, slabs};

/// Windows return less than walls.
const GLASS: f64 = 0.3;

/// An upright box along the axes with a rectangular recess for every window.
#[derive(Debug, Clone)]
pub(super) struct Facade {
    pub(super) min: Point3<f64>,
    pub(super) max: Point3<f64>,
    /// Height of a storey.
    pub(super) storey: f64,
    /// Wanted distance between the middles of two windows.
    pub(super) spacing: f64,
    /// Width and height of a window; they fit between two middles and two floors.
    pub(super) window: [f64; 2],
    /// Height of a window's lower edge above its floor.
    pub(super) sill: f64,
    /// How far a window lies behind the wall.
    pub(super) recess: f64,
}

impl Facade {
    pub(super) fn bounds(&self) -> Bounds {
        Bounds { min: self.min, max: self.max }
    }

    /// Distance, normal and share of the reflectance.
    pub(super) fn hit(&self, ray: &Ray) -> Option<(f64, Vector3<f64>, f64)> {
        let (origin, direction) = (ray.origin.coords, ray.direction);
        let ((entry, axis), _) = slabs(&origin, &direction, &self.min.coords, &self.max.coords)?;
        let mut normal = Vector3::zeros();
        normal[axis] = 1.0;
        let entered_at = ray.at(entry);
        if entry <= 0.0 || axis == 2 {
            return Some((entry, normal, 1.0));
        }
        let Some((min, max)) = self.window_around(axis, direction[axis] > 0.0, &entered_at) else {
            return Some((entry, normal, 1.0));
        };
        let inside = |i: usize| i == axis || (min[i] < entered_at[i] && entered_at[i] < max[i]);
        if !(0..3).all(inside) {
            return Some((entry, normal, 1.0));
        }
        // Through the opening: the ray ends on the pane or on the reveal around it.
        let (_, (exit, exit_axis)) = slabs(&origin, &direction, &min.coords, &max.coords)?;
        let mut normal = Vector3::zeros();
        normal[exit_axis] = 1.0;
        Some((exit, normal, if exit_axis == axis { GLASS } else { 1.0 }))
    }

    /// Zero exactly on walls, reveals and panes.
    pub(super) fn distance(&self, point: &Point3<f64>) -> f64 {
        let half = 0.5 * (self.max - self.min);
        let solid = signed_box(&(point - self.bounds().center()), &half);
        let mut distance = solid;
        for axis in 0..2 {
            for low_side in [true, false] {
                if let Some((min, max)) = self.window_around(axis, low_side, point) {
                    // Open to the outside: the recess has no lid.
                    let (mut open_min, mut open_max) = (min, max);
                    if low_side {
                        open_min[axis] -= 1e3;
                    } else {
                        open_max[axis] += 1e3;
                    }
                    let center = nalgebra::center(&open_min, &open_max);
                    let recess = signed_box(&(point - center), &(0.5 * (open_max - open_min)));
                    distance = distance.max(-recess);
                }
            }
        }
        distance.abs()
    }

    /// The recess nearest to a point of a wall, as a box; `None` where a wall is too small for any.
    fn window_around(
        &self,
        axis: usize,
        low_side: bool,
        point: &Point3<f64>,
    ) -> Option<(Point3<f64>, Point3<f64>)> {
        let along = 1 - axis;
        let cell = |length: f64, period: f64, position: f64| {
            let count = (length / period).floor();
            (count >= 1.0).then(|| (position / (length / count)).floor().clamp(0.0, count - 1.0))
        };
        let width = self.max[along] - self.min[along];
        let column = cell(width, self.spacing, point[along] - self.min[along])?;
        let pitch = width / (width / self.spacing).floor();
        // Storeys are not stretched: what is left of the height is the attic.
        let storeys = ((self.max.z - self.min.z) / self.storey).floor();
        let floor = ((point.z - self.min.z) / self.storey).floor().clamp(0.0, storeys - 1.0);
        if storeys < 1.0 {
            return None;
        }
        let (mut min, mut max) = (self.min, self.max);
        min[along] = self.min[along] + (column + 0.5) * pitch - 0.5 * self.window[0];
        max[along] = min[along] + self.window[0];
        min.z = self.min.z + floor * self.storey + self.sill;
        max.z = min.z + self.window[1];
        if low_side {
            max[axis] = min[axis] + self.recess;
        } else {
            min[axis] = max[axis] - self.recess;
        }
        Some((min, max))
    }
}
