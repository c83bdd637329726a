//! Every closed form against a small solver that shares nothing with its proof.

use barrow_datasets::{ClosedForm, ClosedForms, Quantity};
use nalgebra::{Point3, Vector3};

type Measure = Vec<(Point3<f64>, f64)>;

fn source(case: &ClosedForm) -> Measure {
    measure(case.source.positions(), case.source_weights.as_deref())
}

fn target(case: &ClosedForm) -> Measure {
    measure(case.target.positions(), case.target_weights.as_deref())
}

fn measure(points: &[Point3<f64>], weights: Option<&[f64]>) -> Measure {
    let uniform = 1.0 / points.len() as f64;
    let weight = |index: usize| weights.map_or(uniform, |weights| weights[index]);
    points.iter().enumerate().map(|(index, point)| (*point, weight(index))).collect()
}

/// Minimal transport cost by successive shortest paths (Bellman and Ford), for any weights.
fn transport(a: &Measure, b: &Measure, cost: impl Fn(&Point3<f64>, &Point3<f64>) -> f64) -> f64 {
    let (n, m) = (a.len(), b.len());
    let mut plan = vec![vec![0.0; m]; n];
    let mut supply: Vec<f64> = a.iter().map(|x| x.1).collect();
    let mut demand: Vec<f64> = b.iter().map(|y| y.1).collect();
    let costs: Vec<Vec<f64>> = a.iter().map(|x| b.iter().map(|y| cost(&x.0, &y.0)).collect()).collect();
    loop {
        // Distances from all sources with supply left; sources are 0..n, targets n..n + m.
        let mut distance = vec![f64::INFINITY; n + m];
        let mut before = vec![usize::MAX; n + m];
        for i in 0..n {
            if supply[i] > 1e-13 {
                distance[i] = 0.0;
            }
        }
        let mut changed = true;
        while changed {
            changed = false;
            for i in 0..n {
                for j in 0..m {
                    if distance[i] + costs[i][j] < distance[n + j] - 1e-13 {
                        (distance[n + j], before[n + j], changed) = (distance[i] + costs[i][j], i, true);
                    }
                    if plan[i][j] > 1e-13 && distance[n + j] - costs[i][j] < distance[i] - 1e-13 {
                        (distance[i], before[i], changed) = (distance[n + j] - costs[i][j], n + j, true);
                    }
                }
            }
        }
        let open = (0..m).filter(|&j| demand[j] > 1e-13 && distance[n + j].is_finite());
        let Some(end) = open.min_by(|&i, &j| distance[n + i].total_cmp(&distance[n + j])) else {
            break;
        };
        let mut path = vec![n + end];
        while before[path[path.len() - 1]] != usize::MAX {
            path.push(before[path[path.len() - 1]]);
        }
        let start = path[path.len() - 1];
        let backward = path.windows(2).filter(|step| step[0] < n).map(|step| plan[step[0]][step[1] - n]);
        let amount = backward.fold(demand[end].min(supply[start]), f64::min);
        for step in path.windows(2) {
            if step[0] >= n {
                plan[step[1]][step[0] - n] += amount;
            } else {
                plan[step[0]][step[1] - n] -= amount;
            }
        }
        supply[start] -= amount;
        demand[end] -= amount;
    }
    (0..n).map(|i| (0..m).map(|j| plan[i][j] * costs[i][j]).sum::<f64>()).sum()
}

/// OT_ε by dense log-domain Sinkhorn, run until the potentials rest; its value is the dual one.
fn entropic(a: &Measure, b: &Measure, blur: f64, penalty: Option<f64>) -> f64 {
    let epsilon = 2.0 * blur * blur;
    let damping = penalty.map_or(1.0, |rho| rho / (rho + epsilon));
    let half_step = |from: &Measure, to: &Measure, potential: &[f64]| -> Vec<f64> {
        let row = |y: &(Point3<f64>, f64)| {
            let terms: Vec<f64> = from
                .iter()
                .zip(potential)
                .map(|(x, f)| x.1.ln() + (f - (x.0 - y.0).norm_squared()) / epsilon)
                .collect();
            let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = terms.iter().map(|term| (term - largest).exp()).sum();
            -damping * epsilon * (largest + sum.ln())
        };
        to.iter().map(row).collect()
    };
    let (mut f, mut g) = (vec![0.0; a.len()], vec![0.0; b.len()]);
    for _ in 0..20_000 {
        g = half_step(a, b, &f);
        let next = half_step(b, a, &g);
        let change = next.iter().zip(&f).map(|(new, old)| (new - old).abs()).fold(0.0, f64::max);
        f = next;
        if change < 1e-14 * (1.0 + f[0].abs()) {
            break;
        }
    }
    let dual = |measure: &Measure, potential: &[f64]| -> f64 {
        let value = |h: f64| penalty.map_or(h, |rho| -rho * (-h / rho).exp_m1());
        measure.iter().zip(potential).map(|(x, h)| x.1 * value(*h)).sum()
    };
    let mut mass = 0.0;
    for (x, u) in a.iter().zip(&f) {
        for (y, v) in b.iter().zip(&g) {
            mass += x.1 * y.1 * ((u + v - (x.0 - y.0).norm_squared()) / epsilon).exp_m1();
        }
    }
    dual(a, &f) + dual(b, &g) - epsilon * mass
}

/// W_p^p of projections on one direction, by merging quantiles.
fn projected(a: &Measure, b: &Measure, direction: &Vector3<f64>, p: u32) -> f64 {
    let sorted = |measure: &Measure| {
        let mut line: Vec<(f64, f64)> =
            measure.iter().map(|(point, weight)| (point.coords.dot(direction), *weight)).collect();
        line.sort_by(|x, y| x.0.total_cmp(&y.0));
        line
    };
    let (mut a, mut b) = (sorted(a), sorted(b));
    let (mut i, mut j, mut sum) = (0, 0, 0.0);
    while i < a.len() && j < b.len() {
        let mass = a[i].1.min(b[j].1);
        sum += mass * (a[i].0 - b[j].0).abs().powi(p as i32);
        a[i].1 -= mass;
        b[j].1 -= mass;
        if a[i].1 <= 0.0 {
            i += 1;
        } else {
            j += 1;
        }
    }
    sum
}

/// A product rule on the sphere: midpoints in height (uniform by area) times equal longitudes.
fn directions() -> Vec<Vector3<f64>> {
    let (heights, longitudes) = (120, 120);
    (0..heights * longitudes)
        .map(|index| {
            let height = -1.0 + (2 * (index / longitudes) + 1) as f64 / heights as f64;
            let angle = std::f64::consts::TAU * ((index % longitudes) as f64 + 0.5) / longitudes as f64;
            let radius = (1.0 - height * height).sqrt();
            Vector3::new(radius * angle.cos(), radius * angle.sin(), height)
        })
        .collect()
}

fn nearest(from: &[Point3<f64>], to: &[Point3<f64>]) -> Vec<f64> {
    from.iter().map(|x| to.iter().map(|y| (x - y).norm()).fold(f64::INFINITY, f64::min)).collect()
}

/// The case's quantity, computed from its clouds alone, and the error of this computation.
fn computed(case: &ClosedForm) -> (f64, f64) {
    let (a, b) = (source(case), target(case));
    let (x, y) = (case.source.positions(), case.target.positions());
    let mean = |distances: &[f64]| distances.iter().sum::<f64>() / distances.len() as f64;
    match case.quantity {
        Quantity::Wasserstein { p } => {
            let cost = transport(&a, &b, |x, y| (x - y).norm().powi(p as i32));
            // Mass that the solver leaves below 1e-13 moves by metres; a root near zero amplifies it.
            (cost.max(0.0).powf(1.0 / f64::from(p)), if case.value == 0.0 { 1e-6 } else { 1e-9 })
        }
        Quantity::EntropicTransport { blur, marginal_penalty } => {
            (entropic(&a, &b, blur, marginal_penalty), 1e-9)
        }
        Quantity::SinkhornDivergence { blur, marginal_penalty } => {
            let cross = entropic(&a, &b, blur, marginal_penalty);
            let own = entropic(&a, &a, blur, marginal_penalty) + entropic(&b, &b, blur, marginal_penalty);
            // At a small blur plain iterations still creep when they are stopped.
            (cross - 0.5 * own, if blur < 0.1 { 2e-6 } else { 1e-9 })
        }
        Quantity::Sliced { p } => {
            let directions = directions();
            let sum: f64 = directions.iter().map(|direction| projected(&a, &b, direction, p)).sum();
            ((sum / directions.len() as f64).powf(1.0 / f64::from(p)), 1e-3)
        }
        Quantity::MaxSliced { p } => {
            let largest = directions().iter().map(|d| projected(&a, &b, d, p)).fold(0.0, f64::max);
            (largest.powf(1.0 / f64::from(p)), 1e-3)
        }
        Quantity::Chamfer => (0.5 * (mean(&nearest(x, y)) + mean(&nearest(y, x))), 0.0),
        Quantity::Hausdorff => (nearest(x, y).into_iter().chain(nearest(y, x)).fold(0.0, f64::max), 0.0),
        Quantity::FScore { radius } => {
            let found = |distances: Vec<f64>| {
                distances.iter().filter(|&&distance| distance <= radius).count() as f64
                    / distances.len() as f64
            };
            let (precision, recall) = (found(nearest(x, y)), found(nearest(y, x)));
            (
                if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 },
                0.0,
            )
        }
        other => panic!("{other:?} has no computation here"),
    }
}

#[test]
fn every_value_is_found_by_a_solver() {
    for options in [ClosedForms { points: 24, seed: 0 }, ClosedForms { points: 33, seed: 7 }] {
        for case in options.make().unwrap() {
            let (value, error) = computed(&case);
            let allowed = case.tolerance + error * case.value.abs().max(1.0);
            assert!(
                (value - case.value).abs() <= allowed,
                "{}: {} but computed {value}",
                case.name,
                case.value
            );
        }
    }
}

#[test]
fn every_matching_costs_the_value() {
    let cases = ClosedForms::default().make().unwrap();
    assert!(cases.iter().filter(|case| case.matching.is_some()).count() > 10);
    for case in cases {
        let (Some(matching), Quantity::Wasserstein { p }) = (&case.matching, case.quantity) else {
            assert!(case.matching.is_none(), "{}", case.name);
            continue;
        };
        let mut images = matching.clone();
        images.sort_unstable();
        assert!(images.into_iter().eq(0..case.target.len()), "{} is no permutation", case.name);
        let moved =
            |(x, index): (&Point3<f64>, &usize)| (case.target.positions()[*index] - x).norm().powi(p as i32);
        let total: f64 = case.source.positions().iter().zip(matching).map(moved).sum();
        let value = (total / case.source.len() as f64).powf(1.0 / f64::from(p));
        assert!((value - case.value).abs() <= case.tolerance, "{}: {value}", case.name);
    }
}

#[test]
fn names_are_unique_and_weights_sum_to_one() {
    let cases = ClosedForms::default().make().unwrap();
    let mut names: Vec<&str> = cases.iter().map(|case| case.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len());
    for case in &cases {
        assert!(!case.reason.is_empty() && case.value.is_finite() && case.tolerance >= 0.0);
        for (weights, cloud) in [(&case.source_weights, &case.source), (&case.target_weights, &case.target)] {
            if let Some(weights) = weights {
                assert_eq!(weights.len(), cloud.len());
                assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{}", case.name);
            }
        }
    }
}

/// The numbers that the literature's formula gave when evaluated independently on a grid of 400 points.
#[test]
fn gaussians_agree_with_an_independent_evaluation() {
    let cases = ClosedForms::default().make().unwrap();
    let case = cases.iter().find(|case| case.name == "gaussians_entropic").unwrap();
    assert!((case.value - 0.193_071_323_549_068_1).abs() < 1e-14, "{}", case.value);
}
