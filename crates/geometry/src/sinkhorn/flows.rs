//! The plan as a sparse matrix, and the correction of the potentials that follows from it.

use rayon::prelude::*;

use super::anderson::Anderson;

/// Nodes that are one on the next coarser level: neighbours, as points are numbered along a tree.
const GROUP: usize = 4;

/// Nodes of a side at which no coarser level is of use.
const FEWEST: usize = 16;

/// Scalings of both sides before and after a visit to the coarser level.
const SWEEPS: usize = 2;

/// Power of a group's factor that its nodes get: steps between groups cost more than the slopes they stand for, and come
/// out too small.
const OVER: f64 = 1.8;

/// Scalings of both sides on the coarsest level. Not to the end: parts of a cloud that no entry connects may lack what
/// the matrix cannot bring there, and would drift apart.
const COARSEST_SWEEPS: usize = 30;

/// Visits to all levels for one step of the potentials, at most.
const CYCLES: usize = 12;

/// Visits that may make it worse.
const FAILURES: usize = 1;

/// Part of the mass that may be misplaced in the end at which the matrix is settled: steps mend it too, but cost more.
const SETTLED: f64 = 0.3;

/// A factor that no correction reaches, so that products stay finite.
const LARGEST: f64 = 1e30;

/// Parts of the rows whose columns are added up by themselves: fixed, so that sums do not depend on threads.
const PARTS: usize = 4;

/// Blocks of rows that are worth a task of their own.
const BATCH: usize = 64;

/// Nodes that are.
const NODES: usize = 4096;

/// Some neighbouring rows of the matrix. Masses between points need no more than `f32`, whose rounding is one with what
/// is left out; between groups they must add up.
#[derive(Debug, Clone, Default)]
pub(super) struct Block<M = f32> {
    /// Where the entries of each row end.
    pub ends: Vec<u32>,
    /// Column and mass of every entry.
    pub entries: Vec<(u32, M)>,
}

impl<M> Block<M> {
    /// The entries of a row.
    fn row(&self, row: usize) -> &[(u32, M)] {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.entries[start as usize..self.ends[row] as usize]
    }
}

/// Mass that a plan moves between nodes of rows and nodes of columns, points or patches of some, with coarser levels.
///
/// An alternating step spreads an error over about a blur; what varies slowly over the cloud needs as many steps as the
/// square of its length in blurs, and where points are farther apart than the blur they hardly hear of each other. The
/// plan's larger entries are a sparse matrix whose scaling to the right marginals costs little beside a step, and groups
/// of neighbours mend what is slow about that. What the matrix leaves out, the next step mends: marginals are only
/// ever compared with those of the matrix itself.
///
/// # References
/// Schmitzer, *Stabilized sparse scaling algorithms for entropy regularized transport problems*, 2019, section 3, for
/// the sparse matrix; Horton, Leutenegger, *A multi-level solution algorithm for steady-state Markov chains*, 1994, for
/// the levels.
pub(super) struct Flows<M = f32> {
    /// The same number of rows each, but for the last.
    blocks: Vec<Block<M>>,
    block_rows: usize,
    rows: usize,
    columns: usize,
    /// Sums over the columns of parts of the rows: kept, as they are wanted again and again.
    parts: Vec<Vec<f64>>,
    coarser: Option<Box<Coarser>>,
}

/// The flows between groups of nodes.
struct Coarser {
    flows: Flows<f64>,
    /// For every block, for every entry of the finer blocks in it, which entry of its group's row it is part of.
    part_of: Vec<Vec<u32>>,
}

/// Mass that nodes should draw and send, and the power 1/(1 + ε/ρ) of what they lack that they ask for.
struct Wanted {
    rows: Vec<f64>,
    columns: Vec<f64>,
    damping: f64,
}

impl<M: Copy + Send + Sync + Into<f64>> Flows<M> {
    /// From blocks of rows, a multiple of [`GROUP`] but for the last, with that many columns.
    pub fn new(blocks: Vec<Block<M>>, columns: usize) -> Self {
        let block_rows = blocks.first().map_or(0, |block| block.ends.len());
        let rows = blocks.iter().map(|block| block.ends.len()).sum();
        let parts = vec![vec![0.0; columns]; if rows < NODES { 1 } else { PARTS }];
        let mut flows = Self { blocks, block_rows, rows, columns, parts, coarser: None };
        if columns.min(rows) > FEWEST {
            flows.coarser = Some(Box::new(Coarser::of(&flows)));
        }
        flows
    }

    /// Number of nodes of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Logarithms of the factors of the rows that multiply the marginal of every row by what it lacks and leave those of
    /// the columns as they are, beyond those that a step on the rows alone brings. About a part `tolerance` of the mass
    /// may be misplaced. `None` if there are no such factors.
    pub fn correction(&mut self, lacking: &[f64], damping: f64, tolerance: f64) -> Option<Vec<f64>> {
        if !lacking.iter().all(|lack| lack.is_finite()) {
            return None;
        }
        let (mut rows, mut columns) = (vec![1.0; self.rows], vec![1.0; self.columns]);
        self.add_columns(&rows);
        let drawn = |column: usize| self.parts.iter().map(|sums| sums[column]).sum();
        let there = self.blocks.iter().flat_map(|block| (0..block.ends.len()).map(|row| block.row(row)));
        let sum = |entries: &[(u32, M)]| entries.iter().map(|&(_, mass)| mass.into()).sum::<f64>();
        let wanted = Wanted {
            rows: there.zip(lacking).map(|(entries, lack)| sum(entries) * lack).collect(),
            columns: (0..self.columns).map(drawn).collect(),
            damping,
        };
        self.scale_rows(&wanted, &columns, &mut rows);

        let alone: Vec<f64> = rows.par_iter().map(|factor| factor.ln()).collect();
        let total: f64 = wanted.columns.iter().sum();
        let mut logs = alone.clone();
        let mut anderson = Anderson::default();
        let (mut best, mut least, mut failures) = (None, f64::INFINITY, 0);
        for _ in 0..CYCLES {
            self.scale_columns(&wanted, &rows, &mut columns);
            self.cycle(&wanted, &mut rows, &mut columns);
            let mut image: Vec<f64> = rows.par_iter().map(|factor| factor.ln()).collect();
            let misplaced = self.misplaced(&wanted, &rows, &columns);
            if misplaced < least {
                (best, least) = (Some(image.clone()), misplaced);
            } else {
                anderson.restart();
                failures += 1;
            }
            if misplaced <= SETTLED * tolerance * total || failures > FAILURES {
                break;
            }
            anderson.extrapolate(&logs, &mut image, &wanted.rows);
            rows.par_iter_mut().zip(&image).with_min_len(NODES).for_each(|(factor, log)| *factor = log.exp());
            logs = image;
        }
        let mut best = best?;
        best.iter_mut().zip(&alone).for_each(|(log, alone)| *log -= alone);
        if damping == 1.0 {
            // A constant may go from one side to the other, and would grow from step to step.
            let mean = best.iter().zip(&wanted.rows).map(|(log, want)| log * want).sum::<f64>()
                / wanted.rows.iter().sum::<f64>().max(f64::MIN_POSITIVE);
            best.iter_mut().for_each(|log| *log -= mean);
        }
        best.iter().all(|log| log.is_finite()).then_some(best)
    }

    /// Scales both sides, on this level and all that are coarser.
    fn cycle(&mut self, wanted: &Wanted, rows: &mut [f64], columns: &mut [f64]) {
        let Some(mut coarser) = self.coarser.take() else {
            self.sweep(wanted, rows, columns, COARSEST_SWEEPS);
            return;
        };
        self.sweep(wanted, rows, columns, SWEEPS);
        coarser.add_up(self, rows, columns);
        let fewer = wanted.grouped(rows, columns);
        let (mut group_rows, mut group_columns) =
            (vec![1.0; fewer.rows.len()], vec![1.0; fewer.columns.len()]);
        coarser.flows.cycle(&fewer, &mut group_rows, &mut group_columns);
        for (factors, groups) in [(&mut *rows, &group_rows), (&mut *columns, &group_columns)] {
            for (factors, group) in factors.chunks_mut(GROUP).zip(groups) {
                let group = group.powf(OVER);
                factors.iter_mut().for_each(|factor| *factor *= group);
            }
        }
        self.coarser = Some(coarser);
        self.sweep(wanted, rows, columns, SWEEPS);
    }

    /// Scales the columns and then the rows, some times.
    fn sweep(&mut self, wanted: &Wanted, rows: &mut [f64], columns: &mut [f64], times: usize) {
        for _ in 0..times {
            self.scale_columns(wanted, rows, columns);
            self.scale_rows(wanted, columns, rows);
        }
    }

    /// Gives every row its best factor.
    fn scale_rows(&self, wanted: &Wanted, columns: &[f64], rows: &mut [f64]) {
        let blocks =
            rows.par_chunks_mut(self.block_rows.max(1)).zip(wanted.rows.par_chunks(self.block_rows.max(1)));
        blocks.zip(&self.blocks).with_min_len(BATCH).for_each(|((factors, rows), block)| {
            for (row, (factor, &row_wanted)) in factors.iter_mut().zip(rows).enumerate() {
                let entry = |&(column, mass): &(u32, M)| mass.into() * columns[column as usize];
                *factor = wanted.factor(row_wanted, block.row(row).iter().map(entry).sum());
            }
        });
    }

    /// Gives every column its best factor.
    fn scale_columns(&mut self, wanted: &Wanted, rows: &[f64], columns: &mut [f64]) {
        self.add_columns(rows);
        let parts = &self.parts;
        let columns = columns.par_iter_mut().zip(&wanted.columns).enumerate().with_min_len(NODES);
        columns.for_each(|(column, (factor, &column_wanted))| {
            *factor = wanted.factor(column_wanted, parts.iter().map(|sums| sums[column]).sum());
        });
    }

    /// Mass that columns have too much or too little.
    fn misplaced(&mut self, wanted: &Wanted, rows: &[f64], columns: &[f64]) -> f64 {
        self.add_columns(rows);
        let parts = &self.parts;
        let column = |column: usize| {
            let sum: f64 = parts.iter().map(|sums| sums[column]).sum();
            (columns[column] * sum - wanted.left(wanted.columns[column], columns[column])).abs()
        };
        (0..self.columns).map(column).sum()
    }

    /// For every column, the sums of its entries times the rows' factors.
    fn add_columns(&mut self, rows: &[f64]) {
        let length = self.blocks.len().div_ceil(self.parts.len()).max(1);
        let span = (length * self.block_rows).max(1);
        let parts = self.blocks.par_chunks(length).zip(rows.par_chunks(span));
        self.parts.par_iter_mut().for_each(|sums| sums.fill(0.0));
        parts.zip(&mut self.parts).for_each(|((blocks, rows), sums)| {
            for (block, rows) in blocks.iter().zip(rows.chunks(self.block_rows)) {
                for (row, factor) in rows.iter().enumerate() {
                    for &(column, mass) in block.row(row) {
                        sums[column as usize] += mass.into() * factor;
                    }
                }
            }
        });
    }
}

impl Wanted {
    /// What brings a sum to what is wanted; nodes that want or get nothing stay as they are.
    fn factor(&self, wanted: f64, sum: f64) -> f64 {
        if !(wanted > 0.0 && sum > 0.0) {
            return 1.0;
        }
        let lacking = wanted / sum;
        let factor = if self.damping == 1.0 { lacking } else { lacking.powf(self.damping) };
        factor.clamp(LARGEST.recip(), LARGEST)
    }

    /// What is wanted of a node with a factor.
    fn left(&self, wanted: f64, factor: f64) -> f64 {
        if self.damping == 1.0 { wanted } else { wanted * factor.powf(1.0 - 1.0 / self.damping) }
    }

    /// What groups want once nodes have factors.
    fn grouped(&self, rows: &[f64], columns: &[f64]) -> Self {
        let group = |(wants, factors): (&[f64], &[f64])| {
            wants.iter().zip(factors).map(|(&want, &factor)| self.left(want, factor)).sum()
        };
        let groups = |wants: &[f64], factors: &[f64]| -> Vec<f64> {
            wants.par_chunks(GROUP).zip(factors.par_chunks(GROUP)).with_min_len(NODES).map(group).collect()
        };
        Self {
            rows: groups(&self.rows, rows),
            columns: groups(&self.columns, columns),
            damping: self.damping,
        }
    }
}

impl Coarser {
    /// Which flows between groups there are; their masses are left at zero.
    fn of<M: Copy + Send + Sync + Into<f64>>(finer: &Flows<M>) -> Self {
        let (blocks, part_of) = finer
            .blocks
            .par_chunks(GROUP)
            .map(|blocks| {
                let (mut coarse, mut part_of) = (Block::default(), Vec::new());
                let mut groups = Vec::new();
                for (block, first) in groups_of_rows(blocks) {
                    let rows = first..(first + GROUP).min(block.ends.len());
                    let columns = || {
                        rows.clone().flat_map(|row| block.row(row)).map(|&(column, _)| column / GROUP as u32)
                    };
                    groups.clear();
                    groups.extend(columns());
                    groups.sort_unstable();
                    groups.dedup();
                    part_of
                        .extend(columns().map(|group| groups.partition_point(|&other| other < group) as u32));
                    coarse.entries.extend(groups.iter().map(|&group| (group, 0.0)));
                    coarse.ends.push(coarse.entries.len() as u32);
                }
                (coarse, part_of)
            })
            .unzip();
        Self { flows: Flows::new(blocks, finer.columns.div_ceil(GROUP)), part_of }
    }

    /// Sums the flows of a finer level with its factors.
    fn add_up<M: Copy + Send + Sync + Into<f64>>(&mut self, finer: &Flows<M>, rows: &[f64], columns: &[f64]) {
        let span = finer.block_rows * GROUP;
        self.flows
            .blocks
            .par_iter_mut()
            .zip(&self.part_of)
            .zip(finer.blocks.par_chunks(GROUP).zip(rows.par_chunks(span)))
            .with_min_len(BATCH)
            .for_each(|((coarse, part_of), (blocks, rows))| {
                coarse.entries.iter_mut().for_each(|(_, mass)| *mass = 0.0);
                let mut part_of = part_of.iter();
                let mut rows = rows.iter();
                for (group, (block, first)) in groups_of_rows(blocks).enumerate() {
                    let start = group.checked_sub(1).map_or(0, |before| coarse.ends[before] as usize);
                    for row in first..(first + GROUP).min(block.ends.len()) {
                        let factor = rows.next().copied().unwrap_or(0.0);
                        for (&(column, mass), part) in block.row(row).iter().zip(&mut part_of) {
                            coarse.entries[start + *part as usize].1 +=
                                mass.into() * factor * columns[column as usize];
                        }
                    }
                }
            });
    }
}

/// Every group of rows of some blocks: its block and first row.
fn groups_of_rows<M>(blocks: &[Block<M>]) -> impl Iterator<Item = (&Block<M>, usize)> {
    blocks.iter().flat_map(|block| (0..block.ends.len()).step_by(GROUP).map(move |first| (block, first)))
}

#[cfg(test)]
mod tests {
    use super::{Block, Flows};

    const NODES: usize = 200;

    /// A band around the diagonal, as of a plan on a line whose points are several blurs apart where `gap` says so.
    fn band(gap: impl Fn(usize) -> f32) -> Vec<Block> {
        let gap = &gap;
        let row = |row: usize| {
            let entry = move |column: usize| {
                let crossed: f32 = (row.min(column)..row.max(column)).map(gap).product();
                (column as u32, crossed * (1.0 + ((7 * row + 3 * column) % 5) as f32))
            };
            (row.saturating_sub(2)..(row + 3).min(NODES)).map(entry)
        };
        (0..NODES)
            .step_by(32)
            .map(|first| {
                let mut block = Block::default();
                for index in first..(first + 32).min(NODES) {
                    block.entries.extend(row(index));
                    block.ends.push(block.entries.len() as u32);
                }
                block
            })
            .collect()
    }

    /// Marginals of rows under factors, once the columns have been scaled back to theirs.
    fn rows_after(flows: &[Block], factors: &[f64]) -> Vec<f64> {
        let entries =
            || flows.iter().flat_map(|block| (0..block.ends.len()).map(|row| block.row(row))).enumerate();
        let (mut before, mut after) = (vec![0.0; NODES], vec![0.0; NODES]);
        for (row, entries) in entries() {
            for &(column, mass) in entries {
                before[column as usize] += f64::from(mass);
                after[column as usize] += f64::from(mass) * factors[row];
            }
        }
        entries()
            .map(|(row, entries)| {
                let part = |&(column, mass): &(u32, f32)| {
                    f64::from(mass) * factors[row] * before[column as usize] / after[column as usize]
                };
                entries.iter().map(part).sum()
            })
            .collect()
    }

    #[test]
    fn mass_goes_where_it_is_lacking_however_far_that_is() {
        for weakest in [0.5, 0.05] {
            let blocks = band(|place| if place % 50 == 0 { weakest } else { 0.5 });
            let had: Vec<f64> = rows_after(&blocks, &[1.0; NODES]);
            // From one half to the other: alternating alone takes ten thousand steps.
            let total: f64 = had.iter().sum();
            let half: f64 = had[..NODES / 2].iter().sum();
            let lack =
                |row: usize| if row < NODES / 2 { 1.0 + 1e-5 } else { 1.0 - 1e-5 * half / (total - half) };
            let lacking: Vec<f64> = (0..NODES).map(lack).collect();
            let correction = Flows::new(band(|place| if place % 50 == 0 { weakest } else { 0.5 }), NODES)
                .correction(&lacking, 1.0, 1e-7)
                .expect("a correction");
            let factors: Vec<f64> = (0..NODES).map(|row| lack(row) * correction[row].exp()).collect();
            let misplaced = |factors: &[f64]| -> f64 {
                let rows = rows_after(&blocks, factors);
                (0..NODES).map(|row| (rows[row] - lack(row) * had[row]).abs()).sum::<f64>() / total
            };
            let alone = misplaced(&lacking);
            let corrected = misplaced(&factors);
            assert!(corrected < 0.1 * alone, "{alone} to {corrected} with links of {weakest}");
        }
    }

    #[test]
    fn what_lacks_nothing_is_left_alone() {
        for damping in [1.0, 0.7] {
            let correction = Flows::new(band(|_| 0.1), NODES).correction(&[1.0; NODES], damping, 1e-3);
            assert!(correction.expect("a correction").iter().all(|log| log.abs() < 1e-12));
        }
    }

    #[test]
    fn flows_without_mass_have_no_say() {
        let empty = || vec![Block::<f32> { ends: vec![0; 32], entries: vec![] }; 4];
        let correction = Flows::new(empty(), 128).correction(&[2.0; 128], 1.0, 1e-3);
        assert!(correction.is_none_or(|logs| logs.iter().all(|log| *log == 0.0)));
    }
}
