//! What colors mean, in words and units.

use colorous::{Gradient, VIRIDIS};

/// Red, green, blue and opacity, as a screen takes them.
pub type Rgba = [u8; 4];

/// What cannot be told is gray.
pub(crate) const UNKNOWN: Rgba = [110, 112, 118, 255];

/// Shares of the values on either side that may lie outside the scale: a few stray ones would leave one color to all others.
const STRAY: f64 = 0.01;

/// A perceptually uniform scale of colors.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    /// What is measured.
    pub title: String,
    /// In which unit; empty for a number without.
    pub unit: &'static str,
    /// Values of the first and the last color.
    pub range: [f64; 2],
    /// Whether values lie below the first and above the last.
    pub is_exceeded: [bool; 2],
}

/// What there is to tell about colors.
#[derive(Debug, Clone, PartialEq)]
pub enum Legend {
    /// Names of things and their colors.
    Names(Vec<(String, Rgba)>),
    /// A scale.
    Scale(Scale),
    /// Nothing: colors speak for themselves.
    Nothing,
}

impl Scale {
    /// From the smallest to the largest value, but for one in a hundred at either end.
    ///
    /// Values that are not finite do not count. Without any the range is from 0 to 1.
    pub(crate) fn of<'a>(title: &str, unit: &'static str, values: impl Iterator<Item = &'a f64>) -> Self {
        let mut sorted: Vec<f64> = values.copied().filter(|value| value.is_finite()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let (range, is_exceeded) = match (sorted.first(), sorted.last()) {
            (Some(&least), Some(&most)) => {
                let stray = (STRAY * sorted.len() as f64) as usize;
                let range = [sorted[stray], sorted[sorted.len() - 1 - stray]];
                // Where nearly all values are one, the others are what there is to see.
                let range = if range[1] > range[0] { range } else { [least, most] };
                (range, [least < range[0], most > range[1]])
            }
            _ => ([0.0, 1.0], [false; 2]),
        };
        Self { title: title.into(), unit, range, is_exceeded }
    }

    /// The color of a value; gray if it is not finite.
    pub fn color(&self, value: f64) -> Rgba {
        if !value.is_finite() {
            return UNKNOWN;
        }
        let [low, high] = self.range;
        let part = if high > low { (value - low) / (high - low) } else { 0.5 };
        gradient(part)
    }

    /// A value at a part of the scale in words, with a sign where others lie beyond.
    pub(crate) fn mark(&self, part: f64) -> String {
        let value = self.range[0] + part * (self.range[1] - self.range[0]);
        let span = (self.range[1] - self.range[0]).abs();
        let sign = match part {
            _ if part <= 0.0 && self.is_exceeded[0] => "≤ ",
            _ if part >= 1.0 && self.is_exceeded[1] => "≥ ",
            _ => "",
        };
        let unit = if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) };
        format!("{sign}{}{unit}", number(value, span))
    }
}

/// The color at a part of the scale.
pub(crate) fn gradient(part: f64) -> Rgba {
    const MAP: Gradient = VIRIDIS;
    let color = MAP.eval_continuous(part.clamp(0.0, 1.0));
    [color.r, color.g, color.b, 255]
}

/// A number with as many digits as tell it from others within a span.
pub(crate) fn number(value: f64, span: f64) -> String {
    let size = value.abs().max(span);
    if size > 0.0 && !(1e-3..1e6).contains(&size) {
        return format!("{value:.2e}");
    }
    let digits = if span > 0.0 { (2.0 - span.log10().floor()).clamp(0.0, 6.0) } else { 3.0 };
    format!("{value:.*}", digits as usize)
}
