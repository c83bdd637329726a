//! The state of a flow: one step moves all points once.

use nalgebra::{Point3, Vector3};

use super::GradientFlow;
use super::attraction::{Attraction, Body, Pull};
use crate::{Convergence, Result, Status};

/// One move, as seen by an observer.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct FlowStep {
    /// Moves tried, this one included.
    pub iteration: usize,
    /// The divergence where the points are now.
    pub divergence: f64,
    /// Root mean square of the way that the points moved, weighted \[m\]. Zero if the move was taken back.
    pub movement: f64,
    /// Part of the velocity that the next move will go: halved when the divergence would have risen.
    pub step_size: f64,
    /// The largest residual of the transport plans behind it: misplaced mass, relative to the total.
    pub residual: f64,
}

/// Where a flow ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Flow {
    /// Where the points are \[m\], in the order of the source.
    pub positions: Vec<Point3<f64>>,
    /// The divergence there: S(X, Y), or Σ λ_k S(X, Y_k) for a barycenter.
    pub divergence: f64,
    /// The divergence at the start.
    pub initial_divergence: f64,
    /// How far the solver came. `residual` is the root mean square velocity in blurs.
    pub convergence: Convergence,
}

/// A flow in progress: call [`step`](Self::step) until it answers `None`, then [`finish`](Self::finish).
pub struct FlowRun<'a> {
    attraction: Attraction<'a>,
    body: Body<'a>,
    /// What holds for `body`; `None` before the first step.
    pull: Option<Pull>,
    initial_divergence: f64,
    step_size: f64,
    tolerance: f64,
    max_iterations: usize,
    iterations: usize,
    status: Option<Status>,
}

impl<'a> FlowRun<'a> {
    pub(super) fn new(options: &GradientFlow, attraction: Attraction<'a>, body: Body<'a>) -> Self {
        Self {
            attraction,
            body,
            pull: None,
            initial_divergence: f64::INFINITY,
            step_size: options.step_size,
            tolerance: options.tolerance,
            max_iterations: options.max_iterations,
            iterations: 0,
            status: None,
        }
    }

    /// Where the points are now \[m\].
    pub fn positions(&self) -> &[Point3<f64>] {
        &self.body.positions
    }

    /// Moves all points once. `None` when the flow has come to rest or used up its iterations.
    ///
    /// # Errors
    /// Those of [`Sinkhorn::start`](crate::Sinkhorn::start), for the points as they are.
    pub fn step(&mut self) -> Result<Option<FlowStep>> {
        if self.status.is_some() {
            return Ok(None);
        }
        let here = self.evaluated()?;
        if self.speed(&here.velocities) <= self.tolerance * self.attraction.blur() {
            self.status = Some(Status::Converged);
            self.pull = Some(here);
            return Ok(None);
        }
        let way = |velocity: &Vector3<f64>| velocity * self.step_size;
        let positions: Vec<Point3<f64>> =
            self.body.positions.iter().zip(&here.velocities).map(|(x, velocity)| x + way(velocity)).collect();
        let moved = Body { positions: positions.into(), weights: self.body.weights.clone() };
        let there = self.attraction.pull(&moved)?;
        self.iterations += 1;
        // What solver errors can explain is not a rise.
        let rises = there.divergence > here.divergence + here.uncertainty + there.uncertainty;
        let movement = if rises { 0.0 } else { self.step_size * self.speed(&here.velocities) };
        let pull = if rises {
            self.step_size *= 0.5;
            here
        } else {
            self.body = moved;
            there
        };
        if self.speed(&pull.velocities) <= self.tolerance * self.attraction.blur() {
            self.status = Some(Status::Converged);
        } else if self.iterations == self.max_iterations {
            self.status = Some(Status::MaxIterations);
        }
        let (divergence, residual) = (pull.divergence, pull.residual);
        self.pull = Some(pull);
        let (iteration, step_size) = (self.iterations, self.step_size);
        Ok(Some(FlowStep { iteration, divergence, movement, step_size, residual }))
    }

    /// The points as far as they came. A flow that has not been stepped yet answers for its start.
    ///
    /// # Errors
    /// Those of [`step`](Self::step).
    pub fn finish(mut self) -> Result<Flow> {
        let pull = self.evaluated()?;
        let convergence = Convergence {
            status: self.status.unwrap_or(Status::Stopped),
            iterations: self.iterations,
            residual: self.speed(&pull.velocities) / self.attraction.blur(),
        };
        Ok(Flow {
            positions: self.body.positions.into_owned(),
            divergence: pull.divergence,
            initial_divergence: self.initial_divergence,
            convergence,
        })
    }

    /// What holds where the points are; taken out, to be put back by the caller.
    fn evaluated(&mut self) -> Result<Pull> {
        match self.pull.take() {
            Some(pull) => Ok(pull),
            None => {
                let pull = self.attraction.pull(&self.body)?;
                self.initial_divergence = pull.divergence;
                Ok(pull)
            }
        }
    }

    /// Root mean square velocity, weighted.
    fn speed(&self, velocities: &[Vector3<f64>]) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for (index, velocity) in velocities.iter().enumerate() {
            let weight = self.body.weights.as_ref().map_or(1.0, |weights| weights[index]);
            sum += weight * velocity.norm_squared();
            total += weight;
        }
        (sum / total).sqrt()
    }
}
