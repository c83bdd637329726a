//! What holds for any clouds: how answers follow the clouds when these are turned, shifted, scaled, shuffled or swapped, how answers
//! order among each other, and that no number of threads changes a bit.

use barrow::geometry::{
    Backend, Measure, PointCloud, Sinkhorn, SinkhornDivergence, Sliced, TransportProblem, Wasserstein,
    WassersteinProblem, chamfer, hausdorff,
};
use barrow::registration::{Aligner, Verdict};
use barrow_datasets::Object;
use nalgebra::{Isometry3, Point3, Vector3};
use proptest::prelude::*;

type Points = Vec<Point3<f64>>;

/// What is measured between two clouds, and the power of a length that it is.
type Metric = (&'static str, i32, fn(&Points, &Points) -> f64);

fn cloud(points: &Points) -> PointCloud {
    PointCloud::new(points.clone()).unwrap()
}

fn uniform(points: &Points) -> Measure<'_> {
    Measure::uniform(points).unwrap()
}

fn wasserstein(a: &Points, b: &Points, p: f64) -> (f64, f64) {
    let problem = WassersteinProblem { p, ..WassersteinProblem::new(uniform(a), uniform(b)) };
    let found = Wasserstein { gap: 1e-9, ..Default::default() }.solve(&problem).unwrap();
    (found.certificate.lower, found.certificate.upper)
}

/// A blur that follows the clouds when they are scaled.
fn blur(a: &Points, b: &Points) -> f64 {
    let all = || a.iter().chain(b);
    let middle = all().map(|point| point.coords).sum::<Vector3<f64>>() / (a.len() + b.len()) as f64;
    0.2 * all().map(|point| (point.coords - middle).norm()).fold(0.0, f64::max)
}

const METRICS: [Metric; 6] = [
    ("chamfer", 1, |a, b| chamfer(&cloud(a), &cloud(b)).unwrap().value),
    ("hausdorff", 1, |a, b| hausdorff(&cloud(a), &cloud(b)).unwrap().value),
    ("W1", 1, |a, b| wasserstein(a, b, 1.0).1),
    ("W2", 1, |a, b| wasserstein(a, b, 2.0).1),
    ("divergence", 2, |a, b| {
        let problem = TransportProblem::new(uniform(a), uniform(b), blur(a, b));
        SinkhornDivergence::solve(&Sinkhorn::default(), &problem, &Backend::Cpu).unwrap().value
    }),
    ("sliced", 1, |a, b| Sliced::default().distance(&uniform(a), &uniform(b)).unwrap().value),
];

/// Metrics that look from a finite number of directions, or end at a tolerance.
fn slack(metric: &str, value: f64) -> f64 {
    match metric {
        "sliced" => 0.02 * value + 1e-9,
        "divergence" => 5e-3 * value.abs() + 1e-4,
        _ => 1e-7 * value + 1e-9,
    }
}

fn points() -> impl Strategy<Value = Points> {
    // On a grid of hundredths: ties and duplicates happen.
    let coordinate = || (-100..100_i32).prop_map(|step| f64::from(step) * 0.01);
    let point = (coordinate(), coordinate(), coordinate()).prop_map(|(x, y, z)| Point3::new(x, y, z));
    prop::collection::vec(point, 2..40)
        .prop_filter("two places at least", |points| points.iter().any(|p| *p != points[0]))
}

fn motion() -> impl Strategy<Value = Isometry3<f64>> {
    prop::array::uniform6(-2.0..2.0_f64)
        .prop_map(|[x, y, z, a, b, c]| Isometry3::new(Vector3::new(x, y, z), Vector3::new(a, b, c)))
}

fn moved(points: &Points, pose: &Isometry3<f64>) -> Points {
    points.iter().map(|point| pose * point).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn distances_follow_the_clouds(a in points(), b in points(), pose in motion(), power in -3..4_i32) {
        let factor = 10f64.powi(power);
        for (metric, dimension, of) in METRICS {
            let value = of(&a, &b);
            let near = |other: f64| (value - other).abs() <= slack(metric, value);
            prop_assert!(near(of(&b, &a)), "{metric} of swapped clouds: {} and {value}", of(&b, &a));
            let turned = of(&moved(&a, &pose), &moved(&b, &pose));
            prop_assert!(near(turned), "{metric} of moved clouds: {turned} and {value}");
            let scaled = |points: &Points| points.iter().map(|point| point * factor).collect::<Points>();
            let scaled = of(&scaled(&a), &scaled(&b)) / factor.powi(dimension);
            prop_assert!(near(scaled), "{metric} of clouds scaled by {factor}: {scaled} and {value}");
            let mut backwards = a.clone();
            backwards.reverse();
            let shuffled = of(&backwards, &b);
            prop_assert!(near(shuffled), "{metric} of shuffled points: {shuffled} and {value}");
            let itself = of(&a, &backwards);
            prop_assert!(itself.abs() <= slack(metric, 1.0) + 1e-6, "{metric} of a cloud with itself: {itself}");
        }
    }

    #[test]
    fn distances_order_among_each_other(a in points(), b in points(), c in points()) {
        let (w1, w2) = (wasserstein(&a, &b, 1.0), wasserstein(&a, &b, 2.0));
        // A mean is at most a root mean square; nearest points are no farther than partners; shadows no farther than clouds.
        prop_assert!(w1.0 <= w2.1 * (1.0 + 1e-9));
        let nearest = cloud(&a);
        let nearest = barrow::geometry::NearestDistances::between(&nearest, &cloud(&b)).unwrap();
        let mean = nearest.source_to_target().distances().iter().sum::<f64>() / a.len() as f64;
        prop_assert!(mean <= w1.1 * (1.0 + 1e-9) + 1e-12);
        let sliced = Sliced::default().distance(&uniform(&a), &uniform(&b)).unwrap().value;
        prop_assert!(sliced <= w2.1 * (1.0 + 1e-6) + 1e-9, "{sliced} sliced, {} whole", w2.1);
        // The triangle, with proven bounds on the sides where they help least.
        for (p, ab) in [(1.0, w1), (2.0, w2)] {
            let (bc, ac) = (wasserstein(&b, &c, p), wasserstein(&a, &c, p));
            prop_assert!(ac.0 <= ab.1 + bc.1 + 1e-12, "W{p}: {ac:?}, {ab:?}, {bc:?}");
        }
    }

    #[test]
    fn no_number_of_threads_changes_a_bit(a in points(), b in points()) {
        let all = |threads: usize| -> Vec<u64> {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| METRICS.map(|(_, _, of)| of(&a, &b).to_bits()).to_vec())
        };
        let one = all(1);
        for threads in [2, 5] {
            prop_assert_eq!(&one, &all(threads));
        }
    }
}

#[test]
fn registering_backwards_gives_the_inverse() {
    for seed in 0..8 {
        let scene = Object { points: 1500, seed, overlap: 0.8, ..Default::default() }.make().unwrap();
        let view = |name| &scene.cloud(name).unwrap().points;
        let (a, b) = (view("source"), view("target"));
        let there = Aligner::default().align(a, b).unwrap();
        let back = Aligner::default().align(b, a).unwrap();
        assert_eq!((there.verdict, back.verdict), (Verdict::Accepted, Verdict::Accepted), "seed {seed}");
        let round = back.target_from_source * there.target_from_source;
        let size = a.bounds().unwrap().diagonal();
        let astray = a.positions().iter().map(|point| (round * point - point).norm()).fold(0.0, f64::max);
        assert!(astray < 0.02 * size, "seed {seed}: {astray} of {size}");
    }
}
