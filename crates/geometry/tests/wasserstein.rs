//! Exact and certified transport against closed forms, brute force and itself by other ways.

use barrow_geometry::{
    Balance, Error, Measure, Moved, Status, Wasserstein, WassersteinPlan, WassersteinProblem, wasserstein_1d,
    wasserstein_of_matrix,
};
use barrow_geometry::{LineMeasure, Result};
use nalgebra::{DMatrix, Point3, Rotation3, Vector3};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn random(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn cloud(random: &mut impl Rng, count: usize) -> Vec<Point3<f64>> {
    (0..count).map(|_| Point3::from(std::array::from_fn(|_| random.random::<f64>()))).collect()
}

const EXACT: Wasserstein = Wasserstein { gap: 0.0, max_iterations: 1_000_000, max_seconds: None };

fn exact(source: &[Point3<f64>], target: &[Point3<f64>], p: f64) -> WassersteinPlan {
    let (a, b) = (Measure::uniform(source).unwrap(), Measure::uniform(target).unwrap());
    solved(&WassersteinProblem { p, ..WassersteinProblem::new(a, b) }, &EXACT)
}

/// Solves and checks everything that an answer promises.
fn solved(problem: &WassersteinProblem, solver: &Wasserstein) -> WassersteinPlan {
    let answer = solver.solve(problem).unwrap();
    assert!(answer.convergence.converged(), "{:?}", answer.convergence);
    check(problem, &answer);
    if solver.gap == 0.0 {
        // What is left is rounding, which goes with the largest cost.
        let (x, y) = (problem.source.positions(), problem.target.positions());
        let extent = x.iter().chain(y).map(|point| (point - x[0]).norm()).fold(0.0, f64::max);
        let relative = |length: f64| (length / extent).powf(problem.p);
        let rest = relative(answer.certificate.upper) - relative(answer.certificate.lower);
        assert!(rest < 1e-11, "{rest:e} of {:?}", answer.certificate);
    } else {
        assert!(answer.certificate.relative_gap() <= solver.gap);
    }
    answer
}

fn check(problem: &WassersteinProblem, answer: &WassersteinPlan) {
    let (a, b) = (&problem.source, &problem.target);
    let interval = answer.certificate;
    assert!(interval.lower <= answer.value && answer.value <= interval.upper);
    // The plan is feasible, sparse, and costs what it says.
    let marginals = answer.plan.marginals();
    let scale = a.total() / b.total();
    for (i, got) in marginals.source.iter().enumerate() {
        let (wanted, slack) = (a.weight(i), 1e-12 * a.total());
        assert!(*got <= wanted + slack && (problem.moved != Moved::All || *got >= wanted - slack));
    }
    for (j, got) in marginals.target.iter().enumerate() {
        let all = problem.moved == Moved::All;
        let (wanted, slack) = (b.weight(j) * if all { scale } else { 1.0 }, 1e-12 * a.total());
        assert!(*got <= wanted + slack && (!all || *got >= wanted - slack));
    }
    let count = a.len() + b.len();
    assert!(answer.plan.arcs().len() < count + usize::from(problem.moved != Moved::All));
    let c = |i: usize, j: usize| (a.positions()[i] - b.positions()[j]).norm().powf(problem.p);
    for arc in answer.plan.arcs() {
        let cost = c(arc.source, arc.target);
        assert!((arc.cost - cost).abs() <= 1e-12 * cost);
    }
    if problem.moved == Moved::All {
        let mean = answer.plan.cost() / answer.plan.mass();
        assert!((mean.powf(1.0 / problem.p) - answer.value).abs() <= 1e-9 * answer.value + 1e-300);
    }
    // The potentials are feasible and prove the bound.
    let (f, g) = (&answer.potentials.source, &answer.potentials.target);
    if problem.moved == Moved::All && count < 3000 {
        let largest =
            f.iter().chain(g).filter(|value| value.is_finite()).fold(0.0, |all: f64, v| all.max(v.abs()));
        for (i, f) in f.iter().enumerate() {
            for (j, g) in g.iter().enumerate() {
                assert!(f + g <= c(i, j) + 1e-12 * (largest + c(i, j)), "{f} {g} {}", c(i, j));
            }
        }
        let sum = |measure: &Measure, values: &[f64]| {
            let terms = (0..measure.len()).filter(|&index| measure.weight(index) > 0.0);
            terms.map(|index| measure.weight(index) * values[index]).sum::<f64>() / measure.total()
        };
        let dual = sum(a, f) + sum(b, g);
        let lower = interval.lower.powf(problem.p);
        assert!(lower <= dual + 1e-12 * (largest + dual.abs()) || lower == 0.0, "{lower} {dual}");
    }
}

#[test]
fn a_translation_moves_every_point_along() {
    let x = cloud(&mut random(1), 700);
    for p in [1.0, 2.0, 1.5, 4.0] {
        let shift = Vector3::new(0.3, -1.2, 0.4);
        let y: Vec<_> = x.iter().map(|point| point + shift).collect();
        let answer = exact(&x, &y, p);
        assert!((answer.value - shift.norm()).abs() < 1e-9, "{p}: {}", answer.value);
    }
}

#[test]
fn dilations_affine_maps_and_gradients_of_convex_functions_are_optimal() {
    let x = cloud(&mut random(2), 500);
    let center = Point3::from(x.iter().map(|point| point.coords).sum::<Vector3<f64>>() / x.len() as f64);
    let a = nalgebra::Matrix3::new(2.0, 0.5, 0.0, 0.5, 1.0, 0.2, 0.0, 0.2, 0.5);
    let knots = [(Point3::new(0.2, 0.3, 0.4), 0.5), (Point3::new(0.9, 0.1, 0.7), 0.2)];
    type Map<'a> = &'a dyn Fn(&Point3<f64>) -> Point3<f64>;
    let maps: [Map; 3] = [
        &|x| center + 2.5 * (x - center),
        &|x| Point3::from(a * x.coords + Vector3::new(1.0, 2.0, 3.0)),
        &|x| x + knots.iter().map(|(z, v)| (x - z) / (x - z).norm() * *v).sum::<Vector3<f64>>(),
    ];
    for map in maps {
        let y: Vec<_> = x.iter().map(map).collect();
        let wanted = x.iter().zip(&y).map(|(x, y)| (x - y).norm_squared()).sum::<f64>() / x.len() as f64;
        let answer = exact(&x, &y, 2.0);
        assert!((answer.value.powi(2) - wanted).abs() < 1e-9 * wanted);
        assert!(answer.plan.arcs().iter().all(|arc| arc.source == arc.target));
    }
    // A point reflection is not the gradient of a convex function.
    let y: Vec<_> = x.iter().map(|x| center - (x - center)).collect();
    let reflected = x.iter().zip(&y).map(|(x, y)| (x - y).norm_squared()).sum::<f64>() / x.len() as f64;
    assert!(exact(&x, &y, 2.0).value.powi(2) < 0.5 * reflected);
}

#[test]
fn a_mean_shift_adds_its_square() {
    let mut random = random(3);
    let (x, y) = (cloud(&mut random, 300), cloud(&mut random, 200));
    let shift = Vector3::new(3.0, -2.0, 5.0);
    let mean = |points: &[Point3<f64>]| {
        points.iter().map(|point| point.coords).sum::<Vector3<f64>>() / points.len() as f64
    };
    let moved: Vec<_> = y.iter().map(|point| point + shift).collect();
    let (at_rest, away) = (exact(&x, &y, 2.0).value.powi(2), exact(&x, &moved, 2.0).value.powi(2));
    let (own, other) = (mean(&y) - mean(&x), mean(&moved) - mean(&x));
    assert!((away - at_rest - other.norm_squared() + own.norm_squared()).abs() < 1e-9 * away);
}

#[test]
fn points_on_a_line_are_matched_in_order() {
    let mut random = random(4);
    for (p, n, m) in [(1.0, 200, 200), (2.0, 150, 90), (3.0, 40, 41)] {
        let (x, y): (Vec<f64>, Vec<f64>) =
            ((0..n).map(|_| random.random()).collect(), (0..m).map(|_| random.random()).collect());
        let direction = Vector3::new(1.0, 2.0, -2.0) / 3.0;
        let place = |values: &[f64]| values.iter().map(|t| Point3::from(direction * *t)).collect::<Vec<_>>();
        let line = wasserstein_1d(&LineMeasure::uniform(&x).unwrap(), &LineMeasure::uniform(&y).unwrap(), p)
            .unwrap();
        let answer = exact(&place(&x), &place(&y), p);
        assert!(
            (answer.value - line.value).abs() < 1e-9 * line.value,
            "{p}: {} {}",
            answer.value,
            line.value
        );
    }
}

#[test]
fn a_lattice_against_a_coarser_one_of_eightfold_weights() {
    let lattice = |count: usize, step: f64| -> Vec<Point3<f64>> {
        let at = |index: usize| (index as f64 + 0.5) * step;
        (0..count.pow(3))
            .map(|index| Point3::new(at(index % count), at(index / count % count), at(index / count / count)))
            .collect()
    };
    let (fine, coarse) = (lattice(12, 1.0), lattice(6, 2.0));
    let weights = vec![8.0; coarse.len()];
    let ones = vec![1.0; fine.len()];
    let problem = WassersteinProblem::new(
        Measure::weighted(&fine, &ones).unwrap(),
        Measure::weighted(&coarse, &weights).unwrap(),
    );
    assert!((solved(&problem, &EXACT).value.powi(2) - 0.75).abs() < 1e-12);
    let shifted: Vec<_> = fine.iter().map(|point| point + Vector3::new(0.3, -0.4, 0.2)).collect();
    assert!((exact(&fine, &shifted, 2.0).value - Vector3::<f64>::new(0.3, 0.4, 0.2).norm()).abs() < 1e-12);
}

/// The cost of the best of all permutations.
fn permutations(costs: &DMatrix<f64>) -> f64 {
    fn best(costs: &DMatrix<f64>, row: usize, free: &mut Vec<usize>) -> f64 {
        if free.is_empty() {
            return 0.0;
        }
        let mut lowest = f64::INFINITY;
        for place in 0..free.len() {
            let column = free.swap_remove(place);
            lowest = lowest.min(costs[(row, column)] + best(costs, row + 1, free));
            free.push(column);
            let last = free.len() - 1;
            free.swap(place, last);
        }
        lowest
    }
    best(costs, 0, &mut (0..costs.ncols()).collect())
}

/// A small cloud of one of many kinds, most of them degenerate.
fn odd_cloud(random: &mut ChaCha8Rng, kind: usize, count: usize) -> Vec<Point3<f64>> {
    let direction = Vector3::new(random.random::<f64>(), random.random(), random.random());
    let mut points = cloud(random, count);
    for point in &mut points {
        match kind {
            0 => {}
            1 => *point = point.map(|value| (3.0 * value).round()),
            2 => *point = Point3::from(direction * (4.0 * point.x).round()),
            3 => point.z = 0.5,
            4 => *point = Point3::new(1.0, 2.0, 3.0),
            5 => *point = point.map(|value| value + 1e7),
            6 => *point = point.map(|value| value * 1e-9),
            _ => *point = if point.x < 0.5 { *point } else { point.map(|value| value * 1e-3 + 100.0) },
        }
    }
    points
}

#[test]
fn ten_thousand_small_problems_lie_in_their_intervals() {
    let mut random = random(5);
    for round in 0..10_000 {
        let (n, m) = (random.random_range(1..8), random.random_range(1..8));
        let kinds = (round % 8, if round % 3 == 0 { random.random_range(0..8) } else { round % 8 });
        let (x, y) = (odd_cloud(&mut random, kinds.0, n), odd_cloud(&mut random, kinds.1, m));
        let mut weights = |count: usize| -> Vec<f64> {
            let mut weights: Vec<f64> = (0..count)
                .map(|_| match round % 5 {
                    0 => 1.0,
                    1 => f64::from(random.random_range(0..3)),
                    2 => random.random::<f64>() * 1e-12,
                    _ => random.random::<f64>(),
                })
                .collect();
            weights[count / 2] += 0.5;
            let total: f64 = weights.iter().sum();
            weights.iter_mut().for_each(|weight| *weight /= total);
            weights
        };
        let (a, b) = (weights(n), weights(m));
        let p = [1.0, 2.0, 2.0, 1.5][round % 4];
        let costs = DMatrix::from_fn(n, m, |i, j| (x[i] - y[j]).norm().powf(p));
        let reference = wasserstein_of_matrix(&costs, &a, &b, Balance::Exact).unwrap();
        assert!(reference.lower <= reference.value);
        let largest = costs.amax();
        assert!(reference.value - reference.lower <= 1e-12 * largest);
        if n == m && round % 5 == 0 && n < 7 {
            // 1 and 1.5 at the middle: not uniform, so once more with equal weights.
            let even = vec![1.0; n];
            let value = wasserstein_of_matrix(&costs, &even, &even, Balance::Exact).unwrap().value;
            assert!((value - permutations(&costs)).abs() <= 1e-12 * largest * n as f64);
        }
        let problem = WassersteinProblem {
            p,
            ..WassersteinProblem::new(Measure::weighted(&x, &a).unwrap(), Measure::weighted(&y, &b).unwrap())
        };
        let gap = [0.0, 0.0, 0.01, 0.3][round / 2 % 4];
        let max_iterations = if round % 7 == 0 { 1 } else { 1000 };
        let answer = Wasserstein { gap, max_iterations, ..EXACT }.solve(&problem).unwrap();
        check(&problem, &answer);
        let (lower, upper) = (answer.certificate.lower.powf(p), answer.certificate.upper.powf(p));
        let slack = 4e-16 * largest;
        assert!(lower <= reference.value + slack, "{round}: {lower} above {}", reference.value);
        assert!(upper >= reference.lower - slack, "{round}: {upper} below {}", reference.lower);
        if gap == 0.0 && answer.convergence.converged() {
            assert!(upper - lower <= 1e-9 * largest, "{round}: [{lower}, {upper}] of {largest}");
        }
    }
}

#[test]
fn larger_problems_agree_with_every_pair() {
    let mut random = random(6);
    for (n, m, p) in [(600, 600, 2.0), (500, 700, 2.0), (400, 400, 1.0), (1, 300, 2.0), (900, 17, 1.0)] {
        let (x, y) = (cloud(&mut random, n), cloud(&mut random, m));
        let weights = |count: usize, random: &mut ChaCha8Rng| -> Vec<f64> {
            let weights: Vec<f64> = (0..count).map(|_| random.random::<f64>().powi(3)).collect();
            let total: f64 = weights.iter().sum();
            weights.iter().map(|weight| weight / total).collect()
        };
        let (a, b) = (weights(n, &mut random), weights(m, &mut random));
        let costs = DMatrix::from_fn(n, m, |i, j| (x[i] - y[j]).norm().powf(p));
        let reference = wasserstein_of_matrix(&costs, &a, &b, Balance::Exact).unwrap().value;
        let (a, b) = (Measure::weighted(&x, &a).unwrap(), Measure::weighted(&y, &b).unwrap());
        let answer = solved(&WassersteinProblem { p, ..WassersteinProblem::new(a, b) }, &EXACT);
        assert!((answer.value.powf(p) - reference).abs() < 1e-9 * reference);
    }
}

#[test]
fn cells_lead_to_the_same_optimum_with_weights_and_different_sizes() {
    let mut random = random(7);
    let (x, y) = (cloud(&mut random, 5000), cloud(&mut random, 3000));
    let y: Vec<_> = y.iter().map(|y| Point3::new(y.x * y.x, 0.3 * y.y, y.z + 0.5)).collect();
    let a: Vec<f64> = (0..5000).map(|_| f64::from(random.random_range(0..4))).collect();
    let total: f64 = a.iter().sum();
    let b: Vec<f64> = vec![total / 3000.0; 3000];
    for p in [1.0, 2.0] {
        let problem = WassersteinProblem {
            p,
            ..WassersteinProblem::new(Measure::weighted(&x, &a).unwrap(), Measure::weighted(&y, &b).unwrap())
        };
        let best = solved(&problem, &EXACT);
        let near = solved(&problem, &Wasserstein { gap: 0.02, ..EXACT });
        assert!(near.certificate.lower <= best.certificate.upper);
        assert!(near.certificate.upper >= best.certificate.lower);
    }
}

#[test]
fn equal_clouds_are_at_no_distance_at_all() {
    let x = cloud(&mut random(15), 5000);
    for (count, gap) in [(5000, 0.01), (5000, 0.0), (30, 0.0)] {
        let measure = Measure::uniform(&x[..count]).unwrap();
        let answer = solved(&WassersteinProblem::new(measure, measure), &Wasserstein { gap, ..EXACT });
        assert_eq!((answer.value, answer.certificate.upper), (0.0, 0.0));
        assert_eq!(answer.certificate.relative_gap(), 0.0);
    }
}

#[test]
fn it_is_a_metric() {
    let mut random = random(8);
    for p in [1.0, 2.0] {
        let clouds: Vec<_> = [90, 120, 70].map(|count| cloud(&mut random, count)).into();
        let distance = |i: usize, j: usize| exact(&clouds[i], &clouds[j], p).value;
        assert!(distance(0, 2) <= distance(0, 1) + distance(1, 2));
        assert!((distance(0, 1) - distance(1, 0)).abs() < 1e-12);
        assert!(distance(0, 0) < 1e-9);
        let turn = Rotation3::from_euler_angles(0.3, 1.0, -2.0);
        let moved = |points: &[Point3<f64>]| points.iter().rev().map(|x| turn * x * 7.0).collect::<Vec<_>>();
        let scaled = exact(&moved(&clouds[0]), &moved(&clouds[1]), p).value;
        assert!((scaled - 7.0 * distance(0, 1)).abs() < 1e-10 * scaled);
    }
}

#[test]
fn far_from_the_origin_and_at_any_scale_the_answer_is_the_same() {
    let mut random = random(9);
    // Multiples of 2⁻²⁰ stay exact at an offset of 10⁷.
    let round = |points: Vec<Point3<f64>>| -> Vec<Point3<f64>> {
        points.into_iter().map(|x| x.map(|value| (value * 2f64.powi(20)).round() / 2f64.powi(20))).collect()
    };
    let (x, y) = (round(cloud(&mut random, 2500)), round(cloud(&mut random, 2500)));
    let near = exact(&x, &y, 2.0).value;
    let offset = Vector3::new(1e7, -2e7, 5e6);
    let away = |points: &[Point3<f64>]| points.iter().map(|x| x + offset).collect::<Vec<_>>();
    assert!((exact(&away(&x), &away(&y), 2.0).value - near).abs() < 1e-12 * near);
    for scale in [1e-9, 1e-120, 1e-200, 1e120] {
        let scaled = |points: &[Point3<f64>]| points.iter().map(|x| x * scale).collect::<Vec<_>>();
        // Not through `check`, whose own squares would underflow.
        let (a, b) = (scaled(&x[..200]), scaled(&y[..200]));
        let (a, b) = (Measure::uniform(&a).unwrap(), Measure::uniform(&b).unwrap());
        let answer = EXACT.solve(&WassersteinProblem { p: 1.0, ..WassersteinProblem::new(a, b) }).unwrap();
        let wanted = exact(&x[..200], &y[..200], 1.0).value;
        assert!((answer.value / scale - wanted).abs() < 1e-9 * wanted, "{scale}");
    }
}

#[test]
fn what_is_left_behind_is_the_cheapest_to_leave() {
    let mut random = random(10);
    let inliers = cloud(&mut random, 400);
    let mut x = inliers.clone();
    let mut y: Vec<_> = inliers.iter().map(|x| x + Vector3::new(0.01, 0.0, 0.0)).collect();
    x.extend(cloud(&mut random, 100).iter().map(|x| x + Vector3::new(20.0, 0.0, 0.0)));
    y.extend(cloud(&mut random, 50).iter().map(|x| x + Vector3::new(0.0, -30.0, 0.0)));
    let (a, b) = (vec![1.0; x.len()], vec![1.0; y.len()]);
    let (a, b) = (Measure::weighted(&x, &a).unwrap(), Measure::weighted(&y, &b).unwrap());
    for moved in [Moved::Mass(400.0), Moved::Within(1.0)] {
        let answer = solved(&WassersteinProblem { moved, ..WassersteinProblem::new(a, b) }, &EXACT);
        assert!((answer.plan.mass() - 400.0).abs() < 1e-9, "{moved:?}: {}", answer.plan.mass());
        assert!(answer.plan.arcs().iter().all(|arc| arc.source < 400 && arc.target < 400));
        assert!((answer.plan.cost() - 400.0 * 1e-4).abs() < 1e-9);
        if moved == Moved::Mass(400.0) {
            assert!((answer.value - 0.01).abs() < 1e-9);
        }
    }
}

#[test]
fn partial_and_cut_transport_agree_with_every_pair() {
    let mut random = random(11);
    for round in 0..200 {
        let (n, m) = (random.random_range(1..30), random.random_range(1..30));
        let (x, y) = (odd_cloud(&mut random, round % 4, n), odd_cloud(&mut random, round % 3, m));
        let weights = |count: usize, random: &mut ChaCha8Rng| -> Vec<f64> {
            (0..count).map(|index| if index == 0 { 1.0 } else { random.random::<f64>() }).collect()
        };
        let (a, b) = (weights(n, &mut random), weights(m, &mut random));
        let (total_a, total_b): (f64, f64) = (a.iter().sum(), b.iter().sum());
        let p = [1.0, 2.0, 2.5][round % 3];
        let costs = DMatrix::from_fn(n, m, |i, j| (x[i] - y[j]).norm().powf(p));
        let largest = costs.amax();
        let measures = (Measure::weighted(&x, &a).unwrap(), Measure::weighted(&y, &b).unwrap());
        let problem =
            |moved| WassersteinProblem { p, moved, ..WassersteinProblem::new(measures.0, measures.1) };
        let mass = total_a.min(total_b) * random.random_range(0.01..1.0);
        let reference = wasserstein_of_matrix(&costs, &a, &b, Balance::Partial { mass }).unwrap();
        assert!((reference.plan.mass() - mass).abs() < 1e-9 && reference.lower <= reference.value);
        let answer = EXACT.solve(&problem(Moved::Mass(mass))).unwrap();
        let value = mass * answer.value.powf(p);
        assert!((value - reference.value).abs() <= 1e-9 * largest, "{round}: {value} {}", reference.value);
        let lower = mass * answer.certificate.lower.powf(p);
        assert!(lower <= reference.value + 1e-12 * largest && lower >= reference.value - 1e-8 * largest);

        let reach = random.random_range(0.05..1.5);
        let rho = 0.5 * f64::powf(reach, p);
        let reference = wasserstein_of_matrix(&costs, &a, &b, Balance::TotalVariation { rho }).unwrap();
        let answer = EXACT.solve(&problem(Moved::Within(reach))).unwrap();
        let half = 0.5 * (total_a + total_b);
        let value = half * answer.value.powf(p);
        assert!(
            (value - reference.value).abs() <= 1e-9 * (largest + rho),
            "{round}: {value} {}",
            reference.value
        );
        assert!(answer.value <= reach * (1.0 + 1e-12));
        let lower = half * answer.certificate.lower.powf(p);
        assert!(
            lower <= reference.value + 1e-12 * (largest + rho)
                && lower >= reference.value - 1e-8 * (largest + rho)
        );
        assert!(answer.plan.arcs().iter().all(|arc| arc.cost <= 2.0 * rho * (1.0 + 1e-9)));
    }
}

#[test]
fn a_reach_beyond_everything_moves_all_and_one_below_drops_all() {
    let mut random = random(12);
    let (x, y) = (cloud(&mut random, 60), cloud(&mut random, 60));
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    let with = |reach| {
        EXACT
            .solve(&WassersteinProblem { moved: Moved::Within(reach), ..WassersteinProblem::new(a, b) })
            .unwrap()
    };
    assert!((with(100.0).value - exact(&x, &y, 2.0).value).abs() < 1e-9);
    let nothing = with(1e-6);
    assert!(nothing.plan.arcs().is_empty() && (nothing.value - 1e-6).abs() < 1e-12);
    // With less on one side all of that moves, and as cheaply as if just so much were asked for: as far as the price of what is
    // dropped leaves costs any digits.
    let half = [0.5 / 60.0; 60];
    let half = Measure::weighted(&y, &half).unwrap();
    let cost = |moved| {
        let answer = EXACT.solve(&WassersteinProblem { moved, ..WassersteinProblem::new(a, half) }).unwrap();
        assert!((answer.plan.marginals().source.iter().sum::<f64>() - 0.5).abs() < 1e-9);
        answer.plan.arcs().iter().map(|arc| arc.mass * arc.cost).sum::<f64>()
    };
    let wanted = cost(Moved::Mass(0.5));
    for (reach, digits) in [(100.0, 1e-9), (1e4, 1e-6), (1e6, 0.1)] {
        let got = cost(Moved::Within(reach));
        assert!((got - wanted).abs() < digits * wanted, "{reach}: {got}, not {wanted}");
    }
    // Two points: the smaller of moving and dropping, and the mass that has no partner.
    let (x, y) = ([Point3::origin()], [Point3::new(3.0, 0.0, 0.0)]);
    let (a, b) = (Measure::weighted(&x, &[2.0]).unwrap(), Measure::weighted(&y, &[5.0]).unwrap());
    for reach in [2.0, 4.0] {
        let problem = WassersteinProblem { moved: Moved::Within(reach), ..WassersteinProblem::new(a, b) };
        let rho = reach * reach / 2.0;
        let wanted = f64::min(9.0, 2.0 * rho) * 2.0 + rho * 3.0;
        assert!((EXACT.solve(&problem).unwrap().value.powi(2) * 3.5 - wanted).abs() < 1e-12);
    }
}

#[test]
fn published_values_for_matrices_come_out() {
    let square = |values: [f64; 4]| DMatrix::from_row_slice(2, 2, &values);
    let half = [0.5, 0.5];
    // POT, `emd2`.
    let answer = wasserstein_of_matrix(&square([0.0, 1.0, 1.0, 0.0]), &half, &half, Balance::Exact).unwrap();
    assert_eq!(answer.value, 0.0);
    assert!(answer.plan.arcs().iter().all(|arc| arc.source == arc.target && arc.mass == 0.5));
    // POT, `partial_wasserstein` and its Lagrangian form, whose `reg_m` pays for the whole of a dropped pair.
    let (costs, a, b) = (square([0.0, 1.0, 2.0, 3.0]), [0.1, 0.2], [0.1, 0.1]);
    let partial = |mass| wasserstein_of_matrix(&costs, &a, &b, Balance::Partial { mass }).unwrap();
    let whole = partial(0.2);
    assert!((whole.value - 0.3).abs() < 1e-12);
    assert!(whole.plan.arcs().iter().all(|arc| (arc.mass - 0.1).abs() < 1e-12));
    let part = partial(0.1);
    assert!(part.value.abs() < 1e-12 && part.plan.arcs().len() == 1);
    // GeomLoss, `solve`.
    let costs = DMatrix::from_row_slice(2, 3, &[0.0, 1.0, 4.0, 2.0, 1.0, 0.0]);
    let answer = wasserstein_of_matrix(&costs, &[2.0, 2.0], &[1.0, 1.0, 2.0], Balance::Exact).unwrap();
    let arcs: Vec<_> = answer.plan.arcs().iter().map(|arc| (arc.source, arc.target, arc.mass)).collect();
    assert_eq!(arcs, [(0, 0, 1.0), (0, 1, 1.0), (1, 2, 2.0)]);
    // GeomLoss, `solve_sample`; the `emd` crate.
    let point = |x: f64, y: f64| Point3::new(x, y, 0.0);
    let (x, y) = ([point(0.0, 0.0), point(0.0, 2.0)], [point(2.0, 1.0), point(2.0, 2.0)]);
    assert!((exact(&x, &y, 2.0).value.powi(2) - 4.5).abs() < 1e-12);
    let (x, y) = ([point(0.0, 0.0), point(1.0, 0.0)], [point(5.0, 0.0), point(3.0, 0.0)]);
    assert!((exact(&x, &y, 1.0).value - 3.5).abs() < 1e-12);
    // Costs of either sign.
    let answer =
        wasserstein_of_matrix(&square([-3.0, 1.0, 1.0, -1.0]), &half, &half, Balance::Exact).unwrap();
    assert_eq!(answer.value, -2.0);
}

#[test]
fn a_run_can_be_watched_and_stopped_and_says_so() {
    let mut random = random(13);
    let (x, y) = (cloud(&mut random, 6000), cloud(&mut random, 6000));
    let problem = WassersteinProblem::new(Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    let mut last = (0.0, f64::INFINITY);
    let answer = EXACT
        .solve_with(&problem, |step| {
            let now = (step.certificate.lower, step.certificate.upper);
            assert!(now.0 >= last.0 && now.1 <= last.1, "{last:?} {now:?}");
            last = now;
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert!(answer.convergence.converged() && answer.certificate.relative_gap() < 1e-8);
    let stopped = EXACT.solve_with(&problem, |_| std::ops::ControlFlow::Break(())).unwrap();
    assert_eq!(stopped.convergence.status, Status::Stopped);
    check(&problem, &stopped);
    for solver in
        [Wasserstein { max_iterations: 3, ..EXACT }, Wasserstein { max_seconds: Some(0.0), ..EXACT }]
    {
        let limited = solver.solve(&problem).unwrap();
        assert_eq!(limited.convergence.status, Status::MaxIterations);
        assert!(limited.certificate.lower <= answer.certificate.upper);
        assert!(limited.certificate.upper >= answer.certificate.lower);
        check(&problem, &limited);
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let mut random = random(14);
    let (x, y) = (cloud(&mut random, 9000), cloud(&mut random, 9000));
    let solve = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (a, b) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
            Wasserstein { gap: 0.03, ..EXACT }.solve(&WassersteinProblem::new(a, b)).unwrap()
        })
    };
    assert!(solve(1) == solve(3));
}

#[test]
fn bad_questions_are_refused() -> Result<()> {
    let x = [Point3::origin(), Point3::new(1.0, 0.0, 0.0)];
    let one = Measure::uniform(&x)?;
    let heavy = Measure::weighted(&x, &[2.0, 2.0])?;
    let solve = |problem: WassersteinProblem| Wasserstein::default().solve(&problem).unwrap_err();
    assert!(matches!(solve(WassersteinProblem::new(one, heavy)), Error::UnequalTotals { .. }));
    let problem = WassersteinProblem::new(one, one);
    for p in [0.5, f64::NAN, f64::INFINITY] {
        assert!(matches!(solve(WassersteinProblem { p, ..problem }), Error::InvalidOption { name: "p", .. }));
    }
    for mass in [0.0, -1.0, 1.5, f64::NAN] {
        let moved = Moved::Mass(mass);
        assert!(matches!(
            solve(WassersteinProblem { moved, ..problem }),
            Error::InvalidOption { name: "mass", .. }
        ));
    }
    for reach in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let moved = Moved::Within(reach);
        assert!(matches!(
            solve(WassersteinProblem { moved, ..problem }),
            Error::InvalidOption { name: "reach", .. }
        ));
    }
    for gap in [-0.1, 1.0, f64::NAN] {
        let error = Wasserstein { gap, ..Default::default() }.solve(&problem).unwrap_err();
        assert!(matches!(error, Error::InvalidOption { name: "gap", .. }));
    }
    let many = vec![Point3::origin(); 3000];
    let many = Measure::uniform(&many)?;
    let problem = WassersteinProblem { p: 3.0, ..WassersteinProblem::new(many, many) };
    assert!(matches!(solve(problem), Error::PlanTooLarge { .. }));
    let nan = DMatrix::from_element(1, 1, f64::NAN);
    let refused = wasserstein_of_matrix(&nan, &[1.0], &[1.0], Balance::Exact).unwrap_err();
    assert!(matches!(refused, Error::InvalidCost { .. }));
    Ok(())
}
