//! The dual of W₁ on a line.

use super::LineMeasure;

/// A function that never rises or falls faster than 1, and gains W₁ between two measures.
///
/// Kantorovich–Rubinstein: W₁(a, b) = max { Σ a_i u(x_i) − Σ b_j u(y_j) : u is 1-Lipschitz }. Any such u gives
/// a lower bound; this one attains it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct KantorovichPotential {
    /// u at every source number, mass or not.
    pub source: Vec<f64>,
    /// u at every target number.
    pub target: Vec<f64>,
    /// Σ a_i u(x_i) − Σ b_j u(y_j): W₁, found from below.
    pub value: f64,
    /// Largest |u(s) − u(t)| − |s − t| between neighbours: at most rounding, or the bound is not one.
    pub violation: f64,
}

impl KantorovichPotential {
    /// u′ = −sign(F_a − F_b), and u = 0 at the smallest number of both.
    pub(super) fn between(source: &LineMeasure, target: &LineMeasure) -> Self {
        // Position, index, and the mass of the source minus that of the target.
        let of = |measure: &LineMeasure, sign: f64, first: usize| -> Vec<(f64, usize, f64)> {
            let entry = |i: usize| (measure.positions()[i], first + i, sign * measure.share(i));
            (0..measure.len()).map(entry).collect()
        };
        let mut all = of(source, 1.0, 0);
        all.extend(of(target, -1.0, source.len()));
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut values = vec![0.0; all.len()];
        let (mut ahead, mut value, mut violation) = (0.0, 0.0, 0.0_f64);
        for pair in all.windows(2) {
            let ((here, _, mass), (next, index, _)) = (pair[0], pair[1]);
            ahead += mass;
            let before = value;
            // Where neither is ahead any slope does.
            value -= if ahead > 0.0 { next - here } else { here - next };
            violation = violation.max((value - before).abs() - (next - here));
            values[index] = value;
        }
        let target_values = values.split_off(source.len());
        let gain = |measure: &LineMeasure, values: &[f64]| -> f64 {
            values.iter().enumerate().map(|(index, value)| measure.share(index) * value).sum()
        };
        let value = gain(source, &values) - gain(target, &target_values);
        Self { source: values, target: target_values, value, violation }
    }
}
