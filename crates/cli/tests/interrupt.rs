//! Ctrl-C: the answer so far, exit code 130, no half-written file.
#![cfg(unix)]
#![allow(missing_docs)]

mod command;

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use command::{Run, files, folder_with_pair};

/// Long enough to read two small files on a busy machine, far shorter than the work.
const INTO_THE_WORK: Duration = Duration::from_millis(1500);

/// Long enough for the first of two signals to be taken.
const BETWEEN_SIGNALS: Duration = Duration::from_millis(100);

fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([name, &process.to_string()]).status();
    assert!(sent.expect("kill exists").success());
}

/// Starts the command in a folder and sends it SIGINT while it works.
fn interrupted(folder: &std::path::Path, arguments: &str) -> Run {
    let child = command::command()
        .current_dir(folder)
        .args(arguments.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    sleep(INTO_THE_WORK);
    signal(child.id(), "-INT");
    child.wait_with_output().expect("the command ends").into()
}

#[test]
fn an_interrupted_distance_prints_the_answer_so_far() {
    let folder = folder_with_pair(12_000);
    let run =
        interrupted(folder.path(), "distance source.xyz target.xyz --metric sinkhorn --blur 0.001 --json");
    let answer = run.expect(130).json();
    assert_eq!(answer["convergence"]["status"], "stopped");
    assert!(answer["value"].is_number());
}

#[test]
fn an_interrupted_distance_prints_the_interval_so_far() {
    let folder = folder_with_pair(30_000);
    let run =
        interrupted(folder.path(), "distance source.xyz target.xyz --metric wasserstein --gap 0 --json");
    let answer = run.expect(130).json();
    assert_eq!(answer["convergence"]["status"], "stopped");
    let bound = |name: &str| answer["certificate"][name].as_f64().expect("a number");
    assert!(bound("lower") < bound("upper"), "{answer}");
}

#[test]
fn an_interrupted_match_leaves_no_file_behind() {
    let folder = folder_with_pair(12_000);
    let run = interrupted(folder.path(), "match source.xyz target.xyz --blur 0.001 --out plan.npz --json");
    assert_eq!(run.expect(130).json()["convergence"]["status"], "stopped");
    assert_eq!(files(folder.path()), ["source.xyz", "target.xyz"]);
}

#[test]
fn an_interrupted_registration_prints_the_pose_so_far() {
    let folder = folder_with_pair(12_000);
    let arguments = "register source.xyz target.xyz --method ot --voxel-size 0.003 --out T.txt --json";
    let answer = interrupted(folder.path(), arguments).expect(130).json();
    assert_eq!(answer["convergence"]["status"], "stopped");
    assert_eq!(answer["T_target_source"][3], serde_json::json!([0.0, 0.0, 0.0, 1.0]));
    assert_eq!(files(folder.path()), ["source.xyz", "target.xyz"]);
}

#[test]
fn an_interrupted_run_reports_what_there_is() {
    let folder = folder_with_pair(12_000);
    let registration =
        "register source.xyz target.xyz --method ot --voxel-size 0.003 --out T.txt --report r.html --json";
    let distance = "distance source.xyz target.xyz --metric sinkhorn --blur 0.001 --report d.html --json";
    for (arguments, page) in [(registration, "r.html"), (distance, "d.html")] {
        let answer = interrupted(folder.path(), arguments).expect(130).json();
        assert_eq!(answer["convergence"]["status"], "stopped");
        assert_eq!(answer["written"], serde_json::json!([page]));
        let page = std::fs::read_to_string(folder.path().join(page)).expect("a page");
        assert!(page.contains("stopped") && page.ends_with("</html>\n"));
    }
    assert_eq!(files(folder.path()), ["d.html", "r.html", "source.xyz", "target.xyz"]);
}

#[test]
fn a_second_signal_ends_at_once() {
    let folder = folder_with_pair(12_000);
    let mut child = command::command()
        .current_dir(folder.path())
        .args("match source.xyz target.xyz --blur 0.001 --out plan.npz".split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    sleep(INTO_THE_WORK);
    signal(child.id(), "-INT");
    // Two signals of a kind that wait together count as one.
    sleep(BETWEEN_SIGNALS);
    signal(child.id(), "-INT");
    let start = Instant::now();
    assert_eq!(child.wait().expect("the command ends").code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(files(folder.path()), ["source.xyz", "target.xyz"]);
}

#[test]
fn an_interrupted_interpolation_leaves_whole_frames() {
    let folder = folder_with_pair(2000);
    let arguments = "interpolate source.xyz target.xyz --frames 100000 --out many --means --json";
    let answer = interrupted(folder.path(), arguments).expect(130).json();
    let written = answer["written"].as_array().expect("a list").len();
    let many = folder.path().join("many");
    assert!(written < 100_000 && (!many.exists() || files(&many).len() == written));
}

#[test]
fn every_long_command_can_be_stopped() {
    let folder = folder_with_pair(40_000);
    let folder = folder.path();
    for name in ["a", "b", "c", "d"] {
        std::fs::copy(folder.join("source.xyz"), folder.join(format!("{name}.xyz"))).expect("a copy");
    }
    for arguments in [
        "register source.xyz target.xyz --method ot --voxel-size 0.002 --out T.txt",
        "register source.xyz target.xyz a.xyz b.xyz c.xyz d.xyz --out poses",
        "deform source.xyz target.xyz --aligned bent.ply",
        "distance source.xyz target.xyz --metric sinkhorn --blur 0.0005",
        "distance source.xyz target.xyz --metric wasserstein --mass 0.5 --gap 0",
        "distance source.xyz target.xyz --metric sliced --projections 1000000",
        "match source.xyz target.xyz --out plan.npz --gap 0",
        "view source.xyz target.xyz --transport --screenshot plan.png",
    ] {
        let start = Instant::now();
        let run = interrupted(folder, arguments);
        if run.code == Some(2) {
            panic!("{arguments}: {}", run.err);
        }
        assert_eq!(run.code, Some(130), "{arguments}: {}", run.err);
        assert!(start.elapsed() < Duration::from_secs(30), "{arguments} took {:?}", start.elapsed());
        let left: Vec<String> = files(folder).into_iter().filter(|name| name.contains(".part")).collect();
        assert!(left.is_empty(), "{arguments} left {left:?}");
    }
}
