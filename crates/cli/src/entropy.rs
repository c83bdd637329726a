//! How fuzzy and how far a transport plan may be: blur, epsilon, reach and the exponent of the cost.

use barrow::geometry::{
    Bounds, Cost, KdTree, MarginalPenalty, Measure, PointCloud, Sinkhorn, SinkhornStep, TransportProblem,
    median_spacing,
};
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::clouds::LoadedPair;
use crate::report::number;
use crate::weights::Weighting;

/// Default blur of a distance in diagonals: the plan only serves its value.
pub const BLUR_OF_DISTANCE: f64 = 0.03;

/// Default blur of a match in diagonals: sharper, as the plan itself is wanted.
pub const BLUR_OF_MATCH: f64 = 0.01;

/// Options of an entropic transport problem.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Transport")]
pub struct Entropy {
    /// Length below which the plan is fuzzy [m] [default: a part of the clouds' common diagonal, 0.03
    /// for distance and 0.01 for match, but at least twice the larger median spacing].
    #[arg(long, value_name = "METRES", allow_negative_numbers = true, conflicts_with = "epsilon")]
    pub blur: Option<f64>,
    /// Weight of the entropy, instead of the blur: 2 blur² for p = 2, blur for p = 1.
    #[arg(long, value_name = "EPSILON", allow_negative_numbers = true)]
    pub epsilon: Option<f64>,
    /// Length beyond which mass is rather dropped than moved [m] [default: all mass is moved].
    #[arg(long, value_name = "METRES", allow_negative_numbers = true)]
    pub reach: Option<f64>,
    /// What dropping mass costs with a reach [default: kl].
    #[arg(long, value_enum, requires = "reach")]
    pub penalty: Option<Penalty>,
    /// Part of the mass that may end in the wrong place when the iterations stop [default: 0.001].
    #[arg(long, value_name = "PART", allow_negative_numbers = true)]
    pub tolerance: Option<f64>,
    /// Iterations at most [default: 1000, and 1000000 without entropy].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_iterations: Option<u32>,
}

/// What a problem with a reach pays for mass that it does not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Penalty {
    /// Kullback-Leibler: every point keeps a part that falls smoothly with the cost.
    Kl,
    /// Total variation, a cut: what would travel farther than the reach is dropped.
    Tv,
}

/// What a transport problem was solved with.
#[derive(Debug, Clone, Serialize)]
pub struct EntropySettings {
    /// Exponent of the distance in the cost.
    pub p: u8,
    /// Length below which the plan is fuzzy [m].
    pub blur: f64,
    /// Weight of the entropy [m^p].
    pub epsilon: f64,
    /// Length beyond which mass is rather dropped [m].
    pub reach: Option<f64>,
    /// What dropping mass costs, where there is a reach.
    pub penalty: Option<Penalty>,
    /// Part of the mass that may end in the wrong place.
    pub tolerance: f64,
    /// Iterations at most.
    pub max_iterations: usize,
    /// Where weights came from.
    pub weights: String,
}

impl Entropy {
    /// The first given of those options that mean nothing without entropy.
    pub fn entropic(&self) -> Option<&'static str> {
        let all = [
            ("--blur", self.blur.is_some()),
            ("--epsilon", self.epsilon.is_some()),
            ("--penalty", self.penalty.is_some()),
            ("--tolerance", self.tolerance.is_some()),
        ];
        all.iter().find(|(_, given)| *given).map(|&(name, _)| name)
    }

    /// The solver that these options describe.
    pub fn solver(&self) -> Sinkhorn {
        let default = Sinkhorn::default();
        Sinkhorn {
            tolerance: self.tolerance.unwrap_or(default.tolerance),
            max_iterations: self.max_iterations.map_or(default.max_iterations, |count| count as usize),
            ..default
        }
    }

    /// The problem that these options describe. They are checked by the solver.
    ///
    /// Without a blur it is `default_blur` times the diagonal of both clouds.
    pub fn problem<'a>(
        &self,
        (source, target): (Measure<'a>, Measure<'a>),
        clouds: &LoadedPair,
        p: u8,
        default_blur: f64,
    ) -> TransportProblem<'a> {
        let blur = match (self.blur, self.epsilon) {
            (Some(blur), _) => blur,
            (None, Some(epsilon)) if p == 1 => epsilon,
            (None, Some(epsilon)) => (epsilon / 2.0).sqrt(),
            (None, None) => blur_of(&clouds.source, &clouds.target, default_blur),
        };
        let cost = if p == 1 { Cost::Euclidean } else { Cost::SquaredEuclidean };
        let penalty = match self.penalty {
            Some(Penalty::Tv) => MarginalPenalty::TotalVariation,
            Some(Penalty::Kl) | None => MarginalPenalty::KullbackLeibler,
        };
        TransportProblem { cost, reach: self.reach, penalty, ..TransportProblem::new(source, target, blur) }
    }

    /// What the answer says about the problem.
    pub fn settings(&self, problem: &TransportProblem, p: u8, weighting: &Weighting) -> EntropySettings {
        EntropySettings {
            p,
            blur: problem.blur,
            epsilon: problem.epsilon(),
            reach: problem.reach,
            penalty: problem.reach.map(|_| self.penalty.unwrap_or(Penalty::Kl)),
            tolerance: self.solver().tolerance,
            max_iterations: self.solver().max_iterations,
            weights: weighting.text(),
        }
    }
}

/// The blur \[m\] where none is given: as wide as wanted, but no less than twice the spacing of points, below which it would see single
/// points and not what they stand for.
pub fn blur_between(spacing: f64, wanted: f64) -> f64 {
    let blur = wanted.max(2.0 * spacing);
    // Where all points coincide any blur gives the same answer.
    if blur > 0.0 { blur } else { 1.0 }
}

fn blur_of(source: &PointCloud, target: &PointCloud, diagonals: f64) -> f64 {
    let spacing = |cloud: &PointCloud| median_spacing(cloud, &KdTree::new(cloud.positions())).unwrap_or(0.0);
    let both = source.bounds().zip(target.bounds());
    let diagonal =
        both.map_or(0.0, |(a, b)| Bounds { min: a.min.inf(&b.min), max: a.max.sup(&b.max) }.diagonal());
    blur_between(spacing(source).max(spacing(target)), diagonals * diagonal)
}

/// A step for a progress bar.
pub fn step_text(step: &SinkhornStep) -> String {
    let (blur, residual) = (number(step.blur), number(step.residual));
    format!("iteration {}, blur {blur} m, misplaced mass {residual}", step.iteration)
}
