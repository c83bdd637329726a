//! The contract of the command: names, JSON keys, exit codes.
#![allow(missing_docs)]

mod command;

use std::path::Path;
use std::process::Stdio;

use command::{barrow, command, files, folder_with_pair, pose_error, truth};
use serde_json::Value;

const SUBCOMMANDS: [&str; 10] = [
    "info",
    "convert",
    "distance",
    "match",
    "interpolate",
    "register",
    "odometry",
    "evaluate",
    "synth",
    "devices",
];

#[track_caller]
fn assert_keys(value: &Value, keys: &[&str]) {
    let object = value.as_object().expect("an object");
    for key in keys {
        assert!(object.contains_key(*key), "no `{key}` in {value}");
    }
}

fn assert_timed(answer: &Value) {
    assert_keys(&answer["seconds"], &["read", "prepare", "solve"]);
    assert_keys(&answer["device"], &["ran", "why"]);
    assert_keys(&answer["convergence"], &["status", "iterations", "residual"]);
}

#[test]
fn every_help_has_an_example() {
    let folder = Path::new(".");
    assert!(barrow(folder, "--help").expect(0).out.contains("barrow register"));
    for name in SUBCOMMANDS {
        let help = barrow(folder, &format!("{name} --help")).expect(0).out;
        assert!(help.contains("Examples:") && help.contains(&format!("  barrow {name}")), "{help}");
        for flag in ["--json", "--threads", "--device", "--seed", "--quiet", "--no-progress"] {
            assert!(help.contains(flag), "{name} has no {flag}");
        }
    }
    assert!(barrow(folder, "--version").expect(0).out.starts_with("barrow "));
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_is_accepted() {
    let folder = folder_with_pair(100);
    let cases = [
        "",
        "teleport",
        "info",
        "distance source.xyz",
        "distance source.xyz target.xyz --metric manhattan",
        "distance source.xyz target.xyz --blur 0.1",
        "distance source.xyz target.xyz --metric sliced --blur 0.1",
        "distance source.xyz target.xyz --metric sinkhorn --projections 3",
        "distance source.xyz target.xyz --metric sinkhorn --blur 0.1 --epsilon 0.1",
        "distance source.xyz target.xyz --radius",
        "distance source.xyz target.xyz --metric sliced --radius 0.1",
        "distance source.xyz target.xyz --metric sinkhorn --colorize out.ply",
        "distance source.xyz target.xyz --metric sliced --alpha 1",
        "distance source.xyz target.xyz --metric max-sliced --monte-carlo",
        "distance source.xyz target.xyz --metric chamfer --monte-carlo",
        "distance source.xyz target.xyz --colorize out.docx",
        "distance source.xyz target.xyz --colorize out.bin",
        "distance source.xyz target.xyz --colorize-max 0.1",
        "distance source.xyz target.xyz --alpha 1 --source-weights w.txt",
        "distance source.xyz target.xyz --threads 0",
        "distance - -",
        "match source.xyz target.xyz",
        "match source.xyz target.xyz --out plan.txt",
        "register source.xyz target.xyz --global --init T.txt",
        "register source.xyz target.xyz --scale --init T.txt",
        "register source.xyz target.xyz --report report.docx",
        "distance source.xyz target.xyz --report report.png",
        "register source.xyz target.xyz --picture picture.jpg",
        "register source.xyz target.xyz --aligned moved.docx",
        "convert source.xyz out.docx",
        "convert source.xyz out.ply --crop 0,0,0,1,1",
        "convert source.xyz out.ply --crop 1,0,0,0,1,1",
        "synth teapot --out scene",
        "synth cube --out scene --noise 0.1",
        "synth street --out scene --overlap 0.5",
        "info source.xyz --format docx",
        "info source.xyz --seed minus-one",
    ];
    for arguments in cases {
        let run = barrow(folder.path(), arguments).expect(2);
        assert!(!run.err.is_empty() && run.out.is_empty(), "{arguments}: {} {}", run.err, run.out);
    }
    assert_eq!(files(folder.path()), ["source.xyz", "target.xyz"]);
}

#[test]
fn options_out_of_range_end_with_3_and_name_the_value() {
    let folder = folder_with_pair(100);
    let cases = [
        ("distance source.xyz target.xyz --metric sinkhorn --blur -1", "-1"),
        ("distance source.xyz target.xyz --metric sinkhorn --blur nan", "NaN"),
        ("distance source.xyz target.xyz --metric sinkhorn --reach 0", "reach"),
        ("distance source.xyz target.xyz --metric sliced --projections 3", "3"),
        ("distance source.xyz target.xyz --metric max-sliced --projections 3", "3"),
        ("distance source.xyz target.xyz --metric fscore --radius 0", "--radius"),
        ("distance source.xyz target.xyz --radius 0.1 --radius -2", "-2"),
        ("distance source.xyz target.xyz --alpha inf", "--alpha"),
        ("distance source.xyz target.xyz --colorize out.ply --colorize-max 0", "--colorize-max"),
        ("distance source.xyz target.xyz --colorize nowhere/out.ply", "nowhere"),
        ("distance source.xyz target.xyz --source-weights w.txt", "w.txt"),
        ("match source.xyz target.xyz --out plan.npz --threshold 2", "2"),
        ("register source.xyz target.xyz --voxel-size 0", "voxel"),
        ("register source.xyz target.xyz --max-distance -3", "-3"),
        ("register source.xyz target.xyz --init missing.txt", "missing.txt"),
        ("register source.xyz target.xyz --out nowhere/T.txt", "nowhere"),
        ("convert source.xyz out.ply --voxel-size inf", "voxel"),
        ("convert source.xyz out.ply --crop 90,90,90,91,91,91", "--crop"),
        ("synth cube --out scene --points 0", "0"),
        ("distance source.xyz target.xyz --metric sinkhorn --weights-from intensity", "intensity"),
    ];
    for (arguments, word) in cases {
        barrow(folder.path(), arguments).refused(&[word]);
        let answer = barrow(folder.path(), &format!("{arguments} --json")).expect(3).json();
        assert_keys(&answer, &["error"]);
    }
    assert!(!files(folder.path()).iter().any(|name| name.starts_with("out") || name.ends_with(".npz")));
}

#[test]
fn info() {
    let folder = folder_with_pair(500);
    let run = barrow(folder.path(), "info source.xyz missing.ply target.xyz --json").expect(3);
    assert!(run.err.contains("missing.ply"), "{}", run.err);
    let answer = run.json();
    assert_eq!(answer.as_array().expect("a list").len(), 3);
    for index in [0, 2] {
        let keys = [
            "path",
            "format",
            "points",
            "dropped_nonfinite",
            "bounds",
            "centroid",
            "attributes",
            "median_spacing",
            "suggested",
        ];
        assert_keys(&answer[index], &keys);
        assert_keys(&answer[index]["suggested"], &["voxel_size", "max_distance", "blur", "reach"]);
        assert_keys(&answer[index]["bounds"], &["min", "max"]);
        assert_eq!(answer[index]["points"], 500);
    }
    assert_keys(&answer[1], &["path", "error"]);
    let text = barrow(folder.path(), "info source.xyz").expect(0).out;
    assert!(text.contains("source.xyz") && text.contains("500"), "{text}");
}

#[test]
fn standard_input() {
    let folder = folder_with_pair(50);
    let input = std::fs::File::open(folder.path().join("source.xyz")).expect("the file is there");
    let output = command()
        .current_dir(folder.path())
        .args(["distance", "-", "source.xyz", "--format", "xyz", "--json"])
        .stdin(Stdio::from(input))
        .output()
        .expect("the command starts");
    assert_eq!(command::Run::from(output).expect(0).json()["value"], 0.0);
}

#[test]
fn convert() {
    let folder = folder_with_pair(500);
    let run =
        barrow(folder.path(), "convert source.xyz out.ply --voxel-size 0.5 --normals 8 --json").expect(0);
    let answer = run.json();
    assert_keys(&answer, &["input", "output", "points_in", "points_out", "attributes"]);
    assert_eq!(answer["points_in"], 500);
    assert_eq!(answer["attributes"][0], "normals");
    let again = barrow(folder.path(), "info out.ply --json").expect(0).json();
    assert_eq!((&again[0]["points"], &again[0]["format"]), (&answer["points_out"], &"ply".into()));
    let sampled =
        barrow(folder.path(), "convert source.xyz s.pcd --sample 100 --seed 1 --ascii --json").expect(0);
    assert_eq!(sampled.json()["points_out"], 100);
}

#[test]
fn distance() {
    let folder = folder_with_pair(500);
    let keys = [
        "metric",
        "value",
        "unit",
        "source_points",
        "target_points",
        "settings",
        "device",
        "seconds",
        "convergence",
        "certificate",
        "details",
    ];
    for (metric, unit) in [
        ("chamfer", "m"),
        ("hausdorff", "m"),
        ("fscore", "1"),
        ("fscore --radius 0.3", "1"),
        ("sinkhorn", "m^2"),
        ("sinkhorn --p 1", "m"),
        ("sinkhorn --no-debias --reach 1", "m^2"),
        ("sliced", "m"),
        ("sliced --p 1 --projections 50", "m"),
        ("sliced --monte-carlo", "m"),
        ("max-sliced", "m"),
        ("max-sliced --p 1 --projections 50", "m"),
    ] {
        let run = barrow(folder.path(), &format!("distance source.xyz target.xyz --json --metric {metric}"));
        let answer = run.expect(0).json();
        assert_keys(&answer, &keys);
        assert_timed(&answer);
        assert!(answer["certificate"].is_null());
        assert!(answer["value"].as_f64().expect("a number") > 0.0 || metric.contains("no-debias"));
        assert_eq!(answer["unit"], unit, "{metric}");
        assert_eq!(Some(answer["metric"].as_str().expect("a name")), metric.split(' ').next());
    }
}

#[test]
fn distance_details() {
    let folder = folder_with_pair(500);
    let run = |metric: &str| {
        barrow(folder.path(), &format!("distance source.xyz target.xyz --json --metric {metric}"))
            .expect(0)
            .json()
    };
    let chamfer = run("chamfer");
    let keys = ["mean", "mean_of_squares", "rms", "median", "percentile_95", "maximum", "maximum_at"];
    let [forth, back] = ["source_to_target", "target_to_source"].map(|side| &chamfer["details"][side]);
    for side in [forth, back] {
        assert_keys(side, &keys);
    }
    let number = |value: &Value| value.as_f64().expect("a number");
    let mean = (number(&forth["mean"]) + number(&back["mean"])) / 2.0;
    assert!((number(&chamfer["value"]) - mean).abs() < 1e-15);
    let largest = number(&forth["maximum"]).max(number(&back["maximum"]));
    assert_eq!(number(&run("hausdorff")["value"]), largest);

    let sinkhorn = run("sinkhorn --blur 0.3");
    let terms = &sinkhorn["details"]["terms"];
    for term in ["cross", "source", "target"] {
        assert_keys(&terms[term], &["value", "marginal_error", "convergence"]);
    }
    let value = |term: &str| number(&terms[term]["value"]);
    let divergence = value("cross") - 0.5 * value("source") - 0.5 * value("target");
    assert!((number(&sinkhorn["value"]) - divergence).abs() < 1e-12);
    // The same problem, told by its ε.
    let same = run("sinkhorn --epsilon 0.18");
    assert!((number(&same["value"]) - number(&sinkhorn["value"])).abs() < 1e-9);
    assert_keys(&run("sliced")["details"], &["standard_error"]);
    let largest = run("max-sliced");
    assert_keys(&largest["details"], &["standard_error", "direction", "evaluations"]);
    assert_eq!(largest["metric"], "max-sliced");
    assert!(largest["value"].as_f64() >= run("sliced")["value"].as_f64());
}

#[test]
fn weights() {
    let folder = folder_with_pair(100);
    let write = |name: &str, weights: &[f64]| {
        let lines: String = weights.iter().map(|weight| format!("{weight}\n")).collect();
        std::fs::write(folder.path().join(name), lines).expect("the folder is writable");
    };
    write("same.txt", &[0.01; 100]);
    write("short.txt", &[0.5; 2]);
    write("negative.txt", &[&[-0.01][..], &[0.01; 99]].concat());
    let run =
        |options: &str| barrow(folder.path(), &format!("distance source.xyz target.xyz {options} --json"));
    let value = |options: &str| run(options).expect(0).json()["value"].as_f64().expect("a number");
    for metric in [
        "--metric sinkhorn",
        "--metric sliced",
        "--metric chamfer",
        "--metric hausdorff",
        "--metric fscore --radius 0.5",
    ] {
        let weighted = value(&format!("{metric} --source-weights same.txt --target-weights same.txt"));
        assert!((weighted - value(metric)).abs() < 1e-6 * weighted, "{metric}");
    }
    run("--metric sinkhorn --source-weights short.txt").refused(&["source.xyz", "2", "100"]);
    run("--metric sinkhorn --source-weights negative.txt").refused(&["source.xyz", "-0.01"]);
    run("--metric sinkhorn --source-weights missing.txt").refused(&["missing.txt"]);
}

#[test]
fn matching() {
    let folder = folder_with_pair(400);
    for name in ["plan.npz", "plan.csv", "plan.ply"] {
        let run =
            barrow(folder.path(), &format!("match source.xyz target.xyz --blur 0.3 --out {name} --json"));
        let answer = run.expect(0).json();
        let keys = [
            "arcs",
            "transported_mass",
            "cost",
            "marginal_error",
            "certificate",
            "convergence",
            "device",
            "seconds",
        ];
        assert_keys(&answer, &keys);
        assert_keys(&answer["marginal_error"], &["source", "target"]);
        assert_timed(&answer);
        assert!((answer["transported_mass"].as_f64().expect("a number") - 1.0).abs() < 1e-2);
        assert!(folder.path().join(name).is_file());
    }
    let csv = std::fs::read_to_string(folder.path().join("plan.csv")).expect("the plan");
    assert_eq!(csv.lines().next(), Some("source,target,mass,cost"));
    let mass: f64 = csv
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(2).and_then(|mass| mass.parse::<f64>().ok()).expect("a number"))
        .sum();
    assert!((mass - 1.0).abs() < 0.05, "{mass}");
}

#[test]
fn the_plan_of_a_registration_is_that_of_its_method() {
    let folder = folder_with_pair(1500);
    let arcs = |method: &str| -> Vec<[f64; 4]> {
        let arguments = format!("register source.xyz target.xyz --method {method} --plan plan.csv --json");
        let answer = barrow(folder.path(), &arguments).expect(0).json();
        let gate = answer["max_distance"].as_f64().expect("a number");
        let csv = std::fs::read_to_string(folder.path().join("plan.csv")).expect("the plan");
        let row = |line: &str| -> [f64; 4] {
            let mut numbers = line.split(',').map(|value| value.parse().expect("a number"));
            std::array::from_fn(|_| numbers.next().expect("four columns"))
        };
        let arcs: Vec<[f64; 4]> = csv.lines().skip(1).map(row).collect();
        let mass: f64 = arcs.iter().map(|arc| arc[2]).sum();
        assert!(mass > 0.5 && mass < 1.01, "{method}: {mass}");
        // The cut leaves a smooth edge: what is dearer than the reach holds little.
        let far: f64 = arcs.iter().filter(|arc| arc[3] > gate * gate).map(|arc| arc[2]).sum();
        assert!(far < 0.05 * mass, "{method}: {far} of {mass}");
        arcs
    };
    let (nearest, plan) = (arcs("gicp"), arcs("ot"));
    assert!(nearest.windows(2).all(|pair| pair[0][0] < pair[1][0]), "one arc a source point");
    assert!(plan.len() > nearest.len(), "{} arcs, {} nearest neighbours", plan.len(), nearest.len());
}

#[test]
fn register() {
    let folder = folder_with_pair(4000);
    let arguments = "register source.xyz target.xyz --json --require-converged --out T.txt --aligned moved.ply \
                     --plan plan.csv --picture picture.png";
    let answer = barrow(folder.path(), arguments).expect(0).json();
    let keys = [
        "T_target_source",
        "fitness",
        "inlier_rmse",
        "inliers",
        "overlap",
        "information",
        "covariance",
        "degenerate_directions",
        "convergence",
        "stages",
        "seconds",
        "device",
    ];
    assert_keys(&answer, &keys);
    assert_timed(&answer);
    assert_keys(&answer["stages"][0], &["name", "iterations", "seconds"]);
    assert_eq!(answer["information"].as_array().map(Vec::len), Some(6));
    let (rotation, translation) = pose_error(&answer["T_target_source"], &truth());
    assert!(rotation < 0.1 && translation < 0.01, "{rotation}° {translation} m");
    let ratio =
        answer["inliers"].as_f64().expect("a number") / answer["source_points"].as_f64().expect("a number");
    assert_eq!(answer["fitness"].as_f64(), Some(ratio));
    for name in ["T.txt", "moved.ply", "plan.csv", "picture.png"] {
        assert!(folder.path().join(name).is_file(), "{name}");
    }
    let picture = std::fs::read(folder.path().join("picture.png")).expect("the picture");
    assert!(picture.starts_with(b"\x89PNG\r\n"));

    // The moved cloud lies where the pose says, and the pose read back is the pose printed.
    let evaluation =
        barrow(folder.path(), "evaluate source.xyz target.xyz --transform T.txt --reference T.txt --json");
    let evaluation = evaluation.expect(0).json();
    assert_keys(
        &evaluation,
        &["fitness", "inlier_rmse", "chamfer", "rotation_error_deg", "translation_error"],
    );
    assert_eq!(evaluation["translation_error"], 0.0);
    let moved = barrow(folder.path(), "distance moved.ply target.xyz --json").expect(0).json();
    let difference =
        moved["value"].as_f64().expect("a number") - evaluation["chamfer"].as_f64().expect("a number");
    assert!(difference.abs() < 1e-9, "{difference}");
}

#[test]
fn what_was_asked_and_not_reached_ends_with_4() {
    let folder = folder_with_pair(2000);
    let arguments = "register source.xyz target.xyz --max-iterations 1 --out T.txt --json";
    let run = barrow(folder.path(), arguments).expect(0);
    assert!(run.err.contains("did not converge"), "{}", run.err);
    let answer = barrow(folder.path(), &format!("{arguments} --require-converged")).expect(4).json();
    assert_eq!(answer["convergence"]["status"], "max_iterations");
    assert!(folder.path().join("T.txt").is_file());
}

#[test]
fn every_method_registers() {
    let folder = folder_with_pair(4000);
    // Pairs of points hold a wall only by its rim: that method slides slowly along walls.
    let methods = [
        ("auto", 0.1),
        ("ot", 1.0),
        ("sliced", 1.0),
        ("gicp", 0.1),
        ("voxels", 0.2),
        ("symmetric", 0.1),
        ("plane", 0.1),
        ("point", 3.0),
    ];
    for (method, limit) in methods {
        let run = barrow(folder.path(), &format!("register source.xyz target.xyz --method {method} --json"));
        let (rotation, _) = pose_error(&run.expect(0).json()["T_target_source"], &truth());
        assert!(rotation < limit, "{method}: {rotation}°");
    }
    let text = barrow(folder.path(), "register source.xyz target.xyz").expect(0).out;
    for word in ["T_target_source", "rotation", "translation", "fitness", "inlier rmse", "overlap", "stopped"]
    {
        assert!(text.contains(word), "no {word} in\n{text}");
    }
}

#[test]
fn evaluate_without_a_reference_has_no_errors() {
    let folder = folder_with_pair(300);
    std::fs::write(folder.path().join("I.txt"), "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n").expect("writable");
    let answer =
        barrow(folder.path(), "evaluate source.xyz source.xyz --transform I.txt --json").expect(0).json();
    assert_eq!((&answer["fitness"], &answer["chamfer"]), (&1.0.into(), &0.0.into()));
    assert!(answer["rotation_error_deg"].is_null() && answer["translation_error"].is_null());
}

#[test]
fn synth() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let arguments = "synth sphere-torus --out scene --points 300 --seed 3 --json";
    let answer = barrow(folder.path(), arguments).expect(0).json();
    assert_eq!(answer["scenes"][0]["clouds"][1]["points"], 300);
    let scene = folder.path().join("scene");
    let expected = [
        "source.ply",
        "target.ply",
        "target_from_source.txt",
        "truth.json",
        "world_from_source.txt",
        "world_from_target.txt",
    ];
    assert_eq!(files(&scene), expected);
    let first = std::fs::read(scene.join("source.ply")).expect("the cloud");
    barrow(folder.path(), arguments).expect(0);
    assert!(first == std::fs::read(scene.join("source.ply")).expect("the cloud"), "the seed decides");
    barrow(folder.path(), &arguments.replace("--seed 3", "--seed 4")).expect(0);
    assert!(first != std::fs::read(scene.join("source.ply")).expect("the cloud"), "the seed decides");
}

#[test]
fn quiet_says_nothing() {
    let folder = folder_with_pair(100);
    std::fs::write(folder.path().join("nan.xyz"), "0 0 0\nnan 0 0\n").expect("writable");
    assert!(barrow(folder.path(), "distance nan.xyz target.xyz").expect(0).err.contains("nan.xyz"));
    assert_eq!(barrow(folder.path(), "distance nan.xyz target.xyz --quiet").expect(0).err, "");
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_error() {
    let folder = folder_with_pair(2000);
    for arguments in
        ["info source.xyz --json", "distance source.xyz target.xyz", "--help", "info missing.ply --json"]
    {
        let mut child = command()
            .current_dir(folder.path())
            .args(arguments.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        drop(child.stdout.take());
        let run = command::Run::from(child.wait_with_output().expect("the command ends"));
        assert!(!run.err.contains("panicked"), "{arguments}: {}", run.err);
    }
}

#[test]
fn completions_and_pages_name_every_subcommand() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let subcommands =
        ["info", "convert", "distance", "match", "register", "odometry", "evaluate", "view", "manual"];
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = barrow(folder, &format!("completions {shell}")).expect(0);
        assert!(subcommands.iter().all(|name| run.out.contains(name)), "{shell}: {}", run.out);
        assert_eq!(barrow(folder, &format!("completions {shell} --json")).expect(0).json()["shell"], shell);
    }
    barrow(folder, "completions tcsh").expect(2);
    let written = barrow(folder, "manual --out man1 --json").expect(0).json()["written"].clone();
    for name in subcommands {
        let page = std::fs::read_to_string(folder.join(format!("man1/barrow-{name}.1"))).expect("a page");
        assert!(page.contains(".TH") && page.contains("Examples"), "{name}: {page}");
    }
    assert_eq!(written.as_array().expect("a list").len(), files(&folder.join("man1")).len());
}
