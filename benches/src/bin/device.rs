//! What a graphics device does: every kernel's rate, its share of what the device could do, and from where on it pays.
//!
//! `cargo run --release -p barrow-benches --bin device [-- POINTS [LARGEST]]`
//!
//! First the kernels between two surfaces of POINTS points each (100 000 on a card, 4096 on an adapter in software),
//! with their values checked against the processor's; shares are of the device's own peaks, measured by kernels that do
//! nothing but fused additions, nothing but powers, or nothing but copies. Then whole answers between a sphere and a torus
//! on the processor and the device, interleaved, for sizes up to LARGEST (1 000 000 on a card): where the ratio passes 1
//! is the crossover that `--device auto` is to know.

use std::time::Instant;

use barrow::geometry::{
    AdapterKind, Backend, Gpu, KdTree, Measure, NearestDistances, Sinkhorn, SinkhornDivergence, Sliced,
    TransportProblem, Wasserstein, WassersteinProblem, median_spacing,
};
use barrow_benches::median;
use barrow_datasets::SphereTorus;

const ROUNDS: usize = 3;
/// From so many points on one round has to do.
const LARGE: usize = 250_000;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let gpu = Gpu::open()?;
    let adapter = gpu.adapter().clone();
    let software = adapter.kind == AdapterKind::Software;
    let argument = |place: usize, default: usize| {
        std::env::args().nth(place).map_or(Ok(default), |argument| argument.parse())
    };
    let points = argument(1, if software { 4096 } else { 100_000 })?;
    let largest = argument(2, if software { 4096 } else { 1_000_000 })?;
    println!("{} ({:?}, {}, {})", adapter.name, adapter.kind, adapter.interface, adapter.driver);
    kernels(&gpu, points)?;
    crossover(&gpu, largest)
}

fn kernels(gpu: &Gpu, points: usize) -> Result<(), Failure> {
    let peaks = gpu.peaks()?;
    println!(
        "\n{points} points\n{:<28} {:>10} {:>20} {:>8} {:>10}",
        "kernel", "seconds", "rate", "share", "error"
    );
    for rate in peaks.iter().chain(&gpu.kernel_rates(points)?) {
        let share = rate.share_of(&peaks).map_or("-".into(), |share| format!("{share:.2}"));
        let per_second = format!("{:.2e} {}/s", rate.per_second(), rate.unit);
        println!(
            "{:<28} {:>10.2e} {:>20} {:>8} {:>10.1e}",
            rate.kernel, rate.seconds, per_second, share, rate.error
        );
    }
    Ok(())
}

fn crossover(gpu: &Gpu, largest: usize) -> Result<(), Failure> {
    let backends = [Backend::Cpu, Backend::Gpu(gpu.clone())];
    println!(
        "\n{:<24} {:>9} {:>12} {:>12} {:>8} {:>10}",
        "answer", "points", "cpu [s]", "device [s]", "ratio", "apart"
    );
    let sizes = [1000, 4000, 16_000, 64_000, 250_000, 1_000_000];
    for &count in sizes.iter().filter(|&&count| count <= largest) {
        let scene = SphereTorus { points: count, ..Default::default() }.make()?;
        let [source, target] = [0, 1].map(|side| &scene.clouds[side].points);
        let (a, b) = (Measure::uniform(source.positions())?, Measure::uniform(target.positions())?);
        let spacing = median_spacing(source, &KdTree::new(source.positions())).unwrap_or(1.0);
        let problem = TransportProblem::new(a, b, 2.0 * spacing);
        row("Sinkhorn divergence", count, &backends, |backend| {
            Ok(SinkhornDivergence::solve(&Sinkhorn::default(), &problem, backend)?.value)
        })?;
        let certified = WassersteinProblem::new(a, b);
        row("transport within 1 %", count, &backends, |backend| {
            Ok(Wasserstein::default().solve_on(&certified, backend)?.value)
        })?;
        let sliced = Sliced { projections: 300, ..Sliced::default() };
        row("sliced, 300 directions", count, &backends, |backend| {
            Ok(sliced.distance_on(&a, &b, backend)?.value)
        })?;
        row("nearest points", count, &backends, |backend| {
            Ok(NearestDistances::between_on(source, target, backend)?.chamfer().value)
        })?;
    }
    Ok(())
}

/// Times an answer on both, interleaved.
fn row(
    name: &str,
    points: usize,
    backends: &[Backend; 2],
    answer: impl Fn(&Backend) -> Result<f64, Failure>,
) -> Result<(), Failure> {
    let (mut seconds, mut values) = ([Vec::new(), Vec::new()], [0.0; 2]);
    for _ in 0..if points < LARGE { ROUNDS } else { 1 } {
        for (place, backend) in backends.iter().enumerate() {
            let begin = Instant::now();
            values[place] = answer(backend)?;
            seconds[place].push(begin.elapsed().as_secs_f64());
        }
    }
    let ratios = seconds[0].iter().zip(&seconds[1]).map(|(cpu, device)| cpu / device).collect();
    let [cpu, device] = seconds.map(median);
    let apart = (values[1] / values[0] - 1.0).abs();
    println!("{name:<24} {points:>9} {cpu:>12.3} {device:>12.3} {:>8.2} {apart:>10.1e}", median(ratios));
    Ok(())
}
