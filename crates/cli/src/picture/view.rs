//! From which side points are seen, and which part of them.

use barrow::geometry::PointCloud;
use nalgebra::{Matrix3, Point2, Point3, Unit, Vector3};

use super::{MARGIN, STRAY, STRIP, WIDTH};

/// An orthographic view.
pub struct View {
    center: Point3<f64>,
    right: Vector3<f64>,
    up: Vector3<f64>,
}

impl View {
    /// Along the direction in which a cloud extends least; none of points whose squares are out of range.
    pub fn along_least_extent(target: &PointCloud) -> Option<Self> {
        let center = target.centroid()?;
        let spread: Matrix3<f64> =
            target.positions().iter().map(|point| (point - center) * (point - center).transpose()).sum();
        // Coordinates whose squares are out of range have no directions that could be compared.
        if !spread.iter().all(|entry| entry.is_finite()) {
            return None;
        }
        let eigen = (spread / spread.amax().max(f64::MIN_POSITIVE)).symmetric_eigen();
        // An eigenvector has no sign of its own: its largest component shall be positive, and so a scan
        // is seen from above.
        let axis = |index: usize| {
            let axis = eigen.eigenvectors.column(index).into_owned();
            if axis[axis.iamax()] < 0.0 { -axis } else { axis }
        };
        let towards_viewer = Unit::try_new(axis(eigen.eigenvalues.imin()), 0.0)?;
        let along = axis(eigen.eigenvalues.imax());
        let right = (along - towards_viewer.into_inner() * along.dot(&towards_viewer)).try_normalize(1e-6);
        let right = right.unwrap_or_else(|| towards_viewer.cross(&Vector3::y()).normalize());
        Some(Self { center, right, up: towards_viewer.cross(&right) })
    }

    /// Where a point is seen \[m\].
    pub fn project(&self, point: &Point3<f64>) -> Point2<f64> {
        let offset = point - self.center;
        Point2::new(offset.dot(&self.right), offset.dot(&self.up))
    }
}

/// The part of the view that is drawn, at the same scale on both axes.
pub struct Frame {
    center: Point2<f64>,
    /// The scale.
    pub pixels_per_metre: f64,
    /// Height of the picture \[px\].
    pub height: usize,
}

impl Frame {
    /// The part that holds some clouds but for far strays.
    pub fn around(clouds: &[&Vec<Point2<f64>>]) -> Self {
        let range = |axis: usize| {
            let mut low = f64::INFINITY;
            let mut high = f64::NEG_INFINITY;
            for cloud in clouds.iter().filter(|cloud| !cloud.is_empty()) {
                let mut values: Vec<f64> = cloud.iter().map(|point| point[axis]).collect();
                let stray = (STRAY * values.len() as f64) as usize;
                let last = values.len() - 1 - stray;
                low = low.min(*values.select_nth_unstable_by(stray, f64::total_cmp).1);
                high = high.max(*values.select_nth_unstable_by(last, f64::total_cmp).1);
            }
            (low, high)
        };
        let ((left, right), (bottom, top)) = (range(0), range(1));
        let extent = (right - left).max(top - bottom);
        // A line or a single point still has a panel.
        let least = if extent > 0.0 { 1e-3 * extent } else { 1.0 };
        let (width, height) = ((right - left).max(least), (top - bottom).max(least));
        let inner = (WIDTH - 2 * MARGIN) as f64;
        let inner_height = inner * (height / width).clamp(0.6, 1.15);
        Self {
            center: Point2::new((left + right) / 2.0, (bottom + top) / 2.0),
            pixels_per_metre: (inner / width).min(inner_height / height),
            height: STRIP + inner_height as usize + MARGIN,
        }
    }

    /// Where a point falls in a panel \[px\].
    pub fn place(&self, point: &Point2<f64>) -> (f64, f64) {
        let offset = (point - self.center) * self.pixels_per_metre;
        let middle = (STRIP + self.height - MARGIN) as f64 / 2.0;
        (WIDTH as f64 / 2.0 + offset.x, middle - offset.y)
    }
}
