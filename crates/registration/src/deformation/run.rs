//! A deformation in progress: `start → step → finish`.

use std::collections::BTreeMap;

use barrow_geometry::Error::InvalidOption;
use barrow_geometry::{Convergence, Measure, Status};
use nalgebra::{DMatrix, Point3, UnitQuaternion, Vector3};

use super::Deformer;
use super::answer::{Deformation, Energy, Warp, smoothness};
use super::basis::{Basis, Field};
use super::levels::Levels;
use super::plan::{CUTOFF, Softness};
use super::search::search;
use super::similarity::Motion;
use super::state::{Progress, Rules, Source, State, Target};
use crate::fit::require_finite;
use crate::{Error, Result};

/// First blur in radii: wide enough to see past any offset that leaves the clouds overlapping.
const FIRST: f64 = 0.5;

/// Blur in radii at which the field is released. Above it only the motion moves, so that nothing is bent
/// that could have been turned.
const RELEASE: f64 = 0.2;

/// Steps that the motion may take to settle before that, and its last one then in blurs.
const MOTION_STEPS: usize = 20;
const SETTLED: f64 = 0.02;

/// Last blur in spacings of the points.
const LAST: f64 = 0.7;

/// Width of the field's kernel in radii of the source.
const WIDTH: f64 = 0.8;

/// Least blur and least width in radii that can be asked for.
const LEAST: f64 = 1e-6;

/// Points of the source among which the anchors of the field are chosen.
const BASIS_POINTS: usize = 1500;

/// Points of the clouds on which rotations are tried.
const SEARCH_POINTS: usize = 150;

/// Steps at the last blur at least: by then the mass that the plans move has settled too.
const SETTLING: usize = 3;

/// Updates of a plan that starts from the one before, and of one that starts from nothing.
const UPDATES: usize = 4;
const FIRST_UPDATES: usize = 12;

/// What one step of the loop did.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DeformationStep {
    /// Name of the stage: `search`, `motion`, `field` or `settle`.
    pub stage: &'static str,
    /// Step, from 1.
    pub iteration: usize,
    /// Steps that are foreseen at most.
    pub iterations: usize,
    /// Blur of the plan \[m\].
    pub blur: f64,
    /// Root mean square motion of the points in the step \[m\].
    pub motion: f64,
    /// Root mean square distance left to the places that the plan asks for \[m\].
    pub rmse: f64,
    /// Mass moved, relative to that of the source's plan onto itself.
    pub transported_mass: f64,
}

/// A deformation in progress. Every [`step`](Self::step) is one plan, one motion and one field.
pub struct DeformationRun {
    options: Deformer,
    source: Vec<Point3<f64>>,
    source_origin: Point3<f64>,
    target_origin: Point3<f64>,
    /// Root mean square distance of a cloud to its centroid \[m\], the larger of both: the unit within.
    radius: f64,
    source_levels: Levels,
    target_levels: Levels,
    basis: Basis,
    /// Levels made ready, by their indices.
    sources: BTreeMap<(usize, bool), Source>,
    targets: BTreeMap<usize, Target>,
    /// Level indices and bending of the last step.
    current: Option<(usize, usize)>,
    state: State,
    searched: bool,
    blur: f64,
    last_blur: f64,
    settling: usize,
    /// Steps at the last blur before the field is released.
    turning: usize,
    iterations: usize,
    progress: Progress,
    status: Status,
}

impl DeformationRun {
    pub(super) fn new(options: &Deformer, source: Measure, target: Measure) -> Result<Self> {
        options.check()?;
        let (source_origin, source_radius) = extent(&source);
        let (target_origin, target_radius) = extent(&target);
        let radius = source_radius.max(target_radius);
        // Two single points have no extent; any unit will do.
        let radius = if radius > 0.0 { radius } else { 1.0 };
        let centered = |measure: &Measure, origin: &Point3<f64>| {
            measure.positions().iter().map(|point| Point3::from((point - origin) / radius)).collect()
        };
        let source_levels = Levels::new(centered(&source, &source_origin), &source, options.max_points)?;
        let target_levels = Levels::new(centered(&target, &target_origin), &target, options.max_points)?;
        let spacing = source_levels.spacing.max(target_levels.spacing);
        let asked = |name, length: f64| {
            if length.is_finite() && length >= LEAST * radius {
                return Ok(length / radius);
            }
            let requirement = "finite and at least 1e-6 of the clouds' radius";
            Err(InvalidOption { name, requirement, got: length })
        };
        let last_blur = match options.blur {
            Some(blur) => asked("blur", blur)?,
            None => (LAST * spacing).min(RELEASE),
        };
        let width = match options.width {
            Some(width) => asked("width", width)?,
            None => WIDTH * source_radius / radius,
        };
        let width = if width > 0.0 { width } else { 1.0 };
        let basis = Basis::new(&source_levels.thinned_to(BASIS_POINTS).positions, width);
        let motion = match &options.initial {
            Some(pose) => {
                require_finite(pose)?;
                let translation = (pose * source_origin - target_origin) / radius;
                Motion { scale: 1.0, rotation: pose.rotation, translation }
            }
            None => {
                Motion { scale: 1.0, rotation: UnitQuaternion::identity(), translation: Vector3::zeros() }
            }
        };
        Ok(Self {
            options: options.clone(),
            source: source.positions().to_vec(),
            source_origin,
            target_origin,
            radius,
            source_levels,
            target_levels,
            basis,
            sources: BTreeMap::new(),
            targets: BTreeMap::new(),
            current: None,
            state: State::new(motion),
            searched: options.initial.is_some(),
            blur: FIRST.max(last_blur),
            last_blur,
            settling: 0,
            turning: 0,
            iterations: 0,
            progress: Progress::default(),
            status: Status::Stopped,
        })
    }

    /// Takes one step; `None` when there is nothing left to do.
    ///
    /// # Errors
    /// [`Error::NoCorrespondences`] if no source point has a target point near it.
    pub fn step(&mut self) -> Result<Option<DeformationStep>> {
        if self.status != Status::Stopped {
            return Ok(None);
        }
        self.iterations += 1;
        if !self.searched {
            self.search();
            return Ok(Some(self.report("search", FIRST)));
        }
        let bends = self.blur <= RELEASE.max(self.last_blur);
        let source = self.source_levels.within(self.blur);
        let target = self.target_levels.within(self.blur);
        self.prepare(source, target, bends);
        let mut iterations = UPDATES;
        if self.current != Some((source, target)) {
            self.current = Some((source, target));
            self.state.change_level();
            iterations = FIRST_UPDATES;
        }
        let rules = Rules {
            softness: Softness { blur: self.blur, reach: self.options.reach, iterations },
            stiffness: bends.then(|| self.stiffness()),
            find_scale: self.options.scale,
        };
        let (source, target) = (&self.sources[&(source, bends)], &self.targets[&target]);
        let progress = self.state.step(source, target, &rules);
        match progress {
            Some(progress) => self.progress = progress,
            None if self.is_first() => {
                return Err(Error::NoCorrespondences { max_distance: CUTOFF * self.blur * self.radius });
            }
            // The blur has fallen below every distance that is left: the last field is the answer.
            None => {
                self.progress.mass = 0.0;
                self.status = Status::MaxIterations;
                return Ok(None);
            }
        }
        let settles = self.blur <= self.last_blur;
        let stage = match (settles, bends) {
            (true, _) => "settle",
            (_, true) => "field",
            _ => "motion",
        };
        let report = self.report(stage, self.blur);
        if settles {
            self.settling += 1;
            if self.settling >= SETTLING && self.progress.motion <= self.options.tolerance * self.blur {
                self.status = Status::Converged;
            } else if self.settling >= self.options.max_iterations {
                self.status = Status::MaxIterations;
            }
        } else if !bends
            && self.blur * self.options.scaling <= RELEASE
            && self.turning < MOTION_STEPS
            && self.progress.motion > SETTLED * self.blur
        {
            // The motion settles before the field may bend what is left.
            self.turning += 1;
        } else {
            let next = (self.blur * self.options.scaling).max(self.last_blur);
            self.state.change_blur(next / self.blur);
            self.blur = next;
        }
        Ok(Some(report))
    }

    /// The answer: the field after the last step, or the one so far if the loop was stopped.
    pub fn finish(self) -> Deformation {
        let weights = self.basis.weights(&self.full_coefficients());
        let field = Field {
            anchors: self.basis.anchors.clone(),
            weights: weights.row_iter().map(|row| Vector3::new(row[0], row[1], row[2])).collect(),
            width: self.basis.width,
        };
        let warp = Warp {
            motion: self.state.motion,
            field,
            source_origin: self.source_origin,
            target_origin: self.target_origin,
            radius: self.radius,
        };
        let roughness = self.state.coefficients.norm_squared();
        let area = self.radius * self.radius;
        let scale = self.state.motion.scale;
        let energy = Energy {
            data: self.progress.residual_squared * area,
            smoothness: self.stiffness() * roughness * area / (scale * scale),
        };
        let smoothness = smoothness(&warp, &self.source, roughness);
        let displacements = warp.displacements(&self.source);
        Deformation {
            displacements,
            convergence: Convergence {
                status: self.status,
                iterations: self.iterations,
                residual: self.progress.motion / self.blur,
            },
            energy,
            smoothness,
            transported_mass: self.progress.mass,
            blur: self.blur * self.radius,
            anchors: self.basis.len(),
            width: self.basis.width * self.radius,
            warp,
        }
    }

    /// Coefficients for all features; none has any before the field is released.
    fn full_coefficients(&self) -> DMatrix<f64> {
        match self.state.coefficients.nrows() {
            0 => DMatrix::zeros(self.basis.len(), 3),
            _ => self.state.coefficients.clone(),
        }
    }

    /// Weight of |v|² at the blur: what is still uncertain is not worth much bending.
    fn stiffness(&self) -> f64 {
        let coarseness = self.blur / self.last_blur;
        self.options.stiffness * (self.blur * coarseness).powi(2)
    }

    /// Whether no plan has been made yet.
    fn is_first(&self) -> bool {
        self.blur >= FIRST.max(self.last_blur) && self.settling == 0
    }

    fn search(&mut self) {
        self.searched = true;
        let source = Source::rigid(self.source_levels.thinned_to(SEARCH_POINTS));
        let target = Target::new(self.target_levels.thinned_to(SEARCH_POINTS));
        let find_scale = self.options.scale;
        self.state = State::new(search(&source, &target, &self.state.motion, find_scale));
    }

    /// Makes two levels ready, once, and lets go of those that will not be asked for again.
    fn prepare(&mut self, source: usize, target: usize, bends: bool) {
        self.sources.retain(|key, _| *key == (source, bends));
        self.targets.retain(|key, _| *key == target);
        let (levels, basis) = (&self.source_levels.levels, &self.basis);
        self.sources.entry((source, bends)).or_insert_with(|| {
            let level = levels[source].clone();
            if bends { Source::over(level, basis) } else { Source::rigid(level) }
        });
        let levels = &self.target_levels.levels;
        self.targets.entry(target).or_insert_with(|| Target::new(levels[target].clone()));
    }

    fn report(&self, stage: &'static str, blur: f64) -> DeformationStep {
        let cooling = (self.last_blur / FIRST.max(self.last_blur)).ln() / self.options.scaling.ln();
        DeformationStep {
            stage,
            iteration: self.iterations,
            iterations: 1 + cooling.ceil() as usize + self.options.max_iterations,
            blur: blur * self.radius,
            motion: self.progress.motion * self.radius,
            rmse: self.progress.residual_squared.sqrt() * self.radius,
            transported_mass: self.progress.mass,
        }
    }
}

/// Weighted centroid of a measure \[m\], and root mean square distance to it \[m\].
fn extent(measure: &Measure) -> (Point3<f64>, f64) {
    let positions = measure.positions();
    // Relative to the first point, so that an offset of millions of metres costs no digits.
    let first = positions[0];
    let total = measure.total();
    let mean = |f: &dyn Fn(usize) -> Vector3<f64>| {
        (0..positions.len()).map(|index| f(index) * (measure.weight(index) / total)).sum::<Vector3<f64>>()
    };
    let origin = first + mean(&|index| positions[index] - first);
    let square = mean(&|index| Vector3::new((positions[index] - origin).norm_squared(), 0.0, 0.0)).x;
    (origin, square.sqrt())
}
