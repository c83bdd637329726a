//! Questions whose answers are known in closed form.

use barrow_geometry::{Backend, Cost, Measure, Sinkhorn, SinkhornDivergence, Status, TransportProblem};
use nalgebra::{Point3, Vector3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn random_cloud(count: usize, seed: u64) -> Vec<Point3<f64>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| Point3::from(std::array::from_fn::<f64, 3, _>(|_| random.random::<f64>()))).collect()
}

fn fine() -> Sinkhorn {
    Sinkhorn { tolerance: 1e-9, max_iterations: 20_000, ..Default::default() }
}

#[track_caller]
fn assert_close(got: f64, wanted: f64, tolerance: f64) {
    assert!((got - wanted).abs() <= tolerance, "got {got}, wanted {wanted} within {tolerance:e}");
}

#[test]
fn two_diracs_cost_their_distance() {
    let (x, y) = ([Point3::new(1.0, 2.0, 3.0)], [Point3::new(4.0, 6.0, 3.0)]);
    let (source, target) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    for (cost, wanted) in [(Cost::SquaredEuclidean, 25.0), (Cost::Euclidean, 5.0)] {
        for blur in [1e-3, 1.0, 1e3] {
            let problem = TransportProblem { cost, ..TransportProblem::new(source, target, blur) };
            let plan =
                Sinkhorn { max_iterations: 1, ..Default::default() }.solve(&problem, &Backend::Cpu).unwrap();
            assert_close(plan.value(), wanted, 1e-6 * wanted);
            assert_close(plan.transport_cost(), wanted, 1e-5 * wanted);
            assert_close(plan.mass(), 1.0, 1e-12);
        }
    }
}

#[test]
fn pot_two_by_two() {
    // M = [[0, 1], [1, 0]], reg = 1 of the documentation of POT: plan off the diagonal ½ / (1 + e).
    let points = [Point3::origin(), Point3::new(1.0, 0.0, 0.0)];
    let measure = Measure::uniform(&points).unwrap();
    let problem = TransportProblem::new(measure, measure, 0.5f64.sqrt());
    let plan = fine().solve(&problem, &Backend::Cpu).unwrap();
    assert_eq!(plan.convergence().status, Status::Converged);
    assert_close(plan.transport_cost(), 0.26894142136999516, 1e-9);
    assert_close(plan.dense().unwrap()[(0, 1)], 0.5 / (1.0 + 1f64.exp()), 1e-9);
}

#[test]
fn translation_is_its_square_for_every_blur() {
    let source = random_cloud(300, 1);
    let shift = Vector3::new(0.3, -0.2, 0.5);
    let target: Vec<_> = source.iter().map(|point| point + shift).collect();
    let (a, b) = (Measure::uniform(&source).unwrap(), Measure::uniform(&target).unwrap());
    for blur in [0.05, 0.2, 1.0, 10.0] {
        let solver = Sinkhorn { tolerance: 1e-7, max_iterations: 5000, ..Default::default() };
        let problem = TransportProblem::new(a, b, blur);
        let divergence = SinkhornDivergence::solve(&solver, &problem, &Backend::Cpu).unwrap();
        assert_close(divergence.value, shift.norm_squared(), 1e-5);
    }
}
