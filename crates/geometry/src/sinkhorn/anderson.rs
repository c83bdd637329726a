//! Acceleration of the slow part of a run.

use std::collections::VecDeque;

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use crate::fold_ordered;

/// Moves remembered: the smooth errors that alternation hardly damps are few, but not one.
const DEPTH: usize = 10;

/// Part of the moves' size below which their differences are noise.
const RIDGE: f64 = 1e-10;

/// Anderson's extrapolation of a fixed point iteration g ← G(g).
///
/// Alternation damps an error that varies over many blurs by little in a step, and the residuals G(g) − g of
/// such errors stay alike from step to step. The combination of the last few moves whose residual is smallest, in the
/// mean square over the mass, is where they would end.
///
/// # References
/// Walker, Ni, *Anderson acceleration for fixed-point iterations*, 2011, equation 2.2 and section 4.
#[derive(Debug, Default)]
pub(super) struct Anderson {
    /// The last image and residual.
    last: Option<[Vec<f64>; 2]>,
    /// Differences of successive images and residuals, oldest first.
    moves: VecDeque<[Vec<f64>; 2]>,
    /// Inner products of every residual's difference with itself and all later ones, in the same order.
    products: VecDeque<Vec<f64>>,
}

impl Anderson {
    /// Forgets everything: the problem has changed, or a step went astray.
    pub fn restart(&mut self) {
        *self = Self::default();
    }

    /// Moves an image G(g) on to where the last moves point. `potential` is g, and `weights` say what counts.
    pub fn extrapolate(&mut self, potential: &[f64], image: &mut [f64], weights: &[f64]) {
        let residual: Vec<f64> =
            image.par_iter().zip(potential).map(|(image, value)| image - value).collect();
        if let Some([last_image, mut last_residual]) = self.last.take() {
            let mut image_move = last_image;
            let moved = |moved: &mut Vec<f64>, now: &[f64]| {
                moved.par_iter_mut().zip(now).for_each(|(before, now)| *before = now - *before);
            };
            moved(&mut image_move, image);
            moved(&mut last_residual, &residual);
            if self.moves.len() == DEPTH {
                self.moves.pop_front();
                self.products.pop_front();
            }
            self.moves.push_back([image_move, last_residual]);
            self.products.push_back(Vec::with_capacity(DEPTH));
            let newest = &self.moves[self.moves.len() - 1][1];
            for (row, [_, other]) in self.products.iter_mut().zip(&self.moves) {
                row.push(dot(weights, other, newest));
            }
        }
        self.last = Some([image.to_vec(), residual]);
        let Some(parts) = self.parts(weights) else {
            self.moves.clear();
            self.products.clear();
            return;
        };
        let moves: Vec<&[f64]> = self.moves.iter().map(|[image_move, _]| image_move.as_slice()).collect();
        image.par_iter_mut().enumerate().for_each(|(index, value)| {
            for (part, image_move) in parts.iter().zip(&moves) {
                *value -= part * image_move[index];
            }
        });
    }

    /// How much of each move to take back, so that least residual is left; `None` if that has no sound answer.
    fn parts(&self, weights: &[f64]) -> Option<DVector<f64>> {
        let count = self.moves.len();
        let [_, residual] = self.last.as_ref()?;
        // Every move in units of its own size: later ones are smaller by orders of magnitude, and matter most.
        let sizes: Vec<f64> = (0..count).map(|index| self.products[index][0].sqrt()).collect();
        if sizes.iter().any(|&size| !(size > 0.0 && size.is_finite())) {
            return None;
        }
        let products = DMatrix::from_fn(count, count, |i, j| {
            let (first, second) = (i.min(j), i.max(j));
            let product = self.products[first][second - first] / (sizes[i] * sizes[j]);
            if i == j { product + RIDGE } else { product }
        });
        let wanted =
            self.moves.iter().zip(&sizes).map(|([_, moved], size)| dot(weights, moved, residual) / size);
        let wanted = DVector::from_iterator(count, wanted);
        if count == 0 {
            return Some(wanted);
        }
        let mut parts = products.cholesky()?.solve(&wanted);
        for (part, size) in parts.iter_mut().zip(&sizes) {
            *part /= size;
        }
        parts.iter().all(|part| part.is_finite()).then_some(parts)
    }
}

/// Σ w a b
fn dot(weights: &[f64], a: &[f64], b: &[f64]) -> f64 {
    let part = |range: std::ops::Range<usize>| -> f64 {
        let terms = weights[range.clone()].iter().zip(&a[range.clone()]).zip(&b[range]);
        terms.map(|((weight, a), b)| weight * a * b).sum()
    };
    fold_ordered(weights.len(), part, |a, b| a + b).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::Anderson;

    #[test]
    fn a_linear_iteration_ends_after_as_many_moves_as_it_has_speeds() {
        // g ← s g + 1 with speeds s close to one: alone it would take thousands of steps.
        let speeds = [0.999, 0.99, 0.9, 0.5];
        let mut anderson = Anderson::default();
        let mut potential = vec![0.0; 400];
        for _ in 0..8 {
            let mut image: Vec<f64> =
                (0..400).map(|index| speeds[index % 4] * potential[index] + 1.0).collect();
            anderson.extrapolate(&potential, &mut image, &[1.0; 400]);
            potential = image;
        }
        for (index, value) in potential.iter().enumerate() {
            let fixed = 1.0 / (1.0 - speeds[index % 4]);
            assert!((value / fixed - 1.0).abs() < 1e-4, "{value} for {fixed}");
        }
    }
}
