//! When the points of a scan were measured.

use barrow_geometry::PointCloud;

/// Times this many spreads of the others outside of them are no times of this scan.
const OUTLYING: f64 = 2.0;

/// The first and the last moment of a scan, and which points have a share in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sweep {
    /// First time \[s\].
    pub start: f64,
    /// Last time less first \[s\], positive.
    pub duration: f64,
}

impl Sweep {
    /// The sweep of a cloud; `None` if it has no times, no finite ones, or all are equal: then all points are of one moment.
    ///
    /// A few times that lie far outside of all others, as faulty packets have, do not count.
    pub fn of(cloud: &PointCloud) -> Option<Self> {
        let mut times: Vec<f64> = cloud.times()?.iter().copied().filter(|time| time.is_finite()).collect();
        if times.is_empty() {
            return None;
        }
        let bounds = |times: &[f64]| {
            let fold = |(low, high): (f64, f64), &time: &f64| (low.min(time), high.max(time));
            times.iter().fold((f64::INFINITY, f64::NEG_INFINITY), fold)
        };
        let (mut low, mut high) = bounds(&times);
        let hundredth = times.len() / 100;
        let last = times.len() - 1 - hundredth;
        let early = *times.select_nth_unstable_by(hundredth, f64::total_cmp).1;
        let late = *times.select_nth_unstable_by(last, f64::total_cmp).1;
        let spread = late - early;
        if high - low > (1.0 + OUTLYING) * spread {
            times.retain(|&time| time >= early - spread && time <= late + spread);
            (low, high) = bounds(&times);
        }
        let duration = high - low;
        (duration > 0.0 && duration.is_finite()).then_some(Self { start: low, duration })
    }

    /// Share of the sweep from −½ to ½; `None` for a time outside, or none at all.
    pub fn share(&self, time: f64) -> Option<f64> {
        let share = (time - self.start) / self.duration;
        (0.0..=1.0).contains(&share).then_some(share - 0.5)
    }
}
