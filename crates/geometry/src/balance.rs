//! What a plan must do with the marginals: meet them, pay for missing them, or stay below them.

use crate::measure::are_equal_totals;

/// Part of the total by which slopes of the dual must differ from zero before they are followed.
const FLAT: f64 = 1e-12;

/// How the marginals P1 and Pᵀ1 of a plan are tied to the weights a and b.
///
/// Each kind is a concave gain φ of the potentials in the dual problem
///
/// ```text
/// max  Σ a_i φ(f_i) + Σ b_j φ(g_j) − ε Σ a_i b_j (exp((f_i + g_j − c_ij) / ε) − 1)
/// ```
///
/// and a rule that turns the soft minimum T_i = −ε log Σ_j b_j exp((g_j − c_ij) / ε) into the best f_i.
///
/// # References
/// Chizat et al., *Scaling algorithms for unbalanced optimal transport problems*, Math. Comp. 2018, table 1; Séjourné
/// et al., *Sinkhorn divergences for unbalanced optimal transport*, 2019, section 2; for the partial problem Benamou
/// et al., *Iterative Bregman projections for regularized transportation problems*, 2015, section 5.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Balance {
    /// P1 = a and Pᵀ1 = b, whose totals must be equal. φ(f) = f, f ← T.
    #[default]
    Exact,
    /// Adds ρ KL(P1 | a) + ρ KL(Pᵀ1 | b): every point keeps a part of its mass that falls with the cost.
    /// φ(f) = ρ (1 − e^(−f/ρ)), f ← T / (1 + ε/ρ).
    KullbackLeibler {
        /// ρ, in the unit of the cost. Finite and > 0.
        rho: f64,
    },
    /// Adds ρ Σ|P1 − a| + ρ Σ|Pᵀ1 − b|: mass moves as long as that costs less than 2ρ, the price of dropping it on
    /// both sides. φ(f) = min(f, ρ) for f ≥ −ρ, f ← T clipped to [−ρ, ρ].
    TotalVariation {
        /// ρ, in the unit of the cost. Finite and > 0.
        rho: f64,
    },
    /// P1 ≤ a and Pᵀ1 ≤ b with Σ P = `mass`: the cheapest part of that size. φ(f) = f for f ≤ 0, f ← min(T, 0), with
    /// a common constant added to the sum of the potentials so that the mass is met.
    Partial {
        /// Mass to be moved: above 0, at most the smaller total.
        mass: f64,
    },
}

/// Weights with the potential of each.
pub(crate) type Weighted<'a> = (&'a [f64], &'a [f64]);

impl Balance {
    /// The same in a unit of cost that is `unit` times as large.
    pub(crate) fn in_units_of(self, unit: f64) -> Self {
        match self {
            Self::KullbackLeibler { rho } => Self::KullbackLeibler { rho: rho / unit },
            Self::TotalVariation { rho } => Self::TotalVariation { rho: rho / unit },
            Self::Exact | Self::Partial { .. } => self,
        }
    }

    /// The best potential of a point, given its soft minimum: the maximiser of the dual in it.
    pub(crate) fn best(self, softmin: f64, epsilon: f64) -> f64 {
        match self {
            Self::Exact => softmin,
            Self::KullbackLeibler { rho } => softmin / (1.0 + epsilon / rho),
            Self::TotalVariation { .. } | Self::Partial { .. } => self.allowed(softmin),
        }
    }

    /// The nearest potential of which the dual objective is finite and not constant.
    pub(crate) fn allowed(self, potential: f64) -> f64 {
        match self {
            Self::Exact | Self::KullbackLeibler { .. } => potential,
            Self::TotalVariation { rho } => potential.clamp(-rho, rho),
            Self::Partial { .. } => potential.min(0.0),
        }
    }

    /// φ: what a unit of weight with this potential contributes to the dual.
    pub(crate) fn gain(self, potential: f64) -> f64 {
        match self {
            Self::Exact | Self::Partial { .. } => potential,
            Self::KullbackLeibler { rho } => -rho * (-potential / rho).exp_m1(),
            Self::TotalVariation { rho } => potential.min(rho),
        }
    }

    /// How far a point with this potential is from its best, as a part of its weight, given the part of its weight that
    /// the plan moves: the change of mass that the best potential would make. Where total variation or a partial mass
    /// hold the potential at an end of its range, little mass may hang on it, and yet the dual value does: there at
    /// least the change that the same step of the potential would make to the whole weight.
    pub(crate) fn violation(self, potential: f64, moved: f64, epsilon: f64) -> f64 {
        match self {
            Self::Exact => (moved - 1.0).abs(),
            Self::KullbackLeibler { rho } => (moved - (-potential / rho).exp()).abs(),
            Self::TotalVariation { .. } | Self::Partial { .. } => {
                if moved == f64::INFINITY {
                    return moved;
                }
                let softmin = potential - epsilon * moved.ln();
                let best = self.best(softmin, epsilon);
                let kept = ((best - softmin) / epsilon).exp();
                (moved - kept).abs().max(-(-(best - potential).abs() / epsilon).exp_m1())
            }
        }
    }

    /// Price of a marginal p where the weight is a.
    pub(crate) fn price(self, marginal: f64, weight: f64) -> f64 {
        match self {
            Self::Exact | Self::Partial { .. } => 0.0,
            Self::KullbackLeibler { rho } => {
                let entropy = if marginal > 0.0 { marginal * (marginal / weight).ln() } else { 0.0 };
                rho * (entropy - marginal + weight)
            }
            Self::TotalVariation { rho } => rho * (marginal - weight).abs(),
        }
    }

    /// The t that makes f + t, g − t best, which leaves the plan as it is. Alternating alone takes ρ/ε steps to find
    /// it. Zero where nothing is gained.
    ///
    /// # References
    /// Séjourné, Vialard, Peyré, *Faster unbalanced optimal transport: translation invariant Sinkhorn and 1-D
    /// Frank-Wolfe*, AISTATS 2022, sections 2 and 3.
    pub(crate) fn translation(self, source: Weighted, target: Weighted) -> f64 {
        match self {
            Self::Exact | Self::Partial { .. } => 0.0,
            Self::KullbackLeibler { rho } => {
                let total = |(weights, _): Weighted| weights.iter().sum::<f64>();
                let (a, b) = (total(source), total(target));
                // Multiplied by a large ρ, what rounding makes of equal totals would drown the potentials.
                let totals = if are_equal_totals(a, b) { 0.0 } else { (a / b).ln() };
                0.5 * rho * (totals + log_mean_kept(source, a, rho) - log_mean_kept(target, b, rho))
            }
            Self::TotalVariation { rho } => {
                climb(rho, source, target).unwrap_or_else(|| -climb(rho, target, source).unwrap_or(0.0))
            }
        }
    }
}

/// The smallest t > 0 that maximises Σ a_i min(f_i + t, ρ) + Σ b_j min(g_j − t, ρ) as far as g_j − t ≥ −ρ allows;
/// `None` unless the sum rises at 0.
///
/// The sum is concave and piecewise linear. Its slope is the weight of the f below ρ less that of the g at most ρ, and
/// falls where a potential passes ρ.
fn climb(rho: f64, (a, f): Weighted, (b, g): Weighted) -> Option<f64> {
    let below = a.iter().zip(f).filter(|&(_, &f)| f < rho).map(|(a, _)| a).sum::<f64>();
    let passed = b.iter().zip(g).filter(|&(_, &g)| g <= rho).map(|(b, _)| b).sum::<f64>();
    let total = a.iter().sum::<f64>() + b.iter().sum::<f64>();
    let mut slope = below - passed;
    if slope <= FLAT * total {
        return None;
    }
    let weighty = |(weights, potential): Weighted| {
        weights
            .iter()
            .zip(potential)
            .filter(|&(&weight, _)| weight > 0.0)
            .map(|(&weight, &value)| (value, weight))
            .collect::<Vec<(f64, f64)>>()
    };
    let (f, g) = (weighty((a, f)), weighty((b, g)));
    let limit = g.iter().map(|&(g, _)| g + rho).fold(f64::INFINITY, f64::min);
    let mut turns: Vec<(f64, f64)> = (f.iter().map(|&(f, a)| (rho - f, a)))
        .chain(g.iter().map(|&(g, b)| (g - rho, b)))
        .filter(|&(turn, _)| turn > 0.0)
        .collect();
    turns.sort_unstable_by(|x, y| x.0.total_cmp(&y.0).then(x.1.total_cmp(&y.1)));
    for (turn, weight) in turns {
        slope -= weight;
        if turn >= limit || slope <= FLAT * total {
            return Some(turn.min(limit));
        }
    }
    Some(limit)
}

/// log (Σ w e^(−f/ρ) / Σ w): without overflow, and with all digits where every f is far below ρ.
fn log_mean_kept((weights, potential): Weighted, total: f64, rho: f64) -> f64 {
    let terms =
        || weights.iter().zip(potential).filter(|&(&weight, _)| weight > 0.0).map(|(w, f)| (w, -f / rho));
    let largest = terms().map(|(_, log)| log).fold(f64::NEG_INFINITY, f64::max);
    let lost = terms().map(|(weight, log)| weight * (log - largest).exp_m1()).sum::<f64>() / total;
    if lost > -0.5 {
        return largest + lost.ln_1p();
    }
    largest + (terms().map(|(weight, log)| weight * (log - largest).exp()).sum::<f64>() / total).ln()
}

#[cfg(test)]
mod tests {
    use super::Balance;

    /// The dual of total variation after a translation; −∞ outside of its domain.
    fn dual(rho: f64, a: &[f64], f: &[f64], b: &[f64], g: &[f64], t: f64) -> f64 {
        let side = |weights: &[f64], potential: &[f64], t: f64| -> f64 {
            let gain = |value: f64| if value < -rho - 1e-12 { f64::NEG_INFINITY } else { value.min(rho) };
            weights.iter().zip(potential).map(|(w, p)| w * gain(p + t)).sum()
        };
        side(a, f, t) + side(b, g, -t)
    }

    #[test]
    fn a_large_price_leaves_the_translation_its_digits() {
        // To first order the mean of one side less that of the other, halved, whatever ρ is.
        let (a, b) = ([1.0 / 18.0; 18], [1.0 / 26.0; 26]);
        let f: Vec<f64> = (0..18).map(f64::from).collect();
        let g: Vec<f64> = (0..26).map(|j| 0.5 * f64::from(j)).collect();
        for exponent in [9, 15, 30, 60] {
            let balance = Balance::KullbackLeibler { rho: 10f64.powi(exponent) };
            let t = balance.translation((&a, &f), (&b, &g));
            assert!((t - 0.5 * (6.25 - 8.5)).abs() < 1e-7, "1e{exponent}: {t}");
        }
    }

    #[test]
    fn the_translation_of_kullback_leibler_keeps_as_much_on_both_sides() {
        for (f, g) in [
            ([3.0, -800.0, 2.0], [0.1, 0.2]),
            ([0.1, 0.2, 0.3], [5.0, 900.0]),
            ([-2.0, 0.5, 1.0], [0.0, 0.0]),
        ] {
            let (a, b) = ([1.0, 1e-9, 0.0], [0.5, 0.25]);
            let t = Balance::KullbackLeibler { rho: 1.5 }.translation((&a, &f), (&b, &g));
            let kept = |weights: &[f64], potential: &[f64], t: f64| {
                weights.iter().zip(potential).map(|(w, p)| w * (-(p + t) / 1.5).exp()).sum::<f64>()
            };
            let (there, back) = (kept(&a, &f, t), kept(&b, &g, -t));
            assert!((there / back - 1.0).abs() < 1e-12, "{there} and {back}");
        }
    }

    #[test]
    fn the_translation_of_total_variation_is_the_best_of_all() {
        let mut state = 1u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1u32 << 31)
        };
        for _ in 0..2000 {
            let (n, m) = (1 + (random() * 5.0) as usize, 1 + (random() * 5.0) as usize);
            let rho = 0.2 + random();
            let mut column = |len: usize, low: f64, high: f64| -> Vec<f64> {
                (0..len).map(|_| (low + (high - low) * random()).clamp(-rho, rho)).collect()
            };
            let (f, g) = (column(n, -1.5, 1.5), column(m, -1.5, 1.5));
            let mut weights = |len: usize| -> Vec<f64> { (0..len).map(|_| 0.1 + random()).collect() };
            let (a, b) = (weights(n), weights(m));
            let balance = Balance::TotalVariation { rho };
            let t = balance.translation((&a, &f), (&b, &g));
            let best = dual(rho, &a, &f, &b, &g, t);
            assert!(best.is_finite());
            for step in -400..=400 {
                let other = dual(rho, &a, &f, &b, &g, 0.01 * f64::from(step));
                assert!(other <= best + 1e-9, "{t}: {other} above {best}");
            }
            // Done once, there is nothing left to do.
            let moved = |values: &[f64], t: f64| values.iter().map(|v| v + t).collect::<Vec<f64>>();
            let again = balance.translation((&a, &moved(&f, t)), (&b, &moved(&g, -t)));
            assert!(again.abs() < 1e-12, "{t} then {again}");
        }
    }
}
