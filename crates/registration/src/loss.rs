//! Barron's general loss, and the shape of it that some residuals ask for.

use std::sync::OnceLock;

/// Shapes that are tried, by their α.
const ALPHAS: [f64; 2] = [-10.0, 2.0];

/// Step between them.
const STEP: f64 = 0.1;

/// Standard deviations beyond which a residual is as good as any other: the likelihood is cut there, so that shapes
/// that forget what is far have one at all.
const CUT: f64 = 10.0;

/// Classes of residuals of which the likelihood is summed.
const CLASSES: usize = 200;

/// Below this distance from 2 and 0, where the loss takes limits, α is taken for them.
const LIMIT: f64 = 1e-6;

/// ρ(r, α) of a residual in standard deviations, by its square.
///
/// ```text
/// ρ = |α − 2| / α · ((r² / |α − 2| + 1)^(α/2) − 1)
/// ```
///
/// # References
/// Barron, *A general and adaptive robust loss function*, CVPR 2019, equation 8.
fn general_loss(squared: f64, alpha: f64) -> f64 {
    let away = (alpha - 2.0).abs();
    if away < LIMIT {
        0.5 * squared
    } else if alpha.abs() < LIMIT {
        (0.5 * squared).ln_1p()
    } else {
        away / alpha * ((squared / away + 1.0).powf(0.5 * alpha) - 1.0)
    }
}

/// ρ'(r, α) / r, which is 1 at 0 (the same, equation 9).
pub(crate) fn general_weight(squared: f64, alpha: f64) -> f64 {
    let away = (alpha - 2.0).abs();
    if away < LIMIT { 1.0 } else { (squared / away + 1.0).powf(0.5 * alpha - 1.0) }
}

/// A shape, with the loss of every class and the logarithm of ∫ exp(−ρ) over the residuals before the cut.
struct Shape {
    alpha: f64,
    losses: Vec<f64>,
    log_partition: f64,
}

/// The α that makes residuals, given by their squares, likeliest under a density exp(−ρ(r ÷ scale, α)) that ends at ten scales.
///
/// Residuals are counted in classes of a twentieth of the scale, those beyond the end in the last.
///
/// # References
/// Chebrolu et al., *Adaptive robust kernels for non-linear least squares problems*, RA-L 2021, equations 12–14.
pub(crate) fn fitted_alpha(squares: &[f64], scale: f64) -> f64 {
    let mut counts = vec![0.0; CLASSES];
    for squared in squares {
        // A cast saturates: what is huge, or no number, lands at an end.
        let class = (squared.sqrt() / scale * (CLASSES as f64 / CUT)) as usize;
        counts[class.min(CLASSES - 1)] += 1.0;
    }
    let unlikelihood = |shape: &Shape| {
        let losses: f64 = counts.iter().zip(&shape.losses).map(|(count, loss)| count * loss).sum();
        losses + squares.len() as f64 * shape.log_partition
    };
    let shapes = shapes().iter().map(|shape| (unlikelihood(shape), shape.alpha));
    // Least squares come first, and stay where nothing is likelier.
    shapes.reduce(|best, next| if next.0 < best.0 { next } else { best }).map_or(ALPHAS[1], |best| best.1)
}

/// All shapes, from least squares down.
fn shapes() -> &'static [Shape] {
    static SHAPES: OnceLock<Vec<Shape>> = OnceLock::new();
    SHAPES.get_or_init(|| {
        let steps = ((ALPHAS[1] - ALPHAS[0]) / STEP).round() as usize;
        (0..=steps).map(|step| Shape::of(ALPHAS[1] - STEP * step as f64)).collect()
    })
}

impl Shape {
    fn of(alpha: f64) -> Self {
        let width = CUT / CLASSES as f64;
        let middle = |class: usize| (class as f64 + 0.5) * width;
        let losses: Vec<f64> = (0..CLASSES).map(|class| general_loss(middle(class).powi(2), alpha)).collect();
        let partition: f64 = losses.iter().map(|loss| 2.0 * width * (-loss).exp()).sum();
        Self { alpha, losses, log_partition: partition.ln() }
    }
}

#[cfg(test)]
mod tests {
    use super::{general_loss, general_weight};

    #[test]
    fn limits_are_met_from_both_sides_and_weights_are_derivatives() {
        for squared in [0.01, 1.0, 30.0] {
            for alpha in [2.0, 0.0] {
                for near in [alpha - 1e-5, alpha + 1e-5] {
                    let (there, here) = (general_loss(squared, near), general_loss(squared, alpha));
                    assert!((there - here).abs() < 1e-3 * here, "{alpha}: {there} {here}");
                }
            }
            for alpha in [2.0, 1.0, 0.0, -2.0, -10.0] {
                let step = 1e-6 * squared;
                let slope =
                    (general_loss(squared + step, alpha) - general_loss(squared - step, alpha)) / step;
                // dρ/dr² = ρ' / 2r; the difference spans two steps.
                assert!((slope - general_weight(squared, alpha)).abs() < 1e-6, "{alpha} {squared}");
            }
        }
    }
}
