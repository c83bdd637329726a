//! From what size of work on `--device auto` takes a graphics device.
//!
//! A device first costs about half a second: drivers are loaded, kernels compiled, and a solve of a hundred iterations
//! waits for some hundred answers. It pays where the processor would take longer than that, and only if the device is
//! faster by more than the clouds' way to it costs.
//!
//! The numbers below follow from peak rates; none was measured on a card. The processor: eight cores, each with 1.4e9
//! pairs a second in the soft minimum, 1.4e8 keys a second in sliced distances, 2e6 points a second among nearest
//! points (`benches/RESULTS.md`). A discrete card: 16 special functions a cycle in each of some 30 units and so 2e11
//! pairs a second at half of its peak; some 4e9 keys a second, by memory. Integrated graphics: a tenth of that, through
//! the memory that the processor has too, which is why they sort no faster.
//!
//! To measure them: `barrow devices` prints both dense rates, and `cargo run --release -p barrow-benches --bin device`
//! times whole answers on both for growing clouds; a threshold belongs where their ratio passes 1.

use barrow::geometry::AdapterKind;
use serde::Serialize;

/// From how much work on an adapter is taken; `None` stands for never.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Crossover {
    /// Entropic transport: source points × target points.
    pub pairs: Option<f64>,
    /// Sliced transport: points of both clouds × directions.
    pub keys: Option<f64>,
    /// Nearest points: points of both clouds.
    pub points: Option<f64>,
}

/// Their own memory, and ten to twenty times the processor's rates. Of nearest points the trees, half of the work, are
/// built on the processor in any case.
const CARD: Crossover = Crossover { pairs: Some(2e9), keys: Some(1e9), points: Some(2e7) };

/// About twice the processor's rate where arithmetic decides, none of it where memory does.
const SHARED: Crossover = Crossover { pairs: Some(2e10), keys: None, points: None };

/// The processor in disguise, and slower.
const NEVER: Crossover = Crossover { pairs: None, keys: None, points: None };

impl Crossover {
    /// That of a kind of adapter.
    pub fn of(kind: AdapterKind) -> Self {
        match kind {
            AdapterKind::Discrete | AdapterKind::Virtual => CARD,
            AdapterKind::Integrated | AdapterKind::Other => SHARED,
            // Software, and what is not known yet.
            _ => NEVER,
        }
    }
}

/// What a device could do, by how much of it there is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Work {
    /// Entropic transport.
    Pairs(f64),
    /// Sliced transport.
    Keys(f64),
    /// Nearest points.
    Points(f64),
}

impl Work {
    /// Entropic transport between numbers of points.
    pub fn transport(source: usize, target: usize) -> Self {
        Self::Pairs(source as f64 * target as f64)
    }

    /// Sliced transport between numbers of points along a number of directions.
    pub fn sliced(source: usize, target: usize, directions: usize) -> Self {
        Self::Keys((source as f64 + target as f64) * directions as f64)
    }

    /// Nearest points between numbers of points, both ways.
    pub fn nearest(source: usize, target: usize) -> Self {
        Self::Points(source as f64 + target as f64)
    }

    /// How much it is.
    pub fn amount(self) -> f64 {
        let (Self::Pairs(amount) | Self::Keys(amount) | Self::Points(amount)) = self;
        amount
    }

    /// What is counted.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Pairs(_) => "pairs of points",
            Self::Keys(_) => "projected points",
            Self::Points(_) => "points",
        }
    }

    /// From how much on an adapter of a kind is taken, if ever.
    pub fn least_on(self, kind: AdapterKind) -> Option<f64> {
        let crossover = Crossover::of(kind);
        match self {
            Self::Pairs(_) => crossover.pairs,
            Self::Keys(_) => crossover.keys,
            Self::Points(_) => crossover.points,
        }
    }

    /// Below this no adapter is even looked for.
    pub fn least(self) -> f64 {
        self.least_on(AdapterKind::Discrete).unwrap_or(f64::INFINITY)
    }
}

#[cfg(test)]
mod tests {
    use barrow::geometry::AdapterKind;

    use super::Work;

    const KINDS: [AdapterKind; 5] = [
        AdapterKind::Discrete,
        AdapterKind::Integrated,
        AdapterKind::Virtual,
        AdapterKind::Other,
        AdapterKind::Software,
    ];

    #[test]
    fn no_adapter_is_taken_for_less_than_the_least() {
        for work in [Work::Pairs(0.0), Work::Keys(0.0), Work::Points(0.0)] {
            let least = KINDS.iter().filter_map(|&kind| work.least_on(kind)).fold(f64::INFINITY, f64::min);
            assert_eq!(work.least(), least);
            assert_eq!(work.least_on(AdapterKind::Software), None);
        }
    }

    #[test]
    fn work_is_counted_without_overflow() {
        assert_eq!(Work::transport(100_000, 200_000), Work::Pairs(2e10));
        assert!(Work::transport(usize::MAX, usize::MAX).amount() > 1e38);
        assert_eq!(Work::sliced(10, 20, 100), Work::Keys(3000.0));
        assert_eq!(Work::nearest(10, 20), Work::Points(30.0));
    }
}
