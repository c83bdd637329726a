//! The awkward clouds that made other libraries crash, loop, or answer with a number where there is none. Every one of them is
//! asked of every kind of answer here: it is right, or an error that says what is wrong.
//!
//! `cargo test -p barrow --test bad_inputs -- --nocapture` prints the table.

use std::collections::BTreeMap;

use barrow::geometry::{
    Backend, Measure, Moved, PointCloud, Sinkhorn, SinkhornDivergence, Sliced, TransportProblem, Wasserstein,
    WassersteinProblem, chamfer, hausdorff,
};
use barrow::registration::{Aligner, Registration, Verdict};
use nalgebra::{Isometry3, Point3, Translation3, Vector3};

type Points = Vec<Point3<f64>>;

/// Two clouds and their weights.
struct Case {
    name: &'static str,
    source: Points,
    target: Points,
    weights: [Vec<f64>; 2],
    expected: Expected,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Expected {
    /// There is no answer: an error.
    Refused,
    /// The answer of the first case times this factor; or an error, where the factor leaves the range of numbers.
    Scaled(f64),
    /// No distance.
    Zero,
    /// Some finite number.
    Finite,
}

const COUNT: usize = 256;

/// Points spread over a box by the additive recurrence of the plastic number (Roberts 2018).
fn spread(count: usize, size: f64, corner: f64) -> Points {
    const PLASTIC: f64 = 1.220_744_084_605_76;
    let at = |index: usize, axis: i32| (index as f64 / PLASTIC.powi(axis)).fract() * size + corner;
    (1..=count).map(|index| Point3::new(at(index, 1), at(index, 2), at(index, 3))).collect()
}

fn uniform(count: usize) -> Vec<f64> {
    vec![1.0 / count as f64; count]
}

fn cases(source: &Points, target: &Points) -> Vec<Case> {
    let case = |name, source: Points, target: Points, expected| {
        let weights = [uniform(source.len()), uniform(target.len())];
        Case { name, source, target, weights, expected }
    };
    let with = |points: &Points, place: f64| {
        let mut points = points.clone();
        points[7].y = place;
        points
    };
    let mapped =
        |points: &Points, map: fn(Point3<f64>) -> Point3<f64>| points.iter().map(|p| map(*p)).collect();
    let scaled = |points: &Points, factor: f64| points.iter().map(|p| p * factor).collect();
    let shifted =
        |points: &Points, shift: [f64; 3]| points.iter().map(|p| p + Vector3::from(shift)).collect();
    let same = |points: &Points| vec![points[0]; points.len()];
    let repeated = |points: &Points| -> Points {
        points.iter().take(points.len() / 8).flat_map(|point| [*point; 8]).collect()
    };
    let (a, b, none) = (source, target, Points::new());
    let utm = [4.5e5, 5.4e6, 120.0];
    use Expected::{Finite, Refused, Scaled, Zero};
    vec![
        case("as they are", a.clone(), b.clone(), Scaled(1.0)),
        case("both empty", none.clone(), none.clone(), Refused),
        case("target empty", a.clone(), none.clone(), Refused),
        case("source empty", none, b.clone(), Refused),
        case("one point each", vec![a[0]], vec![b[0]], Finite),
        case("one point against many", vec![a[0]], b.clone(), Finite),
        case("two points each", a[..2].into(), b[..2].into(), Finite),
        case("NaN in the source", with(a, f64::NAN), b.clone(), Refused),
        case("NaN in the target", a.clone(), with(b, f64::NAN), Refused),
        case("infinity in the source", with(a, f64::INFINITY), b.clone(), Refused),
        case("nothing but NaN", vec![Point3::from([f64::NAN; 3]); a.len()], b.clone(), Refused),
        case("the same cloud twice", a.clone(), a.clone(), Zero),
        case("all points the same", same(a), same(a), Zero),
        case("every point eight times", repeated(a), repeated(b), Finite),
        case(
            "in a plane",
            mapped(a, |p| Point3::new(p.x, p.y, 0.0)),
            mapped(b, |p| Point3::new(p.x, p.y, 0.0)),
            Finite,
        ),
        case(
            "on a line",
            mapped(a, |p| Point3::new(p.x, 0.0, 0.0)),
            mapped(b, |p| Point3::new(p.x, 0.0, 0.0)),
            Finite,
        ),
        case("UTM coordinates", shifted(a, utm), shifted(b, utm), Scaled(1.0)),
        case("ten thousand kilometres off", shifted(a, [1e7; 3]), shifted(b, [1e7; 3]), Scaled(1.0)),
        case("a billionth of the size", scaled(a, 1e-9), scaled(b, 1e-9), Scaled(1e-9)),
        case("a billion times the size", scaled(a, 1e9), scaled(b, 1e9), Scaled(1e9)),
        case("squares overflow", scaled(a, 1e160), scaled(b, 1e160), Scaled(1e160)),
        case("ten kilometres apart", a.clone(), shifted(b, [1e4; 3]), Finite),
    ]
}

/// Cases of weights, for answers that take any.
fn weight_cases(source: &Points, target: &Points) -> Vec<Case> {
    let (source, target) = (source.clone(), target.clone());
    let even = uniform(COUNT);
    let with = |index: usize, weight: f64| {
        let mut weights = uniform(COUNT);
        weights[index] = weight;
        weights
    };
    let times = |factor: f64| -> Vec<f64> { uniform(COUNT).iter().map(|weight| weight * factor).collect() };
    let half = (0..COUNT).map(|index| if index < COUNT / 2 { 2.0 / COUNT as f64 } else { 0.0 }).collect();
    use Expected::{Finite, Refused};
    [
        ("a negative weight", [with(3, -0.1), even.clone()], Refused),
        ("masses 2 and 1", [times(2.0), even.clone()], Refused),
        ("masses 1.001 and 1", [times(1.001), even.clone()], Refused),
        ("both of mass 5", [times(5.0), times(5.0)], Finite),
        ("no mass at all", [times(0.0), times(0.0)], Refused),
        ("a weight that is NaN", [with(5, f64::NAN), even.clone()], Refused),
        ("a weight too few", [even[1..].to_vec(), even.clone()], Refused),
        ("half the weights zero", [half, even], Finite),
    ]
    .into_iter()
    .map(|(name, weights, expected)| Case {
        name,
        source: source.clone(),
        target: target.clone(),
        weights,
        expected,
    })
    .collect()
}

type Answer = Result<f64, String>;

/// A name, the power of a length that the answer is, and what answers; it gets the case and the factor of its lengths.
type Question = (&'static str, i32, fn(&Case, f64) -> Answer);

fn said<T>(result: Result<T, impl std::fmt::Display>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

fn clouds(case: &Case) -> Result<[PointCloud; 2], String> {
    Ok([said(PointCloud::new(case.source.clone()))?, said(PointCloud::new(case.target.clone()))?])
}

fn measures(case: &Case) -> Result<[Measure<'_>; 2], String> {
    let [a, b] = &case.weights;
    Ok([said(Measure::weighted(&case.source, a))?, said(Measure::weighted(&case.target, b))?])
}

fn nearest(case: &Case, of: fn(&PointCloud, &PointCloud) -> barrow::geometry::Result<f64>) -> Answer {
    let [source, target] = clouds(case)?;
    said(of(&source, &target))
}

fn wasserstein(case: &Case, moved: Moved) -> Answer {
    let [source, target] = measures(case)?;
    let problem = WassersteinProblem { moved, ..WassersteinProblem::new(source, target) };
    let plan = said(Wasserstein { gap: 1e-6, ..Default::default() }.solve(&problem))?;
    let (lower, upper) = (plan.certificate.lower, plan.certificate.upper);
    assert!(0.0 <= lower && lower <= upper, "{}: {lower} to {upper}", case.name);
    Ok(upper)
}

fn entropic<'a>(case: &'a Case, factor: f64, reach: Option<f64>) -> Result<TransportProblem<'a>, String> {
    let [source, target] = measures(case)?;
    let problem = TransportProblem::new(source, target, 0.1 * factor);
    Ok(TransportProblem { reach: reach.map(|reach| reach * factor), ..problem })
}

const MEASURED: [Question; 8] = [
    ("chamfer", 1, |case, _| nearest(case, |a, b| Ok(chamfer(a, b)?.value))),
    ("hausdorff", 1, |case, _| nearest(case, |a, b| Ok(hausdorff(a, b)?.value))),
    ("wasserstein", 1, |case, _| wasserstein(case, Moved::All)),
    ("partial", 1, |case, _| wasserstein(case, Moved::Mass(0.5))),
    ("sinkhorn", 2, |case, factor| {
        Ok(said(Sinkhorn::default().solve(&entropic(case, factor, None)?, &Backend::Cpu))?.value())
    }),
    ("unbalanced", 2, |case, factor| {
        let problem = entropic(case, factor, Some(0.5))?;
        Ok(said(Sinkhorn::default().solve(&problem, &Backend::Cpu))?.value())
    }),
    ("divergence", 2, |case, factor| {
        let problem = entropic(case, factor, None)?;
        Ok(said(SinkhornDivergence::solve(&Sinkhorn::default(), &problem, &Backend::Cpu))?.value)
    }),
    ("sliced", 1, |case, _| {
        let [source, target] = measures(case)?;
        Ok(said(Sliced::default().distance(&source, &target))?.value)
    }),
];

/// Where masses may differ, since not all of it is moved, or since shares are compared.
const MAY_DIFFER: [&str; 3] = ["partial", "unbalanced", "sliced"];

/// What is to be seen in the table; panics on a wrong answer.
fn judged(question: &str, power: i32, case: &Case, answer: &Answer, base: f64) -> &'static str {
    let told = || format!("{question}, {}: {answer:?}, of {base}", case.name);
    match (answer, case.expected) {
        (Err(reason), Expected::Refused) => {
            assert!(!reason.is_empty(), "{}", told());
            "refused"
        }
        (Err(_), Expected::Scaled(factor)) if factor.powi(2).is_infinite() => "refused",
        (Ok(value), Expected::Scaled(factor)) => {
            let expected = base * factor.powi(power);
            assert!((value - expected).abs() <= 1e-4 * expected.abs(), "{}: not {expected}", told());
            "right"
        }
        // Entropy spreads mass even where it could stay.
        (Ok(value), Expected::Zero) if ["sinkhorn", "unbalanced"].contains(&question) => {
            assert!(value.is_finite(), "{}", told());
            "right"
        }
        (Ok(value), Expected::Zero) => {
            assert!(value.abs() <= 1e-6, "{}", told());
            "right"
        }
        (Ok(value), Expected::Finite) => {
            assert!(value.is_finite(), "{}", told());
            "right"
        }
        _ => panic!("{}", told()),
    }
}

fn print(table: &BTreeMap<&str, Vec<(&str, &str)>>) {
    for (case, verdicts) in table {
        let row: Vec<String> =
            verdicts.iter().map(|(question, verdict)| format!("{question} {verdict}")).collect();
        println!("{case}: {}", row.join(", "));
    }
}

#[test]
fn distances_are_right_or_refused() {
    let (source, target) = (spread(COUNT, 1.0, 0.0), spread(COUNT, 0.9, 0.15));
    let plain = cases(&source, &target);
    let weighted = weight_cases(&source, &target);
    let mut table = BTreeMap::<&str, Vec<(&str, &str)>>::new();
    for (question, power, answer) in MEASURED {
        let base = answer(&plain[0], 1.0).unwrap();
        for case in &plain {
            let factor = if let Expected::Scaled(factor) = case.expected { factor } else { 1.0 };
            let verdict = judged(question, power, case, &answer(case, factor), base);
            table.entry(case.name).or_default().push((question, verdict));
        }
        if ["chamfer", "hausdorff"].contains(&question) {
            continue;
        }
        for case in &weighted {
            let may_differ = MAY_DIFFER.contains(&question) && case.name.starts_with("masses");
            let expected = if may_differ { Expected::Finite } else { case.expected };
            let case = &Case { expected, weights: case.weights.clone(), ..copy(case) };
            let verdict = judged(question, power, case, &answer(case, 1.0), base);
            table.entry(case.name).or_default().push((question, verdict));
        }
    }
    print(&table);
}

fn copy(case: &Case) -> Case {
    Case {
        name: case.name,
        source: case.source.clone(),
        target: case.target.clone(),
        weights: case.weights.clone(),
        expected: case.expected,
    }
}

/// Distance between where the pose takes the source and where the truth takes it, in sizes of the source.
fn astray(found: &Registration, truth: &Isometry3<f64>, source: &Points) -> f64 {
    let pose = found.target_from_source;
    let squares = source.iter().map(|point| (pose * point - truth * point).norm_squared());
    let middle = source.iter().fold(Vector3::zeros(), |sum, point| sum + point.coords) / source.len() as f64;
    let size = source.iter().map(|point| (point.coords - middle).norm_squared()).sum::<f64>();
    (squares.sum::<f64>() / size.max(f64::MIN_POSITIVE)).sqrt()
}

#[test]
fn registrations_are_right_or_refused_or_not_accepted() {
    let made = barrow_datasets::Object { points: 1000, overlap: 0.9, ..Default::default() }.make().unwrap();
    let points = |name| made.cloud(name).unwrap().points.positions().to_vec();
    let (source, target) = (points("source"), points("target"));
    let truth = made.target_from_source().unwrap();
    // Near enough for a local start.
    let near: Points = source.iter().map(|point| truth * point + Vector3::new(0.01, -0.01, 0.0)).collect();
    let mut table = BTreeMap::<&str, Vec<(&str, &str)>>::new();
    for (question, source, initial) in [
        ("register from here", &near, Some(Isometry3::identity())),
        ("register from anywhere", &source, None),
    ] {
        for case in cases(source, &target) {
            let align = || -> Result<Registration, String> {
                let [source, target] = clouds(&case)?;
                said(Aligner { initial, ..Default::default() }.align(&source, &target))
            };
            let found = align();
            let told = || format!("{question}, {}: {found:?}", case.name);
            let verdict = match (&found, case.expected) {
                (Err(reason), Expected::Refused | Expected::Finite) => {
                    assert!(!reason.is_empty());
                    "refused"
                }
                (Err(_), Expected::Scaled(factor)) if factor.powi(2).is_infinite() => "refused",
                (Ok(found), Expected::Scaled(factor)) => {
                    let shift = case.source[0] - source[0] * factor;
                    let there = Translation3::from(shift);
                    let truth =
                        if initial.is_some() { Isometry3::translation(-0.01, 0.01, 0.0) } else { truth };
                    let mut scaled = truth;
                    scaled.translation.vector *= factor;
                    let truth = there * scaled * there.inverse();
                    assert!(found.verdict == Verdict::Accepted, "{}", told());
                    let astray = astray(found, &truth, &case.source);
                    assert!(astray < 0.03, "{} astray: {}", astray, told());
                    "right"
                }
                (Ok(found), Expected::Zero) => {
                    let moved =
                        case.source.iter().map(|point| (found.target_from_source * point - point).norm());
                    let is_still = moved.fold(0.0, f64::max) < 1e-3;
                    assert!(is_still || found.verdict != Verdict::Accepted, "{}", told());
                    if is_still { "right" } else { "not accepted" }
                }
                // Nothing can be known of the pose, or not all of it: a number for it would have to be doubted.
                (Ok(found), Expected::Finite) => {
                    let pose = found.target_from_source.to_homogeneous();
                    assert!(pose.iter().all(|number| number.is_finite()), "{}", told());
                    match found.verdict {
                        Verdict::Accepted => "accepted",
                        _ => "not accepted",
                    }
                }
                _ => panic!("{}", told()),
            };
            table.entry(case.name).or_default().push((question, verdict));
        }
    }
    print(&table);
}
