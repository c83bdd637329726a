//! What is seen now, and what changes it.

use barrow_geometry::{Bounds, Displacement};
use barrow_registration::Aligner;
use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion};

use crate::arcs::{ShownArcs, value};
use crate::camera::{Eye, narrow};
use crate::coloring::Coloring;
use crate::legend::{Rgba, UNKNOWN};
use crate::painting::{Dot, Layer, Painting, Stroke};
use crate::playback::{Playback, Progress};
use crate::pointing::Picked;
use crate::{ColorBy, Look, Result, Scene};

/// Opacity of an arc where few are drawn, and where many are.
const OPACITY: [f64; 2] = [220.0, 40.0];

/// Of matches: neither cloud's, seen on dark and on light.
const MATCH: Rgba = [120, 200, 120, 200];

/// Arcs that count as few.
const FEW_ARCS: f64 = 500.0;

/// A scene, how it looks, and from where.
#[derive(Debug)]
pub struct Viewer {
    scene: Scene,
    bounds: Bounds,
    coloring: Coloring,
    /// Of what the coloring is.
    colored: (ColorBy, crate::Up),
    arcs: Option<ShownArcs>,
    /// How it looks.
    pub look: Look,
    /// From where.
    pub eye: Eye,
    /// The point that was clicked on last.
    pub picked: Option<Picked>,
    /// The arc that the pointer is at, by its index in the plan.
    pub touched: Option<usize>,
    /// The registration that is watched.
    pub playback: Option<Playback>,
    /// How it is registered.
    pub aligner: Aligner,
    /// The pose to go back to.
    first_pose: Isometry3<f64>,
    /// What the user should know, such as why a color is not to be had.
    pub note: Option<String>,
    /// Of the last painting, while it shows what there is to see.
    painted: Option<Look>,
    /// Steps of the registration before the matches that are drawn.
    matched: Option<usize>,
}

impl Viewer {
    /// A scene to look at.
    ///
    /// # Errors
    /// [`Error::Empty`](crate::Error::Empty) if there is no point; if the plan is not one of these clouds; if the look
    /// asks for colors that the scene has not.
    pub fn new(scene: Scene, look: Look) -> Result<Self> {
        scene.check()?;
        let bounds = scene.bounds()?;
        let coloring = Coloring::of(&scene, look.color, look.up)?;
        Ok(Self {
            eye: Eye::on(&bounds, look.up),
            bounds,
            coloring,
            colored: (look.color, look.up),
            arcs: None,
            picked: None,
            touched: None,
            playback: None,
            aligner: Aligner::default(),
            first_pose: scene.target_from_source,
            note: None,
            painted: None,
            matched: None,
            look,
            scene,
        })
    }

    /// What there is to see.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// The box around it.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// The colors of its points.
    pub fn coloring(&self) -> &Coloring {
        &self.coloring
    }

    /// The arcs that were drawn last.
    pub fn arcs(&self) -> Option<&ShownArcs> {
        self.arcs.as_ref()
    }

    /// Moves the source.
    pub fn set_pose(&mut self, pose: Isometry3<f64>) {
        if self.scene.target_from_source == pose {
            return;
        }
        self.scene.target_from_source = pose;
        (self.picked, self.touched) = (None, None);
        if let Ok(bounds) = self.scene.bounds() {
            self.bounds = bounds;
            self.eye.enclose(&bounds);
        }
        let depends = [ColorBy::Height, ColorBy::Distance, ColorBy::Normal].contains(&self.look.color);
        if self.scene.plan.is_some() {
            self.painted = None;
        }
        if depends {
            self.recolor();
        }
    }

    /// Turns the source about its middle as a drag over the picture would \[pixel\].
    pub fn turn_source(&mut self, right: f64, down: f64) {
        let axes = self.eye.axes();
        let turn = (axes.column(1) * right + axes.column(0) * down) * 0.006;
        let Some(center) = self.scene.source.centroid() else { return };
        let pose = self.scene.target_from_source;
        let about = Translation3::from(pose * center);
        self.set_pose(about * UnitQuaternion::from_scaled_axis(turn) * about.inverse() * pose);
    }

    /// Shifts the source with the picture \[pixel\].
    pub fn shift_source(&mut self, right: f64, down: f64) {
        let shift = Translation3::from(self.eye.in_plane(right, down));
        self.set_pose(shift * self.scene.target_from_source);
    }

    /// Back to where the source was at first; a registration that is watched is given up.
    pub fn reset_pose(&mut self) {
        self.playback = None;
        self.set_pose(self.first_pose);
    }

    /// The aligner with the pose that the source is drawn at as a first guess; without a guess where it lies as it came.
    pub fn aligner_from_here(&self) -> Aligner {
        let pose = self.scene.target_from_source;
        let initial = (pose != Isometry3::identity()).then_some(pose);
        Aligner { initial, ..self.aligner.clone() }
    }

    /// Begins to register [from here](Self::aligner_from_here).
    ///
    /// # Errors
    /// As [`Playback::start`]; [`Error::Empty`](crate::Error::Empty) without a target.
    pub fn register(&mut self) -> Result<()> {
        let target = self.scene.target.as_ref().ok_or(crate::Error::Empty)?;
        let mut playback = Playback::start(&self.aligner_from_here(), &self.scene.source, target)?;
        playback.progress = Progress::Running;
        self.playback = Some(playback);
        Ok(())
    }

    /// One step of the registration that is watched. Returns whether anything has changed.
    pub fn advance(&mut self, waits: bool) -> bool {
        let Some(playback) = &mut self.playback else { return false };
        let was_alive = playback.is_alive();
        let pose = playback.advance(waits);
        let has_ended = was_alive && !playback.is_alive();
        if let Some(pose) = pose {
            self.set_pose(pose);
        }
        pose.is_some() || has_ended
    }

    /// Brings colors up to date with the look. What is not to be had is said and left as it was.
    pub(crate) fn recolor(&mut self) {
        match Coloring::of(&self.scene, self.look.color, self.look.up) {
            Ok(coloring) => {
                self.coloring = coloring;
                self.colored = (self.look.color, self.look.up);
            }
            Err(error) => {
                self.note = Some(error.to_string());
                self.look.color = self.colored.0;
            }
        }
        self.painted = None;
    }

    /// Another painting has nothing of what was painted before.
    pub(crate) fn forget_painting(&mut self) {
        self.painted = None;
    }

    /// Width and height of the picture \[pixel\].
    pub(crate) fn set_size(&mut self, size: [f64; 2]) {
        if self.eye.size != size {
            // What was seen between left and right is still seen in a narrower picture.
            let narrow = |size: [f64; 2]| (size[0] / size[1]).min(1.0);
            self.eye.zoom(narrow(self.eye.size) / narrow(size));
            self.eye.size = size;
        }
    }

    /// Sees everything, from the same direction.
    pub fn refit(&mut self) {
        if let Ok(bounds) = self.scene.bounds() {
            self.bounds = bounds;
        }
        self.eye.fit(&self.bounds);
        let moved = self.scene.moved_source();
        let target = self.scene.target.iter().flat_map(|cloud| cloud.positions());
        self.eye.close_in(moved.iter().chain(target));
    }

    /// Sees everything, from where it was seen at first.
    pub fn reset_view(&mut self) {
        self.eye.reset();
        self.refit();
    }

    /// Brings a painting up to date. Returns whether anything was uploaded.
    ///
    /// # Errors
    /// If the time of interpolation is not from 0 to 1.
    pub(crate) fn paint(&mut self, painting: &mut Painting) -> Result<bool> {
        if (self.look.color, self.look.up) != self.colored {
            self.recolor();
        }
        self.eye.up = self.look.up;
        painting.clip = self.look.clip;
        let is_same = |before: &Look| {
            // Sizes, background and guides need no upload.
            let (point_size, background, shows_guides) =
                (before.point_size, before.background, before.shows_guides);
            Look { point_size, background, shows_guides, ..self.look.clone() } == *before
        };
        let is_stale = !self.painted.as_ref().is_some_and(is_same);
        if is_stale {
            self.repaint(painting)?;
            self.painted = Some(self.look.clone());
        }
        let steps = self.watched().map(|playback| playback.moments.len());
        if is_stale || steps != self.matched {
            painting.matches = self.matches(painting);
            self.matched = steps;
        }
        for layer in painting.layers.iter_mut().filter(|layer| layer.moves) {
            layer.pose = self.scene.target_from_source;
        }
        for layer in painting.layers.iter_mut().filter(|layer| layer.is_points()) {
            layer.width = self.look.point_size;
        }
        Ok(is_stale)
    }

    fn repaint(&mut self, painting: &mut Painting) -> Result<()> {
        painting.layers.clear();
        let pose = self.scene.target_from_source;
        let origin = self.eye.origin;
        let interpolated = match (&self.scene.plan, &self.scene.target, self.look.time) {
            (Some(plan), Some(target), Some(time)) => {
                let moved = self.scene.source.transformed(&pose);
                let way = Displacement::new(&moved, target, plan)?.at(time)?;
                let colors = plan.arcs().iter().map(|arc| {
                    let (from, to) = (self.coloring.source[arc.source], self.coloring.target[arc.target]);
                    std::array::from_fn(|channel| {
                        let [a, b] = [from, to].map(|color: Rgba| f64::from(color[channel]));
                        (a + time * (b - a)).round() as u8
                    })
                });
                let dots = shuffled(way.cloud.positions(), &colors.collect::<Vec<_>>(), &origin);
                painting.layers.push(painting.dots(&dots, Isometry3::identity(), false));
                true
            }
            _ => false,
        };
        if self.look.shows_source && !interpolated {
            let dots = shuffled(self.scene.source.positions(), &self.coloring.source, &origin);
            painting.layers.push(painting.dots(&dots, pose, true));
        }
        if let (Some(target), true, false) = (&self.scene.target, self.look.shows_target, interpolated) {
            let dots = shuffled(target.positions(), &self.coloring.target, &origin);
            painting.layers.push(painting.dots(&dots, Isometry3::identity(), false));
        }
        if interpolated {
            self.paint_left_behind(painting);
        }
        self.arcs = None;
        if self.look.arcs > 0.0 {
            self.paint_arcs(painting);
        }
        let shown = self.arcs.as_ref().map_or(&[][..], |arcs| &arcs.indices);
        self.touched = self.touched.filter(|index| shown.binary_search(index).is_ok());
        Ok(())
    }

    /// The registration whose matches are drawn: one that goes on.
    fn watched(&self) -> Option<&Playback> {
        self.playback.as_ref().filter(|playback| self.look.shows_matches && playback.is_alive())
    }

    /// Lines from source points to their partners after the last step of the registration.
    fn matches(&self, painting: &Painting) -> Option<Layer> {
        let moment = self.watched()?.moments.last()?;
        let pose = moment.step.target_from_source;
        let end =
            |point: &Point3<f64>| Dot { place: narrow(&(point - self.eye.origin)).into(), color: MATCH };
        let stroke = |[from, to]: &[Point3<f64>; 2]| Stroke { ends: [end(&(pose * from)), end(to)] };
        let strokes: Vec<Stroke> = moment.matches.iter().map(stroke).collect();
        (!strokes.is_empty()).then(|| painting.strokes(&strokes))
    }

    /// Points whose mass the plan does not move stay where they are, in gray.
    fn paint_left_behind(&self, painting: &mut Painting) {
        let (Some(plan), Some(target)) = (&self.scene.plan, &self.scene.target) else { return };
        let marginals = plan.marginals();
        let left = |masses: &[f64], points: &[Point3<f64>]| -> Vec<Point3<f64>> {
            points.iter().zip(masses).filter(|(_, mass)| **mass <= 0.0).map(|(point, _)| *point).collect()
        };
        let mut points = left(&marginals.source, &self.scene.moved_source());
        points.extend(left(&marginals.target, target.positions()));
        if !points.is_empty() {
            let dots = shuffled(&points, &vec![UNKNOWN; points.len()], &self.eye.origin);
            painting.layers.push(painting.dots(&dots, Isometry3::identity(), false));
        }
    }

    fn paint_arcs(&mut self, painting: &mut Painting) {
        let (Some(plan), Some(target)) = (&self.scene.plan, &self.scene.target) else { return };
        let (from, to) = (self.scene.moved_source(), target.positions());
        let length = |arc: &barrow_geometry::Arc| (to[arc.target] - from[arc.source]).norm();
        let shown = ShownArcs::of(plan, &self.look, length);
        let most = plan.arcs().iter().map(|arc| arc.mass).fold(f64::MIN_POSITIVE, f64::max);
        // Many arcs together would hide each other and the points.
        let crowd = (FEW_ARCS / shown.indices.len().max(1) as f64).min(1.0).sqrt();
        let opacity = OPACITY[1] + crowd * (OPACITY[0] - OPACITY[1]);
        let origin = self.eye.origin;
        let strokes: Vec<Stroke> = shown
            .indices
            .iter()
            .map(|&index| {
                let arc = &plan.arcs()[index];
                let mut color = shown.scale.color(value(arc, self.look.arc_color, length));
                // Arcs of little mass fade, but do not vanish.
                color[3] = (opacity * (0.25 + 0.75 * (arc.mass / most).sqrt())).round() as u8;
                let end = |point: &Point3<f64>| Dot { place: narrow(&(point - origin)).into(), color };
                Stroke { ends: [end(&from[arc.source]), end(&to[arc.target])] }
            })
            .collect();
        if !strokes.is_empty() {
            painting.layers.push(painting.strokes(&strokes));
        }
        self.arcs = Some(shown);
    }
}

/// Points for the device in an order of which every beginning is spread over the whole cloud.
fn shuffled(points: &[Point3<f64>], colors: &[Rgba], origin: &Point3<f64>) -> Vec<Dot> {
    let count = points.len();
    // Steps of the golden section hit no place twice where they and the count have no common divisor.
    let divisor = |mut a: usize, mut b: usize| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let mut step = ((count as f64 * 0.618_033_988_75) as usize).max(1);
    while divisor(step, count) > 1 {
        step += 1;
    }
    let mut index = 0;
    let mut next = || {
        let current = index;
        index = (index + step) % count;
        Dot { place: narrow(&(points[current] - origin)).into(), color: colors[current] }
    };
    (0..count).map(|_| next()).collect()
}
