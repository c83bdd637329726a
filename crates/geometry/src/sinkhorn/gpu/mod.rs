//! The engine on a graphics device: clouds go up once, potentials stay there until they are settled, and what comes
//! back in between is one number for every few iterations.
//!
//! Everything is in units in which costs over ε are bits: lengths times √(log₂(e)/ε), or times log₂(e)/ε for the
//! Euclidean cost. A point x = center + u of a tile of rows meets y = center′ + w of a tile of columns, d = center′ −
//! center, whose tile has a plane v_j = top + 2 tilt·w + r_j + |w|² above what its columns bring, with score
//!
//! ```text
//! s_ij = [top − |d|²] + 2 d·u − |u|² + 2 (tilt − d + u)·w + r_j
//! ```
//!
//! The bracket is computed in whole numbers once for a pair of tiles, relative to the best score that the rows' centre
//! sees; 2 d·u likewise once for a row. Where a pair matters, mass came from there: tilt ≈ d, and what single precision
//! adds up for every pair is as small as tiles are, however far mass goes and however small the blur.

mod bits;
mod device_measure;
mod kernels;
mod layout;
mod passes;
mod rates;
mod summary;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twins;

use self::bits::{Bits, Factor};
use self::device_measure::{DeviceMeasure, Part};
use self::kernels::{
    AVERAGE, EXTEND, EXTRAPOLATE, Extend, Improve, KEPT, Kernels, MISPLACED, POINTS, RESCALE, Rescale,
};
pub(crate) use self::rates::rates;
use super::cpu::CpuEngine;
use super::engine::{Engine, Goal, Progress, RowSummary, Settled, Side, Start};
use super::problem::Cost;
use super::tiles::TiledMeasure;
use super::{Sinkhorn, TransportProblem};
use crate::balance::Balance;
use crate::frame::Frame;
use crate::gpu::{Buffer, Gpu, Work};
use crate::{Error, Result};

/// Iterations between two looks at the residual.
const UNSEEN: usize = 2;

/// Costs across both measures in bits, at most: whole numbers of 31 bits hold sums of a few of them.
const MOST_BITS: f64 = (1u64 << 27) as f64;

/// Misplaced mass that rounding leaves, about.
const LEAST_TOLERANCE: f64 = 2e-5;

/// The largest factor that potentials are rescaled by at once.
const LARGEST_FACTOR: f64 = 16384.0;

/// Refuses what single precision on a device does not resolve.
pub(super) fn require_within_reach(
    problem: &TransportProblem,
    frame: &Frame,
    options: &Sinkhorn,
) -> Result<()> {
    let blur = problem.blur / frame.extent;
    let bits = std::f64::consts::LOG2_E / problem.cost.epsilon(blur);
    let requirement = match problem.cost {
        Cost::SquaredEuclidean => "at least 7.4e-5 of the extent of the two measures on a graphics device",
        Cost::Euclidean => "at least 1.3e-4 of the extent of the two measures on a graphics device",
    };
    let most = match problem.cost {
        Cost::SquaredEuclidean => MOST_BITS,
        Cost::Euclidean => MOST_BITS.sqrt(),
    };
    if bits > most {
        return Err(Error::InvalidOption { name: "blur", requirement, got: problem.blur });
    }
    if options.tolerance < LEAST_TOLERANCE {
        let requirement = "at least 2e-5 on a graphics device";
        return Err(Error::InvalidOption { name: "tolerance", requirement, got: options.tolerance });
    }
    Ok(())
}

/// How far tiles may reach from their centres so that what single precision adds up for a pair of points errs by no more
/// than a part of the tolerance, down to a blur. In local units.
fn reach(cost: Cost, blur: f64, tolerance: f64) -> f64 {
    let bits = std::f64::consts::LOG2_E / cost.epsilon(blur);
    // Products of two such lengths in bits, with 2⁻²⁴ of which each is rounded; below 12, tiles would be cut for nothing.
    (tolerance * 2f64.powi(21)).sqrt().clamp(12.0, 64.0) / cost.scale_of(bits)
}

/// Both measures of a problem on a device.
pub(super) struct GpuEngine {
    gpu: Gpu,
    /// The measures as laid out, and what is not worth a device.
    cpu: CpuEngine,
    kernels: Kernels,
    balance: Balance,
    symmetric: bool,
    /// Bits by which a tile may fall short of a row's sum before it is left out.
    omission: f64,
    /// How far tiles of every level reach, at most.
    reaches: Vec<f64>,
    blur: f64,
    level: usize,
    source: DeviceMeasure,
    /// Empty for one measure against itself.
    target: Option<DeviceMeasure>,
    /// Whether the soft minimum over the source is ahead of the target's potential.
    pending: bool,
    /// ε of the last blur, whose potentials are the trail.
    trail: Option<f64>,
    /// Steps since extrapolation began anew.
    age: usize,
    residual: f64,
    /// What comes back, and sums that only the device looks at.
    answer: Buffer,
    kept: Buffer,
}

impl GpuEngine {
    pub fn new(gpu: &Gpu, cpu: CpuEngine, start: Start) -> Result<Self> {
        let Start { blur, level, balance, symmetric, tolerance, finest, potentials } = start;
        let reaches: Vec<f64> = finest.iter().map(|&blur| reach(cpu.cost, blur, tolerance)).collect();
        let lay_out = |side| DeviceMeasure::new(gpu, cpu.measure_at(side, level), reaches[level]);
        let source = lay_out(Side::Source)?;
        let target = if symmetric { None } else { Some(lay_out(Side::Target)?) };
        let engine = Self {
            gpu: gpu.clone(),
            kernels: Kernels::new(cpu.cost),
            balance,
            symmetric,
            omission: 10.0 - tolerance.log2(),
            reaches,
            blur,
            level,
            source,
            target,
            pending: false,
            trail: None,
            age: 0,
            residual: f64::INFINITY,
            answer: gpu.zeros::<f32>(2)?,
            kept: gpu.zeros::<f32>(2)?,
            cpu,
        };
        let mut work = Work::new(gpu);
        for side in engine.sides() {
            engine.measure_of(side).scale(gpu, &mut work, engine.factor())?;
        }
        work.finish()?;
        // Bits of ε; on cells there is nothing to begin with.
        for (side, potential) in [Side::Source, Side::Target].into_iter().zip(&potentials) {
            if level == 0 && engine.sides().contains(&side) {
                engine.begin_with(side, potential)?;
            }
        }
        Ok(engine)
    }

    fn begin_with(&self, side: Side, potential: &[f64]) -> Result<()> {
        let kappa = self.kappa();
        if let Some(&got) = potential.iter().find(|value| (*value * kappa).abs() > 2.0 * MOST_BITS) {
            let name = "initial potential";
            return Err(Error::InvalidOption { name, requirement: "of the order of the costs", got });
        }
        self.measure_of(side).set_potentials(&self.gpu, |index| kappa * potential[index])
    }

    fn sides(&self) -> Vec<Side> {
        if self.symmetric { vec![Side::Source] } else { vec![Side::Source, Side::Target] }
    }

    fn measure_of(&self, side: Side) -> &DeviceMeasure {
        match (side, &self.target) {
            (Side::Target, Some(target)) => target,
            _ => &self.source,
        }
    }

    fn epsilon(&self) -> f64 {
        self.cpu.cost.epsilon(self.blur)
    }

    /// Bits for a unit of cost.
    fn kappa(&self) -> f64 {
        std::f64::consts::LOG2_E / self.epsilon()
    }

    /// What lengths are multiplied by.
    fn factor(&self) -> f64 {
        self.cpu.cost.scale_of(self.kappa())
    }

    /// What kernels are told about the marginals.
    fn improve(&self) -> Improve {
        let (epsilon, kappa) = (self.epsilon(), self.kappa());
        match self.balance {
            Balance::KullbackLeibler { rho } => Improve {
                balance: 1,
                ratio: (epsilon / rho) as f32,
                translation: (0.5 * rho / epsilon) as f32,
                damping: Factor::from(1.0 / (1.0 + epsilon / rho)),
                ..Improve::default()
            },
            Balance::TotalVariation { rho } => {
                // No potential is beyond what costs allow, whatever the reach.
                let limit = (kappa * rho).min(4.0 * MOST_BITS);
                Improve { balance: 2, limit: limit as f32, ..Improve::default() }
            }
            Balance::Exact | Balance::Partial { .. } => Improve::default(),
        }
    }

    /// The next potential of the target, from the last soft minimum.
    fn move_on(&mut self, work: &mut Work) -> Result<()> {
        let mut improve = self.improve();
        if self.symmetric {
            // With κ = 2, see `averaging.rs`.
            let root = std::f64::consts::SQRT_2;
            (improve.step, improve.inertia) = match self.age < 2 {
                true => (0.5, 0.0),
                false => ((4.0 / (root + 1.0).powi(2)) as f32, ((root - 1.0) / (root + 1.0)).powi(2) as f32),
            };
            self.age += 1;
            return self.for_points(work, &self.source, &AVERAGE, &improve, |part| {
                vec![&part.softmins, &part.potentials, &part.images]
            });
        }
        if improve.translation > 0.0 {
            for (place, side) in [Side::Source, Side::Target].into_iter().enumerate() {
                self.total(
                    work,
                    self.measure_of(side),
                    &KEPT,
                    |part| vec![&part.softmins, &part.points, &part.sums],
                    (&self.kept, place as u32),
                )?;
            }
        }
        self.age += 1;
        // Nesterov's, see `momentum.rs`.
        improve.inertia = (self.age - 1) as f32 / (self.age + 2) as f32;
        self.for_points(work, self.measure_of(Side::Target), &EXTRAPOLATE, &improve, |part| {
            vec![&part.softmins, &part.potentials, &part.images, &self.kept]
        })
    }

    /// Goes on to another stage.
    fn enter(&mut self, blur: f64, level: usize) -> Result<()> {
        let gpu = self.gpu.clone();
        let mut work = Work::new(&gpu);
        let changes = level != self.level;
        if changes {
            // The soft minimum over coarse cells is a potential everywhere, and so at the finer places.
            let reach = self.reaches[level];
            let finer = DeviceMeasure::new(&gpu, self.cpu.measure_at(Side::Target, level), reach)?;
            finer.scale(&gpu, &mut work, self.factor())?;
            self.half_step(&mut work, &finer, &self.source)?;
            self.answer(&mut work, &finer)?;
            self.target = Some(finer);
            self.source = DeviceMeasure::new(&gpu, self.cpu.measure_at(Side::Source, level), reach)?;
        } else {
            self.answer(&mut work, self.measure_of(Side::Target))?;
        }
        self.follow_trail(&mut work, blur, changes)?;
        let before = self.kappa();
        (self.blur, self.level) = (blur, level);
        let mut ratio = self.kappa() / before;
        while ratio != 1.0 {
            let once = ratio.min(LARGEST_FACTOR);
            let target = self.measure_of(Side::Target);
            for part in &target.parts {
                let points = part.room();
                let factor = Factor::from(once);
                let parameters = |first| Rescale { first, points: points as u32, padding: [0; 2], factor };
                let groups = points.div_ceil(POINTS);
                for buffer in [&part.potentials, &part.trail] {
                    work.run_in_parts(&RESCALE, parameters, &[buffer], groups, points as f64)?;
                }
            }
            ratio /= once;
        }
        // What has been recorded still sees the centres as they were.
        work.finish()?;
        let mut work = Work::new(&gpu);
        for side in self.sides() {
            self.measure_of(side).scale(&gpu, &mut work, self.factor())?;
        }
        work.finish()?;
        (self.pending, self.age) = (false, 0);
        Ok(())
    }

    /// Potentials are about linear in ε: on along the line through the last two, if both are of one level.
    fn follow_trail(&mut self, work: &mut Work, blur: f64, changes: bool) -> Result<()> {
        let epsilon = self.epsilon();
        let next = self.cpu.cost.epsilon(blur);
        let before = self.trail.replace(epsilon).filter(|_| !changes);
        let part = before.map_or(0.0, |before| (epsilon - next) / (before - epsilon)).max(0.0);
        let limit = self.improve().limit;
        for part_of in &self.measure_of(Side::Target).parts {
            let points = part_of.room();
            let parameters = |first| Extend { first, points: points as u32, part: part as f32, limit };
            let buffers = [&part_of.potentials, &part_of.trail];
            work.run_in_parts(&EXTEND, parameters, &buffers, points.div_ceil(POINTS), points as f64)?;
        }
        Ok(())
    }

    /// One iteration: both potentials once, and the soft minimum that the next begins with.
    fn alternate(&mut self, work: &mut Work) -> Result<()> {
        if self.pending {
            self.move_on(work)?;
        }
        if !self.symmetric {
            self.half_step(work, &self.source, self.measure_of(Side::Target))?;
            self.answer(work, &self.source)?;
        }
        self.half_step(work, self.measure_of(Side::Target), &self.source)?;
        self.pending = true;
        Ok(())
    }
}

impl Engine for GpuEngine {
    fn measure(&self, side: Side) -> &TiledMeasure {
        self.cpu.measure(side)
    }

    fn iterate(&mut self, goal: &Goal, most: usize) -> Result<Progress> {
        if (goal.blur, goal.level) != (self.blur, self.level) {
            self.enter(goal.blur, goal.level)?;
        }
        let gpu = self.gpu.clone();
        let mut work = Work::new(&gpu);
        let iterations = UNSEEN.min(most);
        for _ in 0..iterations {
            self.alternate(&mut work)?;
        }
        let target = self.measure_of(Side::Target);
        self.total(
            &mut work,
            target,
            &MISPLACED,
            |part| vec![&part.softmins, &part.points, &part.sums, &part.potentials],
            (&self.answer, 0),
        )?;
        work.finish()?;
        let misplaced: Vec<f32> = gpu.download(&self.answer, 1)?;
        let weights = &self.cpu.measure_at(Side::Target, self.level).weights;
        let residual = f64::from(misplaced[0]) / weights.iter().sum::<f64>();
        if residual > self.residual {
            self.age = self.age.min(usize::from(self.symmetric) * 2);
        }
        self.residual = residual;
        Ok(Progress { iterations, residual })
    }

    fn settle(&mut self) -> Result<Settled> {
        let unit = 1.0 / self.kappa();
        let local = |side: Side, of: fn(&Part) -> &Buffer| -> Result<Vec<f64>> {
            let bits: Vec<Bits> = self.measure_of(side).download(&self.gpu, |_, part| of(part).clone())?;
            Ok(bits.into_iter().map(|bits| unit * f64::from(bits)).collect())
        };
        Ok(Settled {
            source: local(Side::Source, |part| &part.potentials)?,
            target: local(Side::Target, |part| &part.potentials)?,
            row_softmins: local(Side::Source, |part| &part.softmins)?,
            column_softmins: local(Side::Target, |part| &part.softmins)?,
        })
    }

    fn softmin_at(&self, points: &TiledMeasure, columns: Side, potential: &[f64], epsilon: f64) -> Vec<f64> {
        self.cpu.softmin_at(points, columns, potential, epsilon)
    }

    fn summarize(&self, rows: Side, potential: &[f64], epsilon: f64) -> Vec<RowSummary> {
        // The processor gives the same answer where the device has failed since.
        self.summarize_there(rows, potential, epsilon)
            .unwrap_or_else(|_| self.cpu.summarize(rows, potential, epsilon))
    }

    fn entries(
        &self,
        potential: &[f64],
        softmins: &[f64],
        epsilon: f64,
        threshold: f64,
    ) -> Vec<Vec<(usize, f64)>> {
        self.cpu.entries(potential, softmins, epsilon, threshold)
    }
}
