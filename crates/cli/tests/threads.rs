//! The same bits on any number of threads.
#![allow(missing_docs)]

mod command;

use command::{barrow, folder_with_pair};
use serde_json::Value;

/// The answer without what a clock says.
fn timeless(mut answer: Value) -> Value {
    let object = answer.as_object_mut().expect("an object");
    object.remove("seconds");
    if let Some(stages) = object.get_mut("stages") {
        for stage in stages.as_array_mut().expect("a list") {
            stage.as_object_mut().expect("an object").remove("seconds");
        }
    }
    answer
}

fn assert_same_bits(arguments: &str, written: Option<&str>) {
    let folder = folder_with_pair(3000);
    let run = |threads: usize| {
        let arguments = format!("{arguments} --json --threads {threads}");
        let answer = timeless(barrow(folder.path(), &arguments).expect(0).json());
        (answer, written.map(|name| std::fs::read(folder.path().join(name)).expect("the file was written")))
    };
    let (one, file_of_one) = run(1);
    let (two, file_of_two) = run(2);
    assert_eq!(one, two);
    assert!(file_of_one == file_of_two, "two threads write another file than one");
}

#[test]
fn chamfer() {
    assert_same_bits("distance source.xyz target.xyz --metric chamfer", None);
}

#[test]
fn f_scores_and_densities() {
    let arguments = "distance source.xyz target.xyz --metric fscore --radius 0.1 --radius 0.02 --alpha 9";
    assert_same_bits(arguments, None);
}

#[test]
fn colored_clouds() {
    let arguments = "distance source.xyz target.xyz --metric hausdorff --colorize out.ply";
    assert_same_bits(arguments, Some("out.ply"));
}

#[test]
fn sinkhorn() {
    assert_same_bits("distance source.xyz target.xyz --metric sinkhorn --blur 0.5", None);
}

#[test]
fn sliced() {
    assert_same_bits("distance source.xyz target.xyz --metric sliced --seed 7", None);
    assert_same_bits("distance source.xyz target.xyz --metric sliced --monte-carlo --seed 7", None);
    assert_same_bits("distance source.xyz target.xyz --metric max-sliced", None);
}

#[test]
fn plans() {
    assert_same_bits("match source.xyz target.xyz --blur 0.5 --out plan.npz", Some("plan.npz"));
}

#[test]
fn poses() {
    assert_same_bits("register source.xyz target.xyz --out T.txt", Some("T.txt"));
}

#[test]
fn pictures() {
    assert_same_bits("register source.xyz target.xyz --method gicp --picture a.png", Some("a.png"));
}

#[test]
fn conversions() {
    let arguments = "convert source.xyz out.ply --voxel-size 0.2 --sample 500 --seed 3 --normals 10";
    assert_same_bits(arguments, Some("out.ply"));
}
