//! The eye: around a point, at a distance, with an axis that stays up.

use barrow_geometry::Bounds;
use kiss3d::camera::Camera3d;
use kiss3d::event::WindowEvent;
use kiss3d::glamx::{Mat4, Pose3, Vec3, glam};
use kiss3d::window::Canvas;
use nalgebra::{Matrix3, Point2, Point3, Vector3};

use crate::Up;

/// Angle between the upper and the lower edge of the picture \[rad\].
const FIELD_OF_VIEW: f64 = 0.75;

/// Where the eye stands at first: a little from the right, from above \[rad\].
const FIRST_YAW: f64 = -1.1;
const FIRST_PITCH: f64 = 0.55;

/// Share of the picture that points may fill when all are seen.
const SPARE: f64 = 0.92;

/// Nearest and farthest distance of the eye, in radii of the scene.
const NEAREST: f64 = 1e-5;
const FARTHEST: f64 = 100.0;

/// An eye that looks at a focus.
///
/// Everything is kept in f64 in the frame of the clouds; the device gets numbers relative to [`origin`](Self::origin), and so
/// clouds far from their origin (UTM) do not tremble.
#[derive(Debug, Clone, PartialEq)]
pub struct Eye {
    /// What all coordinates on the device are relative to.
    pub origin: Point3<f64>,
    /// Middle of the scene.
    pub center: Point3<f64>,
    /// Radius of the scene about its middle \[m\].
    pub radius: f64,
    /// The point that is looked at.
    pub focus: Point3<f64>,
    /// From the eye to the focus \[m\].
    pub distance: f64,
    /// Angle about the axis that is up \[rad\].
    pub yaw: f64,
    /// Angle above the horizon \[rad\], from −π/2 to π/2.
    pub pitch: f64,
    /// The axis that is up.
    pub up: Up,
    /// Width and height of the picture \[pixel\].
    pub size: [f64; 2],
}

impl Eye {
    /// An eye that sees all of a box.
    pub fn on(bounds: &Bounds, up: Up) -> Self {
        let mut eye = Self {
            origin: bounds.center(),
            center: bounds.center(),
            radius: 1.0,
            focus: bounds.center(),
            distance: 1.0,
            yaw: FIRST_YAW,
            pitch: FIRST_PITCH,
            up,
            size: [1.0, 1.0],
        };
        eye.fit(bounds);
        eye
    }

    /// Steps back or closer until all of a box is seen, in the same direction.
    pub fn fit(&mut self, bounds: &Bounds) {
        self.enclose(bounds);
        self.focus = self.center;
        let narrower = (self.size[0] / self.size[1]).min(1.0);
        let half = (narrower * (0.5 * FIELD_OF_VIEW).tan()).atan();
        self.distance = self.radius / half.sin();
    }

    /// Takes note of where the scene is, so that all of it is drawn.
    pub(crate) fn enclose(&mut self, bounds: &Bounds) {
        // A single point has a size as well: that of its surroundings.
        let least = 1e-9 * bounds.center().coords.amax().max(1e-3);
        self.radius = (0.5 * bounds.diagonal()).max(least);
        self.center = bounds.center();
    }

    /// Comes as close as all of some points allow, which fill the picture better than the sphere around them.
    pub(crate) fn close_in<'a>(&mut self, points: impl Iterator<Item = &'a Point3<f64>>) {
        let to_eye = self.axes().transpose();
        let tangent = (0.5 * FIELD_OF_VIEW).tan() * SPARE;
        let aspect = self.size[0] / self.size[1];
        let needed = |point: &Point3<f64>| {
            let seen = to_eye * (point - self.focus);
            seen.z + (seen.x.abs() / aspect).max(seen.y.abs()) / tangent
        };
        let needed = points.map(needed).fold(0.0, f64::max);
        if needed > 0.0 {
            self.distance = self.distance.min(needed);
        }
    }

    /// Back to where the eye was at first.
    pub(crate) fn reset(&mut self) {
        (self.yaw, self.pitch) = (FIRST_YAW, FIRST_PITCH);
    }

    /// Turns about the focus \[pixel\].
    pub fn turn(&mut self, right: f64, down: f64) {
        self.yaw -= 0.006 * right;
        let half = std::f64::consts::FRAC_PI_2;
        self.pitch = (self.pitch + 0.006 * down).clamp(-half, half);
    }

    /// Moves the focus with the picture \[pixel\].
    pub fn pan(&mut self, right: f64, down: f64) {
        self.focus += self.in_plane(-right, -down);
    }

    /// The motion in the plane through the focus that covers so many pixels.
    pub(crate) fn in_plane(&self, right: f64, down: f64) -> Vector3<f64> {
        let axes = self.axes();
        (axes.column(0) * right - axes.column(1) * down) * self.pixel()
    }

    /// Size of a pixel at the focus \[m\].
    pub fn pixel(&self) -> f64 {
        2.0 * self.distance * (0.5 * FIELD_OF_VIEW).tan() / self.size[1]
    }

    /// Comes closer by a factor below one, or goes away.
    pub fn zoom(&mut self, factor: f64) {
        self.distance = (self.distance * factor).clamp(NEAREST * self.radius, FARTHEST * self.radius);
    }

    /// The directions right, up, and back to the eye, as columns.
    pub(crate) fn axes(&self) -> Matrix3<f64> {
        let ((sy, cy), (sp, cp)) = (self.yaw.sin_cos(), self.pitch.sin_cos());
        let right = Vector3::new(-sy, cy, 0.0);
        let back = Vector3::new(cp * cy, cp * sy, sp);
        let axes = Matrix3::from_columns(&[right, back.cross(&right), back]);
        // The axes of a frame whose third is up, turned without a mirror.
        let frame: Matrix3<f64> = match self.up {
            Up::Z => Matrix3::identity(),
            Up::Y => Matrix3::from_columns(&[Vector3::z(), Vector3::x(), Vector3::y()]),
            Up::X => Matrix3::from_columns(&[Vector3::y(), Vector3::z(), Vector3::x()]),
        };
        frame * axes
    }

    /// Where the eye is.
    pub fn position(&self) -> Point3<f64> {
        self.focus + self.axes().column(2) * self.distance
    }

    /// Where a point is seen \[pixel\] from the upper left, and how far before the eye \[m\]; `None` behind it.
    pub fn place(&self, point: &Point3<f64>) -> Option<(Point2<f64>, f64)> {
        let seen = self.axes().transpose() * (point - self.position());
        let depth = -seen.z;
        if depth <= 0.0 {
            return None;
        }
        let scale = 0.5 * self.size[1] / ((0.5 * FIELD_OF_VIEW).tan() * depth);
        let place = Point2::new(0.5 * self.size[0] + seen.x * scale, 0.5 * self.size[1] - seen.y * scale);
        Some((place, depth))
    }

    /// Where a segment is seen \[pixel\], as far as it lies before the eye; `None` if none of it does.
    pub(crate) fn segment(&self, from: &Point3<f64>, to: &Point3<f64>) -> Option<[Point2<f64>; 2]> {
        let (near, _) = self.planes();
        let depth = |point: &Point3<f64>| self.axes().column(2).dot(&(self.position() - point));
        let (there, beyond) = (depth(from), depth(to));
        if there < near && beyond < near {
            return None;
        }
        let at_plane = || from + (to - from) * ((near - there) / (beyond - there));
        let from = if there < near { at_plane() } else { *from };
        let to = if beyond < near { at_plane() } else { *to };
        Some([self.place(&from)?.0, self.place(&to)?.0])
    }

    /// Distances of the nearest and the farthest that is drawn \[m\].
    fn planes(&self) -> (f64, f64) {
        let to_center = (self.position() - self.center).norm();
        let far = 1.01 * (to_center + self.radius);
        // Depth has 24 bits to share between near and far.
        let near = (0.99 * (to_center - self.radius)).max(1e-3 * self.distance).max(1e-6 * far);
        (near, far)
    }

    fn projection(&self) -> Mat4 {
        let (near, far) = self.planes();
        let aspect = self.size[0] / self.size[1];
        // Depths from 0 to 1, as wgpu has them.
        glam::camera::rh::proj::directx::perspective(
            FIELD_OF_VIEW as f32,
            aspect as f32,
            near as f32,
            far as f32,
        )
    }
}

/// To the numbers of the device.
pub(crate) fn narrow(vector: &Vector3<f64>) -> Vec3 {
    Vec3::new(vector.x as f32, vector.y as f32, vector.z as f32)
}

impl Camera3d for Eye {
    /// The viewer decides what a drag means.
    fn handle_event(&mut self, _: &Canvas, _: &WindowEvent) {}

    fn eye(&self) -> Vec3 {
        narrow(&(self.position() - self.origin))
    }

    fn view_transform(&self) -> Pose3 {
        let up = self.axes().column(1).into_owned();
        Pose3::look_at_rh(self.eye(), narrow(&(self.focus - self.origin)), narrow(&up))
    }

    fn transformation(&self) -> Mat4 {
        self.projection() * self.view_transform().to_mat4()
    }

    fn inverse_transformation(&self) -> Mat4 {
        self.transformation().inverse()
    }

    fn clip_planes(&self) -> (f32, f32) {
        let (near, far) = self.planes();
        (near as f32, far as f32)
    }

    fn update(&mut self, _: &Canvas) {}

    fn view_transform_pair(&self, _: usize) -> (Pose3, Mat4) {
        (self.view_transform(), self.projection())
    }
}
