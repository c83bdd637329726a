//! Where a deformation stands: a motion, a field, and one step of both.

use barrow_geometry::{KdTree, fold_ordered};
use nalgebra::{DMatrix, Point3, Vector3};
use rayon::prelude::*;

use super::basis::{Basis, coefficients};
use super::levels::Level;
use super::plan::{Row, Softness, plan, self_plan};
use super::similarity::Motion;

/// A point's weight is its mass times this power of the share of its mass that moves. A point near the edge
/// of what has a partner is pulled towards those that have: it has little to say.
const TRUST: i32 = 4;

/// Most of the last step that is taken again.
const MOMENTUM: f64 = 0.8;

/// A level of the target, ready to be searched.
pub(super) struct Target {
    pub level: Level,
    pub tree: KdTree,
}

impl Target {
    pub fn new(level: Level) -> Self {
        Self { tree: KdTree::new(&level.positions), level }
    }
}

/// A level of the source with the features of its points.
pub(super) struct Source {
    pub level: Level,
    /// One column a point; no rows while nothing bends.
    pub features: DMatrix<f64>,
}

impl Source {
    pub fn rigid(level: Level) -> Self {
        Self { features: DMatrix::zeros(0, level.positions.len()), level }
    }

    pub fn over(level: Level, basis: &Basis) -> Self {
        Self { features: basis.features(&level.positions), level }
    }
}

/// What a step is to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub softness: Softness,
    /// Weight of |c|² against the mean squared residual; `None` keeps the field as it is.
    pub stiffness: Option<f64>,
    pub find_scale: bool,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Progress {
    /// Root mean square motion of the points in the step.
    pub motion: f64,
    /// Mass moved relative to that of the source's plan onto itself, at most one.
    pub mass: f64,
    /// Mean square distance that was left to the places asked for, over the mass moved.
    pub residual_squared: f64,
    /// Mean square distance over which the plan moves its mass.
    pub cost: f64,
}

/// Motion ∘ (identity + field), with the scalings of the last plans.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub motion: Motion,
    /// One row a feature.
    pub coefficients: DMatrix<f64>,
    scaling: Vec<f64>,
    self_scaling: Vec<f64>,
    /// The map before the last step, and the steps since it was last thrown away.
    previous: Option<(Motion, DMatrix<f64>)>,
    momentum: usize,
}

impl State {
    pub fn new(motion: Motion) -> Self {
        let coefficients = DMatrix::zeros(0, 3);
        Self {
            motion,
            coefficients,
            scaling: Vec::new(),
            self_scaling: Vec::new(),
            previous: None,
            momentum: 0,
        }
    }

    /// Forgets the scalings: they belong to the points of another level.
    pub fn change_level(&mut self) {
        self.scaling.clear();
        self.self_scaling.clear();
    }

    /// Scalings are exp(potential / ε): under a lower blur the same potentials have others.
    pub fn change_blur(&mut self, ratio: f64) {
        let power = 1.0 / (ratio * ratio);
        for value in self.scaling.iter_mut().chain(&mut self.self_scaling) {
            // Far from everything a potential has no bearing on the plan, and must not run away.
            *value = value.powf(power).clamp(1e-100, 1e100);
        }
    }

    /// x + v(x) for every point of the source.
    fn bent(&self, source: &Source) -> Vec<Point3<f64>> {
        let positions = &source.level.positions;
        if source.features.nrows() == 0 || self.coefficients.nrows() != source.features.nrows() {
            return positions.clone();
        }
        let shift = |(index, point): (usize, &Point3<f64>)| {
            let features = source.features.column(index);
            point + Vector3::from_fn(|axis, _| self.coefficients.column(axis).dot(&features))
        };
        positions.par_iter().enumerate().map(shift).collect()
    }

    /// Where the source's points are now.
    pub fn moved(&self, source: &Source) -> Vec<Point3<f64>> {
        self.bent(source).par_iter().map(|point| self.motion.apply(point)).collect()
    }

    /// Where the source's points are asked to go: by the plan onto the target, less what the blur alone does,
    /// which is the plan onto themselves.
    fn wanted(&mut self, moved: &[Point3<f64>], source: &Source, target: &Target, rules: &Rules) -> Wanted {
        let masses = &source.level.masses;
        let onto = (target.level.positions.as_slice(), target.level.masses.as_slice());
        let from = (moved, masses.as_slice());
        let across = plan(from, onto, &target.tree, &rules.softness, &mut self.scaling);
        let tree = KdTree::new(moved);
        let within = self_plan(from, &tree, &rules.softness, &mut self.self_scaling);
        let place = |((point, across), within): ((&Point3<f64>, &Row), &Row)| {
            if across.mass > 0.0 { point + across.shift - within.shift } else { *point }
        };
        let places = moved.iter().zip(&across).zip(&within).map(place).collect();
        let mass: f64 = across.iter().map(|row| row.mass).sum();
        let weight = |(across, within): (&Row, &Row)| {
            across.mass * (across.mass / within.mass.max(f64::MIN_POSITIVE)).min(1.0).powi(TRUST)
        };
        let weights = across.iter().zip(&within).map(weight).collect();
        let own: f64 = within.iter().map(|row| row.mass).sum();
        let cost: f64 = across.iter().map(|row| row.mass * row.cost).sum();
        Wanted {
            places,
            weights,
            mass: (mass / own.max(f64::MIN_POSITIVE)).min(1.0),
            cost: cost / mass.max(f64::MIN_POSITIVE),
        }
    }

    /// Goes on as the last step went, the further the longer that has been right.
    ///
    /// # References
    /// O'Donoghue and Candès, *Adaptive restart for accelerated gradient schemes*, Foundations of
    /// Computational Mathematics 2015, section 3.2.
    fn extrapolate(&mut self) {
        let Some((motion, coefficients)) = &self.previous else { return };
        let share = (self.momentum as f64 / (self.momentum as f64 + 3.0)).min(MOMENTUM);
        if share == 0.0 || coefficients.nrows() != self.coefficients.nrows() {
            return;
        }
        let turn = (self.motion.rotation * motion.rotation.inverse()).powf(share);
        self.motion = Motion {
            scale: self.motion.scale * (self.motion.scale / motion.scale).powf(share),
            rotation: turn * self.motion.rotation,
            translation: self.motion.translation + (self.motion.translation - motion.translation) * share,
        };
        self.coefficients = &self.coefficients + (&self.coefficients - coefficients) * share;
    }

    /// Takes one step; `None` if no mass moves at all.
    pub fn step(&mut self, source: &Source, target: &Target, rules: &Rules) -> Option<Progress> {
        let last = (self.motion, self.coefficients.clone());
        let at_last = self.moved(source);
        self.extrapolate();
        let before = self.moved(source);
        let wanted = self.wanted(&before, source, target, rules);
        if wanted.weights.iter().sum::<f64>() <= 0.0 {
            (self.motion, self.coefficients) = last;
            return None;
        }
        // The motion is the one nearest to the whole map: what can be turned, moved or scaled is not bent.
        let positions = &source.level.positions;
        self.motion = self.motion.between(positions, &wanted.places, &wanted.weights, rules.find_scale)?;
        if let Some(stiffness) = rules.stiffness {
            let motion = self.motion;
            let lacking: Vec<Vector3<f64>> = wanted
                .places
                .par_iter()
                .zip(positions)
                .map(|(place, point)| motion.undo(place) - point)
                .collect();
            // Residuals are measured in the target, the field in the source.
            let stiffness = stiffness / (motion.scale * motion.scale);
            self.coefficients = coefficients(&source.features, &wanted.weights, &lacking, stiffness)?;
        }
        let after = self.moved(source);
        let masses = &source.level.masses;
        // Where a step turns back on the way that led to it, the momentum has overshot.
        let along = (0..after.len())
            .map(|index| masses[index] * (after[index] - before[index]).dot(&(after[index] - at_last[index])))
            .sum::<f64>();
        self.momentum = if along > 0.0 { self.momentum + 1 } else { 0 };
        self.previous = Some(last);
        let motion = mean_square(&before, &after, masses).sqrt();
        let residual_squared = mean_square(&after, &wanted.places, &wanted.weights);
        Some(Progress { motion, mass: wanted.mass, residual_squared, cost: wanted.cost })
    }
}

struct Wanted {
    places: Vec<Point3<f64>>,
    weights: Vec<f64>,
    mass: f64,
    cost: f64,
}

fn mean_square(a: &[Point3<f64>], b: &[Point3<f64>], weights: &[f64]) -> f64 {
    let part = |range: std::ops::Range<usize>| {
        range.fold((0.0, 0.0), |(sum, total), index| {
            (sum + weights[index] * (a[index] - b[index]).norm_squared(), total + weights[index])
        })
    };
    let sums = fold_ordered(a.len(), part, |a, b| (a.0 + b.0, a.1 + b.1));
    sums.map_or(0.0, |(sum, total)| if total > 0.0 { sum / total } else { 0.0 })
}
