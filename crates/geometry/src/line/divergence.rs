//! What optimal transport is usually compared with: divergences that see mass, not place.

use crate::Result;
use crate::measure::total_weight;

/// The Kullback–Leibler divergence of two histograms over the same bins \[nat\].
///
/// ```text
/// KL(a | b) = Σ a_i log (a_i / b_i)        a, b scaled to total 1
/// ```
///
/// Infinite where a has mass and b has none: a shifted point mass is infinitely far, however small the shift.
///
/// # Errors
/// [`Error::ColumnLength`](crate::Error::ColumnLength) unless there are as many bins, and the errors of weights
/// that are negative, not finite, or all zero.
///
/// # References
/// Kullback, Leibler, *On information and sufficiency*, 1951.
///
/// ```
/// use barrow_geometry::{LineMeasure, kullback_leibler, total_variation, wasserstein_1d};
///
/// let bins = [0.0, 1.0, 2.0];
/// let (here, there) = ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]);
/// assert_eq!(kullback_leibler(&here, &there)?, f64::INFINITY);
/// assert_eq!(total_variation(&here, &there)?, 1.0);
/// let (a, b) = (LineMeasure::weighted(&bins, &here)?, LineMeasure::weighted(&bins, &there)?);
/// assert_eq!(wasserstein_1d(&a, &b, 1.0)?.value, 1.0);
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
pub fn kullback_leibler(source: &[f64], target: &[f64]) -> Result<f64> {
    let pairs = shares(source, target)?;
    Ok(pairs.into_iter().map(|(a, b)| relative(a, b)).sum::<f64>().max(0.0))
}

/// The Jensen–Shannon divergence of two histograms over the same bins \[nat\], from 0 to log 2.
///
/// ```text
/// JS(a, b) = ½ KL(a | m) + ½ KL(b | m)      m = ½ (a + b)
/// ```
///
/// Its root is a metric. SciPy's `jensenshannon` returns that root.
///
/// # Errors
/// As [`kullback_leibler`].
///
/// # References
/// Lin, *Divergence measures based on the Shannon entropy*, 1991; Endres, Schindelin, *A new metric for
/// probability distributions*, 2003.
pub fn jensen_shannon(source: &[f64], target: &[f64]) -> Result<f64> {
    let half = |a: f64, b: f64| relative(a, 0.5 * (a + b));
    let sum: f64 = shares(source, target)?.into_iter().map(|(a, b)| half(a, b) + half(b, a)).sum();
    Ok((0.5 * sum).clamp(0.0, std::f64::consts::LN_2))
}

/// The total variation distance of two histograms over the same bins, from 0 to 1.
///
/// ```text
/// TV(a, b) = ½ Σ |a_i − b_i|
/// ```
///
/// # Errors
/// As [`kullback_leibler`].
pub fn total_variation(source: &[f64], target: &[f64]) -> Result<f64> {
    let sum: f64 = shares(source, target)?.into_iter().map(|(a, b)| (a - b).abs()).sum();
    Ok((0.5 * sum).min(1.0))
}

/// a log (a / b), with 0 log 0 = 0.
fn relative(a: f64, b: f64) -> f64 {
    if a == 0.0 { 0.0 } else { a * (a / b).ln() }
}

/// Both histograms scaled to total 1, bin by bin.
fn shares(source: &[f64], target: &[f64]) -> Result<Vec<(f64, f64)>> {
    let source_total = total_weight("source", source, source.len())?;
    let target_total = total_weight("target", target, source.len())?;
    Ok(source.iter().zip(target).map(|(a, b)| (a / source_total, b / target_total)).collect())
}
