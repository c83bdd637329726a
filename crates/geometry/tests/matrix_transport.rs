//! Transport with a matrix of costs: published values, limits, invariances, bad questions.

mod common;

use std::ops::ControlFlow;

use barrow_geometry::{
    Backend, Balance, Error, MarginalPenalty, MatrixPlan, MatrixSinkhorn, MatrixTransport, Measure, Sinkhorn,
    Status, TransportProblem,
};
use common::{assert_close, cube};
use nalgebra::DMatrix;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn solve(problem: &MatrixTransport) -> MatrixPlan {
    let plan = MatrixSinkhorn::default().solve(problem).unwrap();
    assert!(plan.convergence.converged(), "{:?}", plan.convergence);
    assert!(plan.marginal_error.source < 1e-8 && plan.marginal_error.target < 1e-8, "{plan:?}");
    plan
}

#[track_caller]
fn assert_plan(got: &DMatrix<f64>, wanted: &[&[f64]], tolerance: f64) {
    for (i, row) in wanted.iter().enumerate() {
        for (j, &wanted) in row.iter().enumerate() {
            assert_close(got[(i, j)], wanted, tolerance);
        }
    }
}

fn random_costs(random: &mut ChaCha8Rng, rows: usize, columns: usize) -> DMatrix<f64> {
    DMatrix::from_fn(rows, columns, |_, _| random.random::<f64>())
}

fn random_weights(random: &mut ChaCha8Rng, count: usize) -> Vec<f64> {
    (0..count).map(|_| 0.1 + random.random::<f64>()).collect()
}

/// The cheapest assignment, by trying all.
fn cheapest(costs: &DMatrix<f64>) -> f64 {
    fn from(costs: &DMatrix<f64>, row: usize, taken: u32) -> f64 {
        if row == costs.nrows() {
            return 0.0;
        }
        (0..costs.ncols())
            .filter(|column| taken >> column & 1 == 0)
            .map(|column| costs[(row, column)] + from(costs, row + 1, taken | 1 << column))
            .fold(f64::INFINITY, f64::min)
    }
    from(costs, 0, 0)
}

#[test]
fn the_published_examples_come_out() {
    // POT documentation, ot.sinkhorn and ot.sinkhorn2.
    let costs = DMatrix::from_row_slice(2, 2, &[0.0, 1.0, 1.0, 0.0]);
    let half = [0.5, 0.5];
    let plan = solve(&MatrixTransport::new(&costs, &half, &half, 1.0));
    assert_plan(&plan.plan, &[&[0.36552929, 0.13447071], &[0.13447071, 0.36552929]], 1e-8);
    assert_close(plan.transport_cost, 0.26894142136999516, 1e-9);
    // POT documentation, ot.emd2: the limit without entropy.
    let plan = solve(&MatrixTransport::new(&costs, &half, &half, 1e-4));
    assert_plan(&plan.plan, &[&[0.5, 0.0], &[0.0, 0.5]], 1e-12);
    assert_close(plan.transport_cost, 0.0, 1e-12);

    // GeomLoss documentation, ot.solve: masses of total 4.
    let costs = DMatrix::from_row_slice(2, 3, &[0.0, 1.0, 4.0, 2.0, 1.0, 0.0]);
    let plan = solve(&MatrixTransport::new(&costs, &[2.0, 2.0], &[1.0, 1.0, 2.0], 0.001));
    assert_plan(&plan.plan, &[&[1.0, 1.0, 0.0], &[0.0, 0.0, 2.0]], 1e-8);
    let product = &plan.plan * DMatrix::from_column_slice(3, 1, &[-2.0, 1.0, 1.0]);
    assert_plan(&product, &[&[-1.0], &[2.0]], 1e-8);

    // GeomLoss documentation, ot.solve_sample: squared distances of (0,0), (0,2) to (2,1), (2,2).
    let costs = DMatrix::from_row_slice(2, 2, &[5.0, 8.0, 5.0, 4.0]);
    let plan = solve(&MatrixTransport::new(&costs, &half, &half, 0.001));
    assert_plan(&plan.plan, &[&[0.5, 0.0], &[0.0, 0.5]], 1e-9);
    assert_close(plan.value, 4.501, 5e-4);
    assert_close(plan.transport_cost, 4.5, 1e-9);
}

#[test]
fn the_published_partial_examples_come_out() {
    // POT documentation, ot.partial.partial_wasserstein: without entropy.
    let costs = DMatrix::from_row_slice(2, 2, &[0.0, 1.0, 2.0, 3.0]);
    let (a, b) = ([0.1, 0.2], [0.1, 0.1]);
    let partial = |mass: f64, epsilon: f64| MatrixTransport {
        balance: Balance::Partial { mass },
        ..MatrixTransport::new(&costs, &a, &b, epsilon)
    };
    // All of the targets: the costs of the two ways to do it are equal, 0 + 3 and 1 + 2.
    let plan = solve(&partial(0.2, 1e-3));
    assert_close(plan.transport_cost, 0.3, 1e-6);
    let plan = solve(&partial(0.1, 1e-3));
    assert_plan(&plan.plan, &[&[0.1, 0.0], &[0.0, 0.0]], 1e-8);
    assert_close(plan.transport_cost, 0.0, 1e-8);

    // POT documentation, ot.partial.entropic_partial_wasserstein(a, b, M, 1, m = 0.1), whose entropy is relative to ones.
    let relative = DMatrix::from_fn(2, 2, |i, j| costs[(i, j)] + f64::ln(a[i] * b[j]));
    let problem = MatrixTransport { cost: &relative, ..partial(0.1, 1.0) };
    let plan = solve(&problem);
    assert_plan(&plan.plan, &[&[0.06, 0.02], &[0.01, 0.00]], 5e-3);
    // No weight binds there: the plan is proportional to the kernel.
    let sum: f64 = [0.0f64, -1.0, -2.0, -3.0].iter().map(|cost| cost.exp()).sum();
    assert_close(plan.plan[(0, 0)], 0.1 / sum, 1e-9);
    assert_close(plan.plan.sum(), 0.1, 1e-9);
}

#[test]
fn little_entropy_gives_the_exact_plan_and_much_the_product() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for size in 2..=7 {
        let costs = random_costs(&mut random, size, size);
        let ones = vec![1.0; size];
        let exact = cheapest(&costs);
        let mut last = f64::INFINITY;
        for epsilon in [1e3, 1.0, 0.1, 0.01, 1e-3] {
            // Near ties between assignments take long to settle.
            let solver = MatrixSinkhorn { tolerance: 1e-7, ..Default::default() };
            let plan = solver.solve(&MatrixTransport::new(&costs, &ones, &ones, epsilon)).unwrap();
            assert!(plan.convergence.converged(), "{:?}", plan.convergence);
            assert!(plan.transport_cost <= last + 1e-6, "the cost rises as the entropy falls");
            assert!(plan.transport_cost >= exact - 1e-6);
            last = plan.transport_cost;
        }
        assert_close(last, exact, 1e-3 * size as f64);

        let (a, b) = (random_weights(&mut random, size), random_weights(&mut random, size));
        let scaled: Vec<f64> = b.iter().map(|weight| weight * total(&a) / total(&b)).collect();
        let plan = solve(&MatrixTransport::new(&costs, &a, &scaled, 1e9));
        for (i, a_i) in a.iter().enumerate() {
            for (j, b_j) in scaled.iter().enumerate() {
                assert_close(plan.plan[(i, j)], a_i * b_j / total(&a), 1e-8);
            }
        }
    }
}

fn total(weights: &[f64]) -> f64 {
    weights.iter().sum()
}

#[test]
fn gaussians_cost_what_their_closed_form_says() {
    // Janati et al., Entropic optimal transport between unbalanced Gaussian measures has a closed form, 2020, theorem 1.
    let grid: Vec<f64> = (0..400).map(|i| -1.2 + 0.008 * f64::from(i)).collect();
    let costs = DMatrix::from_fn(400, 400, |i, j| (grid[i] - grid[j]).powi(2));
    let gaussian = |mean: f64, variance: f64| -> Vec<f64> {
        let raw: Vec<f64> = grid.iter().map(|x| (-(x - mean).powi(2) / (2.0 * variance)).exp()).collect();
        raw.iter().map(|weight| weight / total(&raw)).collect()
    };
    let cases = [
        ([0.2, 0.03], [0.6, 0.01], 0.2, 0.1930713235490681),
        ([0.3, 0.02], [0.3, 0.02], 0.1, 0.0181750801648955),
    ];
    for ([m, a], [n, b], sigma, wanted) in cases {
        let s: f64 = sigma * sigma;
        let d = (4.0 * a * b + s * s).sqrt();
        let closed = (m - n) * (m - n) + a + b - d + s * (1.0 - (2.0 * s).ln()) + s * (d + s).ln();
        assert_close(closed, wanted, 1e-14);
        let plan = solve(&MatrixTransport::new(&costs, &gaussian(m, a), &gaussian(n, b), 2.0 * s));
        assert_close(plan.value, wanted, 1e-9);
    }
}

#[test]
fn unbalanced_diracs_in_closed_form() {
    let cost = 0.8;
    let costs = DMatrix::from_element(1, 1, cost);
    for (a, b) in [(1.0, 1.0), (2.0, 0.5), (0.1, 4.0)] {
        for rho in [0.3, 1.0, 5.0] {
            let plain = MatrixTransport::new(&costs, &[], &[], 1e-6);
            let (one, other) = ([a], [b]);
            let plain = MatrixTransport { source: &one, target: &other, ..plain };
            let plan = solve(&MatrixTransport { balance: Balance::KullbackLeibler { rho }, ..plain });
            let mass = f64::sqrt(a * b) * f64::exp(-cost / (2.0 * rho));
            assert_close(plan.plan[(0, 0)], mass, 1e-4);
            assert_close(plan.value, rho * (a + b) - 2.0 * rho * mass, 1e-4);
            let plan = solve(&MatrixTransport { balance: Balance::TotalVariation { rho }, ..plain });
            assert_close(plan.value, cost.min(2.0 * rho) * a.min(b) + rho * (a - b).abs(), 1e-4);
            let part = 0.7 * a.min(b);
            let plan = solve(&MatrixTransport { balance: Balance::Partial { mass: part }, ..plain });
            assert_close(plan.transport_cost, cost * part, 1e-9);
            assert_close(plan.mass_price, cost, 1e-4);
        }
    }
}

#[test]
fn an_entropy_far_below_the_costs_underflows_nowhere() {
    // exp(−C/ε) would be zero everywhere off the diagonal band, 10⁻⁴³⁰⁰⁰ in the corner.
    let size = 60;
    let costs = DMatrix::from_fn(size, size, |i, j| (i as f64 - j as f64).powi(2));
    let weights = vec![1.0; size];
    let shifted: Vec<f64> = (0..size).map(|j| 1.0 + 0.5 * ((j * 7) as f64).sin()).collect();
    let factor = total(&weights) / total(&shifted);
    let shifted: Vec<f64> = shifted.iter().map(|weight| weight * factor).collect();
    let solver = MatrixSinkhorn { tolerance: 1e-7, max_iterations: 100_000, ..Default::default() };
    let plan = solver.solve(&MatrixTransport::new(&costs, &weights, &shifted, 0.05)).unwrap();
    assert!(plan.convergence.converged(), "{:?}", plan.convergence);
    // On a line, the quantiles are matched.
    let (mut i, mut j, mut exact) = (0, 0, 0.0);
    let (mut left, mut right) = (weights[0], shifted[0]);
    while i < size && j < size {
        let mass = left.min(right);
        exact += mass * costs[(i, j)];
        (left, right) = (left - mass, right - mass);
        if left <= 1e-12 {
            i += 1;
            left = weights.get(i).copied().unwrap_or(0.0);
        }
        if right <= 1e-12 {
            j += 1;
            right = shifted.get(j).copied().unwrap_or(0.0);
        }
    }
    assert!(plan.transport_cost >= exact - 1e-4, "{} {exact}", plan.transport_cost);
    assert_close(plan.transport_cost, exact, 0.02 * exact);
}

#[test]
fn points_and_their_matrix_give_the_same_answers() {
    let (x, y) = (cube(40, 1), cube(30, 2));
    let weights: Vec<f64> = (0..30).map(|i| (1 + i % 4) as f64 / 30.0).collect();
    let (ones, reach) = (vec![1.0 / 40.0; 40], 0.5);
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::weighted(&y, &weights).unwrap());
    let costs = DMatrix::from_fn(40, 30, |i, j| (x[i] - y[j]).norm_squared());
    for penalty in [MarginalPenalty::KullbackLeibler, MarginalPenalty::TotalVariation] {
        let problem = TransportProblem { reach: Some(reach), penalty, ..TransportProblem::new(a, b, 0.1) };
        let solver = Sinkhorn { tolerance: 1e-10, max_iterations: 20_000, ..Default::default() };
        let of_points = solver.solve(&problem, &Backend::Cpu).unwrap();
        let matrix = MatrixTransport {
            balance: problem.balance(),
            ..MatrixTransport::new(&costs, &ones, &weights, problem.epsilon())
        };
        let of_matrix = solve(&matrix);
        assert_close(of_matrix.value, of_points.value(), 1e-8);
        assert_close(of_matrix.transport_cost, of_points.transport_cost(), 1e-7);
        assert!((of_matrix.plan - of_points.dense().unwrap()).abs().sum() < 1e-6);
    }
}

#[test]
fn a_partial_plan_is_the_cut_whose_price_it_names() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut compared = 0;
    for (rows, columns) in [(3, 3), (6, 4), (10, 15)] {
        let costs = random_costs(&mut random, rows, columns);
        let (a, b) = (random_weights(&mut random, rows), random_weights(&mut random, columns));
        for part in [0.2, 0.6, 0.95] {
            let mass = part * total(&a).min(total(&b));
            let plain = MatrixTransport::new(&costs, &a, &b, 0.02);
            let plan = solve(&MatrixTransport { balance: Balance::Partial { mass }, ..plain });
            assert_close(plan.plan.sum(), mass, 1e-8);
            assert!(plan.plan.row_iter().zip(&a).all(|(row, a)| row.sum() <= a + 1e-8));
            assert!(plan.plan.column_iter().zip(&b).all(|(column, b)| column.sum() <= b + 1e-8));
            // Dropping costs 2ρ = λ: total variation then moves the same, unless it adds mass somewhere.
            let rho = 0.5 * plan.mass_price;
            let potentials = plan.potentials.source.iter().chain(&plan.potentials.target);
            if potentials.fold(0.0, |lowest: f64, &value| lowest.min(value)) > -plan.mass_price {
                compared += 1;
                let cut = solve(&MatrixTransport { balance: Balance::TotalVariation { rho }, ..plain });
                assert!((&cut.plan - &plan.plan).abs().sum() < 1e-5, "{part}");
            }
        }
    }
    assert!(compared >= 3, "{compared}");
}

#[test]
fn a_mass_of_everything_is_balanced_and_a_high_price_too() {
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let costs = random_costs(&mut random, 7, 7);
    let ones = vec![1.0; 7];
    let plain = MatrixTransport::new(&costs, &ones, &ones, 0.05);
    let balanced = solve(&plain);
    for balance in [
        Balance::Partial { mass: 7.0 },
        Balance::TotalVariation { rho: 50.0 },
        Balance::KullbackLeibler { rho: 1e9 },
    ] {
        let plan = MatrixSinkhorn::default().solve(&MatrixTransport { balance, ..plain }).unwrap();
        assert!((plan.plan - &balanced.plan).abs().sum() < 1e-6, "{balance:?}");
        assert_close(plan.value, balanced.value, 1e-6);
    }
}

#[test]
fn costs_scale_and_shift_the_value_and_sides_may_swap() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let costs = random_costs(&mut random, 9, 6);
    let (a, b) = (random_weights(&mut random, 9), random_weights(&mut random, 6));
    let scaled: Vec<f64> = b.iter().map(|weight| weight * total(&a) / total(&b)).collect();
    let rho = 0.3;
    for balance in [
        Balance::Exact,
        Balance::KullbackLeibler { rho },
        Balance::TotalVariation { rho },
        Balance::Partial { mass: 2.0 },
    ] {
        let plain = MatrixTransport { balance, ..MatrixTransport::new(&costs, &a, &scaled, 0.05) };
        let plan = solve(&plain);
        let transposed = costs.transpose();
        let swapped = solve(&MatrixTransport { cost: &transposed, source: &scaled, target: &a, ..plain });
        assert_close(swapped.value, plan.value, 1e-8);
        assert!((swapped.plan.transpose() - &plan.plan).abs().sum() < 1e-6, "{balance:?}");

        let factor = 1e3;
        let larger = &costs * factor;
        let balance = match balance {
            Balance::KullbackLeibler { rho } => Balance::KullbackLeibler { rho: rho * factor },
            Balance::TotalVariation { rho } => Balance::TotalVariation { rho: rho * factor },
            other => other,
        };
        let scaled = solve(&MatrixTransport { cost: &larger, epsilon: 0.05 * factor, balance, ..plain });
        assert_close(scaled.value, factor * plan.value, 1e-6);
        assert!((scaled.plan - &plan.plan).abs().sum() < 1e-6);
        assert!(plan.value <= plan.transport_cost + 0.05 * entropy(&plan.plan, &a, plain.target) + 1.0);
    }
    // A constant is paid for all mass, and costs may be negative then.
    let plain = MatrixTransport::new(&costs, &a, &scaled, 0.05);
    let shifted = costs.add_scalar(-5.0);
    let (plan, shifted) = (solve(&plain), solve(&MatrixTransport { cost: &shifted, ..plain }));
    assert_close(shifted.value, plan.value - 5.0 * total(&a), 1e-8);
    assert!((shifted.plan - plan.plan).abs().sum() < 1e-7);
}

/// KL(P | a ⊗ b).
fn entropy(plan: &DMatrix<f64>, a: &[f64], b: &[f64]) -> f64 {
    let mut sum = total(a) * total(b) - plan.sum();
    for i in 0..a.len() {
        for j in 0..b.len() {
            let entry = plan[(i, j)];
            if entry > 0.0 {
                sum += entry * (entry / (a[i] * b[j])).ln();
            }
        }
    }
    sum
}

#[test]
fn points_without_weight_change_nothing() {
    let costs = DMatrix::from_row_slice(2, 3, &[0.0, 9.0, 4.0, 2.0, 7.0, 0.0]);
    let smaller = DMatrix::from_row_slice(2, 2, &[0.0, 4.0, 2.0, 0.0]);
    let (a, b) = ([1.0, 2.0], [1.0, 0.0, 2.0]);
    let with = solve(&MatrixTransport::new(&costs, &a, &b, 0.1));
    let without = solve(&MatrixTransport::new(&smaller, &a, &[1.0, 2.0], 0.1));
    assert_close(with.value, without.value, 1e-9);
    assert!(with.plan.column(1).iter().all(|&entry| entry == 0.0));
    assert!(with.potentials.target.iter().all(|value| value.is_finite()));
    let turned = costs.transpose();
    let turned = solve(&MatrixTransport::new(&turned, &b, &a, 0.1));
    assert_close(turned.value, with.value, 1e-9);
}

#[test]
fn why_a_run_stopped_is_part_of_the_answer() {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let costs = random_costs(&mut random, 20, 20);
    let ones = vec![1.0; 20];
    let problem = MatrixTransport::new(&costs, &ones, &ones, 0.01);
    let mut steps = Vec::new();
    let stopped = MatrixSinkhorn::default()
        .solve_with(&problem, |step| {
            steps.push(*step);
            if step.iteration == 9 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!((stopped.convergence.status, stopped.convergence.iterations), (Status::Stopped, 9));
    assert_eq!(stopped.epsilon, steps[8].epsilon);
    assert_close(stopped.marginal_error.target, stopped.convergence.residual, 1e-12);
    assert!(stopped.marginal_error.source < 1e-12);
    let short = MatrixSinkhorn { max_iterations: 3, ..Default::default() }.solve(&problem).unwrap();
    assert_eq!(short.convergence.status, Status::MaxIterations);
    // A warm start from the answer is done at once.
    let rho = 0.1;
    for balance in [
        Balance::Exact,
        Balance::KullbackLeibler { rho },
        Balance::TotalVariation { rho },
        Balance::Partial { mass: 12.0 },
    ] {
        let problem = MatrixTransport { balance, ..problem };
        let plan = solve(&problem);
        let warm = MatrixSinkhorn { initial: Some(plan.potentials.clone()), ..Default::default() };
        let again = warm.solve(&problem).unwrap();
        assert!(again.convergence.iterations <= 3, "{balance:?} {:?}", again.convergence);
        assert_close(again.mass_price, plan.mass_price, 1e-6);
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let costs = random_costs(&mut random, 150, 90);
    let (a, b) = (vec![1.0 / 150.0; 150], vec![1.0 / 90.0; 90]);
    let answer = || solve(&MatrixTransport::new(&costs, &a, &b, 0.02));
    let with = |count| rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap().install(answer);
    assert_eq!(with(1), with(3));
}

#[test]
fn bad_questions_are_refused_by_name() {
    let costs = DMatrix::from_row_slice(2, 2, &[0.0, 1.0, 1.0, 0.0]);
    let half = [0.5, 0.5];
    let plain = MatrixTransport::new(&costs, &half, &half, 0.1);
    let refusal = |problem: &MatrixTransport| MatrixSinkhorn::default().solve(problem).unwrap_err();
    for got in [f64::NAN, f64::INFINITY, -1e100] {
        let mut bad = costs.clone();
        bad[(1, 0)] = got;
        let refused = refusal(&MatrixTransport { cost: &bad, ..plain });
        assert!(matches!(refused, Error::InvalidCost { row: 1, column: 0, .. }), "{refused}");
    }
    let negative = costs.add_scalar(-0.5);
    let reaching = Balance::KullbackLeibler { rho: 1.0 };
    let refused = refusal(&MatrixTransport { cost: &negative, balance: reaching, ..plain });
    assert!(matches!(refused, Error::InvalidCost { row: 0, column: 0, got: -0.5, .. }), "{refused}");

    for got in [-1.0, f64::NAN, f64::INFINITY] {
        let bad = [0.5, got];
        let refused = refusal(&MatrixTransport { target: &bad, ..plain });
        assert!(matches!(refused, Error::InvalidWeight { role: "target", index: 1, .. }), "{refused}");
    }
    assert_eq!(refusal(&MatrixTransport { source: &[0.0, 0.0], ..plain }), Error::NoMass { role: "source" });
    let refused = refusal(&MatrixTransport { source: &[1e200, 1e200], ..plain });
    assert!(matches!(refused, Error::InvalidOption { name: "total weight", .. }), "{refused}");
    let refused = refusal(&MatrixTransport { target: &[0.5, 0.6], ..plain });
    assert!(matches!(refused, Error::UnequalTotals { .. }), "{refused}");
    let refused = refusal(&MatrixTransport { target: &[0.5, 0.2, 0.3], ..plain });
    assert!(matches!(refused, Error::MatrixShape { columns: 2, target_weights: 3, .. }), "{refused}");
    let none = DMatrix::zeros(0, 2);
    let refused = refusal(&MatrixTransport { cost: &none, source: &[], ..plain });
    assert_eq!(refused, Error::Empty { role: "source" });

    for epsilon in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-13, 1e99] {
        let refused = refusal(&MatrixTransport { epsilon, ..plain });
        assert!(matches!(refused, Error::InvalidOption { name: "epsilon", .. }), "{refused}");
    }
    for rho in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        for balance in [Balance::KullbackLeibler { rho }, Balance::TotalVariation { rho }] {
            let refused = refusal(&MatrixTransport { balance, ..plain });
            assert!(matches!(refused, Error::InvalidOption { name: "rho", .. }), "{refused}");
        }
    }
    for mass in [0.0, -1.0, 1.1, f64::NAN] {
        let refused = refusal(&MatrixTransport { balance: Balance::Partial { mass }, ..plain });
        assert!(matches!(refused, Error::InvalidOption { name: "mass", .. }), "{refused}");
    }
    for solver in [
        MatrixSinkhorn { scaling: 1.0, ..Default::default() },
        MatrixSinkhorn { tolerance: 0.0, ..Default::default() },
        MatrixSinkhorn { max_iterations: 0, ..Default::default() },
    ] {
        assert!(matches!(solver.solve(&plain), Err(Error::InvalidOption { .. })));
    }
    let wrong = MatrixSinkhorn { initial: Some(Default::default()), ..Default::default() };
    assert!(matches!(wrong.solve(&plain), Err(Error::ColumnLength { expected: 2, got: 0, .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the costs: finite numbers, a dual value that no plan undercuts, exact residuals.
    #[test]
    fn any_problem_has_an_honest_answer(
        seed in 0u64..10_000,
        rows in 1usize..12,
        columns in 1usize..12,
        log_epsilon in -4.0f64..3.0,
        log_size in -6.0f64..6.0,
        kind in 0usize..4,
        price in 0.05f64..3.0,
        ties: bool,
    ) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let size = 10f64.powf(log_size);
        let mut costs = random_costs(&mut random, rows, columns) * size;
        if ties {
            costs.iter_mut().for_each(|cost| *cost = (*cost / size * 3.0).floor() * size);
        }
        let (a, mut b) = (random_weights(&mut random, rows), random_weights(&mut random, columns));
        let rho = price * size;
        let balance = match kind {
            0 => Balance::Exact,
            1 => Balance::KullbackLeibler { rho },
            2 => Balance::TotalVariation { rho },
            _ => Balance::Partial { mass: total(&a).min(total(&b)) * price / 3.0 },
        };
        if balance == Balance::Exact {
            let factor = total(&a) / total(&b);
            b.iter_mut().for_each(|weight| *weight *= factor);
        }
        let epsilon = size * 10f64.powf(log_epsilon);
        let problem = MatrixTransport { balance, ..MatrixTransport::new(&costs, &a, &b, epsilon) };
        let plan = MatrixSinkhorn { max_iterations: 3000, ..Default::default() }.solve(&problem).unwrap();
        prop_assert!(plan.value.is_finite() && plan.transport_cost >= 0.0);
        prop_assert!(plan.plan.iter().all(|&entry| entry.is_finite() && entry >= 0.0));
        prop_assert!(plan.marginal_error.source < 1e-6, "{:?}", plan.marginal_error);
        // The objective of the plan, feasible or not by little, is above the dual value by little or more.
        let price = |marginal: f64, weight: f64| match balance {
            Balance::KullbackLeibler { rho } => rho * (marginal * (marginal / weight).ln() - marginal + weight),
            Balance::TotalVariation { rho } => rho * (marginal - weight).abs(),
            _ => 0.0,
        };
        let priced: f64 = plan.plan.row_iter().zip(&a).map(|(row, &a)| price(row.sum().max(1e-300), a)).sum::<f64>()
            + plan.plan.column_iter().zip(&b).map(|(column, &b)| price(column.sum().max(1e-300), b)).sum::<f64>();
        let objective = plan.transport_cost + epsilon * entropy(&plan.plan, &a, &b) + priced;
        let slack = plan.convergence.residual * (size + epsilon) * 50.0 * total(&b);
        prop_assert!(plan.value <= objective + slack + 1e-6 * (size + epsilon), "{} {objective}", plan.value);
        if plan.convergence.converged() {
            prop_assert!((plan.value - objective).abs() <= 1e-5 * (size + epsilon), "{} {objective}", plan.value);
        }
    }
}
