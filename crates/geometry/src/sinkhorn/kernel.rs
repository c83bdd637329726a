//! The inner loop: one tile of rows against the tiles of columns that matter to it.

use nalgebra::{Point3, Vector3};

use super::block::{
    Block, LANES, Reach, RowBlock, collect, distances, dot, draw, exponentials, largest, peaks, products,
    squares, sums, total, touched, units,
};
use super::columns::{Columns, Listed};
use super::problem::Cost;
use super::real::Real;
use super::tiles::{PATCH, TILE, TiledMeasure};

/// Bits by which a score may exceed what its row's sums are relative to.
const HEADROOM: f64 = 8.0;

/// Tiles of columns after which the lanes of a row are added up in `f64`: no lane sums more than twice as many terms
/// as there are tiles in between.
pub(super) const FLUSH: usize = 16;

/// Number type of a tile of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Precision {
    Single,
    Double,
}

/// Part of the largest term of a row that is no entry of the plan as a matrix; sums may be several times as large.
const NOTHING: f64 = 1e-8;

/// Patches in a tile.
pub(super) const PATCHES: usize = TILE / PATCH;

/// Who draws mass from whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nodes {
    Points,
    Patches,
}

/// The mass that the nodes of one tile of rows draw, each from which nodes of columns.
pub(super) struct Draws {
    pub nodes: Nodes,
    /// One list for every node of the rows.
    pub flows: Vec<Vec<(u32, f32)>>,
}

impl Draws {
    pub fn new(nodes: Nodes) -> Self {
        let count = match nodes {
            Nodes::Points => TILE,
            Nodes::Patches => PATCHES,
        };
        Self { nodes, flows: vec![Vec::new(); count] }
    }
}

/// One tile of rows and all that it meets.
pub(super) struct Job<'a> {
    pub rows: &'a TiledMeasure,
    /// The tile.
    pub tile: usize,
    pub columns: &'a Columns<'a>,
    /// The point that the rows' coordinates are relative to.
    pub center: Point3<f64>,
    /// Where mass goes from the centre, for the squared cost: rows' bases and first moments are relative to it. The
    /// centre itself for the Euclidean cost.
    pub focus: Point3<f64>,
    /// What scores are relative to.
    pub anchor: f64,
    /// How far below a row's maximum a tile's bound cannot matter.
    pub margin: f64,
    /// Whether to accumulate more than the sum.
    pub moments: bool,
    /// log₂ of what turns 2^score into mass, for every row, if the mass that rows draw from columns is wanted.
    pub own: Option<&'a [f64]>,
}

/// Sums of one row, each Σ_j 2^(s_ij − reference) times something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// Score that the sums are relative to: about the largest so far.
    pub reference: f64,
    /// What scores are relative to, for this row.
    pub base: f64,
    /// Times 1.
    pub sum: f64,
    /// Times y_j − focus.
    pub first: Vector3<f64>,
    /// Times |x_i − y_j|².
    pub square: f64,
    /// Times c(x_i, y_j).
    pub cost: f64,
    /// Times (y_j − x_i) / |y_j − x_i|, for the Euclidean cost.
    pub pull: Vector3<f64>,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            reference: f64::NEG_INFINITY,
            base: 0.0,
            sum: 0.0,
            first: Vector3::zeros(),
            square: 0.0,
            cost: 0.0,
            pull: Vector3::zeros(),
        }
    }
}

impl Row {
    pub fn log2_sum(&self) -> f64 {
        self.base + self.reference + self.sum.log2()
    }

    /// Makes the sums relative to another score.
    #[inline(always)]
    fn raise(&mut self, reference: f64) {
        let factor = (self.reference - reference).exp2();
        self.reference = reference;
        self.sum *= factor;
        self.first *= factor;
        self.square *= factor;
        self.cost *= factor;
        self.pull *= factor;
    }
}

/// Adds some tiles of columns, by falling bound, to the sums of a tile of rows, and to `draws` the mass that
/// nodes of rows draw from nodes of these tiles, if wanted.
pub(super) fn run(job: &Job, tiles: &[Listed], precision: Precision, out: &mut [Row], draws: &mut Draws) {
    match precision {
        Precision::Single => run_single(job, tiles, out, draws),
        Precision::Double => run_double(job, tiles, out, draws),
    }
}

/// Compiled once per instruction set; which one runs is asked of the machine.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn run_single(job: &Job, tiles: &[Listed], out: &mut [Row], draws: &mut Draws) {
    const FUSED: bool =
        multiversion::target::target_cfg_f!(any(target_feature = "fma", target_arch = "aarch64"));
    dispatch::<f32, FUSED>(job, tiles, out, draws);
}

/// As [`run_single`].
#[multiversion::multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn run_double(job: &Job, tiles: &[Listed], out: &mut [Row], draws: &mut Draws) {
    const FUSED: bool =
        multiversion::target::target_cfg_f!(any(target_feature = "fma", target_arch = "aarch64"));
    dispatch::<f64, FUSED>(job, tiles, out, draws);
}

// Everything below is inlined into the versions above, or it would not be compiled for their
// instruction sets.

#[inline(always)]
fn dispatch<R: Real, const FUSED: bool>(job: &Job, tiles: &[Listed], out: &mut [Row], draws: &mut Draws) {
    match (job.columns.cost, job.moments) {
        (Cost::SquaredEuclidean, false) => stream::<R, FUSED, false, false>(job, tiles, out, draws),
        (Cost::SquaredEuclidean, true) => stream::<R, FUSED, false, true>(job, tiles, out, draws),
        (Cost::Euclidean, false) => stream::<R, FUSED, true, false>(job, tiles, out, draws),
        (Cost::Euclidean, true) => stream::<R, FUSED, true, true>(job, tiles, out, draws),
    }
}

#[inline(always)]
fn stream<R: Real, const FUSED: bool, const EUCLIDEAN: bool, const MOMENTS: bool>(
    job: &Job,
    tiles: &[Listed],
    out: &mut [Row],
    draws: &mut Draws,
) {
    let kappa = job.columns.kappa;
    let across = job.center - job.focus;
    let mut block = Block { axes: [[R::ZERO; TILE]; 3], offsets: [R::ZERO; TILE] };
    let mut scores = [R::ZERO; TILE];
    let mut lanes = [[R::ZERO; LANES]; TILE];
    let mut rows = RowBlock {
        axes: [[R::ZERO; TILE]; 3],
        squares: [R::ZERO; TILE],
        // Rows that are not there are never touched.
        thresholds: [R::narrow(f64::MAX); TILE],
    };
    // u as it is, and 2κ u, which meets the columns' coordinates.
    let mut locals = [Vector3::zeros(); TILE];
    let mut twice = [[R::ZERO; 3]; TILE];
    // What turns a sum of a row into mass.
    let mut masses = [R::ZERO; TILE];
    let mass = |index: usize, row: &Row| match job.own {
        Some(own) => R::narrow((own[job.tile * TILE + index] + row.base + row.reference).min(100.0).exp2()),
        None => R::ZERO,
    };
    let mut drawn = [[[R::ZERO; LANES]; PATCHES]; PATCHES];
    let mut radius = 0f64;
    for (index, row) in out.iter_mut().enumerate() {
        let local = job.rows.point(job.tile * TILE + index) - job.center;
        let square = kappa * local.norm_squared();
        row.base =
            if EUCLIDEAN { job.anchor } else { job.anchor - square - 2.0 * kappa * across.dot(&local) };
        for axis in 0..3 {
            rows.axes[axis][index] = R::narrow(local[axis]);
            twice[index][axis] = R::narrow(2.0 * kappa * local[axis]);
        }
        locals[index] = local;
        rows.squares[index] = R::narrow(square);
        rows.thresholds[index] = R::narrow((row.reference - job.margin).max(-1e30));
        masses[index] = mass(index, row);
        radius = radius.max(local.norm());
    }
    for (count, listed) in tiles.iter().enumerate() {
        let reach = reach::<R, EUCLIDEAN>(job, listed, radius);
        let mut waiting = touched::<R, FUSED, EUCLIDEAN>(&rows, &reach);
        if waiting == 0 {
            continue;
        }
        // Scores are computed relative to the middle of the tile and its largest offset, where they are small; what they
        // are short of by that is known to `f64` for every row.
        let middle = if EUCLIDEAN { job.focus } else { job.columns.measure.slabs[listed.node.index].center };
        let level = load::<R, EUCLIDEAN>(job, listed.node.first, &middle, &mut block);
        let aside = 2.0 * kappa * (middle - job.focus);
        while waiting != 0 {
            let index = waiting.trailing_zeros() as usize;
            waiting &= waiting - 1;
            let row = &mut out[index];
            let shift = if EUCLIDEAN { level } else { level + aside.dot(&locals[index]) };
            let point = || {
                let point = job.center + locals[index] - middle;
                [R::narrow(point.x), R::narrow(point.y), R::narrow(point.z)]
            };
            if EUCLIDEAN {
                distances::<R, FUSED>(&point(), &block, R::narrow(kappa), &mut scores);
            } else {
                products::<R, FUSED>(&twice[index], &block, &mut scores);
            }
            let peaks = peaks(&scores);
            if !all_below(&peaks, R::narrow(row.reference - shift + HEADROOM)) {
                row.sum += total(&lanes[index]);
                lanes[index] = [R::ZERO; LANES];
                row.raise(shift + largest(&peaks).widen());
                rows.thresholds[index] = R::narrow((row.reference - job.margin).max(-1e30));
                masses[index] = mass(index, row);
            } else if all_below(&peaks, R::narrow(row.reference - job.margin - shift)) {
                continue;
            }
            let reference = R::narrow(row.reference - shift);
            exponentials::<R, FUSED>(&mut scores, reference);
            if MOMENTS {
                moments::<R, FUSED, EUCLIDEAN>(&point(), &block, &scores, &(middle - job.focus), row);
            } else {
                let sums = sums(&scores);
                for (lane, sum) in lanes[index].iter_mut().zip(sums) {
                    *lane += sum;
                }
                match draws.nodes {
                    _ if job.own.is_none() => {}
                    Nodes::Patches => draw::<R, FUSED>(masses[index], &scores, &mut drawn[index / PATCH]),
                    Nodes::Points => {
                        let first = listed.node.first * TILE;
                        collect(masses[index], &scores, R::narrow(NOTHING), first, &mut draws.flows[index]);
                    }
                }
            }
        }
        if job.own.is_some() && draws.nodes == Nodes::Patches {
            // Powers of two do not vanish: patches of nothing but padding would seem to give a little.
            let patches = job.columns.measure.range(listed.node.first).len().div_ceil(PATCH);
            for (flows, drawn) in draws.flows.iter_mut().zip(&mut drawn) {
                for (patch, lanes) in drawn.iter_mut().enumerate() {
                    let mass = total(lanes) as f32;
                    if mass > 0.0 && patch < patches {
                        flows.push(((listed.node.first * PATCHES + patch) as u32, mass));
                    }
                    *lanes = [R::ZERO; LANES];
                }
            }
        }
        if (count + 1) % FLUSH == 0 {
            flush(&mut lanes, out);
        }
    }
    flush(&mut lanes, out);
}

/// Whether all lanes are below a limit.
#[inline(always)]
fn all_below<R: Real>(lanes: &[R; LANES], limit: R) -> bool {
    lanes.iter().fold(true, |below, &lane| below & (lane < limit))
}

/// Adds the lanes of every row to its sum.
#[inline(always)]
fn flush<R: Real>(lanes: &mut [[R; LANES]; TILE], out: &mut [Row]) {
    for (row, lanes) in out.iter_mut().zip(lanes) {
        row.sum += total(lanes);
        *lanes = [R::ZERO; LANES];
    }
}

/// What a tile of columns can bring to the rows, in their coordinates.
#[inline(always)]
fn reach<R: Real, const EUCLIDEAN: bool>(job: &Job, listed: &Listed, radius: f64) -> Reach<R> {
    let kappa = job.columns.kappa;
    let slab = &job.columns.measure.slabs[listed.node.index];
    let aimed = job.focus - job.center;
    let away = slab.center - job.center;
    let (top, tilt) = job.columns.turned(&listed.node, &aimed);
    let (center, slope, level) = if EUCLIDEAN {
        (away, Vector3::zeros(), top - job.anchor)
    } else {
        let slope = 2.0 * kappa * (tilt - aimed);
        (away - tilt, slope, top - job.anchor + kappa * (tilt.norm_squared() - 2.0 * tilt.dot(&away)))
    };
    // What rounding may take from the bound: some 20 roundoffs of the largest terms.
    let farthest = center.norm() + slab.half.norm() + radius;
    let largest_term = if EUCLIDEAN { farthest } else { farthest * farthest };
    let slack = 1e-6 * (level.abs() + slope.norm() * radius + kappa * largest_term) + 0.125;
    let narrow =
        |vector: Vector3<f64>| -> [R; 3] { [R::narrow(vector.x), R::narrow(vector.y), R::narrow(vector.z)] };
    Reach {
        center: narrow(center),
        half: narrow(slab.half),
        slope: narrow(slope),
        level: R::narrow((level + slack).min(1e37)),
        kappa: R::narrow(kappa),
    }
}

/// Brings a tile of columns into the coordinates around a middle, in `f64`, then narrows it. Answers what the
/// offsets are relative to: about the largest.
#[inline(always)]
fn load<R: Real, const EUCLIDEAN: bool>(
    job: &Job,
    tile: usize,
    middle: &Point3<f64>,
    block: &mut Block<R>,
) -> f64 {
    let columns = tile * TILE..(tile + 1) * TILE;
    let kappa = if EUCLIDEAN { 0.0 } else { job.columns.kappa };
    // |y − center|²
    let mut squares = [0.0; TILE];
    for axis in 0..3 {
        let (middle, center) = (middle[axis], job.center[axis]);
        let values = &job.columns.measure.axes[axis][columns.clone()];
        for ((narrowed, square), value) in block.axes[axis].iter_mut().zip(&mut squares).zip(values) {
            let difference = value - center;
            *square += difference * difference;
            *narrowed = R::narrow(value - middle);
        }
    }
    let mut offsets = squares;
    let mut level = f64::NEG_INFINITY;
    for (offset, score) in offsets.iter_mut().zip(&job.columns.scores[columns]) {
        *offset = score - job.anchor - kappa * *offset;
        level = if *offset > level { *offset } else { level };
    }
    // Whole bits: what is added to it is then rounded the same way in every step, and settles.
    let level = level.floor();
    for (narrowed, offset) in block.offsets.iter_mut().zip(&offsets) {
        *narrowed = R::narrow((offset - level).max(-1e36));
    }
    level
}

/// Adds the parts 2^(s_j − reference) to all sums of a row.
#[inline(always)]
fn moments<R: Real, const FUSED: bool, const EUCLIDEAN: bool>(
    point: &[R; 3],
    block: &Block<R>,
    parts: &[R; TILE],
    aside: &Vector3<f64>,
    row: &mut Row,
) {
    let sum = total(&sums(parts));
    row.sum += sum;
    for axis in 0..3 {
        row.first[axis] += dot::<R, FUSED>(parts, &block.axes[axis]) + sum * aside[axis];
    }
    let squares = squares::<R, FUSED>(point, block);
    let square = dot::<R, FUSED>(parts, &squares);
    row.square += square;
    if EUCLIDEAN {
        let mut lengths = squares;
        lengths.iter_mut().for_each(|length| *length = length.root());
        row.cost += dot::<R, FUSED>(parts, &lengths);
        let ways = units::<R>(point, block, &lengths);
        for (sum, way) in row.pull.iter_mut().zip(&ways) {
            *sum += dot::<R, FUSED>(parts, way);
        }
    } else {
        row.cost += square;
    }
}
