//! Every target on inputs that were once wrong, and on random changes of good ones.

use std::panic::catch_unwind;
use std::path::Path;

use barrow::geometry::{Arc, PointCloud};
use barrow::io::{Format, WriteOptions, write, write_plan, write_transform};
use barrow_fuzz::{TARGETS, Target, quiet};
use nalgebra::{Isometry3, Point3, Vector3};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Changed inputs of each target: about a second of them.
const CHANGED: usize = 1500;

/// Longest input of a solver.
const LENGTH: usize = 600;

/// Fails with the input, to be kept once it is mended.
fn survives(target: Target, input: &[u8]) {
    quiet();
    if let Err(panic) = catch_unwind(|| (target.run)(input)) {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        // This panic is for the reader.
        drop(std::panic::take_hook());
        panic!("{} fails: {}\ninput: {input:02x?}", target.name, said.unwrap_or_default());
    }
}

#[test]
fn what_was_once_wrong_is_mended() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("kept");
    let mut inputs = 0;
    for target in TARGETS {
        let Ok(folder) = std::fs::read_dir(kept.join(target.name)) else { continue };
        for file in folder {
            survives(target, &std::fs::read(file.unwrap().path()).unwrap());
            inputs += 1;
        }
    }
    println!("{inputs} inputs");
}

fn cloud() -> PointCloud {
    let positions = (0..5).map(|i| Point3::new(f64::from(i) / 3.0, -1.5, f64::from(i * i))).collect();
    PointCloud::new(positions)
        .and_then(|cloud| cloud.with_normals(vec![Vector3::z(); 5]))
        .and_then(|cloud| cloud.with_colors(vec![[257, 514, 65535]; 5]))
        .and_then(|cloud| cloud.with_intensities(vec![7.0, 8.0, 9.0, 10.0, 11.0]))
        .and_then(|cloud| cloud.with_times(vec![0.25; 5]))
        .unwrap()
}

/// Good files for a target of readers; none for solvers, which take any bytes.
fn good(target: Target) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let mut inputs = Vec::new();
    let formats = Format::ALL.into_iter().filter(|format| match target.name {
        "any" => true,
        "las" => matches!(format, Format::Las | Format::Laz),
        name => format.name() == name,
    });
    for format in formats {
        for ascii in [false, true] {
            let path = file("cloud");
            write(&path, &cloud(), &WriteOptions { format: Some(format), ascii }).unwrap();
            inputs.push(std::fs::read(path).unwrap());
        }
    }
    match target.name {
        "poses" => {
            let path = file("pose.txt");
            write_transform(&path, &Isometry3::new(Vector3::new(1.0, 2.0, -3.0), Vector3::z())).unwrap();
            inputs.push(std::fs::read(path).unwrap());
            inputs.push(b"1 0 0 0 0 1 0 0 0 0 1 0\n1 0 0 2.5 0 1 0 0 0 0 1 0\n".to_vec());
            inputs.push(b"# time x y z qx qy qz qw\n0.1 1 2 3 0 0 0 1\n0.2 1 2 4 0 0 0 1\n".to_vec());
        }
        "plans" => {
            let arc = |source, target, mass| Arc { source, target, mass, cost: 1.0 };
            let arcs = [arc(0, 0, 0.5), arc(3, 2, 0.25)];
            let cloud = |count: usize| PointCloud::new(vec![Point3::new(1.0, 2.0, 3.0); count]).unwrap();
            for extension in ["npz", "csv", "ply"] {
                let path = file(&format!("plan.{extension}"));
                write_plan(&path, &cloud(4), &cloud(3), &arcs).unwrap();
                inputs.push(std::fs::read(path).unwrap());
            }
        }
        "weights" => inputs.push(b"1\n0.5\n2e-3\n".to_vec()),
        _ => {}
    }
    inputs
}

/// One to eight changes: bits flipped, bytes replaced by awkward ones, parts cut out, doubled, or taken from another input.
fn changed(random: &mut impl Rng, good: &[u8], other: &[u8]) -> Vec<u8> {
    let mut input = good.to_vec();
    for _ in 0..random.random_range(1..=8) {
        if input.is_empty() {
            return other.to_vec();
        }
        let at = random.random_range(0..input.len());
        let end = random.random_range(at..=input.len().min(at + 64));
        match random.random_range(0..6) {
            0 => input[at] ^= 1 << random.random_range(0..8),
            1 => input[at] = [0, 0xff, 0x7f, 0x80, b'-', b'9', b' ', b'\n'][random.random_range(0..8)],
            2 => drop(input.drain(at..end)),
            3 => {
                let part = input[at..end].to_vec();
                drop(input.splice(at..at, part));
            }
            4 => input.truncate(at),
            _ => {
                let from = random.random_range(0..=other.len());
                let part = other[from..other.len().min(from + 64)].to_vec();
                drop(input.splice(at..end, part));
            }
        }
    }
    input
}

#[test]
fn changes_of_good_files_are_errors_or_sound_clouds() {
    for target in TARGETS {
        let inputs = good(target);
        if inputs.is_empty() {
            continue;
        }
        let mut random = ChaCha8Rng::seed_from_u64(1);
        inputs.iter().for_each(|input| survives(target, input));
        for _ in 0..CHANGED {
            let mut one = || &inputs[random.random_range(0..inputs.len())];
            let (first, second) = (one(), one());
            survives(target, &changed(&mut random, first, second));
        }
    }
}

#[test]
fn clouds_and_options_out_of_a_hat_are_errors_or_answers_that_hold() {
    for target in TARGETS.into_iter().filter(|target| good(*target).is_empty()) {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        for _ in 0..CHANGED {
            let mut input = vec![0; random.random_range(0..LENGTH)];
            random.fill_bytes(&mut input);
            survives(target, &input);
        }
    }
}
