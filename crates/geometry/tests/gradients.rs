//! Gradients of transport values against differences of values.

mod common;

use barrow_geometry::{
    Backend, Cost, DivergencePlans, MarginalPenalty, Measure, Sinkhorn, SinkhornDivergence,
    TransportGradient, TransportProblem,
};
use common::{assert_close, awkward, cube};
use nalgebra::{Point3, Vector3};

/// A problem that owns its columns, so that they can be changed.
#[derive(Clone)]
struct Setting {
    x: Vec<Point3<f64>>,
    y: Vec<Point3<f64>>,
    a: Vec<f64>,
    b: Vec<f64>,
    cost: Cost,
    penalty: Option<MarginalPenalty>,
    debiased: bool,
}

/// One number of a setting.
#[derive(Debug, Clone, Copy)]
enum Entry {
    SourcePosition(usize, usize),
    TargetPosition(usize, usize),
    SourceWeight(usize),
    TargetWeight(usize),
}

impl Setting {
    fn all() -> Vec<Self> {
        let (x, y) = (cube(14, 1), cube(11, 2));
        let weights = |count: usize, total: f64| -> Vec<f64> {
            let raw: Vec<f64> = (0..count).map(|i| 1.0 + (i % 3) as f64).collect();
            let sum: f64 = raw.iter().sum();
            raw.into_iter().map(|weight| weight * total / sum).collect()
        };
        let mut all = Vec::new();
        for cost in [Cost::SquaredEuclidean, Cost::Euclidean] {
            for penalty in
                [None, Some(MarginalPenalty::KullbackLeibler), Some(MarginalPenalty::TotalVariation)]
            {
                for debiased in [false, true] {
                    // Totals other than 1, different where they may be.
                    let other = if penalty.is_some() { 0.9 } else { 1.7 };
                    let (a, b) = (weights(14, 1.7), weights(11, other));
                    all.push(Self { x: x.clone(), y: y.clone(), a, b, cost, penalty, debiased });
                }
            }
        }
        all
    }

    fn ask<T>(&self, answer: impl Fn(&Sinkhorn, &TransportProblem) -> T) -> T {
        let source = Measure::weighted(&self.x, &self.a).unwrap();
        let target = Measure::weighted(&self.y, &self.b).unwrap();
        let problem = TransportProblem {
            cost: self.cost,
            reach: self.penalty.map(|_| 0.7),
            penalty: self.penalty.unwrap_or_default(),
            ..TransportProblem::new(source, target, 0.25)
        };
        let solver = Sinkhorn { tolerance: 1e-11, max_iterations: 5000, ..Default::default() };
        answer(&solver, &problem)
    }

    fn value(&self) -> f64 {
        self.ask(|solver, problem| {
            if self.debiased {
                SinkhornDivergence::solve(solver, problem, &Backend::Cpu).unwrap().value
            } else {
                solver.solve(problem, &Backend::Cpu).unwrap().value()
            }
        })
    }

    fn gradient(&self) -> TransportGradient {
        self.ask(|solver, problem| {
            if self.debiased {
                DivergencePlans::solve(solver, problem, &Backend::Cpu).unwrap().gradient()
            } else {
                let plan = solver.solve(problem, &Backend::Cpu).unwrap();
                assert!(plan.convergence().residual < 1e-9, "{:?}", plan.convergence());
                plan.gradient()
            }
        })
    }

    fn entry(&mut self, entry: Entry) -> &mut f64 {
        match entry {
            Entry::SourcePosition(point, axis) => &mut self.x[point][axis],
            Entry::TargetPosition(point, axis) => &mut self.y[point][axis],
            Entry::SourceWeight(point) => &mut self.a[point],
            Entry::TargetWeight(point) => &mut self.b[point],
        }
    }

    /// Central difference along a direction.
    fn difference(&self, direction: &[(Entry, f64)]) -> f64 {
        let step = 1e-5;
        let at = |step: f64| {
            let mut moved = self.clone();
            for &(entry, part) in direction {
                *moved.entry(entry) += step * part;
            }
            moved.value()
        };
        (at(step) - at(-step)) / (2.0 * step)
    }
}

fn along(gradient: &TransportGradient, direction: &[(Entry, f64)]) -> f64 {
    let value = |entry: Entry| match entry {
        Entry::SourcePosition(point, axis) => gradient.source.positions[point][axis],
        Entry::TargetPosition(point, axis) => gradient.target.positions[point][axis],
        Entry::SourceWeight(point) => gradient.source.weights[point],
        Entry::TargetWeight(point) => gradient.target.weights[point],
    };
    direction.iter().map(|&(entry, part)| part * value(entry)).sum()
}

#[test]
fn they_are_the_differences_of_values() {
    for setting in Setting::all() {
        let gradient = setting.gradient();
        let mut directions: Vec<Vec<(Entry, f64)>> = Vec::new();
        for point in [0, 5, 10] {
            for axis in 0..3 {
                directions.push(vec![(Entry::SourcePosition(point, axis), 1.0)]);
                directions.push(vec![(Entry::TargetPosition(point, axis), 1.0)]);
            }
            if setting.penalty.is_some() {
                directions.push(vec![(Entry::SourceWeight(point), 1.0)]);
                directions.push(vec![(Entry::TargetWeight(point), 1.0)]);
            } else {
                // Totals stay equal: within a side, and raised on both.
                directions.push(vec![(Entry::SourceWeight(point), 1.0), (Entry::SourceWeight(3), -1.0)]);
                directions.push(vec![(Entry::TargetWeight(point), 1.0), (Entry::TargetWeight(3), -1.0)]);
                directions.push(vec![(Entry::SourceWeight(point), 1.0), (Entry::TargetWeight(2), 1.0)]);
            }
        }
        for direction in directions {
            let (got, wanted) = (along(&gradient, &direction), setting.difference(&direction));
            assert!(
                (got - wanted).abs() <= 1e-6 * wanted.abs().max(0.02),
                "{:?} {:?} debiased {}: {direction:?} got {got}, differences say {wanted}",
                setting.cost,
                setting.penalty,
                setting.debiased
            );
        }
    }
}

#[test]
fn a_point_without_weight_has_the_derivative_that_it_would_start_with() {
    for mut setting in Setting::all().into_iter().filter(|setting| setting.penalty.is_some()) {
        setting.a[4] = 0.0;
        let gradient = setting.gradient();
        assert_eq!(gradient.source.positions[4], Vector3::zeros());
        // One-sided, and second order.
        let at = |weight: f64| {
            let mut with = setting.clone();
            with.a[4] = weight;
            with.value()
        };
        let step = 1e-5;
        let wanted = (4.0 * at(step) - at(2.0 * step) - 3.0 * at(0.0)) / (2.0 * step);
        assert_close(gradient.source.weights[4], wanted, 1e-5);
    }
}

#[test]
fn moving_both_measures_together_changes_nothing() {
    for setting in Setting::all() {
        let gradient = setting.gradient();
        let pull: Vector3<f64> = gradient.source.positions.iter().chain(&gradient.target.positions).sum();
        assert!(pull.norm() < 1e-9, "{pull}");
        // Nor does turning them.
        let places = setting.x.iter().chain(&setting.y);
        let pulls = gradient.source.positions.iter().chain(&gradient.target.positions);
        let turn: Vector3<f64> = places.zip(pulls).map(|(place, pull)| place.coords.cross(pull)).sum();
        assert!(turn.norm() < 1e-9, "{turn}");
    }
}

#[test]
fn of_a_translate_the_debiased_gradient_is_the_translation() {
    let x = cube(120, 3);
    let shift = Vector3::new(0.3, -1.2, 0.4);
    let y: Vec<_> = x.iter().map(|point| point + shift).collect();
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    let solver = Sinkhorn { tolerance: 1e-9, max_iterations: 5000, ..Default::default() };
    for blur in [0.05, 0.5, 5.0] {
        let problem = TransportProblem::new(a, b, blur);
        let gradient = DivergencePlans::solve(&solver, &problem, &Backend::Cpu).unwrap().gradient();
        for (own, other) in gradient.source.positions.iter().zip(&gradient.target.positions) {
            assert!((own * 120.0 + 2.0 * shift).norm() < 1e-6, "{own}");
            assert!((other * 120.0 - 2.0 * shift).norm() < 1e-6, "{other}");
        }
    }
}

#[test]
fn at_the_target_there_is_nothing_to_gain() {
    let x = cube(60, 4);
    let a = Measure::uniform(&x).unwrap();
    let solver = Sinkhorn { tolerance: 1e-10, max_iterations: 5000, ..Default::default() };
    for cost in [Cost::SquaredEuclidean, Cost::Euclidean] {
        for reach in [None, Some(0.5)] {
            let problem = TransportProblem { cost, reach, ..TransportProblem::new(a, a, 0.2) };
            let gradient = DivergencePlans::solve(&solver, &problem, &Backend::Cpu).unwrap().gradient();
            assert!(gradient.source.positions.iter().all(|pull| pull.norm() < 1e-9));
            let weights = &gradient.source.weights;
            let mean = weights.iter().sum::<f64>() / weights.len() as f64;
            assert!(weights.iter().all(|weight| (weight - mean).abs() < 1e-7), "{weights:?}");
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let (x, y) = (cube(700, 1), cube(600, 2));
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    let answer = || {
        [Cost::SquaredEuclidean, Cost::Euclidean].map(|cost| {
            let problem = TransportProblem { cost, reach: Some(0.5), ..TransportProblem::new(a, b, 0.1) };
            DivergencePlans::solve(&Sinkhorn::default(), &problem, &Backend::Cpu).unwrap().gradient()
        })
    };
    let with = |count| rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap().install(answer);
    assert_eq!(with(1), with(3));
}

#[test]
fn a_measure_may_be_as_small_as_it_likes_beside_the_blur() {
    let far = [Point3::new(1.0, 0.0, 0.0), Point3::new(1.0, 0.5, 0.0)];
    let b = Measure::uniform(&far).unwrap();
    let value = |size: f64, cost, reach, penalty| {
        let near = [Point3::origin(), Point3::new(size, 0.0, 0.0), Point3::new(0.0, size, 0.0)];
        let a = Measure::uniform(&near).unwrap();
        let problem = TransportProblem { cost, reach, penalty, ..TransportProblem::new(a, b, 0.5) };
        let plans = DivergencePlans::solve(&Sinkhorn::default(), &problem, &Backend::Cpu).unwrap();
        assert!(plans.gradient().source.positions.iter().flatten().all(|number| number.is_finite()));
        plans.divergence().value
    };
    for cost in [Cost::SquaredEuclidean, Cost::Euclidean] {
        for penalty in [MarginalPenalty::KullbackLeibler, MarginalPenalty::TotalVariation] {
            for reach in [None, Some(0.01), Some(2.0), Some(1e20)] {
                let one = value(0.0, cost, reach, penalty);
                for size in [1e-8, 1e-12, 1e-25, 1e-51, 1e-54, 1e-60, 1e-80, 1e-120, 1e-160, 1e-300] {
                    let got = value(size, cost, reach, penalty);
                    assert!((got - one).abs() < 1e-4, "{size}, {reach:?}: {got}, not {one}");
                }
            }
        }
    }
}

#[test]
fn awkward_clouds_have_finite_gradients() {
    let clouds = awkward();
    for (name, x) in &clouds {
        for (other, y) in &clouds {
            let (a, b) = (Measure::uniform(x).unwrap(), Measure::uniform(y).unwrap());
            for cost in [Cost::SquaredEuclidean, Cost::Euclidean] {
                let problem = TransportProblem { cost, ..TransportProblem::new(a, b, 0.5) };
                let solver = Sinkhorn { max_iterations: 3, ..Default::default() };
                // A blur far below the extent of the two is refused.
                let Ok(plan) = solver.solve(&problem, &Backend::Cpu) else { continue };
                let gradient = plan.gradient();
                for side in [&gradient.source, &gradient.target] {
                    assert!(side.positions.iter().flatten().all(|value| value.is_finite()), "{name} {other}");
                    assert!(side.weights.iter().all(|value| value.is_finite()), "{name} {other}");
                }
            }
        }
    }
}
