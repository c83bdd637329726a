//! Every kernel against its twin.

use nalgebra::{Point3, Vector3};

use super::bits::{Bits, Factor};
use super::device_measure::{DeviceAim, DeviceNode, Part};
use super::kernels::{
    ANSWER, AVERAGE, EXTEND, EXTRAPOLATE, Extend, Improve, KEPT, MISPLACED, POINTS, RESCALE, Rescale,
};
use super::twins::{self, Column, Scores};
use super::{Engine, GpuEngine};
use crate::balance::Balance;
use crate::gpu::{Buffer, Gpu, Work, device};
use crate::sinkhorn::cpu::CpuEngine;
use crate::sinkhorn::engine::{Side, Start};
use crate::sinkhorn::problem::Cost;
use crate::sinkhorn::tiles::TiledMeasure;

/// What potentials may be off by, as a part of the largest cost.
const POTENTIAL: f64 = 1e-5;

/// Of clouds in the unit cube.
const LARGEST_COST: f64 = 3.0;

/// What they may be off by in bits: a part of 7 · 10⁻⁴ of a plan's entry.
const BITS: f64 = 1e-3;

/// Numbers between 0 and 1.
fn random(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1u32 << 31)
    }
}

fn cloud(count: usize, seed: u64) -> Vec<Point3<f64>> {
    let mut random = random(seed);
    (0..count).map(|_| Point3::new(random() - 0.5, random() - 0.5, random() - 0.5)).collect()
}

/// Weights of which some are zero and others small, of total 1.
fn weights(count: usize, seed: u64) -> Vec<f64> {
    let mut random = random(seed);
    let weights: Vec<f64> =
        (0..count).map(|i| if i % 11 == 7 { 0.0 } else { 1e-3 + random().powi(4) }).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}

/// A problem with potentials of the target, on a device.
struct Setting {
    engine: GpuEngine,
    scores: Scores,
    columns: Vec<Column>,
}

fn setting(
    gpu: &Gpu,
    [source, target]: [Vec<Point3<f64>>; 2],
    (cost, blur, balance): (Cost, f64, Balance),
    potential: impl Fn(&Point3<f64>) -> f64,
) -> Setting {
    let (a, b) = (weights(source.len(), 3), weights(target.len(), 4));
    let arranged = |points: Vec<Point3<f64>>, weights: &[f64]| vec![TiledMeasure::arranged(points, weights)];
    let cpu = CpuEngine {
        source: arranged(source, &a),
        target: arranged(target, &b),
        cost,
        largest_cost: 1.0,
        rounding: 1e-4,
        omission: 24.0,
        lists: Default::default(),
    };
    let target = cpu.measure(Side::Target);
    let values: Vec<f64> = (0..target.len()).map(|index| potential(&target.point(index))).collect();
    let kappa = std::f64::consts::LOG2_E / cost.epsilon(blur);
    let columns = (0..target.len())
        .map(|index| Column {
            point: target.point(index),
            potential: kappa * values[index],
            log2_weight: target.weights[index].log2(),
        })
        .collect();
    let potentials = [vec![0.0; cpu.measure(Side::Source).len()], values];
    let finest = vec![blur];
    let start = Start { blur, level: 0, balance, symmetric: false, tolerance: 1e-4, finest, potentials };
    Setting { engine: GpuEngine::new(gpu, cpu, start).unwrap(), scores: Scores { cost, kappa }, columns }
}

impl Setting {
    fn rows(&self) -> Vec<Point3<f64>> {
        let source = self.engine.measure(Side::Source);
        (0..source.len()).map(|index| source.point(index)).collect()
    }

    /// Soft minima of the source over the target, from either kernel.
    fn softmins(&self, streams: bool) -> Vec<f64> {
        let (rows, columns) = (self.engine.measure_of(Side::Source), self.engine.measure_of(Side::Target));
        let mut work = Work::new(&self.engine.gpu);
        self.engine.raise_planes(&mut work, columns).unwrap();
        self.engine.aim(&mut work, rows, columns).unwrap();
        match streams {
            true => self.engine.stream(&mut work, rows, columns).unwrap(),
            false => {
                let softmin = &self.engine.kernels.softmin;
                let out = |_, part: &'_ Part| [part.softmins.clone(), part.states.clone()];
                let buffers: Vec<[Buffer; 2]> = rows.parts.iter().map(|part| out(0, part)).collect();
                self.engine
                    .walk(&mut work, rows, columns, softmin, |place, _| {
                        [&buffers[place][0], &buffers[place][1]]
                    })
                    .unwrap();
            }
        }
        work.finish().unwrap();
        let bits: Vec<Bits> = rows.download(&self.engine.gpu, |_, part| part.softmins.clone()).unwrap();
        bits.into_iter().map(f64::from).collect()
    }

    #[track_caller]
    fn check_softmins(&self, most: f64, name: &str) {
        for streams in [false, true] {
            for (x, got) in self.rows().iter().zip(self.softmins(streams)) {
                let wanted = match streams {
                    false => twins::softmin(self.scores, x, &self.columns),
                    true => twins::merge_splits(&twins::softmin_dense(self.scores, x, &self.columns, 3)),
                };
                let off = (got - wanted).abs();
                assert!(off < most, "{name}, streams {streams}: {got} bits for {wanted}, {off:e} off");
            }
        }
    }
}

const BALANCED: Balance = Balance::Exact;

#[test]
fn soft_minima_of_all_sizes_around_tiles_and_groups() {
    let Some(gpu) = device() else { return };
    for (n, m) in
        [(1, 1), (31, 33), (32, 32), (33, 31), (255, 257), (257, 255), (64, 2047), (65, 2048), (66, 2049)]
    {
        for cost in [Cost::SquaredEuclidean, Cost::Euclidean] {
            let clouds = [cloud(n, 1), cloud(m, 2)];
            let wavy = |y: &Point3<f64>| 0.1 * (5.0 * y.x).sin() + 0.05 * (7.0 * y.y + y.z).cos();
            let setting = setting(&gpu, clouds, (cost, 0.1, BALANCED), wavy);
            setting.check_softmins(BITS, &format!("{n} x {m}, {cost:?}"));
        }
    }
}

#[test]
fn soft_minima_of_potentials_wide_narrow_steep_and_wild() {
    let Some(gpu) = device() else { return };
    for blur in [1.0, 0.03, 1e-3, 1e-4] {
        // Mass that came from far away: g = 2 d·y + waves, seen by rows at y − d.
        let way = Vector3::new(0.5, -0.3, 0.2);
        let target = cloud(300, 6);
        let source: Vec<_> = cloud(70, 5).iter().map(|x| Point3::from(x.coords * 0.9 - way)).collect();
        let steep = |y: &Point3<f64>| 2.0 * way.dot(&y.coords) + 1e-3 * blur * (90.0 * y.x).sin();
        let clouds = [source.clone(), target.clone()];
        let kinds = (Cost::SquaredEuclidean, blur, BALANCED);
        setting(&gpu, clouds.clone(), kinds, steep)
            .check_softmins(3.0 * BITS, &format!("steep, blur {blur}"));
        let wild = |y: &Point3<f64>| ((y.x * 1e5).sin() + (y.z * 3e4).cos()) * 0.3;
        // Potentials that no problem has, differing by the largest cost from point to point.
        let most = BITS + 0.1 * POTENTIAL * LARGEST_COST * std::f64::consts::LOG2_E / kinds.0.epsilon(blur);
        setting(&gpu, clouds.clone(), kinds, wild).check_softmins(most, &format!("wild, blur {blur}"));
        if blur > 2e-4 {
            let kinds = (Cost::Euclidean, blur, BALANCED);
            setting(&gpu, clouds, kinds, wild).check_softmins(3.0 * BITS, &format!("lengths, blur {blur}"));
        }
    }
}

#[test]
fn soft_minima_in_parts() {
    let Ok(gpu) = Gpu::open_limited(1 << 16) else { return };
    let clouds = [cloud(4200, 1), cloud(4300, 2)];
    let setting = setting(&gpu, clouds, (Cost::SquaredEuclidean, 0.05, BALANCED), |y| 0.2 * y.x);
    assert!(setting.engine.measure_of(Side::Source).parts.len() > 1);
    setting.check_softmins(BITS, "in parts");
}

#[test]
fn aims_see_the_best_column_and_planes_are_above_their_columns() {
    let Some(gpu) = device() else { return };
    for cost in [Cost::SquaredEuclidean, Cost::Euclidean] {
        let clouds = [cloud(200, 1), cloud(2500, 2)];
        let setting = setting(&gpu, clouds, (cost, 0.02, BALANCED), |y| 0.3 * y.x * y.y - 0.1 * y.z);
        setting.softmins(false);
        let engine = &setting.engine;
        let factor = engine.factor();
        let at = |node: &DeviceNode| Vector3::from(node.center.map(f64::from)) / 256.0;
        let rows = &engine.measure_of(Side::Source).parts[0];
        let aims: Vec<DeviceAim> = engine.gpu.download(&rows.aims, rows.tiles()).unwrap();
        let row_nodes: Vec<DeviceNode> = engine.gpu.download(&rows.nodes, rows.tiles()).unwrap();
        for (aim, node) in aims.iter().zip(&row_nodes) {
            let wanted = twins::aim(setting.scores, &(at(node) / factor).into(), &setting.columns);
            assert!((f64::from(aim.anchor) - wanted.floor()).abs() <= 1.0, "{} for {wanted}", aim.anchor);
        }
        let part = &engine.measure_of(Side::Target).parts[0];
        let count = part.tiles() + part.groups();
        let nodes: Vec<DeviceNode> = engine.gpu.download(&part.nodes, count).unwrap();
        let columns: Vec<[f32; 4]> = engine.gpu.download(&part.columns, part.room()).unwrap();
        for (place, node) in nodes.iter().enumerate() {
            let tiles = match place.checked_sub(part.tiles()) {
                None => place..place + 1,
                Some(_) => node.first as usize..node.first as usize + node.count as usize,
            };
            let points = part.tile_points(tiles);
            let there: Vec<(Vector3<f64>, f64)> = points
                .iter()
                .map(|&(_, index)| &setting.columns[index])
                .filter(|column| column.log2_weight.is_finite())
                .map(|column| {
                    let offset = twins::scale_offsets(&column.point, &at(node), factor);
                    (offset, column.potential + column.log2_weight)
                })
                .collect();
            let tilt = Vector3::from(node.tilt.map(f64::from)) / 256.0;
            let top = f64::from(node.top);
            if place < part.tiles() {
                let lowest = twins::tile_planes(&there, &tilt);
                assert!(top >= lowest - BITS && top <= lowest + 1.0 + BITS, "{top} above {lowest}");
                // v_j = top + 2 tilt · w + |w|² + r_j
                for &(slot, index) in &points {
                    let column = &setting.columns[index];
                    let [x, y, z, beyond] = columns[slot].map(f64::from);
                    if column.log2_weight.is_finite() {
                        let offset = Vector3::new(x, y, z);
                        let bend = if cost == Cost::Euclidean { 0.0 } else { offset.norm_squared() };
                        let value = top + 2.0 * tilt.dot(&offset) + bend + beyond;
                        assert!((value - column.potential - column.log2_weight).abs() < BITS);
                    }
                }
            } else {
                assert!(top >= twins::group_planes(&there, &tilt) - BITS);
            }
        }
    }
}

#[test]
fn row_means_are_those_of_the_plan() {
    let Some(gpu) = device() else { return };
    for (n, m) in [(1, 1), (33, 65), (100, 2500)] {
        for cost in [Cost::SquaredEuclidean, Cost::Euclidean] {
            let clouds = [cloud(n, 1), cloud(m, 2)];
            let setting = setting(&gpu, clouds, (cost, 0.1, BALANCED), |y| 0.3 * y.x * y.y);
            let target = setting.engine.measure(Side::Target);
            let potential: Vec<f64> =
                (0..m).map(|index| target.point(index)).map(|y| 0.3 * y.x * y.y).collect();
            let got = setting.engine.summarize_there(Side::Source, &potential, cost.epsilon(0.1)).unwrap();
            for (x, got) in setting.rows().iter().zip(&got) {
                let (way, square, length, pull) = twins::row_means(setting.scores, x, &setting.columns);
                assert!((got.mean - x.coords - way).norm() < 1e-4);
                assert!((got.spread - (square - way.norm_squared())).abs() < 1e-4);
                let wanted = if cost == Cost::Euclidean { length } else { square };
                assert!((got.cost - wanted).abs() < 1e-4 * wanted);
                if cost == Cost::Euclidean {
                    assert!((got.pull - pull).norm() < 1e-4);
                }
                assert!((got.log2_sum + twins::softmin(setting.scores, x, &setting.columns)).abs() < BITS);
            }
        }
    }
}

/// Runs a kernel that does one thing for every number, and brings back what it makes of them.
fn each<P: bytemuck::Pod>(
    gpu: &Gpu,
    kernel: &crate::gpu::Kernel,
    parameters: impl Fn(u32) -> P,
    buffers: &[&Buffer],
    back: &Buffer,
    count: usize,
) -> Vec<f64> {
    let mut work = Work::new(gpu);
    work.run_in_parts(kernel, parameters, buffers, count.div_ceil(POINTS), 1e9).unwrap();
    work.finish().unwrap();
    gpu.download::<Bits>(back, count).unwrap().into_iter().map(f64::from).collect()
}

#[test]
fn potentials_move_as_they_should() {
    let Some(gpu) = device() else { return };
    let count = 257;
    let mut random = random(9);
    let mut numbers = |size: f64| -> Vec<f64> { (0..count).map(|_| size * (random() - 0.5)).collect() };
    let (softmins, befores, nows) = (numbers(2e8), numbers(2e8), numbers(2e8));
    let upload =
        |numbers: &[f64]| gpu.upload(&numbers.iter().map(|&n| n.into()).collect::<Vec<Bits>>()).unwrap();
    let close = |got: f64, wanted: f64, size: f64| {
        assert!((got - wanted).abs() < 1e-4 + 1e-7 * size, "{got} for {wanted}");
    };
    // Bits, with ε = log₂ e bits.
    let rho = 3e7;
    let epsilon = std::f64::consts::LOG2_E;
    let balances = [
        (Balance::Exact, Improve::default()),
        (
            Balance::KullbackLeibler { rho },
            Improve {
                balance: 1,
                ratio: (epsilon / rho) as f32,
                damping: Factor::from(1.0 / (1.0 + epsilon / rho)),
                ..Improve::default()
            },
        ),
        (Balance::TotalVariation { rho }, Improve { balance: 2, limit: rho as f32, ..Improve::default() }),
    ];
    for (balance, improve) in balances {
        let improve = Improve { points: count as u32, ..improve };
        let (softmin, potential) = (upload(&softmins), upload(&nows));
        let got = each(
            &gpu,
            &ANSWER,
            |first| Improve { first, ..improve },
            &[&softmin, &potential],
            &potential,
            count,
        );
        got.iter()
            .zip(&softmins)
            .for_each(|(&got, &softmin)| close(got, twins::answer(balance, softmin), 0.0));

        // Extrapolated ways are short.
        let near: Vec<f64> =
            softmins.iter().zip(&befores).map(|(s, b)| twins::answer(balance, *s) + 1e-6 * b).collect();
        let (image, none) = (upload(&near), gpu.upload(&[1f32, 1.0]).unwrap());
        let with = Improve { inertia: 0.5, ..improve };
        let buffers = [&softmin, &potential, &image, &none];
        let got = each(&gpu, &EXTRAPOLATE, |first| Improve { first, ..with }, &buffers, &potential, count);
        for (index, &got) in got.iter().enumerate() {
            let wanted = twins::extrapolate(balance, softmins[index], 0.0, near[index], 0.5);
            close(got, wanted, 100.0);
        }

        let (potential, image) = (upload(&near), upload(&near));
        let with = Improve { step: 0.75, inertia: 0.25, ..improve };
        let buffers = [&softmin, &potential, &image];
        let got = each(&gpu, &AVERAGE, |first| Improve { first, ..with }, &buffers, &potential, count);
        for (index, &got) in got.iter().enumerate() {
            let wanted = twins::average(balance, near[index], softmins[index], near[index], 0.75, 0.25);
            close(got, wanted, 100.0);
        }
    }
    for factor in [0.25f64, 1.0, 3.999_999, 16384.0] {
        let small: Vec<f64> = nows.iter().map(|now| now / factor.max(1.0)).collect();
        let potential = upload(&small);
        let parameters =
            |first| Rescale { first, points: count as u32, padding: [0; 2], factor: Factor::from(factor) };
        let got = each(&gpu, &RESCALE, parameters, &[&potential], &potential, count);
        let wanted = small.iter().map(|&now| twins::rescale_potentials(now, factor));
        got.iter().zip(wanted).for_each(|(&got, wanted)| {
            assert!((got - wanted).abs() < 1e-3 * factor.max(1.0) / 16384.0 + 0.05, "{got} for {wanted}");
        });
    }
    let (potential, trail) = (upload(&nows), upload(&nows.iter().map(|n| n + 1.5).collect::<Vec<_>>()));
    let parameters = |first| Extend { first, points: count as u32, part: 0.5, limit: rho as f32 };
    let got = each(&gpu, &EXTEND, parameters, &[&potential, &trail], &potential, count);
    let balance = Balance::TotalVariation { rho };
    let wanted = nows.iter().map(|&now| twins::extend_trail(balance, now, now + 1.5, 0.5));
    got.iter().zip(wanted).for_each(|(&got, wanted)| close(got, wanted, 0.0));
}

#[test]
fn sums_are_what_they_should_be() {
    let Some(gpu) = device() else { return };
    for (balance, rho) in [
        (Balance::Exact, 1.0),
        (Balance::KullbackLeibler { rho: 0.5 }, 0.5),
        (Balance::TotalVariation { rho: 0.1 }, 0.1),
    ] {
        for count in [1, 255, 256, 257, 3000] {
            let clouds = [cloud(count, 1), cloud(count, 2)];
            let kinds = (Cost::SquaredEuclidean, 0.2, balance);
            let setting = setting(&gpu, clouds, kinds, |y| 0.1 * y.x - 0.05);
            let engine = &setting.engine;
            let (source, target) = (engine.measure_of(Side::Source), engine.measure_of(Side::Target));
            let mut work = Work::new(&gpu);
            engine.half_step(&mut work, source, target).unwrap();
            engine.answer(&mut work, source).unwrap();
            engine.half_step(&mut work, target, source).unwrap();
            let buffers = |part: &'_ Part| {
                [part.softmins.clone(), part.points.clone(), part.sums.clone(), part.potentials.clone()]
            };
            let mine: Vec<[Buffer; 4]> = target.parts.iter().map(buffers).collect();
            let all = |_: &Part| mine[0].iter().collect::<Vec<_>>();
            engine.total(&mut work, target, &MISPLACED, all, (&engine.answer, 0)).unwrap();
            let three = |_: &Part| mine[0][..3].iter().collect::<Vec<_>>();
            engine.total(&mut work, target, &KEPT, three, (&engine.answer, 1)).unwrap();
            work.finish().unwrap();
            let got: Vec<f32> = gpu.download(&engine.answer, 2).unwrap();
            let softmins: Vec<Bits> = target.download(&gpu, |_, part| part.softmins.clone()).unwrap();
            let weights = &engine.measure(Side::Target).weights;
            let kappa = setting.scores.kappa;
            let in_bits = balance.in_units_of(1.0 / kappa);
            let points: Vec<(f64, f64, f64)> = (0..count)
                .map(|index| (weights[index], setting.columns[index].potential, softmins[index].into()))
                .collect();
            let wanted = twins::misplaced(in_bits, &points);
            assert!((f64::from(got[0]) - wanted).abs() < 1e-5 + 1e-4 * wanted, "{} for {wanted}", got[0]);
            if balance != Balance::Exact {
                let points: Vec<(f64, f64)> = points.iter().map(|&(weight, _, s)| (weight, s)).collect();
                let wanted = twins::kept(in_bits, kappa * rho, &points);
                if matches!(balance, Balance::KullbackLeibler { .. }) {
                    assert!((f64::from(got[1]) / wanted - 1.0).abs() < 1e-5, "{} for {wanted}", got[1]);
                }
            }
        }
    }
}
