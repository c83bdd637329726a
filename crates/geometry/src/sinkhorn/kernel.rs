//! The inner loop: one tile of rows against the tiles of columns that matter to it.

use nalgebra::{Point3, Vector3};

use super::block::{
    Block, LANES, Reach, RowBlock, distances, dot, exponentials, largest, peaks, products, squares, sums,
    total, touched, units,
};
use super::columns::{Columns, Listed};
use super::problem::Cost;
use super::real::Real;
use super::tiles::{TILE, TiledMeasure};

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

/// One tile of rows and all that it meets.
pub(super) struct Job<'a> {
    pub rows: &'a TiledMeasure,
    /// The tile.
    pub tile: usize,
    pub columns: &'a Columns<'a>,
    /// The point that the rows' coordinates are relative to.
    pub center: Point3<f64>,
    /// The point that the columns' coordinates are relative to: for the squared cost where mass goes from the
    /// centre, so that both stay small however far that is; the centre itself for the Euclidean cost.
    pub focus: Point3<f64>,
    /// What scores are relative to.
    pub anchor: f64,
    /// How far below a row's maximum a tile's bound cannot matter.
    pub margin: f64,
    /// Whether to accumulate more than the sum.
    pub moments: bool,
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

    /// Makes the sums relative to another score, as the number type at hand can hold it. Single precision could round
    /// scores of 10⁹, as an outlier in a tile makes them, to one that is dozens of powers of two away.
    #[inline(always)]
    fn raise<R: Real>(&mut self, score: f64) {
        let reference = R::narrow(score).widen();
        let factor = (self.reference - reference).exp2();
        self.reference = reference;
        self.sum *= factor;
        self.first *= factor;
        self.square *= factor;
        self.cost *= factor;
        self.pull *= factor;
    }
}

/// Adds some tiles of columns, by falling bound, to the sums of a tile of rows.
pub(super) fn run(job: &Job, tiles: &[Listed], precision: Precision, out: &mut [Row]) {
    match precision {
        Precision::Single => run_single(job, tiles, out),
        Precision::Double => run_double(job, tiles, out),
    }
}

/// Compiled once per instruction set; which one runs is asked of the machine.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn run_single(job: &Job, tiles: &[Listed], out: &mut [Row]) {
    const FUSED: bool =
        multiversion::target::target_cfg_f!(any(target_feature = "fma", target_arch = "aarch64"));
    dispatch::<f32, FUSED>(job, tiles, out);
}

/// As [`run_single`].
#[multiversion::multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn run_double(job: &Job, tiles: &[Listed], out: &mut [Row]) {
    const FUSED: bool =
        multiversion::target::target_cfg_f!(any(target_feature = "fma", target_arch = "aarch64"));
    dispatch::<f64, FUSED>(job, tiles, out);
}

// Everything below is inlined into the versions above, or it would not be compiled for their
// instruction sets.

#[inline(always)]
fn dispatch<R: Real, const FUSED: bool>(job: &Job, tiles: &[Listed], out: &mut [Row]) {
    match (job.columns.cost, job.moments) {
        (Cost::SquaredEuclidean, false) => stream::<R, FUSED, false, false>(job, tiles, out),
        (Cost::SquaredEuclidean, true) => stream::<R, FUSED, false, true>(job, tiles, out),
        (Cost::Euclidean, false) => stream::<R, FUSED, true, false>(job, tiles, out),
        (Cost::Euclidean, true) => stream::<R, FUSED, true, true>(job, tiles, out),
    }
}

#[inline(always)]
fn stream<R: Real, const FUSED: bool, const EUCLIDEAN: bool, const MOMENTS: bool>(
    job: &Job,
    tiles: &[Listed],
    out: &mut [Row],
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
    // What meets the columns' coordinates: u + across as it is, and u times 2κ.
    let mut points = [[R::ZERO; 3]; TILE];
    let mut twice = [[R::ZERO; 3]; TILE];
    let mut radius = 0f64;
    for (index, row) in out.iter_mut().enumerate() {
        let local = job.rows.point(job.tile * TILE + index) - job.center;
        let square = kappa * local.norm_squared();
        row.base =
            if EUCLIDEAN { job.anchor } else { job.anchor - square - 2.0 * kappa * across.dot(&local) };
        for axis in 0..3 {
            rows.axes[axis][index] = R::narrow(local[axis]);
            points[index][axis] = R::narrow(local[axis] + across[axis]);
            twice[index][axis] = R::narrow(2.0 * kappa * local[axis]);
        }
        rows.squares[index] = R::narrow(square);
        if row.reference.is_finite() {
            row.raise::<R>(row.reference);
        }
        rows.thresholds[index] = R::narrow((row.reference - job.margin).max(-1e30));
        radius = radius.max(local.norm());
    }
    for (count, listed) in tiles.iter().enumerate() {
        let reach = reach::<R, EUCLIDEAN>(job, listed, radius);
        let mut waiting = touched::<R, FUSED, EUCLIDEAN>(&rows, &reach);
        if waiting == 0 {
            continue;
        }
        load::<R, EUCLIDEAN>(job, listed.node.first, &mut block);
        while waiting != 0 {
            let index = waiting.trailing_zeros() as usize;
            waiting &= waiting - 1;
            let row = &mut out[index];
            if EUCLIDEAN {
                distances::<R, FUSED>(&points[index], &block, R::narrow(kappa), &mut scores);
            } else {
                products::<R, FUSED>(&twice[index], &block, &mut scores);
            }
            let peaks = peaks(&scores);
            let limit = R::narrow(row.reference + HEADROOM);
            if !all_below(&peaks, limit) {
                row.sum += total(&lanes[index]);
                lanes[index] = [R::ZERO; LANES];
                row.raise::<R>(largest(&peaks).widen());
                rows.thresholds[index] = R::narrow(row.reference - job.margin);
            } else if all_below(&peaks, rows.thresholds[index]) {
                continue;
            }
            exponentials::<R, FUSED>(&mut scores, R::narrow(row.reference));
            if MOMENTS {
                moments::<R, FUSED, EUCLIDEAN>(&points[index], &block, &scores, row);
            } else {
                let sums = sums(&scores);
                for (lane, sum) in lanes[index].iter_mut().zip(sums) {
                    *lane += sum;
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

/// Brings a tile of columns into the coordinates around the focus, in f64, then narrows it.
#[inline(always)]
fn load<R: Real, const EUCLIDEAN: bool>(job: &Job, tile: usize, block: &mut Block<R>) {
    let columns = tile * TILE..(tile + 1) * TILE;
    let kappa = job.columns.kappa;
    let across = job.center - job.focus;
    // Σ over the axes of |v|² − 2 v · across
    let mut squares = [0.0; TILE];
    for axis in 0..3 {
        let focus = job.focus[axis];
        let twice = 2.0 * across[axis];
        let values = &job.columns.measure.axes[axis][columns.clone()];
        for ((narrowed, square), value) in block.axes[axis].iter_mut().zip(&mut squares).zip(values) {
            let difference = value - focus;
            *square += difference * (difference - twice);
            *narrowed = R::narrow(difference);
        }
    }
    let (kappa, shift) =
        if EUCLIDEAN { (0.0, job.anchor) } else { (kappa, job.anchor + kappa * across.norm_squared()) };
    for ((offset, square), score) in block.offsets.iter_mut().zip(&squares).zip(&job.columns.scores[columns])
    {
        *offset = R::narrow((score - shift - kappa * square).max(-1e36));
    }
}

/// Adds the parts 2^(s_j − reference) to all sums of a row.
#[inline(always)]
fn moments<R: Real, const FUSED: bool, const EUCLIDEAN: bool>(
    point: &[R; 3],
    block: &Block<R>,
    parts: &[R; TILE],
    row: &mut Row,
) {
    row.sum += total(&sums(parts));
    for (axis, sum) in row.first.iter_mut().enumerate() {
        *sum += dot::<R, FUSED>(parts, &block.axes[axis]);
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
