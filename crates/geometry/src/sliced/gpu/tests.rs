//! Every kernel beside its twin, on blocks that are full, nearly full and just begun.

use nalgebra::{Point3, Unit, Vector3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::cloud::{Cloud, TOTAL};
use super::cost::{CostPart, QuantileCost};
use super::grid::{Grid, Projector};
use super::sort::{COUNT, PLACE, SCATTER, SCATTER_PAIRS, SHIFTS, Sorter, VALUES, digits};
use super::weighted::{CUMULATE, SUM, Weighing, WeightedCost, halves};
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
        let cloud = Cloud::uniform(&measure, &frame);
        let grid = Grid::around([&cloud, &cloud]);
        let columns = grid.columns(&cloud);
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
    let cloud = Cloud::uniform(&measure, &frame);
    let grid = Grid::around([&cloud, &cloud]);
    let columns = grid.columns(&cloud);
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
        let labels = random(count * sides.len(), 8);
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
            let (of, to_of) = (gpu.upload(&labels).unwrap(), gpu.zeros::<u32>(labels.len()).unwrap());
            let buffers = [&from, &of, &counts, &bases, &to, &to_of];
            run(&SCATTER_PAIRS, &digits(count, shift), &buffers, groups);
            let moved_again: Vec<u32> = gpu.download(&to, sides.len() * count).unwrap();
            let moved_labels: Vec<u32> = gpu.download(&to_of, sides.len() * count).unwrap();
            assert!(moved == moved_again, "{count} moved with labels");
            for (side, keys) in sides.iter().enumerate() {
                let range = side * blocks * VALUES..(side + 1) * blocks * VALUES;
                let twin = twins::count_digits(keys, shift);
                assert!(counted[range.clone()] == twin.concat(), "{count} counted");
                let places = twins::place_digits(&twin);
                assert!(before[range] == places.0.concat(), "{count} before");
                assert!(smaller[side * VALUES..(side + 1) * VALUES] == places.1, "{count} smaller");
                let twin = twins::scatter_keys(keys, shift, &places);
                assert!(moved[side * count..(side + 1) * count] == twin, "{count} moved");
                // By the lowest digit points stand in their own order, whatever the labels say.
                let numbers: Vec<u32> = (0..count as u32).collect();
                let labels = if shift == 0 { &numbers } else { &labels[side * count..(side + 1) * count] };
                let twin = twins::scatter_pairs(keys, labels, shift, &places);
                assert!(moved_labels[side * count..(side + 1) * count] == twin.1, "{count} labels");
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
    let weights: Vec<f64> = (0..300).map(|index| f64::from(index % 4)).collect();
    for (part, on_device) in [(1e-2, true), (1e-3, true), (1e-4, false), (0.0, false)] {
        let moved: Vec<_> = source.iter().map(|point| point + Vector3::new(4.0, 2.0, -4.0) * part).collect();
        let moved = Measure::uniform(&moved).unwrap();
        for source in [Measure::uniform(&source).unwrap(), Measure::weighted(&source, &weights).unwrap()] {
            // Weights alone make a distance.
            let on_device = on_device || !source.is_uniform();
            let found = super::distance(&options, &source, &moved, &gpu).unwrap();
            assert_eq!(found.is_some(), on_device, "{part}");
        }
    }
    // A mass of 2⁻⁷⁰ is nothing to a device, but at high powers it counts.
    let source = [Point3::origin(), Point3::new(1.0, 0.0, 0.0)];
    let target = [Point3::new(1e-2, 0.0, 0.0)];
    let target = Measure::uniform(&target).unwrap();
    for (p, on_device) in [(2.0, true), (3.0, true), (9.0, false), (40.0, false)] {
        let weights = [1.0, 2f64.powi(-70)];
        let source = Measure::weighted(&source, &weights).unwrap();
        let found = super::distance(&Sliced { p, ..options }, &source, &target, &gpu).unwrap();
        assert_eq!(found.is_some(), on_device, "p = {p}: {found:?}");
    }
}

#[test]
fn masses_sum_to_the_total() {
    let points = points(5000, 8);
    let measure = |weights: &[f64]| {
        let measure = Measure::weighted(&points, weights).unwrap();
        Cloud::weighted(&measure, &Frame::around(&measure, &measure, 0.0))
    };
    let weights: Vec<f64> = (0..5000).map(|index| f64::from(index % 3) * 1.1f64.powi(index / 10)).collect();
    let masses = measure(&weights).masses.unwrap();
    assert!(masses.iter().map(|&mass| u128::from(mass)).sum::<u128>() == u128::from(TOTAL));
    assert!(masses.iter().all(|&mass| mass > 0) && masses.len() <= 3333);
    // Only the heaviest has what is left.
    let alone: Vec<f64> = (0..5000).map(|index| if index == 77 { 1e300 } else { 0.0 }).collect();
    let cloud = measure(&alone);
    assert_eq!(cloud.masses.as_deref(), Some(&[TOTAL][..]));
    assert!(cloud.lost == 0.0 && cloud.points.len() == 1);
    let even = measure(&[f64::MIN_POSITIVE; 5000]);
    assert!(even.lost < 5000.0 * 2f64.powi(-63) && even.points.len() == 5000);
    let masses = even.masses.unwrap();
    assert!(masses.iter().filter(|&&mass| mass == (TOTAL as f64 / 5000.0).round() as u64).count() >= 4999);
}

/// Masses of some points, one of them with nearly everything.
fn masses(count: usize, seed: u64) -> Vec<u64> {
    let mut masses: Vec<u64> = random(count, seed).iter().map(|&mass| u64::from(mass) + 1).collect();
    masses[count / 3] += TOTAL - masses.iter().sum::<u64>();
    masses
}

#[test]
fn masses_are_summed_and_cumulated_as_their_twins_do() {
    let Some(gpu) = device() else { return };
    for count in SIZES {
        let masses = masses(count, 9);
        let mut indices: Vec<u32> = (0..count as u32).collect();
        indices.sort_by_key(|&index| masses[index as usize].wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let reversed: Vec<u32> = indices.iter().rev().copied().collect();
        let sides = [indices, reversed];
        let halved: Vec<_> = masses.iter().map(|&mass| halves(mass)).collect();
        let (blocks, parameters) = (count.div_ceil(BLOCK), digits(count, 0));
        let (from, weights) = (gpu.upload(&sides.concat()).unwrap(), gpu.upload(&halved).unwrap());
        let sums = gpu.zeros::<[u32; 2]>(2 * blocks).unwrap();
        let cumulated = gpu.zeros::<[u32; 2]>(2 * count).unwrap();
        let mut work = Work::new(&gpu);
        work.run_in_parts(&SUM, &parameters, &[&from, &weights, &sums], 2 * blocks, 1.0).unwrap();
        let buffers = [&from, &weights, &sums, &cumulated];
        work.run_in_parts(&CUMULATE, &parameters, &buffers, 2 * blocks, 1.0).unwrap();
        work.finish().unwrap();
        let sums: Vec<[u32; 2]> = gpu.download(&sums, 2 * blocks).unwrap();
        let cumulated: Vec<[u32; 2]> = gpu.download(&cumulated, 2 * count).unwrap();
        for (side, indices) in sides.iter().enumerate() {
            let twin: Vec<_> = twins::sum_masses(indices, &masses).into_iter().map(halves).collect();
            assert!(sums[side * blocks..(side + 1) * blocks] == twin, "{count} summed");
            let twin: Vec<_> = twins::cumulate_masses(indices, &masses).into_iter().map(halves).collect();
            assert!(cumulated[side * count..(side + 1) * count] == twin, "{count} cumulated");
        }
    }
}

#[test]
fn weighted_cost_is_its_twin() {
    let Some(gpu) = device() else { return };
    for (n, m) in [(1, 1), (2, 1), (1, 257), (1000, 1000), (4097, 4095), (17, 8193), (20_000, 13_331)] {
        let sides = [(n, 10), (m, 11)].map(|(count, seed)| {
            let mut keys = random(count, seed);
            keys.sort_unstable();
            (keys, masses(count, seed + 2))
        });
        let keys = sides.each_ref().map(|(keys, _)| gpu.upload(keys).unwrap());
        let cumulated = sides.each_ref().map(|(_, masses)| {
            let indices = gpu.upload(&(0..masses.len() as u32).collect::<Vec<_>>()).unwrap();
            let weighing = Weighing::new(&gpu, masses, 1).unwrap();
            let mut work = Work::new(&gpu);
            weighing.run(&mut work, &indices, 1).unwrap();
            work.finish().unwrap();
            weighing.cumulated
        });
        let sums = sides.each_ref().map(|(_, masses)| {
            let indices: Vec<u32> = (0..masses.len() as u32).collect();
            twins::cumulate_masses(&indices, masses)
        });
        for p in [1.0, 1.5, 2.0, 3.0, 7.25, 1e10] {
            let costs = WeightedCost::new([n, m], p);
            let parts = gpu.zeros::<CostPart>(costs.blocks()).unwrap();
            let mut work = Work::new(&gpu);
            costs.run(&mut work, keys.each_ref(), cumulated.each_ref(), &parts, 1).unwrap();
            work.finish().unwrap();
            let got: Vec<CostPart> = gpu.download(&parts, costs.blocks()).unwrap();
            let twin = twins::weighted_cost([&sides[0].0, &sides[1].0], [&sums[0], &sums[1]], p);
            assert_eq!(got.len(), twin.len());
            for (got, twin) in got.iter().zip(twin) {
                assert_eq!(got.largest, twin.largest, "{n} to {m}, p = {p}");
                let tolerance = 2e-6 * p.min(1e3) * f64::from(twin.sum);
                let off = f64::from(got.sum) - f64::from(twin.sum);
                assert!(off.abs() <= tolerance, "{n} to {m}, p = {p}: {got:?}, {twin:?}");
            }
        }
    }
}
