//! The passes of a half-step, each over all parts of its measures.

use super::GpuEngine;
use super::device_measure::{DeviceMeasure, Part};
use super::kernels::{
    ANSWER, DENSE_TILES, Dense, GROUPS, Improve, Merge, POINTS, Planes, REDUCE, Reduce, Walk,
};
use crate::Result;
use crate::gpu::{Buffer, Kernel, Work};

/// Columns that a row meets, about, where they are many: what submissions are cut by at first.
const MET: usize = 8192;

/// Tiles of columns up to which leaving some out saves nothing.
const FEW_TILES: usize = 64;

/// Workgroups that keep a device busy: where rows are fewer, columns are split.
const WORKGROUPS: usize = 512;

/// What a workgroup is told that takes a tile of rows over a part of the columns.
fn task(first: u32, rows: &Part, columns: &DeviceMeasure, number: usize, margin: f32) -> Walk {
    let others = &columns.parts[number];
    Walk {
        first,
        row_tiles: rows.tiles() as u32,
        tiles: others.tiles() as u32,
        groups: others.groups() as u32,
        begins: u32::from(number == 0),
        ends: u32::from(number + 1 == columns.parts.len()),
        margin,
        padding: 0,
    }
}

impl GpuEngine {
    /// One dispatch for every part of a measure.
    pub(super) fn for_points<'b>(
        &self,
        work: &mut Work,
        measure: &'b DeviceMeasure,
        kernel: &Kernel,
        improve: &Improve,
        buffers: impl Fn(&'b Part) -> Vec<&'b Buffer>,
    ) -> Result<()> {
        for part in &measure.parts {
            let points = part.room();
            let parameters = |first| Improve { first, points: points as u32, ..*improve };
            work.run_in_parts(kernel, parameters, &buffers(part), points.div_ceil(POINTS), points as f64)?;
        }
        Ok(())
    }

    /// The planes above the columns' potentials.
    pub(super) fn raise_planes(&self, work: &mut Work, columns: &DeviceMeasure) -> Result<()> {
        for part in &columns.parts {
            let (tiles, groups) = (part.tiles(), part.groups());
            let parameters = |first| Planes { first, tiles: tiles as u32, groups: groups as u32, padding: 0 };
            let buffers = [&part.nodes, &part.points, &part.potentials, &part.columns];
            let cost = part.room() as f64 * 32.0;
            work.run_in_parts(&self.kernels.tile_planes, parameters, &buffers, tiles, cost)?;
            let kernel = &self.kernels.group_planes;
            work.run_in_parts(kernel, parameters, &[&part.nodes], groups.div_ceil(GROUPS), cost)?;
        }
        Ok(())
    }

    /// Finds what the scores of every tile of rows are relative to.
    pub(super) fn aim(&self, work: &mut Work, rows: &DeviceMeasure, columns: &DeviceMeasure) -> Result<()> {
        for part in &rows.parts {
            let row_tiles = part.tiles();
            for (number, others) in columns.parts.iter().enumerate() {
                let buffers = [&part.nodes, &part.aims, &others.nodes, &others.columns];
                let parameters = |first| task(first, part, columns, number, 0.0);
                let met = (others.room()).min(MET) as f64 / 32.0;
                let cost = part.room() as f64 * met;
                work.run_in_parts(&self.kernels.aim, parameters, &buffers, row_tiles, cost)?;
            }
        }
        Ok(())
    }

    /// Takes every tile of rows over the columns, part by part, with a kernel that puts up with parts.
    pub(super) fn walk<'b>(
        &self,
        work: &mut Work,
        rows: &'b DeviceMeasure,
        columns: &DeviceMeasure,
        kernel: &Kernel,
        out: impl Fn(usize, &'b Part) -> [&'b Buffer; 2],
    ) -> Result<()> {
        // No tile that is left out adds more than its part of 2^-omission to a row's sum.
        let margin = (self.omission + (columns.tiles() as f64).log2()) as f32;
        let met = (columns.tiles() * 32).min(MET) as f64;
        for (place, part) in rows.parts.iter().enumerate() {
            let row_tiles = part.tiles();
            let cost = part.room() as f64 * met;
            for (number, others) in columns.parts.iter().enumerate() {
                let [first, second] = out(place, part);
                let buffers =
                    [&part.nodes, &part.points, &part.aims, &others.nodes, &others.columns, first, second];
                let parameters = |first| task(first, part, columns, number, margin);
                work.run_in_parts(kernel, parameters, &buffers, row_tiles, cost)?;
            }
        }
        Ok(())
    }

    /// The rows' soft minima over the columns.
    pub(super) fn half_step(
        &self,
        work: &mut Work,
        rows: &DeviceMeasure,
        columns: &DeviceMeasure,
    ) -> Result<()> {
        self.raise_planes(work, columns)?;
        self.aim(work, rows, columns)?;
        if columns.tiles() <= FEW_TILES {
            return self.stream(work, rows, columns);
        }
        self.walk(work, rows, columns, &self.kernels.softmin, |_, part| [&part.softmins, &part.states])
    }

    /// The rows' soft minima over all columns, none left out.
    pub(super) fn stream(
        &self,
        work: &mut Work,
        rows: &DeviceMeasure,
        columns: &DeviceMeasure,
    ) -> Result<()> {
        for part in &rows.parts {
            let (row_tiles, points) = (part.tiles(), part.room());
            let blocks = row_tiles.div_ceil(DENSE_TILES);
            let most = (self.gpu.capacity::<[f32; 2]>() / points / columns.parts.len()).max(1);
            let splits = |others: &Part| {
                let stages = others.tiles().div_ceil(DENSE_TILES);
                WORKGROUPS.div_ceil(blocks).min(stages).min(most)
            };
            let all: usize = columns.parts.iter().map(splits).sum();
            let partials = self.gpu.zeros::<[f32; 2]>(points * all)?;
            let mut place = 0;
            for others in &columns.parts {
                let parameters = |first| Dense {
                    first,
                    row_tiles: row_tiles as u32,
                    tiles: others.tiles() as u32,
                    splits: splits(others) as u32,
                    place: place as u32,
                    padding: 0,
                };
                let buffers =
                    [&part.nodes, &part.points, &part.aims, &others.nodes, &others.columns, &partials];
                let cost = points as f64 * others.room() as f64;
                let groups = blocks * splits(others);
                work.run_in_parts(&self.kernels.softmin_dense, parameters, &buffers, groups, cost)?;
                place += splits(others);
            }
            let parameters = |first| Merge { first, points: points as u32, splits: all as u32, padding: 0 };
            let buffers = [&part.points, &part.aims, &partials, &part.softmins];
            let groups = points.div_ceil(POINTS);
            work.run_in_parts(&self.kernels.merge, parameters, &buffers, groups, points as f64)?;
        }
        Ok(())
    }

    /// Potentials as the best answers to the soft minima.
    pub(super) fn answer(&self, work: &mut Work, measure: &DeviceMeasure) -> Result<()> {
        self.for_points(work, measure, &ANSWER, &self.improve(), |part| {
            vec![&part.softmins, &part.potentials]
        })
    }

    /// Adds up what a kernel makes of every point.
    pub(super) fn total<'b>(
        &self,
        work: &mut Work,
        measure: &'b DeviceMeasure,
        kernel: &Kernel,
        buffers: impl Fn(&'b Part) -> Vec<&'b Buffer>,
        (into, place): (&Buffer, u32),
    ) -> Result<()> {
        self.for_points(work, measure, kernel, &self.improve(), buffers)?;
        for (number, part) in measure.parts.iter().enumerate() {
            let count = part.room().div_ceil(POINTS);
            let reduce = Reduce { count: count as u32, place, adds: u32::from(number > 0), padding: 0 };
            work.run(&REDUCE, &reduce, &[&part.sums, into], 1, count as f64)?;
        }
        Ok(())
    }
}
