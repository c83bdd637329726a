//! Whatever is asked: one JSON value or an error, and an exit code of the contract.
#![allow(missing_docs)]

mod command;

use std::path::Path;

use command::{barrow, write_pair};
use proptest::prelude::*;

/// Files that are clouds, are nearly clouds, or are none.
const FILES: [&str; 12] = [
    "source.xyz",
    "target.xyz",
    "one.xyz",
    "same.xyz",
    "line.xyz",
    "far.xyz",
    "empty.xyz",
    "nan.xyz",
    "header.ply",
    "noise.ply",
    "noise.las",
    "missing.ply",
];

const COMMANDS: [&str; 22] = [
    "info A",
    "info A B",
    "convert A out.ply",
    "convert A out.npz --voxel-size N",
    "distance A B",
    "distance A B --metric hausdorff",
    "distance A B --metric fscore --radius N",
    "distance A B --metric wasserstein --gap N",
    "distance A B --metric wasserstein --mass N",
    "distance A B --metric wasserstein --reach N",
    "distance A B --metric sinkhorn --blur N",
    "distance A B --metric sinkhorn --blur N --reach 1 --no-debias",
    "distance A B --metric sliced --projections 32",
    "match A B --out plan.csv",
    "match A B --blur N --out plan.npz",
    "interpolate A B --frames 2 --out frames",
    "register A B --out T.txt",
    "register A B --voxel-size N",
    "register A B --max-distance N --method gicp",
    "evaluate A B --transform pose.txt",
    "odometry A B --out poses.txt",
    "register A B A",
];

const NUMBERS: [&str; 10] = ["0.1", "0.5", "1", "10", "0", "-1", "nan", "inf", "1e-300", "1e300"];

fn write_files(folder: &Path) {
    write_pair(folder, 150);
    let text = |name: &str, lines: &str| std::fs::write(folder.join(name), lines).expect("a file");
    text("one.xyz", "1 2 3\n");
    text("same.xyz", &"1 2 3\n".repeat(50));
    text("line.xyz", &(0..50).map(|i| format!("{i} 0 0\n")).collect::<String>());
    text("far.xyz", &(0..50).map(|i| format!("5e6 {} {}\n", 4e5 + f64::from(i % 7), i)).collect::<String>());
    text("empty.xyz", "");
    text("nan.xyz", "1 2 3\nnan 0 0\n4 5 6\n");
    text("header.ply", "ply\nformat ascii 1.0\nelement vertex 9\nproperty float x\nproperty float y\n");
    text("pose.txt", "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n");
    for name in ["noise.ply", "noise.las"] {
        let bytes: Vec<u8> = (0..500_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        std::fs::write(folder.join(name), bytes).expect("a file");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_run_keeps_the_contract(
        command in prop::sample::select(&COMMANDS[..]),
        a in prop::sample::select(&FILES[..]),
        b in prop::sample::select(&FILES[..]),
        number in prop::sample::select(&NUMBERS[..]),
        threads in 1..4_usize,
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        write_files(folder.path());
        let words = command.split(' ').map(|word| match word {
            "A" => a,
            "B" => b,
            "N" => number,
            word => word,
        });
        let arguments = format!("{} --json --threads {threads}", words.collect::<Vec<_>>().join(" "));
        let run = barrow(folder.path(), &arguments);
        let code = run.code.expect("no signal ended it");
        prop_assert!([0, 2, 3, 4].contains(&code), "{arguments} ended with {code}: {}", run.err);
        prop_assert!(!run.err.contains("panicked"), "{arguments}: {}", run.err);
        if matches!(code, 0 | 4) {
            let answer: Result<serde_json::Value, _> = serde_json::from_str(&run.out);
            prop_assert!(answer.is_ok(), "{arguments}: {:?} is not one JSON value", run.out);
        } else {
            prop_assert!(run.err.contains("error"), "{arguments}: {}", run.err);
            prop_assert!(
                run.out.is_empty() || serde_json::from_str::<serde_json::Value>(&run.out).is_ok(),
                "{arguments}: {:?}", run.out
            );
        }
        // Nothing half written, nothing left over.
        for entry in std::fs::read_dir(folder.path()).expect("a folder") {
            let name = entry.expect("a file").file_name().to_string_lossy().into_owned();
            prop_assert!(!name.contains(".part"), "{arguments} left {name}");
        }
    }
}
