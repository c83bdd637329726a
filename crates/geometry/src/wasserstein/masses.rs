//! Weights as integers, so that flows are exact.

/// Units in the larger total when weights are arbitrary: far above the 53 bits of an `f64`, far below the range of an
/// `i64`.
const TOTAL: i64 = 1 << 60;

/// Mass that rounding of the weights may have torn off, in units of [`TOTAL`]; see [`Masses::negligible`].
const TORN: i64 = 1 << 10;

/// Both measures in whole units of mass.
pub(super) struct Masses {
    pub source: Vec<i64>,
    pub target: Vec<i64>,
    /// Part of the source's total that one unit is.
    pub unit: f64,
    /// Flows up to this may be left over from rounding the weights and are no part of a plan.
    pub negligible: i64,
    /// More than the L1 distance between these weights and the given ones, both sides together, in units of the
    /// source's total.
    pub rounding: f64,
}

impl Masses {
    /// Both totals made equal. Exact for uniform weights of any two sizes, else rounded to 2⁻⁶⁰ of the total.
    pub fn balanced(source: &[f64], target: &[f64]) -> Self {
        if even(source) && even(target) {
            let (n, m) = (source.len() as i64, target.len() as i64);
            let common = greatest_common_divisor(n, m);
            let unit = common as f64 / (n as f64 * m as f64);
            let (source, target) = (vec![m / common; n as usize], vec![n / common; m as usize]);
            return Self { source, target, unit, negligible: 0, rounding: 0.0 };
        }
        Self::rounded(source, TOTAL, target, TOTAL)
    }

    /// Totals in the proportion that they have.
    pub fn unbalanced(source: &[f64], target: &[f64]) -> Self {
        let (a, b): (f64, f64) = (source.iter().sum(), target.iter().sum());
        let total = |sum: f64| ((sum / a.max(b) * TOTAL as f64).round() as i64).max(1);
        Self::rounded(source, total(a), target, total(b))
    }

    fn rounded(source: &[f64], source_total: i64, target: &[f64], target_total: i64) -> Self {
        let unit = 1.0 / source_total as f64;
        let points = (source.len() + target.len()) as f64;
        let sizes = 1.0 + target_total as f64 * unit;
        let rounding = (8.0 * f64::EPSILON) * sizes + 2.0 * points * unit;
        let (source, target) = (whole(source, source_total), whole(target, target_total));
        Self { source, target, unit, negligible: TORN, rounding }
    }
}

/// Whether all points weigh the same.
fn even(weights: &[f64]) -> bool {
    weights.iter().all(|&weight| weight == weights[0])
}

/// Weights in units of a part of the total; what rounding leaves over goes to the heaviest point.
fn whole(weights: &[f64], total: i64) -> Vec<i64> {
    let sum: f64 = weights.iter().sum();
    let mut masses: Vec<i64> =
        weights.iter().map(|weight| (weight / sum * total as f64).round() as i64).collect();
    let left = total - masses.iter().sum::<i64>();
    let heaviest =
        (0..weights.len()).fold(0, |best, index| if weights[index] > weights[best] { index } else { best });
    masses[heaviest] += left;
    masses
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
