//! Means of clouds.

mod common;

use barrow_geometry::{Backend, BarycenterProblem, Error, Flow, FreeSupport, GradientFlow, Measure, Status};
use common::{assert_close, cube};
use nalgebra::{Point3, Vector3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn solve(problem: &BarycenterProblem) -> Flow {
    FreeSupport::default().solve(problem, &Backend::Cpu).unwrap()
}

fn mean(points: &[Point3<f64>]) -> Vector3<f64> {
    points.iter().map(|point| point.coords).sum::<Vector3<f64>>() / points.len() as f64
}

/// Root mean square along every axis, about the mean.
fn spread(points: &[Point3<f64>]) -> Vector3<f64> {
    let mean = mean(points);
    let squares: Vector3<f64> =
        points.iter().map(|point| (point.coords - mean).component_mul(&(point.coords - mean))).sum();
    (squares / points.len() as f64).map(f64::sqrt)
}

/// Standard normal in every axis, the sum of twelve uniform numbers.
fn normal(count: usize, seed: u64, scale: Vector3<f64>) -> Vec<Point3<f64>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut number = || (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
    (0..count)
        .map(|_| Point3::from(Vector3::new(number(), number(), number()).component_mul(&scale)))
        .collect()
}

#[test]
fn of_translates_is_the_translate() {
    let shape = cube(60, 1);
    let shifts = [Vector3::new(1.0, 0.0, 2.0), Vector3::new(-3.0, 1.0, 0.0), Vector3::new(0.0, 0.0, 6.0)];
    let clouds = shifts.map(|shift| shape.iter().map(|point| point + shift).collect::<Vec<_>>());
    let measures = [0, 1, 2].map(|k| Measure::uniform(&clouds[k]).unwrap());
    let shares = [0.2, 0.5, 0.3];
    let common: Vector3<f64> = shifts.iter().zip(shares).map(|(shift, share)| shift * share).sum();
    for blur in [0.05, 0.5, 5.0] {
        let problem = BarycenterProblem { measures: &measures, shares: &shares, count: 60, blur };
        let found = solve(&problem);
        assert!(found.convergence.converged());
        let wanted = shape.iter().map(|point| point + common);
        assert!(found.positions.iter().zip(wanted).all(|(x, y)| (x - y).norm() < 0.02 * blur));
        // Σ λ |t_k − t|²
        let value: f64 =
            shifts.iter().zip(shares).map(|(s, share)| share * (s - common).norm_squared()).sum();
        assert_close(found.divergence, value, 1e-3 * value);
    }
}

#[test]
fn of_two_diracs_is_the_point_between() {
    let (x, y) = ([Point3::new(1.0, 0.0, 0.0)], [Point3::new(0.0, 4.0, 0.0)]);
    let measures = [Measure::uniform(&x).unwrap(), Measure::weighted(&y, &[7.0]).unwrap()];
    let wanted = Point3::new(0.75, 1.0, 0.0);
    for count in [1, 6] {
        let problem = BarycenterProblem { measures: &measures, shares: &[3.0, 1.0], count, blur: 0.1 };
        let found = solve(&problem);
        assert!((mean(&found.positions) - wanted.coords).norm() < 1e-3);
        assert!(found.positions.iter().all(|point| (point - wanted).norm() < 0.2));
        assert_close(found.divergence, 0.75 * 0.25 * 17.0, 1e-3);
    }
}

#[test]
fn of_gaussians_has_the_mean_deviation() {
    let (one, other) = (Vector3::new(1.0, 2.0, 0.5), Vector3::new(3.0, 1.0, 0.5));
    let (x, y) = (normal(200, 1, one), normal(220, 2, other));
    let measures = [Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap()];
    let shares = [0.5, 0.5];
    let problem = BarycenterProblem { measures: &measures, shares: &shares, count: 150, blur: 0.2 };
    let found = solve(&problem);
    let deviation = spread(&found.positions);
    let wanted = 0.5 * (spread(&x) + spread(&y));
    // Where samples are far apart, means of matched points fluctuate less than the points: narrow axes shrink.
    for axis in 0..3 {
        assert_close(deviation[axis], wanted[axis], 0.12 * wanted[axis]);
    }
    assert!((mean(&found.positions) - 0.5 * (mean(&x) + mean(&y))).norm() < 0.02);
    assert!(found.divergence < found.initial_divergence);
}

#[test]
fn of_dilations_is_the_dilation() {
    let shape = cube(40, 3);
    let larger: Vec<_> = shape.iter().map(|point| point * 3.0).collect();
    let measures = [Measure::uniform(&shape).unwrap(), Measure::uniform(&larger).unwrap()];
    let problem = BarycenterProblem { measures: &measures, shares: &[0.75, 0.25], count: 40, blur: 0.02 };
    let found = solve(&problem);
    let worst = found.positions.iter().zip(&shape).map(|(x, y)| (x - y * 1.5).norm()).fold(0.0, f64::max);
    assert!(worst < 0.01, "{worst}");
}

#[test]
fn of_one_measure_is_itself_and_a_share_of_zero_is_nothing() {
    let (x, y) = (cube(50, 1), cube(20, 2));
    let measures = [Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap()];
    let alone = BarycenterProblem { measures: &measures[..1], shares: &[5.0], count: 50, blur: 0.1 };
    let found = solve(&alone);
    assert_eq!((found.convergence.status, found.convergence.iterations), (Status::Converged, 0));
    assert!(found.positions.iter().zip(&x).all(|(found, x)| (found - x).norm() < 1e-12));
    let beside = BarycenterProblem { measures: &measures, shares: &[5.0, 0.0], ..alone };
    assert_eq!(solve(&beside), found);
    // More points than there are, and fewer.
    for count in [3, 120] {
        let found = solve(&BarycenterProblem { count, ..alone });
        assert_eq!(found.positions.len(), count);
        assert!((mean(&found.positions) - mean(&x)).norm() < 5e-3);
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_on_any_number_of_threads() {
    let (x, y) = (cube(200, 1), cube(150, 2));
    let weights: Vec<f64> = (0..150).map(|i| (i % 4) as f64).collect();
    let measures = [Measure::uniform(&x).unwrap(), Measure::weighted(&y, &weights).unwrap()];
    let problem = BarycenterProblem { measures: &measures, shares: &[0.4, 0.6], count: 170, blur: 0.1 };
    let flow = GradientFlow { max_iterations: 3, ..Default::default() };
    let answer = |seed| {
        let solver = FreeSupport { flow: flow.clone(), seed };
        move || solver.solve(&problem, &Backend::Cpu).unwrap()
    };
    let with = |count, seed| {
        rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap().install(answer(seed))
    };
    assert_eq!(with(1, 0), with(3, 0));
    assert_ne!(with(1, 0), with(1, 1));
}

#[test]
fn bad_questions_are_refused_by_name() {
    let x = cube(5, 1);
    let measures = [Measure::uniform(&x).unwrap(); 2];
    let plain = BarycenterProblem { measures: &measures, shares: &[1.0, 1.0], count: 4, blur: 0.1 };
    let refusal =
        |problem: &BarycenterProblem| FreeSupport::default().solve(problem, &Backend::Cpu).unwrap_err();
    assert_eq!(
        refusal(&BarycenterProblem { measures: &[], shares: &[], ..plain }),
        Error::Empty { role: "input" }
    );
    let refused = refusal(&BarycenterProblem { shares: &[1.0], ..plain });
    assert!(matches!(refused, Error::ColumnLength { column: "shares", expected: 2, got: 1 }), "{refused}");
    for got in [-1.0, f64::NAN, f64::INFINITY] {
        let refused = refusal(&BarycenterProblem { shares: &[1.0, got], ..plain });
        assert!(matches!(refused, Error::InvalidWeight { index: 1, .. }), "{refused}");
    }
    assert!(matches!(refusal(&BarycenterProblem { shares: &[0.0, 0.0], ..plain }), Error::NoMass { .. }));
    for count in [0, usize::MAX] {
        let refused = refusal(&BarycenterProblem { count, ..plain });
        assert!(matches!(refused, Error::InvalidOption { name: "count", .. }), "{refused}");
    }
    for blur in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-12] {
        let refused = refusal(&BarycenterProblem { blur, ..plain });
        assert!(matches!(refused, Error::InvalidOption { name: "blur", .. }), "{refused}");
    }
}
