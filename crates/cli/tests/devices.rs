//! Where work runs: what is asked for, what there is, and what the answer says about it.
#![allow(missing_docs)]

mod command;

use std::path::Path;

use command::{Run, barrow, command, folder_with_pair};
use serde_json::Value;

/// The adapter that `--device gpu` takes. Without one nothing can be tested, which is said aloud.
fn adapter() -> Option<Value> {
    let answer = barrow(Path::new("."), "devices --json").expect(0).json();
    let found = answer["gpu"]["adapter"].as_u64().map(|index| answer["adapters"][index as usize].clone());
    if found.is_none() {
        assert!(std::env::var_os("BARROW_REQUIRE_GPU").is_none(), "{answer}");
        eprintln!("SKIPPED, nothing was tested: {}", answer["gpu"]["why"]);
    }
    found
}

/// Runs the command where no driver can be found.
fn without_adapters(folder: &Path, arguments: &str) -> Run {
    let mut command = command();
    command.env("VK_DRIVER_FILES", "/nonexistent").env("VK_ICD_FILENAMES", "/nonexistent");
    let output = command.current_dir(folder).args(arguments.split_whitespace()).output();
    output.expect("the command starts").into()
}

fn ran(answer: &Value) -> &str {
    answer["device"]["ran"].as_str().expect("a text")
}

#[test]
fn adapters_are_listed_and_measured() {
    let answer = barrow(Path::new("."), "devices --json").expect(0).json();
    let adapters = answer["adapters"].as_array().expect("a list");
    for adapter in adapters {
        for key in ["name", "interface", "driver", "kind"] {
            assert!(adapter[key].is_string(), "{key} in {adapter}");
        }
        for key in ["buffer_bytes", "workgroups", "workgroup_bytes"] {
            assert!(adapter["limits"][key].as_u64() > Some(1000), "{key} in {adapter}");
        }
        for key in ["subgroups", "half_floats", "timestamps"] {
            assert!(adapter["features"][key].is_boolean(), "{key} in {adapter}");
        }
    }
    for device in ["gpu", "auto"] {
        assert!(answer[device]["why"].is_string(), "{answer}");
        let index = answer[device]["adapter"].as_u64();
        assert!(index.is_none_or(|index| (index as usize) < adapters.len()), "{answer}");
    }
    let rates = &answer["pairs_per_second"];
    assert!(rates["cpu"].as_f64() > Some(1e5), "{answer}");
    assert_eq!(rates["gpu"].as_f64() > Some(1e3), answer["gpu"]["adapter"].is_u64(), "{answer}");
    if adapters.iter().all(|adapter| adapter["kind"] == "software") {
        assert!(answer["auto"]["adapter"].is_null() && answer["crossover"].is_null(), "{answer}");
    }
}

#[test]
fn no_adapter_is_an_answer() {
    let text = without_adapters(Path::new("."), "devices").expect(0).out;
    if cfg!(target_os = "linux") {
        assert!(text.contains("exit code 5") && text.contains("stays on the processor"), "{text}");
        assert!(text.contains("dense rate, cpu") && !text.contains("dense rate, gpu"), "{text}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_that_is_not_there_ends_with_5() {
    let folder = folder_with_pair(100);
    let run = without_adapters(folder.path(), "distance source.xyz target.xyz --device gpu --json").expect(5);
    assert!(run.err.contains("--device gpu: no device"), "{}", run.err);
    assert_eq!(run.json()["exit_code"], 5);
    let answer = without_adapters(folder.path(), "distance source.xyz target.xyz --json").expect(0).json();
    assert_eq!(ran(&answer), "cpu");
}

#[test]
fn a_device_gives_the_processors_answers() {
    let Some(adapter) = adapter() else { return };
    let name = format!("gpu {}", adapter["name"].as_str().expect("a text"));
    let folder = folder_with_pair(600);
    let cases = [
        ("distance source.xyz target.xyz --metric sinkhorn --blur 0.3 --tolerance 1e-4", "value", 1e-5),
        ("distance source.xyz target.xyz --metric sliced --projections 64", "value", 1e-5),
        ("distance source.xyz target.xyz --metric chamfer", "value", 0.0),
        ("distance source.xyz target.xyz --metric wasserstein --gap 0.01", "value", 0.0),
        // A cost is as far off as mass is misplaced.
        ("match source.xyz target.xyz --out plan.csv --blur 0.3 --tolerance 1e-4", "cost", 1e-3),
    ];
    for (arguments, key, tolerance) in cases {
        let [gpu, cpu] = ["gpu", "cpu"].map(|device| {
            barrow(folder.path(), &format!("{arguments} --device {device} --json")).expect(0).json()
        });
        let value = |answer: &Value| answer[key].as_f64().expect("a number");
        let apart = (value(&gpu) / value(&cpu) - 1.0).abs();
        assert!(apart <= tolerance, "{arguments}: {} and {}", gpu[key], cpu[key]);
        assert_eq!((ran(&gpu), &gpu["device"]["why"]), (name.as_str(), &"asked for".into()));
        assert_eq!(ran(&cpu), "cpu");
    }
}

#[test]
fn a_pose_is_found_with_a_device() {
    let Some(_) = adapter() else { return };
    let folder = folder_with_pair(2000);
    let run = |method: &str| {
        let arguments = format!("register source.xyz target.xyz --method {method} --device gpu --json");
        barrow(folder.path(), &arguments).expect(0).json()
    };
    let answer = run("ot");
    assert!(ran(&answer).starts_with("gpu "), "{}", answer["device"]);
    let (rotation, _) = command::pose_error(&answer["T_target_source"], &command::truth());
    assert!(rotation < 1.0, "{rotation}°");
    // What no device does is done on the processor, and the answer says so.
    assert_eq!(ran(&run("gicp")), "cpu");
}

#[test]
fn what_has_no_engine_for_a_device_says_so() {
    let Some(_) = adapter() else { return };
    let folder = folder_with_pair(60);
    let arguments = "distance source.xyz target.xyz --metric max-sliced --device gpu";
    let answer = barrow(folder.path(), &format!("{arguments} --json")).expect(0).json();
    assert_eq!(ran(&answer), "cpu");
    assert!(answer["device"]["why"].as_str().is_some_and(|why| why.contains("processor only")), "{answer}");
    assert!(barrow(folder.path(), arguments).expect(0).out.contains("processor only"));
}

#[test]
fn small_clouds_stay_on_the_processor() {
    let folder = folder_with_pair(100);
    for metric in ["sinkhorn", "sliced", "chamfer"] {
        let run = barrow(folder.path(), &format!("distance source.xyz target.xyz --metric {metric} --json"));
        let answer = run.expect(0).json();
        assert_eq!(ran(&answer), "cpu");
        let why = answer["device"]["why"].as_str().expect("a text");
        assert!(why.contains("less than the"), "{why}");
    }
}

#[test]
fn what_a_device_does_not_resolve_is_refused_or_left_to_the_processor() {
    let Some(_) = adapter() else { return };
    let folder = folder_with_pair(60);
    let arguments = "distance source.xyz target.xyz --metric sinkhorn --tolerance 1e-9 --json";
    barrow(folder.path(), &format!("{arguments} --device gpu")).refused(&["graphics device", "tolerance"]);
    barrow(folder.path(), arguments).expect(0);
}
