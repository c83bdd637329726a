//! Small clouds, weights and options out of bytes.

use arbitrary::{Arbitrary, Result, Unstructured};
use barrow::geometry::{Measure, PointCloud};
use nalgebra::Point3;

/// Points of a cloud at most: every pair is looked at, and many small questions find more than few large ones.
const MOST: usize = 40;

/// Two clouds of one kind, with weights.
#[derive(Debug)]
pub struct Pair {
    pub source: Vec<Point3<f64>>,
    pub target: Vec<Point3<f64>>,
    pub weights: Option<[Vec<f64>; 2]>,
}

/// Where coordinates come from: each kind is hard in a way of its own.
#[derive(Debug, Clone, Copy, Arbitrary)]
enum Kind {
    /// Any bits at all: huge, tiny, not a number.
    Bits,
    /// A coarse lattice: ties and duplicates.
    Lattice,
    /// Centimetres far from the origin.
    Far,
    /// Between zero and one.
    Unit,
    /// Along a line, give or take nothing.
    Line,
    /// Some a millionth of the others.
    Scales,
}

impl<'a> Arbitrary<'a> for Pair {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let kind = Kind::arbitrary(bytes)?;
        let (source, target) = (points(kind, bytes)?, points(kind, bytes)?);
        let weights = match u8::arbitrary(bytes)? % 3 {
            0 => Some([weights(source.len(), bytes)?, weights(target.len(), bytes)?]),
            _ => None,
        };
        Ok(Self { source, target, weights })
    }
}

impl Pair {
    /// Both with their weights, if barrow takes them.
    pub fn measures(&self) -> Option<[Measure<'_>; 2]> {
        match &self.weights {
            Some([a, b]) => {
                Some([Measure::weighted(&self.source, a).ok()?, Measure::weighted(&self.target, b).ok()?])
            }
            None => Some([Measure::uniform(&self.source).ok()?, Measure::uniform(&self.target).ok()?]),
        }
    }

    /// Both without weights, if barrow takes them.
    pub fn clouds(&self) -> Option<[PointCloud; 2]> {
        Some([PointCloud::new(self.source.clone()).ok()?, PointCloud::new(self.target.clone()).ok()?])
    }

    /// The largest coordinate: what differences of coordinates are rounded to is a part of it.
    pub fn extent(&self) -> f64 {
        self.source.iter().chain(&self.target).map(|point| point.coords.amax()).fold(0.0, f64::max)
    }
}

fn points(kind: Kind, bytes: &mut Unstructured) -> Result<Vec<Point3<f64>>> {
    let count = bytes.int_in_range(0..=MOST)?;
    (0..count).map(|_| point(kind, bytes)).collect()
}

fn point(kind: Kind, bytes: &mut Unstructured) -> Result<Point3<f64>> {
    let mut number = || -> Result<f64> {
        Ok(match kind {
            Kind::Bits => f64::arbitrary(bytes)?,
            Kind::Lattice => f64::from(i8::arbitrary(bytes)? % 4),
            Kind::Far => 4.5e6 + 0.01 * f64::from(i16::arbitrary(bytes)?),
            Kind::Unit | Kind::Line => f64::from(u16::arbitrary(bytes)?) / 65_536.0,
            Kind::Scales => {
                let value = f64::from(i16::arbitrary(bytes)?);
                if bool::arbitrary(bytes)? { value } else { 1e-6 * value }
            }
        })
    };
    let x = number()?;
    match kind {
        Kind::Line => Ok(Point3::new(x, 2.0 * x, -x)),
        _ => Ok(Point3::new(x, number()?, number()?)),
    }
}

fn weights(count: usize, bytes: &mut Unstructured) -> Result<Vec<f64>> {
    let is_wild = u8::arbitrary(bytes)? < 32;
    let mut weight = || -> Result<f64> {
        Ok(if is_wild { f64::arbitrary(bytes)? } else { f64::from(u8::arbitrary(bytes)? % 8) })
    };
    let mut weights: Vec<f64> = (0..count).map(|_| weight()).collect::<Result<_>>()?;
    let total: f64 = weights.iter().sum();
    if !is_wild && total > 0.0 {
        weights.iter_mut().for_each(|weight| *weight /= total);
    }
    Ok(weights)
}

/// An option: sensible, or any bits.
pub fn option(bytes: &mut Unstructured, sensible: f64) -> f64 {
    match u8::arbitrary(bytes).unwrap_or(0) {
        0..32 => f64::arbitrary(bytes).unwrap_or(0.0),
        factor => sensible * f64::from(factor) / 64.0,
    }
}
