//! How fast a device is, and how fast it could be.

use std::time::Instant;

use super::{Buffer, Gpu, Kernel, Work};
use crate::Result;

/// A kernel timed on a device, with its values checked.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct KernelRate {
    /// Name of the kernel.
    pub kernel: &'static str,
    /// What is counted: `"pairs"`, `"points"` or `"operations"`.
    pub unit: &'static str,
    /// How many there were.
    pub count: f64,
    /// How long they took \[s\], the fastest of three times.
    pub seconds: f64,
    /// Operations of plain arithmetic for each of them: additions, products or both at once.
    pub arithmetic: f64,
    /// Powers, logarithms and roots for each of them.
    pub special: f64,
    /// Largest difference from the processor's values: in bits for soft minima, relative for others.
    pub error: f64,
}

impl KernelRate {
    /// How many a second.
    pub fn per_second(&self) -> f64 {
        self.count / self.seconds
    }

    /// The part of the rate that the device's arithmetic and special functions, given in operations a second, allow:
    /// 1 where the slower of the two is never idle. `None` where the kernel is not bound by either.
    pub fn share_of(&self, arithmetic: f64, special: f64) -> Option<f64> {
        let least = (self.arithmetic / arithmetic).max(self.special / special);
        (least > 0.0).then(|| self.per_second() * least)
    }
}

/// Threads of the kernel that measures peaks, and how often each does 32 operations.
const THREADS: usize = 1 << 18;
const ROUNDS: u32 = 256;
const OPERATIONS: f64 = 32.0;

impl Gpu {
    /// The rates that the device reaches when it does nothing but fused additions of products, and nothing but powers of
    /// two: what other kernels are bound by.
    ///
    /// # Errors
    /// [`Error::DeviceLost`](crate::Error::DeviceLost), [`Error::DeviceMemory`](crate::Error::DeviceMemory).
    pub fn peaks(&self) -> Result<[KernelRate; 2]> {
        // Software would take seconds for what a card does in none.
        let threads = match self.adapter().kind {
            super::AdapterKind::Software => THREADS / 64,
            _ => THREADS,
        };
        let results = self.zeros::<f32>(threads)?;
        let rate = |powers: bool| -> Result<KernelRate> {
            let constants: &'static [(&'static str, f64)] =
                if powers { &[("POWERS", 1.0)] } else { &[("POWERS", 0.0)] };
            let kernel = Kernel { source: barrow_shaders::PEAK, entry: "peak_rate", constants };
            let count = OPERATIONS * f64::from(ROUNDS) * threads as f64;
            let seconds = self.fastest(&results, |work| {
                let parameters = |first| [first, ROUNDS, 0, 0];
                // As one dispatch on a card: it is what is measured.
                work.run_in_parts(&kernel, parameters, &[&results], threads / 256, 0.1 * count)
            })?;
            let wanted = peak_rate(powers);
            let got: Vec<f32> = self.download(&results, threads)?;
            let error = got.iter().map(|&got| (f64::from(got) / wanted - 1.0).abs()).fold(0.0, f64::max);
            let (name, arithmetic, special) = match powers {
                true => ("powers of two", 0.0, 1.0),
                false => ("fused additions", 1.0, 0.0),
            };
            Ok(KernelRate { kernel: name, unit: "operations", count, seconds, arithmetic, special, error })
        };
        Ok([rate(false)?, rate(true)?])
    }

    /// The shortest of three times that some work takes, after once to warm up \[s\]. `last` is what it writes to.
    pub(crate) fn fastest(&self, last: &Buffer, record: impl Fn(&mut Work) -> Result<()>) -> Result<f64> {
        let once = || -> Result<f64> {
            let begin = Instant::now();
            let mut work = Work::new(self);
            record(&mut work)?;
            work.finish()?;
            // Four bytes, for which all work has to end.
            self.download::<f32>(last, 1)?;
            Ok(begin.elapsed().as_secs_f64())
        };
        once()?;
        let mut fastest = once()?;
        for _ in 0..2 {
            fastest = fastest.min(once()?);
        }
        Ok(fastest)
    }
}

/// What every thread of the kernel comes to.
fn peak_rate(powers: bool) -> f64 {
    let once = |a: f64| if powers { (-a).exp2() } else { 0.5 * a + 0.3 };
    16.0 * (0..ROUNDS).fold(0.6, |a, _| once(a))
}
