//! Sliced transport beside sorting in plain doubles, closed forms and finite differences.

mod common;

use barrow_geometry::{Directions, Error, MaxSliced, Measure, Sliced, SlicedPlan};
use common::{assert_close, awkward, cube, lattice, line, sphere};
use nalgebra::{Point3, Rotation3, Unit, Vector3};

type Points = Vec<Point3<f64>>;

fn uniform(points: &[Point3<f64>]) -> Measure<'_> {
    Measure::uniform(points).unwrap()
}

fn moved(points: &[Point3<f64>], map: impl Fn(&Vector3<f64>) -> Vector3<f64>) -> Points {
    points.iter().map(|point| Point3::from(map(&point.coords))).collect()
}

/// W_p^p along a direction by the definition: ∫ |F⁻¹ − G⁻¹|^p over the levels at which either function steps.
fn plain(source: &[Point3<f64>], target: &[Point3<f64>], direction: &Unit<Vector3<f64>>, p: f64) -> f64 {
    let origin = source[0];
    let sorted = |points: &[Point3<f64>]| {
        let mut line: Vec<f64> = points.iter().map(|point| (point - origin).dot(direction)).collect();
        line.sort_by(f64::total_cmp);
        line
    };
    let (a, b) = (sorted(source), sorted(target));
    let mut levels: Vec<(usize, usize)> = (1..=a.len()).map(|i| (i, a.len())).collect();
    levels.extend((1..b.len()).map(|j| (j, b.len())));
    levels.sort_by(|x, y| (x.0 * y.1).cmp(&(y.0 * x.1)));
    let (mut sum, mut before) = (0.0, (0, 1));
    for level in levels {
        let width = level.0 as f64 / level.1 as f64 - before.0 as f64 / before.1 as f64;
        // The quantile just above the level before.
        let rank = |len: usize| (before.0 * len / before.1).min(len - 1);
        sum += width * (a[rank(a.len())] - b[rank(b.len())]).abs().powf(p);
        before = level;
    }
    sum
}

fn plain_sliced(source: &[Point3<f64>], target: &[Point3<f64>], options: &Sliced) -> f64 {
    let directions = options.directions().unwrap();
    let sum: f64 = directions.iter().map(|direction| plain(source, target, direction, options.p)).sum();
    (sum / directions.len() as f64).powf(1.0 / options.p)
}

/// Pairs that are short of bits in one way or another.
fn hard_pairs() -> Vec<(&'static str, Points, Points)> {
    let large = cube(3000, 1);
    let outlier = |points: Points| [points, vec![Point3::new(1e6, -2e6, 3e6)]].concat();
    let clump = |seed| moved(&cube(2000, seed), |x| x * 1e-7);
    vec![
        ("cubes", large.clone(), cube(3000, 2)),
        ("unequal", large.clone(), cube(1777, 2)),
        ("flat", moved(&large, |x| Vector3::new(x.x, x.y, 7.0)), moved(&cube(3000, 2), |x| x + x)),
        ("far", moved(&large, |x| x.add_scalar(1e7)), moved(&sphere(3000, 1.0), |x| x.add_scalar(1e7))),
        ("near", large.clone(), moved(&large, |x| x + Vector3::new(3e-8, -1e-8, 2e-8))),
        ("nearer", large.clone(), moved(&large, |x| x * (1.0 + 1e-8))),
        ("duplicates", [cube(900, 3), cube(900, 3)].concat(), vec![Point3::new(0.2, 0.1, 0.4); 1800]),
        ("lattices", lattice(13), moved(&lattice(13), |x| x * 1.1 + Vector3::new(0.01, 0.0, 0.0))),
        ("line", line(2000), moved(&line(2000), |x| x * 1.5)),
        ("outlier", outlier(cube(2000, 4)), outlier(sphere(2000, 1.0))),
        ("clumps", [clump(1), cube(3, 5)].concat(), [clump(2), cube(3, 6)].concat()),
    ]
}

#[test]
fn whole_numbers_lose_nothing_that_matters() {
    for (name, x, y) in hard_pairs() {
        for p in [1.0, 2.0, 3.5] {
            for projections in [8, 60] {
                let options = Sliced { p, projections, ..Default::default() };
                let got = options.distance(&uniform(&x), &uniform(&y)).unwrap().value;
                let wanted = plain_sliced(&x, &y, &options);
                assert!((got - wanted).abs() <= 3e-8 * wanted, "{name}, p = {p}: {got} for {wanted}");
            }
        }
    }
}

#[test]
fn awkward_clouds_agree_with_sorting() {
    for (name, x) in awkward() {
        for (other, y) in awkward() {
            let options = Sliced { projections: 8, ..Default::default() };
            let got = options.distance(&uniform(&x), &uniform(&y)).unwrap().value;
            let wanted = plain_sliced(&x, &y, &options);
            assert!((got - wanted).abs() <= 1e-8 * wanted, "{name}, {other}: {got} for {wanted}");
            if name == other {
                assert_eq!(got, 0.0, "{name}");
            }
        }
    }
}

#[test]
fn weights_are_repeated_points() {
    let (x, y) = (cube(900, 1), sphere(800, 0.7));
    let counts: Vec<usize> = (0..900).map(|index| index * 7 % 4).collect();
    let repeated: Points = x.iter().zip(&counts).flat_map(|(&point, &count)| vec![point; count]).collect();
    let weights: Vec<f64> = counts.iter().map(|&count| 3.0 * count as f64).collect();
    let weighted = Measure::weighted(&x, &weights).unwrap();
    for p in [1.0, 2.0, 4.0] {
        let options = Sliced { p, projections: 40, ..Default::default() };
        let (one, other) = (
            options.distance(&weighted, &uniform(&y)).unwrap(),
            options.distance(&uniform(&repeated), &uniform(&y)),
        );
        assert_close(one.value, other.unwrap().value, 1e-9);
        let backwards = options.distance(&uniform(&y), &weighted).unwrap().value;
        assert_close(one.value, backwards, 1e-12);
    }
}

#[test]
fn a_translation_is_seen_by_its_mean_power() {
    let x = cube(2000, 1);
    let shift = Vector3::new(0.3, -0.4, 1.2);
    let y = moved(&x, |x| x + shift);
    // SW_p^p = |t|^p / (p + 1)
    for p in [1.0, 1.5, 2.0, 3.0, 8.0, 300.0] {
        let distance = Sliced { p, ..Default::default() }.distance(&uniform(&x), &uniform(&y)).unwrap();
        let wanted = 1.3 * f64::powf(1.0 / (p + 1.0), 1.0 / p);
        assert_close(distance.value, wanted, 2e-3 * wanted);
        assert!(distance.standard_error < 2e-3 * wanted);
    }
}

#[test]
fn a_round_shape_moved_and_widened_is_seen_as_both() {
    // Along every direction the order stays: SW₂² = |m₁ − m₂|²/3 + (s₁ − s₂)², where s² is the variance per axis.
    let x = moved(&sphere(3000, 1.0), |x| x * 2.0);
    let y = moved(&sphere(3000, 1.0), |x| x * 0.5 + Vector3::new(1.0, 2.0, -2.0));
    let wanted = (9.0 / 3.0 + 1.5 * 1.5 / 3.0_f64).sqrt();
    let got = Sliced::default().distance(&uniform(&x), &uniform(&y)).unwrap();
    assert_close(got.value, wanted, 2e-3);
}

#[test]
fn standard_errors_tell_the_error() {
    let (x, y) = (cube(400, 1), moved(&cube(400, 2), |x| Vector3::new(2.0 * x.x, x.y, 0.3 * x.z + 0.1)));
    let reference = Sliced { projections: 40_000, seed: 99, ..Default::default() };
    let truth = reference.distance(&uniform(&x), &uniform(&y)).unwrap().value;
    for directions in [Directions::default(), Directions::Lattice { rotations: 8 }, Directions::MonteCarlo] {
        let (mut off, mut told) = (0.0, 0.0);
        for seed in 0..30 {
            let options = Sliced { projections: 200, directions, seed, ..Default::default() };
            let found = options.distance(&uniform(&x), &uniform(&y)).unwrap();
            off += (found.value - truth) * (found.value - truth);
            told += found.standard_error * found.standard_error;
        }
        let ratio = (off / told).sqrt();
        assert!((0.6..1.6).contains(&ratio), "{directions:?}: {ratio}");
    }
}

#[test]
fn rotations_scales_and_order_change_little() {
    let (x, y) = (cube(1500, 1), sphere(1500, 0.8));
    let options = Sliced { projections: 4000, ..Default::default() };
    let plain = options.distance(&uniform(&x), &uniform(&y)).unwrap();
    let turn = Rotation3::from_euler_angles(0.3, -1.0, 2.0);
    let (turned, target) = (moved(&x, |x| turn * x), moved(&y, |x| turn * x));
    let rotated = options.distance(&uniform(&turned), &uniform(&target)).unwrap();
    assert_close(rotated.value, plain.value, 5.0 * (plain.standard_error + rotated.standard_error));
    for scale in [1e-12, 1e-9, 1e6] {
        let (small, target) = (moved(&x, |x| x * scale), moved(&y, |x| x * scale));
        let scaled = options.distance(&uniform(&small), &uniform(&target)).unwrap();
        assert_close(scaled.value / scale, plain.value, 1e-8 * plain.value);
    }
    let backwards: Points = x.iter().rev().copied().collect();
    assert_close(options.distance(&uniform(&backwards), &uniform(&y)).unwrap().value, plain.value, 1e-12);
}

#[test]
fn gradients_are_finite_differences() {
    let (x, y) = (cube(40, 1), sphere(30, 0.9));
    let weights: Vec<f64> = (0..40).map(|index| (index % 5) as f64).collect();
    for p in [1.0, 1.7, 2.0, 3.0] {
        for weighted in [false, true] {
            let options = Sliced { p, projections: 24, ..Default::default() };
            let measure = |points: &[Point3<f64>]| match weighted {
                true => {
                    options.gradient(&Measure::weighted(points, &weights).unwrap(), &uniform(&y)).unwrap()
                }
                false => options.gradient(&uniform(points), &uniform(&y)).unwrap(),
            };
            let found = measure(&x);
            for index in [0, 7, 21, 39] {
                for axis in 0..3 {
                    let step = 1e-7;
                    let at = |step: f64| {
                        let mut points = x.clone();
                        points[index][axis] += step;
                        measure(&points).distance.value.powf(p)
                    };
                    let difference = (at(step) - at(-step)) / (2.0 * step);
                    assert_close(found.source[index][axis], difference, 1e-7);
                }
            }
        }
    }
}

#[test]
fn descending_the_gradient_brings_clouds_together() {
    let (mut x, y) = (cube(500, 1), sphere(500, 1.0));
    let before = Sliced::default().distance(&uniform(&x), &uniform(&y)).unwrap().value;
    for seed in 0..60 {
        let options =
            Sliced { projections: 16, directions: Directions::MonteCarlo, seed, ..Default::default() };
        let slopes = options.gradient(&uniform(&x), &uniform(&y)).unwrap().source;
        // Half of the squared distance, for each of the points, averaged over directions in three dimensions.
        x.iter_mut().zip(slopes).for_each(|(point, slope)| *point -= slope * (500.0 * 3.0 / 2.0 * 0.5));
    }
    let after = Sliced::default().distance(&uniform(&x), &uniform(&y)).unwrap().value;
    assert!(after < 0.05 * before, "{before} to {after}");
}

#[test]
fn the_largest_distance_is_found() {
    let pairs: Vec<(&str, Points, Points)> = vec![
        ("cubes", cube(500, 1), cube(500, 2)),
        ("cube and sphere", cube(500, 1), sphere(400, 1.0)),
        ("stretched", moved(&cube(500, 3), |x| Vector3::new(x.x, 5.0 * x.y, 0.2 * x.z)), cube(500, 4)),
        ("lines", line(300), moved(&line(300), |x| Vector3::new(x.y, x.x + 1.0, x.z))),
        ("few", cube(5, 1), cube(7, 2)),
    ];
    let directions = Sliced { projections: 100_000, ..Default::default() }.directions().unwrap();
    for (name, x, y) in &pairs {
        for p in [1.0, 2.0] {
            let found = MaxSliced { p, ..Default::default() }.distance(&uniform(x), &uniform(y)).unwrap();
            let step = if x.len() + y.len() > 100 { 25 } else { 1 };
            let brute = directions
                .iter()
                .step_by(step)
                .map(|direction| plain(x, y, direction, p))
                .fold(0.0, f64::max);
            let brute = brute.powf(1.0 / p);
            assert!(found.value > 0.999 * brute, "{name}, p = {p}: {} for {brute}", found.value);
            assert!(found.evaluations <= 300, "{name}: {}", found.evaluations);
            assert_close(plain(x, y, &found.direction, p).powf(1.0 / p), found.value, 1e-9 * found.value);
            let plan = SlicedPlan::best(&uniform(x), &uniform(y), p, &directions[..8]).unwrap();
            assert!(found.value <= plan.cost.powf(1.0 / p) * (1.0 + 1e-12), "max-SW is above W: {name}");
        }
    }
}

#[test]
fn the_largest_distance_of_a_translation_is_its_length() {
    let x = cube(300, 1);
    let shift = Vector3::new(0.3, -0.4, 1.2);
    let y = moved(&x, |x| x + shift);
    for p in [1.0, 2.0, 5.0] {
        let found = MaxSliced { p, ..Default::default() }.distance(&uniform(&x), &uniform(&y)).unwrap();
        assert_close(found.value, 1.3, 1e-5);
        assert_close(found.direction.dot(&shift).abs(), 1.3, 1e-5);
    }
    let same = MaxSliced::default().distance(&uniform(&x), &uniform(&x)).unwrap();
    assert_eq!(same.value, 0.0);
}

#[test]
fn published_plans_come_out() {
    // POT's documentation of min_sliced_transport_plan and expected_sliced_plan.
    let x = [Point3::new(3.0, 3.0, 0.0), Point3::new(1.0, 1.0, 0.0)];
    let y = [Point3::new(2.0, 2.5, 0.0), Point3::new(3.0, 2.0, 0.0)];
    let axes = [Vector3::x_axis(), Vector3::y_axis()];
    let best = SlicedPlan::best(&uniform(&x), &uniform(&y), 2.0, &axes).unwrap();
    assert_eq!((best.cost, best.direction), (2.125, axes[0]));
    let arcs: Vec<_> = best.plan.arcs().iter().map(|arc| (arc.source, arc.target, arc.mass)).collect();
    assert_eq!(arcs, [(0, 1, 0.5), (1, 0, 0.5)]);
    assert_eq!(SlicedPlan::expected_cost(&uniform(&x), &uniform(&y), 2.0, &axes).unwrap(), 2.625);
}

#[test]
fn plans_move_all_the_mass_and_cost_no_less_than_the_slices() {
    let (x, y) = (cube(300, 1), sphere(211, 1.0));
    let weights: Vec<f64> = (0..300).map(|index| (index % 3) as f64).collect();
    let weighted = Measure::weighted(&x, &weights).unwrap();
    for source in [uniform(&x), weighted] {
        let target = uniform(&y);
        let directions = Sliced { projections: 64, ..Default::default() }.directions().unwrap();
        let found = SlicedPlan::best(&source, &target, 2.0, &directions).unwrap();
        let marginals = found.plan.marginals();
        for index in 0..300 {
            assert_close(marginals.source[index], source.weight(index) / source.total(), 1e-15);
        }
        marginals.target.iter().for_each(|&mass| assert_close(mass, 1.0 / 211.0, 1e-14));
        assert!(found.plan.arcs().len() < 300 + 211);
        let sliced = Sliced::default().distance(&source, &target).unwrap().value;
        let largest = MaxSliced::default().distance(&source, &target).unwrap().value;
        assert!(sliced < largest && largest < found.cost.sqrt());
        assert!(found.cost <= SlicedPlan::expected_cost(&source, &target, 2.0, &directions).unwrap());
    }
}

#[test]
fn one_thread_and_two_agree() {
    let (x, y) = (cube(3000, 1), sphere(3000, 1.0));
    let weights: Vec<f64> = (0..3000).map(|index| 1.0 + (index % 3) as f64).collect();
    let answer = || {
        let (a, b) = (uniform(&x), uniform(&y));
        let weighted = Measure::weighted(&x, &weights).unwrap();
        let options = Sliced { projections: 50, ..Default::default() };
        (
            options.distance(&a, &b).unwrap(),
            options.gradient(&weighted, &b).unwrap(),
            MaxSliced::default().distance(&a, &b).unwrap(),
            SlicedPlan::best(&weighted, &b, 1.0, &options.directions().unwrap()).unwrap(),
        )
    };
    let with =
        |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(answer);
    assert_eq!(with(1), with(2));
}

#[test]
fn options_out_of_range_are_refused() {
    let x = cube(10, 1);
    let refused = |error: Option<Error>, wanted: &str| match error {
        Some(Error::InvalidOption { name, .. }) => assert_eq!(name, wanted),
        other => panic!("{wanted}: {other:?}"),
    };
    for p in [0.999, 0.0, -1.0, f64::NAN, f64::INFINITY] {
        refused(Sliced { p, ..Default::default() }.distance(&uniform(&x), &uniform(&x)).err(), "p");
        refused(Sliced { p, ..Default::default() }.gradient(&uniform(&x), &uniform(&x)).err(), "p");
        refused(MaxSliced { p, ..Default::default() }.distance(&uniform(&x), &uniform(&x)).err(), "p");
        let plan = SlicedPlan::best(&uniform(&x), &uniform(&x), p, &[Vector3::x_axis()]);
        refused(plan.err(), "p");
    }
    for projections in [0, 7, usize::MAX] {
        refused(Sliced { projections, ..Default::default() }.directions().err(), "projections");
        let largest = MaxSliced { projections, ..Default::default() };
        refused(largest.distance(&uniform(&x), &uniform(&x)).err(), "projections");
    }
    for rotations in [0, 1, 601, usize::MAX] {
        let directions = Directions::Lattice { rotations };
        refused(Sliced { directions, ..Default::default() }.directions().err(), "rotations");
    }
    let largest = |options: MaxSliced| options.distance(&uniform(&x), &uniform(&x)).err();
    refused(largest(MaxSliced { starts: 0, ..Default::default() }), "starts");
    refused(largest(MaxSliced { evaluations: 20, ..Default::default() }), "evaluations");
    let none = SlicedPlan::expected_cost(&uniform(&x), &uniform(&x), 2.0, &[]);
    refused(none.err(), "number of directions");
}
