//! The kernels of a half-step, timed on a device and checked against the processor.

use nalgebra::Point3;

use super::GpuEngine;
use super::bits::Bits;
use crate::balance::Balance;
use crate::gpu::{Gpu, KernelRate};
use crate::sinkhorn::cpu::CpuEngine;
use crate::sinkhorn::engine::{Engine, Side, Start};
use crate::sinkhorn::problem::Cost;
use crate::sinkhorn::tiles::TiledMeasure;
use crate::{Error, Result};

/// Rows whose values are checked.
const CHECKED: usize = 64;

/// Points evenly spread on a sphere, and on a torus for the other side.
fn surface(count: usize, torus: bool) -> Vec<Point3<f64>> {
    let place = |index: usize| {
        let (part, turn) = ((index as f64 + 0.5) / count as f64, index as f64 * 2.399_963_229_728_653);
        let (sin, cos) = turn.sin_cos();
        match torus {
            false => {
                let z = 1.0 - 2.0 * part;
                let ring = (1.0 - z * z).sqrt();
                Point3::new(0.4 * ring * cos, 0.4 * ring * sin, 0.4 * z)
            }
            true => {
                let (height, out) =
                    (part * count as f64 * 0.618_033_988_749_895 * std::f64::consts::TAU).sin_cos();
                let ring = 0.3 + 0.1 * out;
                Point3::new(ring * cos, ring * sin, 0.1 * height)
            }
        }
    };
    (0..count).map(place).collect()
}

impl Gpu {
    /// Times the kernels of a half-step between two surfaces of so many points each: the soft minimum over all columns,
    /// the truncated one at a blur of twice the spacing with what prepares it, and row means. Pairs are all there are,
    /// left out or not; the operations for each are those of a pair that is not.
    ///
    /// ```no_run
    /// let gpu = barrow_geometry::Gpu::open()?;
    /// for rate in gpu.kernel_rates(100_000)? {
    ///     println!("{}: {:.1e} {}/s", rate.kernel, rate.per_second(), rate.unit);
    /// }
    /// # Ok::<(), barrow_geometry::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidOption`] unless `points` is from 64 to 2²⁴; those of a device.
    pub fn kernel_rates(&self, points: usize) -> Result<Vec<KernelRate>> {
        if !(64..=1 << 24).contains(&points) {
            let requirement = "from 64 to 2^24";
            return Err(Error::InvalidOption { name: "points", requirement, got: points as f64 });
        }
        let weights = vec![1.0 / points as f64; points];
        let laid_out = |torus| vec![TiledMeasure::arranged(surface(points, torus), &weights)];
        let blur = 2.0 * (1.6 / points as f64).sqrt();
        let cpu = CpuEngine {
            source: laid_out(false),
            target: laid_out(true),
            cost: Cost::SquaredEuclidean,
            largest_cost: 1.0,
            rounding: 5e-4,
            omission: 20.0,
            lists: Default::default(),
        };
        // About what brings the torus to the sphere.
        let target = cpu.measure(Side::Target);
        let potential = |index: usize| {
            let y = target.point(index).coords;
            y.norm_squared() - 2.0 * 0.4 * y.norm()
        };
        let potentials = [vec![0.0; points], (0..points).map(potential).collect()];
        let start = Start {
            blur,
            level: 0,
            balance: Balance::Exact,
            symmetric: false,
            tolerance: 1e-3,
            finest: vec![blur],
            potentials: potentials.clone(),
        };
        let engine = GpuEngine::new(self, cpu, start)?;
        let (rows, columns) = (engine.measure_of(Side::Source), engine.measure_of(Side::Target));
        let last = &rows.parts[rows.parts.len() - 1].softmins;
        let pairs = points as f64 * points as f64;
        let error = || -> Result<f64> {
            let got: Vec<Bits> = rows.download(self, |_, part| part.softmins.clone())?;
            let source = engine.measure(Side::Source);
            let every = points.div_ceil(CHECKED);
            let at: Vec<usize> = (0..points).step_by(every).collect();
            let some: Vec<Point3<f64>> = at.iter().map(|&index| source.point(index)).collect();
            let some = TiledMeasure::arranged(some, &vec![1.0; at.len()]);
            let wanted = engine.softmin_at(&some, Side::Target, &potentials[1], engine.epsilon());
            let off = wanted
                .iter()
                .zip(&some.order)
                .map(|(wanted, &place)| (engine.kappa() * wanted - f64::from(got[at[place]])).abs());
            Ok(off.fold(0.0, f64::max))
        };
        let rate = |kernel, unit, count, (arithmetic, special), seconds, error| KernelRate {
            kernel,
            unit,
            count,
            seconds,
            arithmetic,
            special,
            error,
        };
        let prepared = |work: &mut crate::gpu::Work| engine.raise_planes(work, columns);
        let nodes = &columns.parts[columns.parts.len() - 1].nodes;
        let planes = self.fastest(nodes, prepared)?;
        let aims = &rows.parts[rows.parts.len() - 1].aims;
        let aim = self.fastest(aims, |work| engine.aim(work, rows, columns))?;
        let dense = self.fastest(last, |work| engine.stream(work, rows, columns))?;
        let dense_error = error()?;
        let truncated = self.fastest(last, |work| {
            engine
                .walk(work, rows, columns, &engine.kernels.softmin, |_, part| [&part.softmins, &part.states])
        })?;
        let truncated_error = error()?;
        // Three products added, one maximum, two additions; one power.
        let pair = (6.0, 1.0);
        Ok(vec![
            rate("softmin_dense", "pairs", pairs, pair, dense, dense_error),
            rate("softmin", "pairs", pairs, (0.0, 0.0), truncated, truncated_error),
            rate("aim", "points", points as f64, (0.0, 0.0), aim, 0.0),
            rate("tile_planes and group_planes", "points", points as f64, (0.0, 0.0), planes, 0.0),
        ])
    }
}
