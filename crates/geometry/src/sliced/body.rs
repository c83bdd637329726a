//! A measure made ready to be projected many times.

use nalgebra::{Unit, Vector3};

use super::radix;
use crate::frame::Frame;
use crate::{Error, Measure, Result};

/// Steps from the centre of a range to its end.
const STEPS: f64 = ((1_u32 << 31) - 1) as f64;
/// Adding this to a number from −2³¹ to 2³¹ leaves the nearest whole number, plus 2³¹, in the lower half of the bits.
const TO_BITS: f64 = (1_u64 << 52) as f64 + (1_u64 << 31) as f64;

/// Points that are projected before their keys are counted, in the first cache.
const BLOCK: usize = 2048;

/// A measure in local coordinates, exactly and in fixed point.
///
/// Fixed point of 32 bits per axis takes half the memory that a pass over doubles would read, and is 256 times finer
/// than single precision at the end of its range. The centre of the box and the mean of the points stay exact.
pub(super) struct Body<'a> {
    measure: Measure<'a>,
    frame: Frame,
    columns: [Vec<i32>; 3],
    /// Half of the box around the points.
    half: Vector3<f64>,
    center: Vector3<f64>,
}

/// Projections of all points onto a direction, sorted, in fixed point: `offset + step · (key − 2³¹)`.
#[derive(Default)]
pub(super) struct Shadow {
    pub keys: Vec<u32>,
    pub step: f64,
    pub offset: f64,
    spare: Vec<u32>,
}

/// The points with mass along a direction, exactly.
#[derive(Default)]
pub(super) struct Line {
    /// Positions along the direction, by index of the point.
    pub positions: Vec<f64>,
    /// Indices of the points that have mass, by rising position, then index, each below a key.
    order: Vec<u64>,
    spare: Vec<u64>,
}

impl<'a> Body<'a> {
    pub fn new(role: &'static str, measure: &Measure<'a>, frame: &Frame) -> Result<Self> {
        let limit = u32::MAX as usize;
        if measure.len() > limit {
            return Err(Error::TooManyPoints { role, limit, got: measure.len() });
        }
        let points = || measure.positions().iter().map(|point| frame.local(point));
        let (mut min, mut max) = (Vector3::repeat(f64::MAX), Vector3::repeat(f64::MIN));
        for point in points() {
            (min, max) = (min.inf(&point), max.sup(&point));
        }
        let (mut center, half) = ((min + max) / 2.0, (max - min) / 2.0);
        let steps = half.map(|half| if half > 0.0 { STEPS / half } else { 0.0 });
        let mut columns = [(); 3].map(|()| Vec::with_capacity(measure.len()));
        let mut rest = Vector3::<f64>::zeros();
        for point in points() {
            let exact = (point - center).component_mul(&steps);
            for axis in 0..3 {
                let whole = exact[axis].round();
                rest[axis] += exact[axis] - whole;
                columns[axis].push(whole as i32);
            }
        }
        // Rounding that favours one side is taken back: translations stay exact.
        for axis in 0..3 {
            if steps[axis] > 0.0 {
                center[axis] += rest[axis] / measure.len() as f64 / steps[axis];
            }
        }
        Ok(Self { measure: *measure, frame: *frame, columns, half, center })
    }

    pub fn measure(&self) -> &Measure<'a> {
        &self.measure
    }

    /// A point in local coordinates.
    pub fn local(&self, index: usize) -> Vector3<f64> {
        self.frame.local(&self.measure.positions()[index])
    }

    /// Weight of a point as a share of the total.
    pub fn share(&self, index: usize) -> f64 {
        self.measure.weight(index) / self.measure.total()
    }

    /// Projects and sorts. Every position is off by less than four steps of the wider of the two ranges, its own and
    /// that of the axes: some 10⁻⁹ of the size of the body.
    pub fn cast(&self, direction: &Unit<Vector3<f64>>, shadow: &mut Shadow) {
        let reach = direction.abs().dot(&self.half);
        let factors =
            if reach > 0.0 { direction.component_mul(&self.half) / reach } else { Vector3::zeros() };
        shadow.keys.resize(self.measure.len(), 0);
        let mut counts = radix::Counts::default();
        let [x, y, z] = &self.columns;
        let columns = x.chunks(BLOCK).zip(y.chunks(BLOCK)).zip(z.chunks(BLOCK));
        for (keys, ((x, y), z)) in shadow.keys.chunks_mut(BLOCK).zip(columns) {
            project([x, y, z], [factors.x, factors.y, factors.z], keys);
            counts.add(keys);
        }
        radix::sort(&mut shadow.keys, &mut shadow.spare, &counts);
        shadow.step = reach / STEPS;
        shadow.offset = direction.dot(&self.center);
    }

    /// Projects and sorts exactly.
    pub fn line(&self, direction: &Unit<Vector3<f64>>, line: &mut Line) {
        line.positions.clear();
        line.positions.extend((0..self.measure.len()).map(|index| self.local(index).dot(direction)));
        let (mut min, mut max) = (f64::MAX, f64::MIN);
        for &position in &line.positions {
            (min, max) = (min.min(position), max.max(position));
        }
        let scale = if max > min { f64::from(u32::MAX) / (max - min) } else { 0.0 };
        let key = |position: f64| u64::from(((position - min) * scale) as u32);
        line.order.clear();
        line.order.extend(
            line.positions
                .iter()
                .enumerate()
                .filter(|&(index, _)| self.measure.weight(index) > 0.0)
                .map(|(index, &position)| key(position) << 32 | index as u64),
        );
        let spread = line.order.len() >= radix::SMALL;
        if spread {
            let mut counts = radix::Counts::default();
            counts.add(&line.order);
            radix::sort_upper(&mut line.order, &mut line.spare, &counts);
        }
        let positions = &line.positions;
        let before = |a: &u64, b: &u64| {
            let (a, b) = (*a as u32, *b as u32);
            (positions[a as usize], a) < (positions[b as usize], b)
        };
        if !spread || !radix::finish(&mut line.order, before) {
            line.order.sort_unstable_by(|a, b| {
                let (a, b) = (*a as u32, *b as u32);
                positions[a as usize].total_cmp(&positions[b as usize]).then(a.cmp(&b))
            });
        }
    }
}

impl Shadow {
    /// A position along the direction.
    pub fn position(&self, rank: usize) -> f64 {
        self.offset + self.step * centered(self.keys[rank])
    }
}

impl Line {
    /// Number of points with mass.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Index of the point with this rank.
    pub fn index(&self, rank: usize) -> usize {
        self.order[rank] as u32 as usize
    }

    /// Position of the point with this rank.
    pub fn position(&self, rank: usize) -> f64 {
        self.positions[self.index(rank)]
    }
}

/// A key as a number from −2³¹.
pub(super) fn centered(key: u32) -> f64 {
    f64::from(key) - (1_u64 << 31) as f64
}

#[multiversion::multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn project(columns: [&[i32]; 3], factors: [f64; 3], keys: &mut [u32]) {
    let [x, y, z] = columns;
    for (((key, &x), &y), &z) in keys.iter_mut().zip(x).zip(y).zip(z) {
        let position = factors[0] * f64::from(x) + factors[1] * f64::from(y) + factors[2] * f64::from(z);
        *key = (position + TO_BITS).to_bits() as u32;
    }
}
