//! The kernels of sliced transport, timed on a device and checked against the processor.

use nalgebra::{Unit, Vector3};
use rayon::prelude::*;

use super::cloud::{Cloud, TOTAL};
use super::cost::CostPart;
use super::grid::{Factors, Grid};
use super::sort::{Pass, SHIFTS, Sorter, VALUES};
use super::weighted::Weighing;
use super::{BLOCK, Costs, KEYS, Side, batch, cost};
use crate::frame::Frame;
use crate::gpu::{Buffer, Gpu, KernelRate, Work, surface, wrong};
use crate::sliced::{Sliced, cost::walk};
use crate::{Measure, Result};

/// Power of the costs that are timed.
const P: f64 = 2.0;

/// Times transport between two surfaces, without masses and with them.
pub(crate) fn rates(gpu: &Gpu, points: usize) -> Result<Vec<KernelRate>> {
    let clouds = [surface(points, false), surface(points, true)];
    let masses: Vec<f64> = (0..points).map(|index| 1.0 + (index % 7) as f64).collect();
    let [source, target] = [Measure::uniform(&clouds[0])?, Measure::uniform(&clouds[1])?];
    let frame = Frame::around(&source, &target, 0.0);
    let plain = Timed::new(gpu, [&source, &target].map(|measure| Cloud::uniform(measure, &frame)))?;
    let mut rates = vec![plain.project()?];
    rates.extend(plain.sort()?);
    rates.push(plain.cost("quantile_cost", 4.0)?);
    drop(plain);
    let [source, target] = [Measure::weighted(&clouds[0], &masses)?, Measure::weighted(&clouds[1], &masses)?];
    let weighted = Timed::new(gpu, [&source, &target].map(|measure| Cloud::weighted(measure, &frame)))?;
    // All but the last are those without masses.
    rates.extend(weighted.sort()?.pop());
    rates.extend(weighted.weigh()?);
    rates.push(weighted.cost("weighted_cost", 12.0)?);
    Ok(rates)
}

/// Two clouds of equal size on the device, along as many directions as fill it.
struct Timed<'a> {
    gpu: &'a Gpu,
    clouds: [Cloud; 2],
    grid: Grid,
    directions: Vec<Unit<Vector3<f64>>>,
    factors: Vec<Factors>,
    uploaded: Buffer,
    sorter: Sorter,
    sides: [Side; 2],
}

impl<'a> Timed<'a> {
    fn new(gpu: &'a Gpu, clouds: [Cloud; 2]) -> Result<Self> {
        let (points, weighted) = (clouds[0].points.len(), clouds[0].masses.is_some());
        let keys = if gpu.in_software() { KEYS / 64 } else { KEYS };
        let count = (keys / points).clamp(1, batch(gpu, points, weighted));
        let mut directions = Sliced { projections: count.max(8), ..Sliced::default() }.directions()?;
        directions.truncate(count);
        let grid = Grid::around([&clouds[0], &clouds[1]]);
        let factors: Vec<Factors> = directions.iter().map(|direction| grid.factors(direction)).collect();
        let uploaded = gpu.upload(&factors.iter().map(|factors| factors.words).collect::<Vec<_>>())?;
        let sorter = if weighted { Sorter::with_indices } else { Sorter::new }(gpu, points, count)?;
        let sides = [Side::new(gpu, &clouds[0], &grid, count)?, Side::new(gpu, &clouds[1], &grid, count)?];
        Ok(Self { gpu, clouds, grid, directions, factors, uploaded, sorter, sides })
    }

    fn points(&self) -> usize {
        self.clouds[0].points.len()
    }

    /// Keys of one side.
    fn keys(&self) -> usize {
        self.points() * self.directions.len()
    }

    fn once(&self, record: impl FnOnce(&mut Work) -> Result<()>) -> Result<()> {
        let mut work = Work::new(self.gpu);
        record(&mut work)?;
        work.finish()
    }

    /// The keys of the source, as they are on the device.
    fn downloaded(&self) -> Result<Vec<u32>> {
        self.gpu.download(&self.sides[0].projector.keys, self.keys())
    }

    fn rate(&self, kernel: &'static str, seconds: f64, bytes: f64) -> KernelRate {
        KernelRate { bytes, ..KernelRate::timed(kernel, "keys", self.keys() as f64, seconds) }
    }

    fn projected(&self, work: &mut Work) -> Result<()> {
        self.sides[0].projector.run(work, &self.uploaded, self.directions.len())
    }

    fn project(&self) -> Result<KernelRate> {
        let seconds = self.gpu.fastest(&self.sides[0].projector.keys, |work| self.projected(work))?;
        let keys = self.downloaded()?;
        let points = &self.clouds[0].points;
        let directions = self.directions.iter().zip(&self.factors).zip(keys.chunks(points.len()));
        let off = directions.flat_map(|((direction, factors), keys)| {
            // Relative to the first point: where keys begin does not matter to a distance.
            let position = |index: usize| direction.dot(&(points[index] - points[0]));
            let key = move |index: usize| factors.step * (f64::from(keys[index]) - f64::from(keys[0]));
            (0..points.len()).map(move |index| (position(index) - key(index)).abs())
        });
        let error = off.fold(0.0, f64::max) / self.grid.diagonal();
        // Three coordinates for eight keys.
        Ok(KernelRate { error, ..self.rate("project_keys", seconds, 4.0 + 12.0 / 8.0) })
    }

    /// The three kernels of one digit, the last of which tells the error of the whole sort.
    fn sort(&self) -> Result<Vec<KernelRate>> {
        let (gpu, sorter, keys) = (self.gpu, &self.sorter, &self.sides[0].projector.keys);
        let (count, directions) = (self.points(), self.directions.len());
        // The second digit: by the first no indices are read.
        let pass = Pass { count, directions, shift: SHIFTS[1] };
        self.once(|work| self.projected(work))?;
        let before = self.downloaded()?;
        let counted = gpu.fastest(&sorter.counts, |work| sorter.count(work, keys, pass))?;
        // What is placed again and again is nonsense, but takes as long.
        let placed = gpu.fastest(&sorter.bases, |work| sorter.place(work, pass))?;
        self.once(|work| {
            sorter.count(work, keys, pass)?;
            sorter.place(work, pass)
        })?;
        let indices = sorter.indices.as_ref().map(|[own, moved]| [own, moved]);
        let moved =
            gpu.fastest(&sorter.spare, |work| sorter.scatter(work, [keys, &sorter.spare], indices, pass))?;
        self.once(|work| sorter.run(work, keys, count, directions))?;
        let error = self.misplaced(&before)?;
        // The counts of a block, as a share of a key.
        let table = (VALUES * 4 * count.div_ceil(BLOCK)) as f64 / count as f64;
        let (scatter, bytes) = match indices {
            None => ("scatter_keys", 8.0),
            Some(_) => ("scatter_pairs", 16.0),
        };
        Ok(vec![
            self.rate("count_digits", counted, 4.0 + table),
            self.rate("place_digits", placed, 2.0 * table),
            KernelRate { error, ..self.rate(scatter, moved, bytes + table) },
        ])
    }

    /// The part of the sorted keys, and their indices, that differ from what the processor makes of the keys before.
    fn misplaced(&self, before: &[u32]) -> Result<f64> {
        let pairs = |keys: &[u32]| -> Vec<(u32, u32)> {
            let mut pairs: Vec<_> = keys.iter().copied().zip(0..).collect();
            pairs.sort_unstable();
            pairs
        };
        let wanted: Vec<(u32, u32)> = before.par_chunks(self.points()).flat_map_iter(pairs).collect();
        let after = self.downloaded()?;
        let Some(indices) = self.sorter.indices() else {
            return Ok(wrong(&after, &wanted.into_iter().map(|(key, _)| key).collect::<Vec<_>>()));
        };
        let indices: Vec<u32> = self.gpu.download(indices, self.keys())?;
        Ok(wrong(&after.into_iter().zip(indices).collect::<Vec<_>>(), &wanted))
    }

    /// The masses of sorted points.
    fn weigh(&self) -> Result<Vec<KernelRate>> {
        let (Some(weighing), Some(indices)) = (&self.sides[0].weighing, self.sorter.indices()) else {
            return Ok(Vec::new());
        };
        let directions = self.directions.len();
        let sum = self.gpu.fastest(&weighing.sums, |work| weighing.sum(work, indices, directions))?;
        let cumulate =
            self.gpu.fastest(&weighing.cumulated, |work| weighing.cumulate(work, indices, directions))?;
        let error = self.misweighed(weighing, indices)?;
        // Indices and masses; what they sum to.
        Ok(vec![
            self.rate("sum_masses", sum, 12.0),
            KernelRate { error, ..self.rate("cumulate_masses", cumulate, 20.0) },
        ])
    }

    /// The part of the cumulated masses that is wrong.
    fn misweighed(&self, weighing: &Weighing, indices: &Buffer) -> Result<f64> {
        let Some(masses) = &self.clouds[0].masses else { return Ok(0.0) };
        let indices: Vec<u32> = self.gpu.download(indices, self.keys())?;
        let got: Vec<[u32; 2]> = self.gpu.download(&weighing.cumulated, self.keys())?;
        let cumulated = |indices: &[u32]| -> Vec<[u32; 2]> {
            let add = |sum: &mut u64, &index: &u32| {
                *sum += masses[index as usize];
                Some(super::weighted::halves(*sum))
            };
            indices.iter().scan(0, add).collect()
        };
        let wanted: Vec<[u32; 2]> = indices.par_chunks(self.points()).flat_map_iter(cumulated).collect();
        Ok(wrong(&got, &wanted))
    }

    /// What sums costs, over the keys of both sides.
    fn cost(&self, kernel: &'static str, bytes: f64) -> Result<KernelRate> {
        let count = self.directions.len();
        let weighted = self.clouds[0].masses.is_some();
        let costs = Costs::new(self.gpu, [self.points(); 2], weighted, P)?;
        let parts = self.gpu.zeros::<CostPart>(count * costs.blocks())?;
        for side in &self.sides {
            self.once(|work| side.run(work, &self.uploaded, &self.sorter, count))?;
        }
        let seconds = self.gpu.fastest(&parts, |work| costs.run(work, &self.sides, &parts, count))?;
        let first: Vec<CostPart> = self.gpu.download(&parts, costs.blocks())?;
        let got = cost::total(&first, P, self.factors[0].step, costs.masses()).relative_to(1.0, P);
        let error = (got / self.exact_cost() - 1.0).abs();
        let rate = KernelRate::timed(kernel, "keys", 2.0 * self.keys() as f64, seconds);
        Ok(KernelRate { bytes, error, ..rate })
    }

    /// W₂² along the first direction, from exact positions.
    fn exact_cost(&self) -> f64 {
        let direction = &self.directions[0];
        let lines = self.clouds.each_ref().map(|cloud| {
            let positions = cloud.points.iter().map(|point| direction.dot(point));
            let mut line: Vec<(f64, usize)> = positions.zip(0..).collect();
            line.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
            line
        });
        let share = |side: usize| {
            let (line, masses) = (&lines[side], self.clouds[side].masses.as_ref());
            move |rank: usize| masses.map_or(0.0, |masses| masses[line[rank].1] as f64 / TOTAL as f64)
        };
        let shares = [share(0), share(1)];
        let weighted = self.clouds[0].masses.is_some();
        let shares: Option<[&dyn Fn(usize) -> f64; 2]> = weighted.then_some([&shares[0], &shares[1]]);
        let mut cost = 0.0;
        walk([self.points(); 2], shares, |i, j, mass| {
            cost += mass * (lines[0][i].0 - lines[1][j].0).powi(2);
        });
        cost
    }
}
