//! Axes: which part of the numbers is drawn, and where the ticks are.

use crate::report::significant;

/// Ratio of the largest to the smallest number from which powers of ten are drawn evenly.
const WIDE: f64 = 8.0;
/// Numbers below this are drawn as zero is: their logarithms would take all of the space.
const LEAST: f64 = 1e-300;
/// Numbers beyond this have no room for a margin.
const MOST: f64 = 1e300;
/// Decades for which there are ticks within.
const FEW: f64 = 2.1;
/// Ticks are at these multiples of powers of ten.
const MULTIPLES: [f64; 3] = [1.0, 2.0, 5.0];

/// A line of numbers from 0, where it begins, to 1, where it ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What is drawn, with its unit.
    pub label: String,
    /// Where the ticks are, and what stands at them.
    pub ticks: Vec<(f64, String)>,
    low: f64,
    high: f64,
    logarithmic: bool,
}

impl Axis {
    /// All of some numbers, none of which is negative: from zero, or by powers of ten if they span many.
    pub fn of_lengths(label: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        let positive = || values.iter().copied().filter(|&value| value >= LEAST);
        let (low, high) = (positive().fold(f64::INFINITY, f64::min), positive().fold(0.0, f64::max));
        if low < high / WIDE {
            Self::by_decades(label.into(), low, high)
        } else {
            Self::between(label, [0.0, high])
        }
    }

    /// The range of some numbers, evenly.
    pub fn between(label: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        let finite = values.into_iter().filter(|value| value.is_finite());
        let (mut low, mut high) = finite
            .fold((f64::INFINITY, -f64::INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        (low, high) = (low.max(-MOST), high.min(MOST));
        // Numbers that are all the same are in the middle of something.
        let least = 1e-9 * low.abs().max(high.abs());
        if high - low <= least {
            let margin = if least > 0.0 { 0.1 * high.abs() } else { 0.5 };
            (low, high) = (if low == 0.0 { 0.0 } else { low - margin }, high + margin);
        }
        let step = above((high - low) / 5.0);
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        let count = (last - first).min(12.0) as usize;
        let ticks = (0..=count)
            .map(|index| {
                let value = (first + index as f64) * step;
                (value, tick(value, step, high.abs().max(low.abs())))
            })
            .collect();
        Self { label: label.into(), ticks, low: first * step, high: last * step, logarithmic: false }
    }

    /// The numbers from 1 to a count of steps.
    pub fn of_steps(label: impl Into<String>, count: usize) -> Self {
        let step = above(count as f64 / 6.0).max(1.0);
        let high = (count as f64).max(2.0);
        let ticks = (1..=12).map(|index| f64::from(index) * step).filter(|&value| value <= high);
        let ticks: Vec<_> = ticks.map(|value| (value, format!("{value:.0}"))).collect();
        Self { label: label.into(), ticks, low: 1.0, high, logarithmic: false }
    }

    /// From zero up to a number that need not be round.
    pub fn up_to(label: impl Into<String>, high: f64) -> Self {
        let high = if high > 0.0 { high.min(MOST) } else { 1.0 };
        let axis = Self::between(label, [0.0, high]);
        let ticks = axis.ticks.into_iter().filter(|(value, _)| *value <= high * (1.0 + 1e-9)).collect();
        Self { high, ticks, ..axis }
    }

    fn by_decades(label: String, low: f64, high: f64) -> Self {
        let (low, high) = (below(low), above(high.min(MOST)));
        let decades = (high / low).log10();
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let every = (decades / 6.0).ceil().max(1.0) as usize;
        let multiples = if decades <= FEW { &MULTIPLES[..] } else { &MULTIPLES[..1] };
        let powers = (first..=last).step_by(every).map(|exponent| 10f64.powi(exponent));
        let values = powers.flat_map(|power| multiples.iter().map(move |multiple| multiple * power));
        let within = values.filter(|&value| value >= low * (1.0 - 1e-9) && value <= high * (1.0 + 1e-9));
        let ticks = within.map(|value| (value, significant(value, 1))).collect();
        Self { label, ticks, low, high, logarithmic: true }
    }

    /// What a reader must know of numbers that this axis has no place for but its end: zeros among powers of ten.
    pub fn note(&self, mut values: impl Iterator<Item = f64>) -> &'static str {
        let has_zero = self.logarithmic && values.any(|value| value < LEAST);
        if has_zero { " Zero is drawn at the bottom." } else { "" }
    }

    /// Where a number is, from 0 to 1.
    pub fn part(&self, value: f64) -> f64 {
        let part = if self.logarithmic {
            (value.max(LEAST) / self.low).log10() / (self.high / self.low).log10()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.5 }
    }
}

/// The smallest round number that is not below a positive one.
fn above(value: f64) -> f64 {
    let power = 10f64.powi(value.max(LEAST).log10().floor() as i32);
    let multiples = MULTIPLES.into_iter().chain([10.0]);
    multiples.map(|multiple| multiple * power).find(|&round| round >= value * (1.0 - 1e-9)).unwrap_or(value)
}

/// The largest round number that is not above a positive one.
fn below(value: f64) -> f64 {
    let power = 10f64.powi(value.max(LEAST).log10().floor() as i32);
    let multiples = MULTIPLES.into_iter().rev().chain([0.5]);
    multiples.map(|multiple| multiple * power).find(|&round| round <= value * (1.0 + 1e-9)).unwrap_or(value)
}

/// A number with the digits that tell it from its neighbours a step away; `largest` is the largest on its axis.
fn tick(value: f64, step: f64, largest: f64) -> String {
    let digits = -(step.log10() + 1e-9).floor();
    if value == 0.0 {
        "0".into()
    } else if (1e-4..1e9).contains(&step) && largest < 1e9 {
        format!("{value:.*}", digits.max(0.0) as usize)
    } else {
        let more = (value.abs().log10() + digits + 1e-9).floor().clamp(0.0, 15.0) as usize;
        format!("{value:.more$e}")
    }
}

#[cfg(test)]
mod tests {
    use super::Axis;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_told_apart() {
        assert_eq!(labels(&Axis::of_lengths("", [0.31, 0.92])), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&Axis::of_lengths("", [0.003, 4.0])), ["0.01", "0.1", "1"]);
        assert_eq!(labels(&Axis::of_lengths("", [0.3, 4.0])), ["0.2", "0.5", "1", "2", "5"]);
        assert_eq!(labels(&Axis::of_steps("", 7)), ["2", "4", "6"]);
        assert_eq!(labels(&Axis::between("", [12.3401, 12.3404])).len(), 5);
        assert_eq!(labels(&Axis::up_to("", 0.45)), ["0", "0.1", "0.2", "0.3", "0.4"]);
        assert_eq!(labels(&Axis::up_to("", 3e-7)), ["0", "1e-7", "2e-7", "3e-7"]);
    }

    #[test]
    fn whatever_comes_has_a_place() {
        let hostile = [0.0, 1.0, -1.0, 1e308, 1e-308, 5e-324, f64::NAN, f64::INFINITY, -f64::INFINITY];
        for &a in &hostile {
            for &b in &hostile {
                let axes = [Axis::of_lengths("", [a, b]), Axis::between("", [a, b]), Axis::up_to("", a)];
                for axis in axes {
                    assert!(axis.ticks.len() < 20, "{a} {b}: {axis:?}");
                    let inside = |value: f64| (0.0..=1.0).contains(&axis.part(value));
                    assert!(hostile.into_iter().all(inside), "{a} {b}: {axis:?}");
                }
            }
        }
    }

    #[test]
    fn places_follow_the_numbers() {
        let even = Axis::between("", [0.0, 10.0]);
        assert_eq!([0.0, 5.0, 10.0].map(|value| even.part(value)), [0.0, 0.5, 1.0]);
        let decades = Axis::of_lengths("", [0.01, 100.0]);
        assert!((decades.part(1.0) - 0.5).abs() < 1e-12 && decades.part(0.0) == 0.0);
        assert!(!decades.note([0.0].into_iter()).is_empty() && decades.note([1.0].into_iter()).is_empty());
        assert!(even.note([0.0].into_iter()).is_empty());
    }
}
