//! The state of a run: one step updates both potentials.

use super::kernel::Kernel;
use super::{MatrixPlan, MatrixSinkhorn, MatrixTransport};
use crate::balance::Balance;
use crate::sinkhorn::momentum::Momentum;
use crate::sinkhorn::schedule;
use crate::{Convergence, Error, Result, Status};

/// Misplaced mass at which annealing goes on to the next ε.
const ANNEALING_TOLERANCE: f64 = 0.02;

/// One iteration, as seen by an observer.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct MatrixStep {
    /// Iterations done, this one included.
    pub iteration: usize,
    /// ε of this iteration.
    pub epsilon: f64,
    /// Whether ε is still above that of the problem.
    pub annealing: bool,
    /// L1 distance of the plan's target marginal from the prescribed one, relative to the total; for a partial problem
    /// plus that of the mass, both relative to the mass.
    pub residual: f64,
}

/// A run in progress: call [`step`](Self::step) until it answers `None`, then [`finish`](Self::finish).
pub struct MatrixRun<'a> {
    pub(super) problem: MatrixTransport<'a>,
    /// Target weights, of the source's total if balanced.
    pub(super) weights: Vec<f64>,
    rows: Kernel,
    columns: Kernel,
    tolerance: f64,
    max_iterations: usize,
    epsilons: Vec<f64>,
    /// Which of the ε is next.
    level: usize,
    pub(super) source: Vec<f64>,
    pub(super) target: Vec<f64>,
    /// λ of a partial problem, otherwise 0.
    pub(super) mass_price: f64,
    /// Soft minimum over the source, from which the next g is made.
    pending: Option<Vec<f64>>,
    momentum: Momentum,
    pub(super) epsilon: f64,
    residual: f64,
    iterations: usize,
    status: Option<Status>,
}

impl<'a> MatrixRun<'a> {
    pub(super) fn new(options: &MatrixSinkhorn, problem: &MatrixTransport<'a>) -> Result<Self> {
        options.check()?;
        let factor = problem.check()?;
        let weights: Vec<f64> = problem.target.iter().map(|weight| weight * factor).collect();
        let initial = |column: &'static str, potential: Option<&Vec<f64>>, expected: usize| {
            let Some(potential) = potential else { return Ok(vec![0.0; expected]) };
            if potential.len() != expected {
                return Err(Error::ColumnLength { column, expected, got: potential.len() });
            }
            match potential.iter().find(|value| value.is_nan() || value.abs() > 1e100) {
                Some(&got) => {
                    let requirement = "finite and of the order of the costs";
                    Err(Error::InvalidOption { name: column, requirement, got })
                }
                None => Ok(potential.iter().map(|&value| problem.balance.allowed(value)).collect()),
            }
        };
        let warm = options.initial.as_ref();
        let source =
            initial("initial source potential", warm.map(|warm| &warm.source), problem.source.len())?;
        let target = initial("initial target potential", warm.map(|warm| &warm.target), weights.len())?;
        // Above the range of the costs all plans are nearly the product of the marginals.
        let range = problem.cost.max() - problem.cost.min();
        let first = if warm.is_some() { problem.epsilon } else { range };
        let mut columns = Kernel::new(problem.cost.clone(), problem.source.to_vec());
        let mass_price = match problem.balance {
            Balance::Partial { mass } if warm.is_some() => {
                let softmin = columns.softmin(&source, problem.epsilon);
                price_of_mass(mass, &weights, &target, &softmin, problem.epsilon)
            }
            _ => 0.0,
        };
        Ok(Self {
            problem: *problem,
            rows: Kernel::new(problem.cost.transpose(), weights.clone()),
            columns,
            weights,
            tolerance: options.tolerance,
            max_iterations: options.max_iterations,
            epsilons: schedule::blurs(first, problem.epsilon, options.scaling),
            level: 0,
            source,
            target,
            mass_price,
            pending: None,
            momentum: Momentum::default(),
            epsilon: problem.epsilon,
            residual: f64::INFINITY,
            iterations: 0,
            status: None,
        })
    }

    /// Does one iteration: both potentials once. `None` when the run has converged or used up its iterations.
    ///
    /// # Errors
    /// None; the signature is that of all runs.
    pub fn step(&mut self) -> Result<Option<MatrixStep>> {
        if self.status.is_some() {
            return Ok(None);
        }
        self.update_target();
        let annealing = self.level + 1 < self.epsilons.len();
        self.epsilon = self.epsilons[self.level];
        let (balance, epsilon, price) = (self.problem.balance, self.epsilon, self.mass_price);
        self.source = self.rows.softmin(&self.target, epsilon);
        self.source.iter_mut().for_each(|value| *value = balance.best(*value - price, epsilon));
        let softmin = self.columns.softmin(&self.source, epsilon);
        let residual = self.violation(&softmin);
        if annealing || residual > self.residual {
            self.momentum.restart();
        }
        self.residual = residual;
        self.pending = Some(softmin);
        self.iterations += 1;
        if annealing && residual <= self.tolerance.max(ANNEALING_TOLERANCE) {
            self.level += 1;
        }
        if !annealing && residual <= self.tolerance {
            self.status = Some(Status::Converged);
        } else if self.iterations == self.max_iterations {
            self.status = Some(Status::MaxIterations);
        }
        Ok(Some(MatrixStep { iteration: self.iterations, epsilon, annealing, residual }))
    }

    /// The plan as far as the run came: of the ε of the last step. A run that has not been stepped yet is stepped once.
    ///
    /// # Errors
    /// Those of [`step`](Self::step).
    pub fn finish(mut self) -> Result<MatrixPlan> {
        if self.iterations == 0 {
            self.step()?;
        }
        let convergence = Convergence {
            status: self.status.unwrap_or(Status::Stopped),
            iterations: self.iterations,
            residual: self.residual,
        };
        Ok(MatrixPlan::new(&self, convergence))
    }

    /// Makes the next g of the last soft minimum. Put off until another step is wanted, so that the residual always
    /// speaks of the potentials at hand.
    fn update_target(&mut self) {
        let Some(softmin) = self.pending.take() else { return };
        let (balance, epsilon) = (self.problem.balance, self.epsilon);
        if let Balance::Partial { mass } = balance {
            // The third Bregman projection: onto the plans of the mass asked for.
            self.mass_price = price_of_mass(mass, &self.weights, &self.target, &softmin, epsilon);
        }
        let price = self.mass_price;
        self.target = softmin;
        self.target.iter_mut().for_each(|value| *value = balance.best(*value - price, epsilon));
        let shift = balance.translation((self.problem.source, &self.source), (&self.weights, &self.target));
        self.target.iter_mut().for_each(|value| *value -= shift);
        self.momentum.extrapolate(&mut self.target);
        self.target.iter_mut().for_each(|value| *value = balance.allowed(*value));
    }

    /// Mass that the plan of (f, g) misplaces on the target side, relative to what there is to place.
    /// Follows from the soft minimum T(f): the target marginal is b exp((g + λ − T(f)) / ε).
    fn violation(&self, softmin: &[f64]) -> f64 {
        let (balance, epsilon, price) = (self.problem.balance, self.epsilon, self.mass_price);
        let (mut misplaced, mut moved) = (0.0, 0.0);
        for ((&weight, &g), softmin) in self.weights.iter().zip(&self.target).zip(softmin) {
            if weight > 0.0 {
                let softmin = softmin - price;
                let arrived = ((g - softmin) / epsilon).exp();
                misplaced += weight * balance.violation(g, arrived, epsilon);
                moved += weight * arrived;
            }
        }
        match balance {
            Balance::Partial { mass } => (misplaced + (moved - mass).abs()) / mass,
            _ => misplaced / self.weights.iter().sum::<f64>(),
        }
    }
}

/// The λ with which the plan of g and T(f), of masses b exp((g + λ − T(f)) / ε), has the mass asked for.
fn price_of_mass(mass: f64, weights: &[f64], target: &[f64], softmin: &[f64], epsilon: f64) -> f64 {
    let points = weights.iter().zip(target).zip(softmin).filter(|&((&weight, _), _)| weight > 0.0);
    let logs: Vec<f64> = points.map(|((weight, g), softmin)| weight.ln() + (g - softmin) / epsilon).collect();
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    epsilon * (mass.ln() - largest - logs.iter().map(|log| (log - largest).exp()).sum::<f64>().ln())
}
