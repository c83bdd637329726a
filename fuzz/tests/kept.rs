//! Every target on inputs that were once wrong, and on random changes of good ones.

use std::panic::catch_unwind;
use std::path::Path;

use barrow_fuzz::{TARGETS, Target, good, quiet};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Changed inputs of each target: about a second of them.
const CHANGED: usize = 1500;

/// As many of those whose answers take tens of milliseconds.
const CHANGED_SLOW: usize = 50;

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
        let inputs = good(target).unwrap();
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
    for target in TARGETS.into_iter().filter(|target| good(*target).unwrap().is_empty()) {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        let is_slow = ["similarity", "deform"].contains(&target.name);
        for _ in 0..if is_slow { CHANGED_SLOW } else { CHANGED } {
            let mut input = vec![0; random.random_range(0..LENGTH)];
            random.fill_bytes(&mut input);
            survives(target, &input);
        }
    }
}
