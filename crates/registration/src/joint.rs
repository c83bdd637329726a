//! Matches by transport between points that have a place and a look.

use std::sync::Arc;

use barrow_geometry::{MatrixSinkhorn, MatrixTransport, Potentials};
use nalgebra::{DMatrix, Isometry3, Point3, Vector3};
use rayon::prelude::*;

use crate::annealing::Annealing;
use crate::global::Feature;
use crate::surface::Surface;
use crate::transport::{LEAST_SHARE, TOLERANCE, weight};
use crate::{Correspondence, Matcher, Result, Unmatched};

/// Ratio of successive blurs; one pose step is taken at each.
const COOLING: f64 = 0.75;

/// Iterations a match may take; potentials carry over from match to match.
const ITERATIONS: usize = 8;

/// Two looks are told apart by this many times ε at most: past that, unlike is unlike.
const UNLIKE: f64 = 6.0;

/// Pairs every source point with the mean of the target points that its mass goes to, at a cost of distance and of looks,
///
/// ```text
/// C_ij = |T x_i − y_j|² + ε min(|φ_i − ψ_j|² / 2τ², 6),
/// ```
///
/// with φ and ψ the histograms of the surface around each point, which no motion changes, and τ² the median of the squared
/// distances between a histogram and the most alike one. At a wide blur looks decide, at a narrow one places do: from far off,
/// where places would only pull centroid onto centroid, this turns the source the right way. A pair weighs the share of its mass that
/// has moved, divided by the variance of the places it has gone to: points that look like many others have little to say.
///
/// Rigid motions leave the second term alone, so it is computed once. The plan is a matrix: for some hundred points a side.
///
/// # References
/// As [`TransportMatcher`](crate::TransportMatcher); Peyré, Cuturi, *Computational optimal transport*, section 10.1, equation 10.3
/// (unbalanced); Solomon et al., SIGGRAPH 2016 (transport between looks of a shape).
pub(crate) struct JointMatcher {
    target: Arc<Surface>,
    /// min(|φ_i − ψ_j|² / 2τ², 6), one row a source point.
    unlike: DMatrix<f64>,
    unmatched: Unmatched,
    annealing: Annealing,
    potentials: Option<Potentials>,
}

impl JointMatcher {
    /// A matcher onto a surface, whose blur ends at `blur` \[m\], by the looks of all points of both sides.
    pub fn new(
        target: Arc<Surface>,
        looks: [Vec<Option<Feature>>; 2],
        blur: f64,
        unmatched: Unmatched,
    ) -> Self {
        let annealing = Annealing::new(&target.positions, COOLING, blur);
        let unlike = unlikeness(&looks[0], &looks[1]);
        Self { target, unlike, unmatched, annealing, potentials: None }
    }

    /// How far the blur has fallen.
    pub fn annealing(&self) -> &Annealing {
        &self.annealing
    }
}

impl Matcher for JointMatcher {
    fn correspond(
        &mut self,
        source: &[Point3<f64>],
        target_from_source: &Isometry3<f64>,
    ) -> Result<Vec<Correspondence>> {
        let moved: Vec<Point3<f64>> = source.iter().map(|point| target_from_source * point).collect();
        let blur = self.annealing.blur();
        self.annealing.advance();
        // In units of the blur: ε is 2, whatever the unit of length.
        let mut cost = &self.unlike * 2.0;
        let targets = &self.target.positions;
        cost.as_mut_slice().par_chunks_mut(moved.len()).zip(targets).for_each(|(column, target)| {
            for (cost, point) in column.iter_mut().zip(&moved) {
                *cost += (point - target).norm_squared() / (blur * blur);
            }
        });
        let weights = |count: usize| vec![1.0 / count as f64; count];
        let (a, b) = (weights(moved.len()), weights(targets.len()));
        let balance = self.unmatched.balance();
        let problem = MatrixTransport { balance, ..MatrixTransport::new(&cost, &a, &b, 2.0) };
        let zero = || Potentials { source: vec![0.0; a.len()], target: vec![0.0; b.len()] };
        let solver = MatrixSinkhorn {
            tolerance: TOLERANCE,
            max_iterations: ITERATIONS,
            initial: Some(self.potentials.take().unwrap_or_else(zero)),
            ..MatrixSinkhorn::default()
        };
        let plan = solver.solve(&problem)?;
        let rows = row_means(&plan.plan, targets);
        let pairs = rows
            .into_iter()
            .enumerate()
            .map(|(source, row)| (source, row.mass * moved.len() as f64, row))
            .filter(|&(_, share, _)| share > LEAST_SHARE)
            .map(|(source, share, row)| Correspondence {
                source,
                target: row.mean,
                normal: None,
                weight: weight(share, row.variance, blur),
            })
            .collect();
        self.potentials = Some(plan.potentials);
        Ok(pairs)
    }
}

/// Where the mass of one source point goes.
struct Row {
    mass: f64,
    mean: Point3<f64>,
    /// Mean squared distance to the mean \[m²\].
    variance: f64,
}

fn row_means(plan: &DMatrix<f64>, targets: &[Point3<f64>]) -> Vec<Row> {
    (0..plan.nrows())
        .into_par_iter()
        .map(|row| {
            let (mut mass, mut sum, mut squares) = (0.0, Vector3::zeros(), 0.0);
            // Relative to one target, so that no digits are lost.
            let first = targets[0];
            for (column, target) in targets.iter().enumerate() {
                let part = plan[(row, column)];
                let place = target - first;
                mass += part;
                sum += place * part;
                squares += place.norm_squared() * part;
            }
            let mean = if mass > 0.0 { sum / mass } else { sum };
            let variance = if mass > 0.0 { (squares / mass - mean.norm_squared()).max(0.0) } else { 0.0 };
            Row { mass, mean: first + mean, variance }
        })
        .collect()
}

/// min(|φ_i − ψ_j|² / 2τ², 6); a point without a histogram is as unlike as can be to every other.
fn unlikeness(source: &[Option<Feature>], target: &[Option<Feature>]) -> DMatrix<f64> {
    let squared = |i: usize, j: usize| -> Option<f64> {
        let (a, b) = (source[i].as_ref()?, target[j].as_ref()?);
        Some(a.iter().zip(b).map(|(a, b)| f64::from((a - b) * (a - b))).sum())
    };
    let columns: Vec<Vec<Option<f64>>> = (0..target.len())
        .into_par_iter()
        .map(|j| (0..source.len()).map(|i| squared(i, j)).collect())
        .collect();
    let mut least: Vec<f64> =
        columns.iter().filter_map(|column| column.iter().flatten().copied().reduce(f64::min)).collect();
    let middle = least.len() / 2;
    let typical = match least.len() {
        0 => 1.0,
        _ => least.select_nth_unstable_by(middle, f64::total_cmp).1.max(1e-6),
    };
    DMatrix::from_fn(source.len(), target.len(), |i, j| {
        columns[j][i].map_or(UNLIKE, |squared| (0.5 * squared / typical).min(UNLIKE))
    })
}
