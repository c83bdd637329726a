//! The kernels of a half-step, timed on a device and checked against the processor.

use nalgebra::Point3;

use super::GpuEngine;
use super::bits::Bits;
use crate::Result;
use crate::balance::Balance;
use crate::gpu::{Gpu, KernelRate, Work, surface};
use crate::sinkhorn::cpu::CpuEngine;
use crate::sinkhorn::engine::{Engine, Side, Start};
use crate::sinkhorn::problem::Cost;
use crate::sinkhorn::tiles::TiledMeasure;

/// Rows whose values are checked.
const CHECKED: usize = 64;

/// Times a half-step between two surfaces.
pub(crate) fn rates(gpu: &Gpu, points: usize) -> Result<Vec<KernelRate>> {
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
    let engine = GpuEngine::new(gpu, cpu, start)?;
    let (rows, columns) = (engine.measure_of(Side::Source), engine.measure_of(Side::Target));
    let last = &rows.parts[rows.parts.len() - 1].softmins;
    let error = || -> Result<f64> {
        let got: Vec<Bits> = rows.download(gpu, |_, part| part.softmins.clone())?;
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
    let prepared = |work: &mut Work| engine.raise_planes(work, columns);
    let nodes = &columns.parts[columns.parts.len() - 1].nodes;
    let planes = gpu.fastest(nodes, prepared)?;
    let aims = &rows.parts[rows.parts.len() - 1].aims;
    let aim = gpu.fastest(aims, |work| engine.aim(work, rows, columns))?;
    let dense = gpu.fastest(last, |work| engine.stream(work, rows, columns))?;
    let dense_error = error()?;
    let truncated = gpu.fastest(last, |work| {
        engine.walk(work, rows, columns, &engine.kernels.softmin, |_, part| [&part.softmins, &part.states])
    })?;
    let truncated_error = error()?;
    let summaries = engine.room_for_summaries(rows)?;
    let means = gpu.fastest(last, |work| engine.walk_means(work, rows, columns, &summaries))?;
    let (got, wanted) = rayon::join(
        || engine.summarize_there(Side::Source, &potentials[1], engine.epsilon()),
        || engine.cpu.summarize(Side::Source, &potentials[1], engine.epsilon()),
    );
    // Both surfaces together are about as large as a unit.
    let off = got?.into_iter().zip(wanted).map(|(got, wanted)| (got.mean - wanted.mean).norm());
    let mean_error = off.fold(0.0, f64::max);
    let rate = |kernel, seconds| KernelRate::timed(kernel, "pairs", points as f64 * points as f64, seconds);
    let prepares = |kernel, seconds| KernelRate::timed(kernel, "points", points as f64, seconds);
    // Three products added, one maximum, two additions; one power.
    let (arithmetic, special) = (6.0, 1.0);
    Ok(vec![
        KernelRate { arithmetic, special, error: dense_error, ..rate("softmin_dense", dense) },
        KernelRate { error: truncated_error, ..rate("softmin", truncated) },
        KernelRate { error: mean_error, ..rate("row_means", means) },
        prepares("aim", aim),
        // Points and potentials are read, columns written.
        KernelRate { bytes: 40.0, ..prepares("tile_planes and group_planes", planes) },
    ])
}
