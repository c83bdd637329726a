//! One side's soft minima: products with a stabilised kernel.

use nalgebra::DMatrix;
use rayon::prelude::*;

/// Largest |log| of a scaling. Beyond it, scalings are absorbed into the kernel.
const LARGEST_LOG: f64 = 50.0;

/// Points that one task serves, so that small problems do not pay for tasks.
const GROUP: usize = 16;

/// The points of one side against those of the other.
///
/// The classic iteration multiplies the kernel exp(−C/ε) with scalings and underflows when ε is small. Here the kernel
/// is that of anchored costs,
///
/// ```text
/// K_kj = w_k exp((p_k + t_j − C_kj) / ε),   Σ_k K_kj = 1,
/// ```
///
/// with p the other side's potential at the time and t its soft minimum. Until the potential has moved by 50 ε, a soft
/// minimum is one product: t_j − ε log Σ_k K_kj exp((p'_k − p_k) / ε). Then the anchor is set anew, in the log domain.
///
/// # References
/// Schmitzer, *Stabilized sparse scaling algorithms for entropy regularized transport problems*, 2019, section 3.1.
pub(super) struct Kernel {
    /// One column per point of this side, one row per point of the other.
    costs: DMatrix<f64>,
    /// The other side's weights.
    weights: Vec<f64>,
    entries: DMatrix<f64>,
    /// p, and t of every point of this side. Empty before the first use.
    anchor: Vec<f64>,
    softmin: Vec<f64>,
    epsilon: f64,
}

impl Kernel {
    pub fn new(costs: DMatrix<f64>, weights: Vec<f64>) -> Self {
        let entries = DMatrix::zeros(costs.nrows(), costs.ncols());
        Self { costs, weights, entries, anchor: Vec::new(), softmin: Vec::new(), epsilon: 0.0 }
    }

    /// −ε log Σ_k w_k exp((p_k − C_kj) / ε) for every point j of this side.
    pub fn softmin(&mut self, potential: &[f64], epsilon: f64) -> Vec<f64> {
        let near = |((new, old), &weight): ((&f64, &f64), &f64)| {
            weight == 0.0 || (new - old).abs() <= LARGEST_LOG * epsilon
        };
        let anchored = epsilon == self.epsilon
            && self.anchor.len() == potential.len()
            && potential.iter().zip(&self.anchor).zip(&self.weights).all(near);
        if !anchored {
            self.anchor_at(potential, epsilon);
            return self.softmin.clone();
        }
        // A point without weight may be anywhere; its entries are zero, and its scaling must not be infinite.
        let scaling =
            |(new, old): (&f64, &f64)| ((new - old) / epsilon).clamp(-LARGEST_LOG, LARGEST_LOG).exp();
        let scalings: Vec<f64> = potential.iter().zip(&self.anchor).map(scaling).collect();
        let others = scalings.len();
        let mut softmin = self.softmin.clone();
        softmin.par_chunks_mut(GROUP).zip(self.entries.as_slice().par_chunks(GROUP * others)).for_each(
            |(softmin, entries)| {
                for (softmin, entries) in softmin.iter_mut().zip(entries.chunks_exact(others)) {
                    *softmin -= epsilon * dot(entries, &scalings).ln();
                }
            },
        );
        softmin
    }

    /// Sets the anchor: soft minima in the log domain, then the kernel that belongs to them.
    fn anchor_at(&mut self, potential: &[f64], epsilon: f64) {
        let offsets: Vec<f64> =
            potential.iter().zip(&self.weights).map(|(p, weight)| p + epsilon * weight.ln()).collect();
        let others = offsets.len();
        self.softmin.resize(self.costs.ncols(), 0.0);
        self.softmin
            .par_chunks_mut(GROUP)
            .zip(self.entries.as_mut_slice().par_chunks_mut(GROUP * others))
            .zip(self.costs.as_slice().par_chunks(GROUP * others))
            .for_each(|((softmin, entries), costs)| {
                let columns = entries.chunks_exact_mut(others).zip(costs.chunks_exact(others));
                for (softmin, (entries, costs)) in softmin.iter_mut().zip(columns) {
                    let highest = (offsets.iter().zip(costs))
                        .map(|(offset, cost)| offset - cost)
                        .fold(f64::NEG_INFINITY, f64::max);
                    for ((entry, offset), cost) in entries.iter_mut().zip(&offsets).zip(costs) {
                        *entry = ((offset - cost - highest) / epsilon).exp();
                    }
                    let sum: f64 = entries.iter().sum();
                    entries.iter_mut().for_each(|entry| *entry /= sum);
                    *softmin = -highest - epsilon * sum.ln();
                }
            });
        self.anchor = potential.to_vec();
        self.epsilon = epsilon;
    }
}

/// Σ x_k y_k in eight interleaved sums.
fn dot(x: &[f64], y: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (x, y) = (x.chunks_exact(8), y.chunks_exact(8));
    let rest: f64 = x.remainder().iter().zip(y.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in x.zip(y) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}
