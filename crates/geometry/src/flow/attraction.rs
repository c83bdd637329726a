//! What draws moving points: the divergence from fixed measures, and its slope.

use std::borrow::Cow;

use nalgebra::{Point3, Vector3};

use crate::sinkhorn::Side;
use crate::{
    Backend, Cost, MarginalPenalty, Measure, Potentials, Result, Sinkhorn, SinkhornRun, TransportPlan,
    TransportProblem,
};

/// Positions and weights; a measure that may own its weights.
#[derive(Debug, Clone)]
pub(super) struct Body<'a> {
    pub positions: Cow<'a, [Point3<f64>]>,
    /// 1/n each if there are none.
    pub weights: Option<Cow<'a, [f64]>>,
}

impl<'a> Body<'a> {
    /// A measure as it is.
    pub fn of(measure: &Measure<'a>) -> Self {
        Self { positions: Cow::Borrowed(measure.positions()), weights: measure.weights().map(Cow::Borrowed) }
    }

    /// A measure of total 1.
    pub fn normalized(measure: &Measure<'a>) -> Self {
        let scaled = |weights: &[f64]| weights.iter().map(|weight| weight / measure.total()).collect();
        Self {
            positions: Cow::Borrowed(measure.positions()),
            weights: measure.weights().map(|weights| Cow::Owned(scaled(weights))),
        }
    }

    pub fn measure(&self) -> Result<Measure<'_>> {
        match &self.weights {
            Some(weights) => Measure::weighted(&self.positions, weights),
            None => Measure::uniform(&self.positions),
        }
    }
}

/// One fixed measure.
struct Attractor<'a> {
    body: Body<'a>,
    share: f64,
    /// ½ OT(b, b), once known.
    own: Option<f64>,
    /// Of the last plan from the moving points.
    potentials: Option<Potentials>,
}

/// Σ_k λ_k S(X, Y_k) as a function of the positions X.
pub(super) struct Attraction<'a> {
    solver: Sinkhorn,
    backend: Backend,
    cost: Cost,
    blur: f64,
    reach: Option<f64>,
    penalty: MarginalPenalty,
    attractors: Vec<Attractor<'a>>,
    /// Of the last plan of the moving points to themselves.
    potentials: Option<Potentials>,
}

/// What the attraction says of one set of positions.
pub(super) struct Pull {
    /// Σ_k λ_k S(X, Y_k)
    pub divergence: f64,
    /// −∇ / (2 a_i) for the squared cost, −blur ∇ / a_i for the Euclidean one \[m\]. Zero without weight.
    pub velocities: Vec<Vector3<f64>>,
    /// The largest residual of the plans behind it.
    pub residual: f64,
    /// Error that those residuals may make in the divergence.
    pub uncertainty: f64,
}

impl<'a> Attraction<'a> {
    /// The attraction of some fixed measures, with shares that add up to 1; cost, blur and reach are the problem's.
    pub fn new(
        solver: &Sinkhorn,
        backend: &Backend,
        settings: &TransportProblem,
        bodies: impl IntoIterator<Item = (Body<'a>, f64)>,
    ) -> Self {
        let attractor = |(body, share)| Attractor { body, share, own: None, potentials: None };
        Self {
            solver: solver.clone(),
            backend: backend.clone(),
            cost: settings.cost,
            blur: settings.blur,
            reach: settings.reach,
            penalty: settings.penalty,
            attractors: bodies.into_iter().map(attractor).collect(),
            potentials: None,
        }
    }

    pub fn blur(&self) -> f64 {
        self.blur
    }

    /// Solves all plans from where the last ones ended.
    pub fn pull(&mut self, moving: &Body) -> Result<Pull> {
        let moving = moving.measure()?;
        let (cost, blur, reach, penalty) = (self.cost, self.blur, self.reach, self.penalty);
        let between = |source, target| TransportProblem {
            cost,
            reach,
            penalty,
            ..TransportProblem::new(source, target, blur)
        };
        let (solver, backend) = (&self.solver, &self.backend);
        let own = Sinkhorn { initial: None, ..solver.clone() };
        let own_value =
            |measure| -> Result<f64> { Ok(alone(&own, &between(measure, measure), backend)?.value()) };

        let plan = alone(&warm(&own, self.potentials.as_ref()), &between(moving, moving), backend)?;
        self.potentials = Some(plan.potentials().clone());
        let own_half = 0.5 * plan.value();
        let mut residual = plan.convergence().residual;
        let mut slopes: Vec<Vector3<f64>> =
            plan.measure_gradient(Side::Source).positions.iter().map(|slope| -slope).collect();
        let mut divergence = 0.0;
        for attractor in &mut self.attractors {
            let target = attractor.body.measure()?;
            let problem = between(moving, target);
            let plan = warm(solver, attractor.potentials.as_ref()).solve(&problem, backend)?;
            attractor.potentials = Some(plan.potentials().clone());
            let target_half = match attractor.own {
                Some(half) => half,
                None => *attractor.own.insert(0.5 * own_value(target)?),
            };
            let difference = reach.map_or(0.0, |_| moving.total() - target.total());
            let mass_term = 0.5 * problem.epsilon() * difference * difference;
            divergence += attractor.share * (plan.value() - own_half - target_half + mass_term);
            residual = residual.max(plan.convergence().residual);
            for (slope, pull) in slopes.iter_mut().zip(plan.measure_gradient(Side::Source).positions) {
                *slope += attractor.share * pull;
            }
        }
        let factor = match cost {
            Cost::SquaredEuclidean => -0.5,
            Cost::Euclidean => -blur,
        };
        let velocity = |(index, slope): (usize, &Vector3<f64>)| match moving.weight(index) {
            0.0 => Vector3::zeros(),
            weight => slope * (factor / weight),
        };
        let velocities = slopes.iter().enumerate().map(velocity).collect();
        // A potential errs by about ε times the misplaced part of the mass.
        let uncertainty = 2.0 * cost.epsilon(blur) * residual.max(solver.tolerance) * moving.total();
        Ok(Pull { divergence, velocities, residual, uncertainty })
    }
}

/// The plan of a measure to itself.
fn alone<'b>(
    solver: &Sinkhorn,
    problem: &TransportProblem<'b>,
    backend: &Backend,
) -> Result<TransportPlan<'b>> {
    let mut run = SinkhornRun::new(solver, problem, backend, true)?;
    while run.step()?.is_some() {}
    run.finish()
}

/// The same options, starting from known potentials without annealing.
fn warm(solver: &Sinkhorn, potentials: Option<&Potentials>) -> Sinkhorn {
    match potentials {
        Some(potentials) => {
            Sinkhorn { initial: Some(potentials.clone()), initial_blur: None, ..solver.clone() }
        }
        None => solver.clone(),
    }
}
