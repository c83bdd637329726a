//! The two number types of the kernels, and an exponential that vectorises.

use std::ops::{Add, AddAssign, Div, Mul, Sub};

/// A number type that a kernel computes in.
///
/// `FUSED` says whether the machine at hand multiplies and adds in one instruction. Where it does not,
/// `mul_add` would be a library call per element.
pub(crate) trait Real:
    Copy
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + AddAssign
{
    const ZERO: Self;
    fn narrow(value: f64) -> Self;
    fn widen(self) -> f64;
    fn root(self) -> Self;
    /// self · a + b
    fn times_plus<const FUSED: bool>(self, a: Self, b: Self) -> Self;
    /// 2^self for any self up to 60; below the smallest normal number's exponent, that number.
    fn power_of_two<const FUSED: bool>(self) -> Self;

    /// The larger of two numbers that are not NaN: one instruction, unlike `f32::max`.
    #[inline(always)]
    fn or_larger(self, other: Self) -> Self {
        if self > other { self } else { other }
    }
}

/// 2^f for |f| ≤ ½, lowest power first: the polynomial of degree 5 with constant term 1, so that integers
/// are exact, whose largest relative error is smallest. That error is 1.1e-7.
// Not ln 2: the best coefficient for this degree.
#[allow(clippy::approx_constant)]
const EXP2_F32: [f32; 6] = [1.0, 0.693_147, 0.240_222_42, 0.055_507_336, 0.009_671_513, 0.001_326_472_8];

/// 2^f for |f| ≤ ½: the Taylor series (ln 2)^k / k!, whose first omitted term is below 2^-57.
const EXP2_F64: [f64; 14] = {
    let mut coefficients = [1.0; 14];
    let mut power = 1;
    while power < coefficients.len() {
        coefficients[power] = coefficients[power - 1] * std::f64::consts::LN_2 / power as f64;
        power += 1;
    }
    coefficients
};

macro_rules! real {
    ($float:ty, $coefficients:ident, $round:expr, $mantissa:expr, $lowest:expr) => {
        impl Real for $float {
            const ZERO: Self = 0.0;
            #[inline(always)]
            fn narrow(value: f64) -> Self {
                value as $float
            }
            #[inline(always)]
            fn widen(self) -> f64 {
                self.into()
            }
            #[inline(always)]
            fn root(self) -> Self {
                self.sqrt()
            }
            #[inline(always)]
            fn times_plus<const FUSED: bool>(self, a: Self, b: Self) -> Self {
                if FUSED { self.mul_add(a, b) } else { self * a + b }
            }
            #[inline(always)]
            fn power_of_two<const FUSED: bool>(self) -> Self {
                // 2^x = 2^k 2^f with k the nearest integer: adding 1.5 · 2^mantissa leaves k in the low
                // bits, from where a shift moves it onto the exponent of 2^f.
                let x = self.or_larger($lowest);
                let shifted = x + $round;
                let f = x - (shifted - $round);
                let mut value = $coefficients[$coefficients.len() - 1];
                for &coefficient in $coefficients[..$coefficients.len() - 1].iter().rev() {
                    value = value.times_plus::<FUSED>(f, coefficient);
                }
                <$float>::from_bits(value.to_bits().wrapping_add(shifted.to_bits() << $mantissa))
            }
        }
    };
}

real!(f32, EXP2_F32, 12_582_912.0, 23, -126.0);
real!(f64, EXP2_F64, 6_755_399_441_055_744.0, 52, -1022.0);

#[cfg(test)]
mod tests {
    use super::Real;

    /// Largest relative error against `f64::exp2` over a range that is not aligned with anything.
    fn worst<R: Real>(power: fn(R) -> R, from: f64) -> f64 {
        (0..1_000_000)
            .map(|i| R::narrow(from * i as f64 / 1e6))
            .map(|x| (power(x).widen() / x.widen().exp2() - 1.0).abs())
            .fold(0.0, f64::max)
    }

    #[test]
    fn powers_of_two_are_within_its_stated_error() {
        assert!(worst::<f32>(f32::power_of_two::<false>, -125.7) < 2.5e-7);
        assert!(worst::<f32>(f32::power_of_two::<true>, -125.7) < 2.5e-7);
        assert!(worst::<f64>(f64::power_of_two::<false>, -1000.3) < 5e-16);
        assert!(worst::<f64>(f64::power_of_two::<true>, -1000.3) < 5e-16);
        assert!(worst::<f32>(f32::power_of_two::<true>, 7.3) < 2.5e-7);
    }

    #[test]
    fn powers_of_two_are_exact_at_integers_and_vanishes_far_below() {
        for k in -126..=20 {
            assert_eq!(Real::power_of_two::<true>(k as f32), (k as f32).exp2());
            assert_eq!(Real::power_of_two::<false>(f64::from(k)), f64::from(k).exp2());
        }
        assert!(Real::power_of_two::<true>(-1e30f32) <= f32::MIN_POSITIVE);
        assert!(Real::power_of_two::<true>(f64::NEG_INFINITY) <= f64::MIN_POSITIVE);
    }
}
