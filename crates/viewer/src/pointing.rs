//! What the pointer is at: a point that is clicked on, an arc that is touched.

use barrow_geometry::{Arc, PointCloud};
use nalgebra::{Point2, Point3};

use crate::Viewer;

/// How close to a point or an arc the pointer must be \[pixel\].
const REACH: f64 = 8.0;

/// A point that was clicked on.
#[derive(Debug, Clone, PartialEq)]
pub struct Picked {
    /// Of the source, not of the target.
    pub is_source: bool,
    /// Its index in the cloud.
    pub index: usize,
    /// Where it is drawn.
    pub position: Point3<f64>,
    /// Indices of the points that its mass goes to or comes from, and the masses, by falling mass.
    pub partners: Vec<(usize, f64)>,
}

impl Viewer {
    /// The point nearest to the eye among those within a few pixels of a place, if any; it is picked.
    pub fn pick(&mut self, place: Point2<f64>) -> Option<Point3<f64>> {
        let none = PointCloud::default();
        let target = self.scene().target.as_ref().unwrap_or(&none);
        let moved = self.scene().moved_source();
        let clouds = [(self.look.shows_source, &moved[..]), (self.look.shows_target, target.positions())];
        let mut best: Option<(f64, bool, usize)> = None;
        for (cloud, (_, points)) in clouds.iter().enumerate().filter(|(_, (is_shown, _))| *is_shown) {
            for (index, point) in points.iter().enumerate() {
                let Some((seen, depth)) = self.eye.place(point).filter(|_| self.is_inside(point)) else {
                    continue;
                };
                let is_near = (seen - place).norm() <= REACH;
                if is_near && best.is_none_or(|(nearest, ..)| depth < nearest) {
                    best = Some((depth, cloud == 0, index));
                }
            }
        }
        let (_, is_source, index) = best?;
        let position = if is_source { moved[index] } else { target.positions()[index] };
        self.picked = Some(Picked { is_source, index, position, partners: self.partners(is_source, index) });
        Some(position)
    }

    fn partners(&self, is_source: bool, index: usize) -> Vec<(usize, f64)> {
        let Some(plan) = &self.scene().plan else { return Vec::new() };
        let mut partners: Vec<(usize, f64)> = match is_source {
            true => plan.row(index).iter().map(|arc| (arc.target, arc.mass)).collect(),
            false => {
                let arcs = plan.arcs().iter().filter(|arc| arc.target == index);
                arcs.map(|arc| (arc.source, arc.mass)).collect()
            }
        };
        partners.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        partners
    }

    /// The arc nearest to a place among those that were drawn and lie within a few pixels of it, as an index into the arcs of the
    /// plan; it is touched, or none is.
    pub fn touch(&mut self, place: Point2<f64>) -> Option<usize> {
        let mut nearest: Option<(f64, usize)> = None;
        for &index in self.arcs().map_or(&[][..], |shown| &shown.indices) {
            let Some([from, to]) = self.ends(index) else { continue };
            if !self.is_inside(&from) || !self.is_inside(&to) {
                continue;
            }
            let Some(seen) = self.eye.segment(&from, &to) else { continue };
            let away = distance(place, seen);
            if away <= REACH && nearest.is_none_or(|(least, _)| away < least) {
                nearest = Some((away, index));
            }
        }
        self.touched = nearest.map(|(_, index)| index);
        self.touched
    }

    /// Where an arc of the plan begins and ends, as it is drawn.
    pub(crate) fn ends(&self, index: usize) -> Option<[Point3<f64>; 2]> {
        let scene = self.scene();
        let arc: &Arc = scene.plan.as_ref()?.arcs().get(index)?;
        let from = scene.source.positions()[arc.source];
        Some([scene.target_from_source * from, scene.target.as_ref()?.positions()[arc.target]])
    }

    fn is_inside(&self, point: &Point3<f64>) -> bool {
        self.look.clip.is_none_or(|clip| clip.contains(point))
    }
}

/// From a place to the nearest of a segment \[pixel\].
fn distance(place: Point2<f64>, [from, to]: [Point2<f64>; 2]) -> f64 {
    let along = to - from;
    let part = match along.norm_squared() {
        0.0 => 0.0,
        squared => ((place - from).dot(&along) / squared).clamp(0.0, 1.0),
    };
    (from + along * part - place).norm()
}
