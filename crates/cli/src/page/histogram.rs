//! Histograms of distances.

use super::axis::Axis;
use super::markup::{Html, element};
use super::plot::Plot;
use crate::report::{number, significant};

/// Bars of a histogram.
const BINS: usize = 48;
/// A reach that is left open ends here, in 95th percentiles, unless everything lies within a few of them.
const TAIL: f64 = 2.0;
const FEW: f64 = 4.0;
/// Rounding of a sum of shares.
const ROUNDING: f64 = 1e-12;

/// Distances, and how much each of them counts.
#[derive(Debug, Clone)]
pub struct Distances {
    /// Sorted by length \[m\], each with its weight.
    sorted: Vec<(f64, f64)>,
    /// Weight of all, of those included that are not among the sorted.
    total: f64,
}

impl Distances {
    /// Distances that count the same, out of `all` of which some may have none.
    pub fn of(values: impl IntoIterator<Item = f64>, all: usize) -> Self {
        Self::weighted(values.into_iter().map(|value| (value, 1.0)), all as f64)
    }

    /// Distances with weights, of a total that may be more than their sum.
    pub fn weighted(values: impl IntoIterator<Item = (f64, f64)>, total: f64) -> Self {
        let counts = |&(value, weight): &(f64, f64)| value.is_finite() && weight > 0.0 && weight.is_finite();
        let mut sorted: Vec<_> = values.into_iter().filter(counts).collect();
        sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        Self { sorted, total }
    }

    /// Number of distances.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// The smallest distance that a part of the weight does not exceed.
    pub fn quantile(&self, part: f64) -> Option<f64> {
        let least = part * self.sorted.iter().map(|(_, weight)| weight).sum::<f64>() * (1.0 - ROUNDING);
        let mut sum = 0.0;
        let reaches = |&&(_, weight): &&(f64, f64)| {
            sum += weight;
            sum >= least
        };
        self.sorted.iter().find(reaches).or(self.sorted.last()).map(|&(value, _)| value)
    }

    fn largest(&self) -> f64 {
        self.sorted.last().map_or(0.0, |&(value, _)| value)
    }

    /// Shares of the total in bins of equal width up to a limit, itself included \[%\].
    fn shares(&self, limit: f64) -> [f64; BINS] {
        let mut bins = [0.0; BINS];
        for &(value, weight) in self.sorted.iter().take_while(|&&(value, _)| value <= limit) {
            let bin = (value / limit * BINS as f64) as usize;
            bins[bin.min(BINS - 1)] += weight;
        }
        if self.total > 0.0 { bins.map(|bin| 100.0 * bin / self.total) } else { bins }
    }

    /// Share of the total beyond a limit, of distances that there are \[%\].
    fn beyond(&self, limit: f64) -> f64 {
        let first = self.sorted.partition_point(|&(value, _)| value <= limit);
        let beyond: f64 = self.sorted[first..].iter().map(|(_, weight)| weight).sum();
        if self.total > 0.0 { 100.0 * beyond / self.total } else { 0.0 }
    }
}

/// Bars of some distances, and the outline of others to compare with.
pub struct Histogram<'a> {
    /// What is measured along the bottom, with its unit.
    pub label: String,
    /// What is counted.
    pub what: &'static str,
    /// The bars, with their name.
    pub bars: (&'static str, &'a Distances),
    /// The outline, with its name.
    pub outline: Option<(&'static str, &'a Distances)>,
    /// Where the bars end \[m\]; by default beyond nearly all of the distances.
    pub limit: Option<f64>,
}

impl Histogram<'_> {
    /// The drawing, and what it leaves out.
    pub fn draw(&self, told: &str) -> (Html, String) {
        let (name, distances) = self.bars;
        let all: Vec<_> = [Some(self.bars), self.outline].into_iter().flatten().collect();
        let limit = self.limit.unwrap_or_else(|| {
            let ends = all.iter().map(|(_, distances)| end(distances));
            ends.fold(0.0, f64::max)
        });
        // Where all points coincide, the one bar stands at zero.
        let limit = if limit > 0.0 { limit } else { 1.0 };
        let shares = distances.shares(limit);
        let others = self.outline.map(|(name, distances)| (name, distances.shares(limit)));
        let highest = others.iter().flat_map(|(_, shares)| shares).chain(&shares).copied();
        let y = Axis::between(format!("share of the {} [%]", self.what), highest.chain([0.0]));
        let mut plot = Plot::new(Axis::up_to(&self.label, limit), y);

        let edge = |bin: usize| limit * bin as f64 / BINS as f64;
        for (bin, &share) in shares.iter().enumerate() {
            let range = [edge(bin), edge(bin + 1)];
            let other = others.as_ref().map(|(name, shares)| (*name, shares[bin]));
            let title = title(range, (name, share), other);
            let bar = plot.bar(range, [0.0, share]).with("class", "bar");
            plot.draw(bar.around(element("title").text(title)));
        }
        if let Some((_, shares)) = &others {
            let steps = shares.iter().enumerate();
            let corners = steps.flat_map(|(bin, &share)| [(edge(bin), share), (edge(bin + 1), share)]);
            let outline = corners.enumerate().map(|(index, (x, y))| (x, y, index == 0));
            plot.draw(plot.path(outline).with("class", "outline").empty());
        }
        for (rank, (part, word)) in [(0.5, "median"), (0.95, "95 %")].into_iter().enumerate() {
            if let Some(value) = distances.quantile(part).filter(|&value| value <= limit) {
                plot.mark(value, &format!("{word} {} m", significant(value, 3)), rank);
            }
        }
        let left_out =
            all.iter().filter(|(_, distances)| distances.largest() > limit).map(|(name, distances)| {
                let (beyond, largest) =
                    (significant(distances.beyond(limit), 2), number(distances.largest()));
                format!(" Beyond the right edge: {beyond} % {name}, up to {largest} m.")
            });
        let left_out = left_out.collect();
        (plot.finish(told), left_out)
    }
}

fn end(distances: &Distances) -> f64 {
    let usual = distances.quantile(0.95).unwrap_or(0.0);
    if distances.largest() <= FEW * usual { distances.largest() } else { TAIL * usual }
}

fn title([from, to]: [f64; 2], bar: (&str, f64), outline: Option<(&str, f64)>) -> String {
    let shares = [Some(bar), outline].into_iter().flatten();
    let shares = shares.map(|(name, share)| format!("{name} {} %", significant(share, 3)));
    let range = format!("{} to {} m", significant(from, 3), significant(to, 3));
    format!("{range}: {}", shares.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::{BINS, Distances};

    #[test]
    fn shares_sum_to_what_is_within() {
        let distances = Distances::of([0.0, 0.1, 0.2, 1.0, 7.0, f64::NAN], 10);
        let sum: f64 = distances.shares(1.0).iter().sum();
        assert!((sum - 40.0).abs() < 1e-12 && (distances.beyond(1.0) - 10.0).abs() < 1e-12);
        assert_eq!(distances.shares(1.0)[BINS - 1], 10.0);
    }

    #[test]
    fn quantiles_are_distances_that_occur() {
        let distances = Distances::of([4.0, 1.0, 3.0, 2.0], 4);
        assert_eq!(
            [0.0, 0.5, 0.51, 1.0].map(|part| distances.quantile(part)),
            [1.0, 2.0, 3.0, 4.0].map(Some)
        );
        let heavy = Distances::weighted([(1.0, 1.0), (2.0, 9.0), (3.0, 0.0)], 10.0);
        assert_eq!(
            [heavy.quantile(0.1), heavy.quantile(0.5), heavy.quantile(1.0)],
            [1.0, 2.0, 2.0].map(Some)
        );
        assert_eq!(Distances::of([], 3).quantile(0.5), None);
    }
}
