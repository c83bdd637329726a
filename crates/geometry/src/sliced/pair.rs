//! Two measures made ready, and what their transport costs along a direction.

use nalgebra::{Unit, Vector3};
use rayon::prelude::*;

use super::body::Body;
use super::cost::{self, Power};
use super::scratch::{Pool, Scratch};
use crate::frame::Frame;
use crate::{Error, Measure, Result};

/// Below this part of the size of the clouds a distance is computed from exact positions: fixed point is off by some
/// 10⁻¹⁰ of the size, independently from point to point.
const FINE: f64 = 1e-5;

/// Accepts the power of a distance.
pub(super) fn require_power(p: f64) -> Result<f64> {
    if !(p.is_finite() && p >= 1.0) {
        return Err(Error::InvalidOption { name: "p", requirement: "finite and >= 1", got: p });
    }
    Ok(p)
}

/// Source and target in the same local coordinates.
pub(super) struct Pair<'a> {
    pub source: Body<'a>,
    pub target: Body<'a>,
    pub frame: Frame,
    pub p: f64,
    pub pool: Pool,
}

impl<'a> Pair<'a> {
    pub fn new(source: &Measure<'a>, target: &Measure<'a>, p: f64) -> Result<Self> {
        let p = require_power(p)?;
        let frame = Frame::around(source, target, 0.0);
        let (source, target) = (Body::new("source", source, &frame)?, Body::new("target", target, &frame)?);
        Ok(Self { source, target, frame, p, pool: Pool::default() })
    }

    /// W_p^p along every direction, in local units.
    pub fn powers(&self, directions: &[Unit<Vector3<f64>>]) -> Vec<Power> {
        let uniform = [&self.source, &self.target].iter().all(|body| body.measure().is_uniform());
        if uniform {
            let powers = self.map(directions, |scratch, direction| self.nearly(direction, scratch));
            let largest = powers.iter().map(|power| power.root(self.p)).fold(0.0, f64::max);
            if largest * self.frame.scale > FINE * self.frame.extent {
                return powers;
            }
        }
        self.map(directions, |scratch, direction| self.exactly(direction, scratch))
    }

    /// Calls `work` for every direction, in parallel; results in their order.
    pub fn map<T: Send>(
        &self,
        directions: &[Unit<Vector3<f64>>],
        work: impl Fn(&mut Scratch, &Unit<Vector3<f64>>) -> T + Sync,
    ) -> Vec<T> {
        directions
            .par_iter()
            .with_max_len(1)
            .map(|direction| self.pool.with(|scratch| work(scratch, direction)))
            .collect()
    }

    fn nearly(&self, direction: &Unit<Vector3<f64>>, scratch: &mut Scratch) -> Power {
        let [source, target] = &mut scratch.shadows;
        self.source.cast(direction, source);
        self.target.cast(direction, target);
        cost::of_shadows(source, target, self.p)
    }

    /// W_p^p along one direction from exact positions.
    pub fn exactly(&self, direction: &Unit<Vector3<f64>>, scratch: &mut Scratch) -> Power {
        self.project(direction, scratch);
        let [source, target] = &scratch.lines;
        cost::of_lines([&self.source, &self.target], [source, target], self.p)
    }

    /// Both exact projections, in the scratch's lines.
    pub fn project(&self, direction: &Unit<Vector3<f64>>, scratch: &mut Scratch) {
        let [source, target] = &mut scratch.lines;
        self.source.line(direction, source);
        self.target.line(direction, target);
    }
}
