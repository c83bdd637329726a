//! Smooth scalar fields with few coefficients: a Gaussian kernel, factored at the points that matter.

use barrow_geometry::fold_ordered;
use nalgebra::{DMatrix, Matrix3, Point3, RowVector3, Vector3};
use rayon::prelude::*;

/// Most anchors that are taken.
const MOST: usize = 400;

/// Anchors are taken until no point keeps more than this part of the kernel's variance.
const REST: f64 = 1e-5;

/// Orthonormal features of the fields v(x) = Σ_a k(x, a) w_a, k(x, a) = exp(−|x − a|² / 2 width²).
///
/// The anchors a are pivots of a Cholesky factorisation, which takes next the point where the fields so far
/// say least. With K = L Lᵀ at the anchors, the features are φ(x) = L⁻¹ k(a, x), and a field cᵀφ has the
/// squared norm |c|² in the kernel's space: its roughness.
///
/// # References
/// Harbrecht, Peters, Schneider, *On the low-rank approximation by the pivoted Cholesky decomposition*,
/// Applied Numerical Mathematics 2012.
#[derive(Debug, Clone)]
pub(super) struct Basis {
    pub anchors: Vec<Point3<f64>>,
    pub width: f64,
    /// L, lower triangular.
    factor: DMatrix<f64>,
}

impl Basis {
    /// Anchors among some points, at least one of them.
    pub fn new(points: &[Point3<f64>], width: f64) -> Self {
        let mut rest = vec![1.0; points.len()];
        let mut columns: Vec<Vec<f64>> = Vec::new();
        let mut pivots: Vec<usize> = Vec::new();
        while pivots.len() < MOST.min(points.len()) {
            // The first among equals, whatever the order of comparison.
            let pivot =
                (0..points.len()).reduce(|best, next| if rest[next] > rest[best] { next } else { best });
            let Some(pivot) = pivot.filter(|&pivot| rest[pivot] > REST) else { break };
            let scale = rest[pivot].sqrt();
            let mut column: Vec<f64> =
                points.iter().map(|point| kernel(point, &points[pivot], width)).collect();
            for known in &columns {
                let factor = known[pivot];
                column.iter_mut().zip(known).for_each(|(value, known)| *value -= factor * known);
            }
            for (value, rest) in column.iter_mut().zip(&mut rest) {
                *value /= scale;
                *rest -= *value * *value;
            }
            rest[pivot] = 0.0;
            columns.push(column);
            pivots.push(pivot);
        }
        let factor = DMatrix::from_fn(pivots.len(), pivots.len(), |row, column| {
            if row < column { 0.0 } else { columns[column][pivots[row]] }
        });
        Self { anchors: pivots.iter().map(|&pivot| points[pivot]).collect(), width, factor }
    }

    pub fn len(&self) -> usize {
        self.anchors.len()
    }

    /// Features of some points, one column each.
    pub fn features(&self, points: &[Point3<f64>]) -> DMatrix<f64> {
        let columns: Vec<f64> = points
            .par_iter()
            .flat_map_iter(|point| {
                let mut column: Vec<f64> =
                    self.anchors.iter().map(|anchor| kernel(point, anchor, self.width)).collect();
                for at in 0..column.len() {
                    let value = column[at] / self.factor[(at, at)];
                    column[at] = value;
                    let below = self.factor.column(at);
                    for (value_below, factor) in column[at + 1..].iter_mut().zip(&below.as_slice()[at + 1..])
                    {
                        *value_below -= factor * value;
                    }
                }
                column
            })
            .collect();
        DMatrix::from_vec(self.len(), points.len(), columns)
    }

    /// Weights at the anchors w = L⁻ᵀ c of the field with some coefficients, one row an anchor.
    pub fn weights(&self, coefficients: &DMatrix<f64>) -> DMatrix<f64> {
        // The diagonal is positive by construction, so that the triangle can always be solved.
        self.factor.tr_solve_lower_triangular(coefficients).unwrap_or_else(|| coefficients * 0.0)
    }
}

/// The smooth field with some weights at some anchors.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub anchors: Vec<Point3<f64>>,
    pub weights: Vec<Vector3<f64>>,
    pub width: f64,
}

impl Field {
    pub fn at(&self, point: &Point3<f64>) -> Vector3<f64> {
        let terms = self.anchors.iter().zip(&self.weights);
        terms.map(|(anchor, weight)| weight * kernel(point, anchor, self.width)).sum()
    }

    /// ∂v/∂x.
    pub fn gradient(&self, point: &Point3<f64>) -> Matrix3<f64> {
        let terms = self.anchors.iter().zip(&self.weights);
        let scale = -1.0 / (self.width * self.width);
        terms
            .map(|(anchor, weight)| {
                let slope: RowVector3<f64> = (point - anchor).transpose() * scale;
                weight * slope * kernel(point, anchor, self.width)
            })
            .sum()
    }
}

fn kernel(a: &Point3<f64>, b: &Point3<f64>, width: f64) -> f64 {
    (-(a - b).norm_squared() / (2.0 * width * width)).exp()
}

/// Coefficients, one row a feature, that minimise Σ wᵢ |cᵀφᵢ − uᵢ|² / Σ wᵢ + stiffness |c|².
///
/// # References
/// Myronenko and Song, *Point set registration: coherent point drift*, PAMI 2010, equation 22, with the
/// kernel factored.
pub(super) fn coefficients(
    features: &DMatrix<f64>,
    weights: &[f64],
    wanted: &[Vector3<f64>],
    stiffness: f64,
) -> Option<DMatrix<f64>> {
    let rank = features.nrows();
    let total: f64 = weights.iter().sum();
    if total <= 0.0 {
        return None;
    }
    let part = |range: std::ops::Range<usize>| {
        let mut scaled = features.columns(range.start, range.len()).into_owned();
        let mut right = DMatrix::zeros(rank, 3);
        for (mut column, index) in scaled.column_iter_mut().zip(range) {
            let weight = weights[index] / total;
            for (axis, wanted) in wanted[index].iter().enumerate() {
                right.column_mut(axis).axpy(weight * wanted, &column, 1.0);
            }
            column *= weight.sqrt();
        }
        (&scaled * scaled.transpose(), right)
    };
    let (mut normal, right) = fold_ordered(weights.len(), part, |a, b| (a.0 + b.0, a.1 + b.1))?;
    for feature in 0..rank {
        normal[(feature, feature)] += stiffness;
    }
    Some(normal.cholesky()?.solve(&right))
}
