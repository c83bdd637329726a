//! Every kernel beside its twin, on blocks that are full, nearly full and just begun.

use nalgebra::{Point3, Unit, Vector3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::cost::{CostPart, QuantileCost};
use super::grid::{Grid, Projector};
use super::sort::{COUNT, PLACE, SCATTER, SHIFTS, Sorter, VALUES, digits};
use super::{BLOCK, twins};
use crate::frame::Frame;
use crate::gpu::{Gpu, Work};
use crate::{Measure, Sliced};

const SIZES: [usize; 11] = [1, 2, 255, 256, 257, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 300, 20_000];

/// The device to test on; says loudly if there is none, and fails where that must not be.
fn device() -> Option<Gpu> {
    match Gpu::open() {
        Ok(gpu) => Some(gpu),
        Err(error) => {
            assert!(std::env::var_os("BARROW_REQUIRE_GPU").is_none(), "{error}");
            eprintln!("SKIPPED, nothing was tested: {error}");
            None
        }
    }
}

fn random(count: usize, seed: u64) -> Vec<u32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| random.random()).collect()
}

/// Keys that spread, keys that crowd, keys that are all alike.
fn keys(count: usize) -> Vec<Vec<u32>> {
    let spread = random(count, 1);
    let crowded = spread.iter().map(|key| 0x7fff_f000 + key % 5000).collect();
    vec![spread, crowded, vec![u32::MAX; count], (0..count as u32).rev().collect()]
}

fn points(count: usize, seed: u64) -> Vec<Point3<f64>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut coordinate = |scale: f64| (random.random::<f64>() - 0.3) * scale;
    (0..count).map(|_| Point3::new(coordinate(3.0), coordinate(1.0), coordinate(1e-3))).collect()
}

fn directions() -> Vec<Unit<Vector3<f64>>> {
    let mut directions = Sliced { projections: 9, ..Default::default() }.directions().unwrap();
    directions.extend([Vector3::x_axis(), -Vector3::y_axis(), Vector3::z_axis()]);
    directions
}

#[test]
fn project_keys_is_its_twin() {
    let Some(gpu) = device() else { return };
    for count in SIZES {
        let points = points(count, 3);
        let measure = Measure::uniform(&points).unwrap();
        let frame = Frame::around(&measure, &measure, 0.0);
        let grid = Grid::around([&measure, &measure], &frame);
        let columns = grid.columns(&measure, &frame);
        let factors: Vec<_> = directions().iter().map(|direction| grid.factors(direction)).collect();
        let projector = Projector::new(&gpu, &columns, factors.len()).unwrap();
        let words: Vec<_> = factors.iter().map(|factors| factors.words).collect();
        let mut work = Work::new(&gpu);
        projector.run(&mut work, &gpu.upload(&words).unwrap(), factors.len()).unwrap();
        work.finish().unwrap();
        let got: Vec<u32> = gpu.download(&projector.keys, count * factors.len()).unwrap();
        for (got, factors) in got.chunks(count).zip(&factors) {
            assert!(got == twins::project_keys(&columns, factors), "{count}");
        }
    }
}

#[test]
fn keys_are_within_two_steps_of_positions() {
    let points = points(20_000, 4);
    let measure = Measure::uniform(&points).unwrap();
    let frame = Frame::around(&measure, &measure, 0.0);
    let grid = Grid::around([&measure, &measure], &frame);
    let columns = grid.columns(&measure, &frame);
    for direction in directions() {
        let factors = grid.factors(&direction);
        assert!(factors.step * frame.scale <= 2f64.powi(-32) * frame.extent * 1.000001);
        let keys = twins::project_keys(&columns, &factors);
        let off = |index: usize| {
            let position = frame.local(&points[index]).dot(&direction) / factors.step;
            position - f64::from(keys[index])
        };
        let offs = (0..points.len()).map(off);
        let (min, max) = offs.fold((f64::MAX, f64::MIN), |(min, max), off| (min.min(off), max.max(off)));
        // Constants do not matter: 1.75 to either side, and what doubles lose.
        assert!(max - min < 3.5 + 1e-3, "{}", max - min);
    }
}

#[test]
fn digits_are_counted_placed_and_scattered_as_their_twins_do() {
    let Some(gpu) = device() else { return };
    for count in SIZES {
        let sides = keys(count);
        for shift in SHIFTS {
            let blocks = count.div_ceil(BLOCK);
            let from = gpu.upload(&sides.concat()).unwrap();
            let counts = gpu.zeros::<u32>(sides.len() * blocks * VALUES).unwrap();
            let bases = gpu.zeros::<u32>(sides.len() * VALUES).unwrap();
            let to = gpu.zeros::<u32>(sides.len() * count).unwrap();
            let groups = sides.len() * blocks;
            let run = |kernel, parameters: &dyn Fn(u32) -> [u32; 4], buffers: &[_], groups| {
                let mut work = Work::new(&gpu);
                work.run_in_parts(kernel, parameters, buffers, groups, 1e6).unwrap();
                work.finish().unwrap();
            };
            run(&COUNT, &digits(count, shift), &[&from, &counts], groups);
            let counted: Vec<u32> = gpu.download(&counts, groups * VALUES).unwrap();
            run(&PLACE, &|first| [first, blocks as u32, 0, 0], &[&counts, &bases], sides.len());
            let before: Vec<u32> = gpu.download(&counts, groups * VALUES).unwrap();
            let smaller: Vec<u32> = gpu.download(&bases, sides.len() * VALUES).unwrap();
            run(&SCATTER, &digits(count, shift), &[&from, &counts, &bases, &to], groups);
            let moved: Vec<u32> = gpu.download(&to, sides.len() * count).unwrap();
            for (side, keys) in sides.iter().enumerate() {
                let range = side * blocks * VALUES..(side + 1) * blocks * VALUES;
                let twin = twins::count_digits(keys, shift);
                assert!(counted[range.clone()] == twin.concat(), "{count} counted");
                let places = twins::place_digits(&twin);
                assert!(before[range] == places.0.concat(), "{count} before");
                assert!(smaller[side * VALUES..(side + 1) * VALUES] == places.1, "{count} smaller");
                let twin = twins::scatter_keys(keys, shift, &places);
                assert!(moved[side * count..(side + 1) * count] == twin, "{count} moved");
            }
        }
    }
}

#[test]
fn sorted_is_sorted() {
    let Some(gpu) = device() else { return };
    for count in SIZES {
        let sides = keys(count);
        let buffer = gpu.upload(&sides.concat()).unwrap();
        let sorter = Sorter::new(&gpu, count + 3, sides.len()).unwrap();
        let mut work = Work::new(&gpu);
        sorter.run(&mut work, &buffer, count, sides.len()).unwrap();
        work.finish().unwrap();
        let got: Vec<u32> = gpu.download(&buffer, count * sides.len()).unwrap();
        for (got, mut keys) in got.chunks(count).zip(sides) {
            keys.sort_unstable();
            assert!(got == keys, "{count}");
        }
    }
}

#[test]
fn quantile_cost_is_its_twin() {
    let Some(gpu) = device() else { return };
    for (larger, smaller) in
        [(1, 1), (2, 1), (257, 256), (1000, 1000), (4097, 4095), (8193, 17), (20_000, 13_331)]
    {
        let side = |count, seed| {
            let mut keys = random(2 * count, seed);
            keys.chunks_mut(count).for_each(|keys| keys.sort_unstable());
            keys
        };
        let (keys, others) = (side(larger, 5), side(smaller, 6));
        let blocks = larger.div_ceil(BLOCK);
        let [from, to] = [&keys, &others].map(|keys| gpu.upload(keys).unwrap());
        for p in [1.0, 1.5, 2.0, 3.0, 7.25, 1e10] {
            let parts = gpu.zeros::<CostPart>(2 * blocks).unwrap();
            let mut work = Work::new(&gpu);
            let quantiles = QuantileCost::new(&gpu, [larger, smaller], p).unwrap();
            quantiles.run(&mut work, [&from, &to], &parts, 2).unwrap();
            work.finish().unwrap();
            let got: Vec<CostPart> = gpu.download(&parts, 2 * blocks).unwrap();
            let twin = |side: usize| {
                let keys = &keys[side * larger..(side + 1) * larger];
                twins::quantile_cost(keys, &others[side * smaller..(side + 1) * smaller], p)
            };
            for (got, twin) in got.iter().zip([twin(0), twin(1)].concat()) {
                assert_eq!(got.largest, twin.largest, "{larger} to {smaller}, p = {p}");
                let tolerance = 2e-6 * p.min(1e3) * f64::from(twin.sum);
                let off = f64::from(got.sum) - f64::from(twin.sum);
                assert!(off.abs() <= tolerance, "{larger} to {smaller}, p = {p}: {got:?}, {twin:?}");
            }
        }
    }
}

#[test]
fn only_what_is_too_fine_is_left_to_the_cpu() {
    let Some(gpu) = device() else { return };
    let options = Sliced { projections: 8, ..Default::default() };
    let source = points(300, 7);
    for (part, on_device) in [(1e-2, true), (1e-3, true), (1e-4, false), (0.0, false)] {
        let moved: Vec<_> = source.iter().map(|point| point + Vector3::new(4.0, 2.0, -4.0) * part).collect();
        let (source, moved) = (Measure::uniform(&source).unwrap(), Measure::uniform(&moved).unwrap());
        let found = super::distance(&options, &source, &moved, &gpu).unwrap();
        assert_eq!(found.is_some(), on_device, "{part}");
    }
}
