//! Transport without entropy from the command line: values, proven intervals, plans, exit codes.
#![allow(missing_docs)]

mod command;

use std::path::Path;

use command::{Run, barrow, files, room, write_points};
use nalgebra::{Point3, Vector3};
use serde_json::Value;

/// A motion without rotation: the optimal plan takes every point to its own image, at any p.
const SHIFT: Vector3<f64> = Vector3::new(0.3, -0.4, 1.2);

/// Its length.
const LENGTH: f64 = 1.3;

/// `source.xyz` and `target.xyz`: a room, and the same room moved by [`SHIFT`], its points backwards.
fn moved(count: usize) -> tempfile::TempDir {
    let points = room(count);
    let target: Vec<_> = points.iter().rev().map(|point| point + SHIFT).collect();
    folder(&points, &target)
}

fn folder(source: &[Point3<f64>], target: &[Point3<f64>]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_points(&folder.path().join("source.xyz"), source);
    write_points(&folder.path().join("target.xyz"), target);
    folder
}

fn distance(folder: &Path, options: &str) -> Run {
    barrow(folder, &format!("distance source.xyz target.xyz --metric wasserstein {options}"))
}

fn matching(folder: &Path, options: &str) -> Run {
    barrow(folder, &format!("match source.xyz target.xyz {options}"))
}

#[track_caller]
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("not a number: {value}"))
}

/// Asserts that the proven interval holds a distance and that the value lies in it too.
#[track_caller]
fn assert_holds(answer: &Value, distance: f64, gap: f64) {
    let certificate = &answer["certificate"];
    let (lower, upper) = (number(&certificate["lower"]), number(&certificate["upper"]));
    assert!(lower <= distance * (1.0 + 1e-15) && distance * (1.0 - 1e-15) <= upper, "{certificate}");
    let relative = number(&certificate["relative_gap"]);
    assert!((relative - (upper - lower) / upper).abs() < 1e-15 && relative <= gap, "{certificate}");
    if let Some(value) = answer.get("value").or_else(|| answer.get("distance")).and_then(Value::as_f64) {
        assert!(lower <= value && value <= upper, "{value} is outside of {certificate}");
    }
}

/// Columns of a plan in text.
fn plan(folder: &Path, name: &str) -> Vec<(usize, usize, f64, f64)> {
    let text = std::fs::read_to_string(folder.join(name)).expect("the plan");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("source,target,mass,cost"));
    let arc = |line: &str| {
        let cells: Vec<_> = line.split(',').collect();
        let real = |cell: &str| cell.parse::<f64>().expect("a number");
        let index = |cell: &str| cell.parse::<usize>().expect("an index");
        (index(cells[0]), index(cells[1]), real(cells[2]), real(cells[3]))
    };
    lines.map(arc).collect()
}

#[test]
fn a_moved_cloud_is_as_far_as_it_was_moved() {
    let folder = moved(300);
    for p in [1, 2] {
        let answer = distance(folder.path(), &format!("--p {p} --gap 0 --json")).expect(0).json();
        assert!((number(&answer["value"]) - LENGTH).abs() < 1e-9, "{answer}");
        assert_holds(&answer, LENGTH, 1e-9);
        assert_eq!(answer["convergence"]["status"], "converged");
        let cost = number(&answer["details"]["transport_cost"]);
        assert!((cost - LENGTH.powi(p)).abs() < 1e-9, "{cost}");
        let loose = distance(folder.path(), &format!("--p {p} --json")).expect(0).json();
        assert_holds(&loose, LENGTH, 0.01);
        assert_eq!(loose["settings"]["gap"], 0.01);
    }
}

#[test]
fn the_answer_has_its_keys_and_units() {
    let folder = moved(200);
    let answer = distance(folder.path(), "--json").expect(0).json();
    assert_eq!((&answer["metric"], &answer["unit"]), (&"wasserstein".into(), &"m".into()));
    for key in ["lower", "upper", "relative_gap"] {
        assert!(answer["certificate"][key].is_number(), "{key}: {answer}");
    }
    for key in ["p", "gap", "max_iterations"] {
        assert!(answer["settings"][key].is_number(), "{key}: {answer}");
    }
    for key in ["reach", "mass", "max_seconds"] {
        assert!(answer["settings"][key].is_null(), "{key}: {answer}");
    }
    for key in ["transport_cost", "transported_mass", "arcs"] {
        assert!(answer["details"][key].is_number(), "{key}: {answer}");
    }
    for side in ["source", "target"] {
        assert!(number(&answer["details"]["dropped_mass"][side]).abs() < 1e-12, "{answer}");
    }
    assert!(answer["details"]["stage"].is_string());
    assert!(answer["convergence"]["iterations"].is_u64() && answer["convergence"]["residual"].is_number());
    for key in ["read", "prepare", "solve"] {
        assert!(answer["seconds"][key].is_number(), "{key}: {answer}");
    }
    let text = distance(folder.path(), "").expect(0).out;
    for word in ["wasserstein", "between ", " m, proven; gap ", " %", "arcs", "converged"] {
        assert!(text.contains(word), "no `{word}` in\n{text}");
    }
}

#[test]
fn the_printed_interval_is_proven_too() {
    let folder = moved(150);
    for options in ["--gap 0", "--gap 0.3", "--p 1"] {
        let certificate =
            &distance(folder.path(), &format!("{options} --json")).expect(0).json()["certificate"];
        let text = distance(folder.path(), options).expect(0).out;
        let line = text.lines().find(|line| line.starts_with("interval")).expect("an interval");
        let words: Vec<_> = line.split_whitespace().collect();
        let printed = |index: usize| words[index].parse::<f64>().expect("a number");
        assert_eq!((words[1], words[3]), ("between", "and"), "{line}");
        assert!(printed(2) <= number(&certificate["lower"]), "{line} {certificate}");
        assert!(printed(4) >= number(&certificate["upper"]), "{line} {certificate}");
    }
}

#[test]
fn a_cloud_is_at_no_distance_from_itself() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_points(&folder.path().join("source.xyz"), &room(100));
    write_points(&folder.path().join("target.xyz"), &room(100));
    let answer = distance(folder.path(), "--gap 0 --json").expect(0).json();
    assert_eq!((&answer["value"], &answer["certificate"]["lower"]), (&0.0.into(), &0.0.into()));
    assert!(number(&answer["certificate"]["upper"]) < 1e-5);
    let text = distance(folder.path(), "--gap 0").expect(0).out;
    assert!(text.contains("at most ") && !text.contains("100 %"), "{text}");
}

/// Two samples of a room that only many steps bring within a narrow gap.
fn two_samples(count: usize) -> tempfile::TempDir {
    let points = room(2 * count);
    folder(&points[..count], &points[count..])
}

#[test]
fn a_limit_before_the_gap_ends_with_4_and_the_best_interval() {
    let folder = two_samples(1500);
    let best = distance(folder.path(), "--gap 0 --json").expect(0).json();
    for limit in ["--max-iterations 1", "--max-seconds 0"] {
        let run = distance(folder.path(), &format!("--gap 1e-9 {limit} --json")).expect(4);
        let option = limit.split(' ').next().expect("an option");
        assert!(run.err.contains(option) && run.err.contains("gap"), "{}", run.err);
        let answer = run.json();
        assert_eq!(answer["convergence"]["status"], "max_iterations");
        assert_holds(&answer, number(&best["value"]), 1.0);
        assert!(number(&answer["certificate"]["relative_gap"]) > 1e-9);
        let quiet = distance(folder.path(), &format!("--gap 1e-9 {limit} --quiet")).expect(4);
        assert!(quiet.err.is_empty() && quiet.out.contains("proven"), "{} {}", quiet.err, quiet.out);
    }
    // What is found on the way may be good enough for a wide gap.
    distance(folder.path(), "--gap 0.99 --max-iterations 1").expect(0);
    // A plan within a limit is a plan: it is written.
    let run = matching(folder.path(), "--gap 1e-9 --max-iterations 1 --out plan.csv --json").expect(4);
    let answer = run.json();
    assert_eq!(answer["written"][0], "plan.csv");
    assert_eq!(number(&answer["arcs"]) as usize, plan(folder.path(), "plan.csv").len());
    assert_holds(&answer, number(&best["value"]), 1.0);
}

#[test]
fn wrong_usage_ends_with_2() {
    let folder = moved(20);
    let distances = [
        "--metric wasserstein --blur 0.1",
        "--metric wasserstein --epsilon 0.1",
        "--metric wasserstein --tolerance 0.1",
        "--metric wasserstein --reach 1 --penalty tv",
        "--metric wasserstein --no-debias",
        "--metric wasserstein --projections 10",
        "--metric wasserstein --p 3",
        "--metric wasserstein --reach 1 --mass 0.5",
        "--metric wasserstein --max-iterations 0",
        "--metric sinkhorn --gap 0.1",
        "--metric sinkhorn --mass 0.1",
        "--metric sinkhorn --max-seconds 1",
        "--metric sinkhorn --penalty tv",
        "--metric sinkhorn --reach 1 --penalty l2",
        "--metric sliced --reach 1",
        "--metric sliced --max-iterations 3",
        "--gap 0.1",
    ];
    for options in distances {
        let run = barrow(folder.path(), &format!("distance source.xyz target.xyz {options}")).expect(2);
        // One of the options that contradict each other is to be named.
        let mut names = options.split(' ').filter(|word| word.starts_with("--") && *word != "--metric");
        assert!(names.any(|name| run.err.contains(name)), "{options}: {}", run.err);
    }
    for options in [
        "--gap 0.1 --blur 0.1",
        "--mass 0.5 --epsilon 0.1",
        "--max-seconds 1 --threshold 0.1",
        "--mass 1 --reach 1",
    ] {
        let run = matching(folder.path(), &format!("--out plan.csv {options}")).expect(2);
        assert!(options.split(' ').step_by(2).all(|name| run.err.contains(name)), "{options}: {}", run.err);
    }
    assert_eq!(files(folder.path()), ["source.xyz", "target.xyz"]);
}

#[test]
fn options_out_of_range_end_with_3_and_name_the_value() {
    let folder = moved(20);
    for (options, words) in [
        ("--gap 1", ["gap", "1"]),
        ("--gap -0.5", ["gap", "-0.5"]),
        ("--gap nan", ["gap", "NaN"]),
        ("--max-seconds -1", ["max_seconds", "-1"]),
        ("--mass 0", ["mass", "0"]),
        ("--mass 1.5", ["mass", "1.5"]),
        ("--mass inf", ["mass", "inf"]),
        ("--reach -2", ["reach", "-2"]),
        ("--reach nan", ["reach", "NaN"]),
    ] {
        distance(folder.path(), options).refused(&words);
        let run = matching(folder.path(), &format!("--gap 0.01 {options} --out plan.csv"));
        if options.starts_with("--gap") {
            run.expect(2);
        } else {
            run.refused(&words);
        }
    }
    assert_eq!(files(folder.path()), ["source.xyz", "target.xyz"]);
}

#[test]
fn totals_must_be_equal_where_all_is_moved() {
    let folder = moved(4);
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("writable");
    write("a.txt", "1\n1\n1\n1\n");
    write("b.txt", "2\n1\n1\n1\n");
    let weights = "--source-weights a.txt --target-weights b.txt";
    distance(folder.path(), weights).refused(&["4", "5", "equal totals"]);
    let answer = distance(folder.path(), &format!("{weights} --mass 4 --gap 0 --json")).expect(0).json();
    assert!((number(&answer["details"]["transported_mass"]) - 4.0).abs() < 1e-9, "{answer}");
    assert!((number(&answer["details"]["dropped_mass"]["target"]) - 1.0).abs() < 1e-9, "{answer}");
    // The first three of the source end where the last three of the target are.
    let same =
        distance(folder.path(), "--source-weights a.txt --target-weights a.txt --json").expect(0).json();
    assert_holds(&same, LENGTH, 0.01);
    assert!((number(&same["details"]["transport_cost"]) - 4.0 * LENGTH * LENGTH).abs() < 0.1, "{same}");
}

/// A cloud moved by a little, a fifth of both clouds being somewhere else altogether.
fn with_outliers() -> (tempfile::TempDir, f64) {
    let step = Vector3::new(0.0, 0.0, 0.01);
    let (mut source, mut target) = (room(80), room(80));
    target.iter_mut().for_each(|point| *point += step);
    source.extend(room(20).iter().map(|point| point + Vector3::new(100.0, 0.0, 0.0)));
    target.extend(room(20).iter().map(|point| point - Vector3::new(100.0, 0.0, 0.0)));
    (folder(&source, &target), step.norm())
}

#[test]
fn outliers_stay_behind() {
    let (folder, step) = with_outliers();
    assert!(number(&distance(folder.path(), "--json").expect(0).json()["value"]) > 10.0);
    for p in [1, 2] {
        let partial = distance(folder.path(), &format!("--mass 0.8 --gap 0 --p {p} --json")).expect(0).json();
        // The steps are a ten thousandth of the extent: bounds allow for rounding of potentials as large as its square,
        // some 1e-12 of it where the step's square is 1e-8.
        assert_holds(&partial, step, 1e-4);
        let cut = distance(folder.path(), &format!("--reach 2 --gap 0 --p {p} --json")).expect(0).json();
        // A fifth is dropped, as if it had been moved by the reach.
        let expected = (0.8 * step.powi(p) + 0.2 * 2f64.powi(p)).powf(1.0 / f64::from(p));
        assert_holds(&cut, expected, 1e-6);
        for answer in [partial, cut] {
            let details = &answer["details"];
            assert!((number(&details["transported_mass"]) - 0.8).abs() < 1e-9, "{answer}");
            assert!((number(&details["dropped_mass"]["source"]) - 0.2).abs() < 1e-9, "{answer}");
            assert!((number(&details["dropped_mass"]["target"]) - 0.2).abs() < 1e-9, "{answer}");
        }
    }
    for options in ["--mass 0.8", "--gap 0.01 --reach 2"] {
        let answer = matching(folder.path(), &format!("{options} --out plan.csv --json")).expect(0).json();
        assert!(number(&answer["marginal_error"]["source"]) < 1e-9, "{answer}");
        let arcs = plan(folder.path(), "plan.csv");
        assert!(arcs.iter().all(|&(source, target, ..)| source < 80 && target < 80), "{arcs:?}");
    }
}

#[test]
fn a_plan_fits_its_marginals() {
    let folder = two_samples(500);
    let answer = matching(folder.path(), "--gap 0.01 --out plan.csv --json").expect(0).json();
    let arcs = plan(folder.path(), "plan.csv");
    assert_eq!(number(&answer["arcs"]) as usize, arcs.len());
    assert!(arcs.len() < 1000);
    let (mut source, mut target) = (vec![0.0; 500], vec![0.0; 500]);
    let mut total = 0.0;
    let (from, to) = (&room(1000)[..500], &room(1000)[500..]);
    for &(i, j, mass, cost) in &arcs {
        source[i] += mass;
        target[j] += mass;
        total += mass * cost;
        assert!((cost - (from[i] - to[j]).norm_squared()).abs() < 1e-12 * cost.max(1.0));
    }
    assert!(source.iter().chain(&target).all(|mass: &f64| (mass - 0.002).abs() < 1e-12));
    assert!((total - number(&answer["cost"])).abs() < 1e-12 * total);
    assert_holds(&answer, number(&answer["distance"]), 0.01);
    assert!((total.sqrt() - number(&answer["distance"])).abs() < 1e-9);
    for side in ["source", "target"] {
        assert!(number(&answer["marginal_error"][side]) < 1e-12, "{answer}");
    }
    // The same plan in an archive: four columns of as many entries.
    let archive = matching(folder.path(), "--gap 0.01 --out plan.npz --json").expect(0).json();
    assert_eq!((&archive["arcs"], &archive["cost"]), (&answer["arcs"], &answer["cost"]));
    let text = matching(folder.path(), "--gap 0.01 --out plan.ply").expect(0).out;
    for word in ["distance", "interval", "arcs", "marginal error", "written"] {
        assert!(text.contains(word), "no `{word}` in\n{text}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let folder = two_samples(2000);
    let run = |arguments: &str, threads: usize| {
        let mut answer =
            barrow(folder.path(), &format!("{arguments} --json --threads {threads}")).expect(0).json();
        answer.as_object_mut().expect("an object").remove("seconds");
        answer
    };
    for options in ["", "--p 1 --gap 0", "--mass 0.7", "--reach 0.2"] {
        let arguments = format!("distance source.xyz target.xyz --metric wasserstein {options}");
        assert_eq!(run(&arguments, 1), run(&arguments, 2), "{options}");
    }
    let written = |threads: usize| {
        run("match source.xyz target.xyz --gap 0.02 --out plan.npz", threads);
        std::fs::read(folder.path().join("plan.npz")).expect("the plan")
    };
    assert!(written(1) == written(2), "two threads write another plan than one");
}

#[test]
fn a_cut_from_an_entropic_problem_too() {
    let (folder, _) = with_outliers();
    let value = |options: &str| {
        let arguments =
            format!("distance source.xyz target.xyz --metric sinkhorn --blur 0.1 --reach 2 --json {options}");
        barrow(folder.path(), &arguments).expect(0).json()
    };
    let (smooth, cut) = (value(""), value("--penalty tv"));
    assert_eq!((&smooth["settings"]["penalty"], &cut["settings"]["penalty"]), (&"kl".into(), &"tv".into()));
    assert_eq!(smooth["value"], value("--penalty kl")["value"]);
    // As without entropy but for about ε: the fifth that is dropped costs reach² on both sides together.
    assert!((number(&cut["value"]) - 0.8).abs() < number(&cut["settings"]["epsilon"]), "{cut}");
    let run = matching(folder.path(), "--blur 0.1 --reach 2 --penalty tv --out plan.csv --json").expect(0);
    assert!((number(&run.json()["transported_mass"]) - 0.8).abs() < 0.01);
}
