//! How fast a device is, and how fast it could be.

use std::time::Instant;

use nalgebra::Point3;

use super::{AdapterKind, Buffer, Gpu, Kernel, Work};
use crate::{Error, Result};

/// A kernel timed on a device, with its values checked.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct KernelRate {
    /// Name of the kernel.
    pub kernel: &'static str,
    /// What is counted: `"pairs"`, `"points"`, `"keys"`, `"queries"`, `"operations"` or `"bytes"`.
    pub unit: &'static str,
    /// How many there were.
    pub count: f64,
    /// How long they took \[s\], the fastest of three times.
    pub seconds: f64,
    /// Operations of plain arithmetic for each of them: additions, products or both at once.
    pub arithmetic: f64,
    /// Powers, logarithms and roots for each of them.
    pub special: f64,
    /// Bytes that must come from memory or go there for each of them, once if they are needed more often.
    pub bytes: f64,
    /// Largest difference from the processor's values: in bits for soft minima, as a part of the extent for row means
    /// and keys, of the cost for costs; of what is exact the part that is not, of queries that left to the processor.
    pub error: f64,
}

impl KernelRate {
    /// A kernel that is not known to be bound by anything.
    pub(crate) fn timed(kernel: &'static str, unit: &'static str, count: f64, seconds: f64) -> Self {
        Self { kernel, unit, count, seconds, arithmetic: 0.0, special: 0.0, bytes: 0.0, error: 0.0 }
    }

    /// How many a second.
    pub fn per_second(&self) -> f64 {
        self.count / self.seconds
    }

    /// The part of the rate that the device's [peaks](Gpu::peaks) of arithmetic, special functions and memory allow: 1
    /// where the slowest of the three is never idle, more where caches spare the memory. `None` where the kernel is not bound by any.
    pub fn share_of(&self, peaks: &[KernelRate; 3]) -> Option<f64> {
        let [arithmetic, special, bytes] = peaks.each_ref().map(Self::per_second);
        let least = (self.arithmetic / arithmetic).max(self.special / special).max(self.bytes / bytes);
        (least > 0.0).then(|| self.per_second() * least)
    }
}

/// Threads of the kernel that measures peaks, and how often each does 32 operations.
const THREADS: usize = 1 << 18;
const ROUNDS: u32 = 256;
const OPERATIONS: f64 = 32.0;

/// Sixteen bytes each that are copied, more than any cache holds; how often, and how many of them in software.
const COPIED: usize = 1 << 23;
const COPIES: usize = 8;
const COPIED_IN_SOFTWARE: usize = 1 << 18;

impl Gpu {
    /// The rates that the device reaches when it does nothing but fused additions of products, nothing but powers of
    /// two, and nothing but copies from memory to memory: what other kernels are bound by.
    ///
    /// # Errors
    /// [`Error::DeviceLost`], [`Error::DeviceMemory`].
    pub fn peaks(&self) -> Result<[KernelRate; 3]> {
        Ok([self.peak_rate(false)?, self.peak_rate(true)?, self.peak_copy()?])
    }

    fn peak_rate(&self, powers: bool) -> Result<KernelRate> {
        // Software would take seconds for what a card does in none.
        let threads = if self.in_software() { THREADS / 64 } else { THREADS };
        let results = self.zeros::<f32>(threads)?;
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
        let rate = KernelRate::timed(name, "operations", count, seconds);
        Ok(KernelRate { arithmetic, special, error, ..rate })
    }

    fn peak_copy(&self) -> Result<KernelRate> {
        let most = if self.in_software() { COPIED_IN_SOFTWARE } else { COPIED };
        let groups = most.min(self.capacity::<[u32; 4]>()) / 256;
        let count = 256 * groups;
        let original: Vec<[u32; 4]> =
            (0..count as u32).map(|index| [0, 1, 2, 3].map(|k| index ^ k)).collect();
        let (from, to) = (self.upload(&original)?, self.zeros::<[u32; 4]>(count)?);
        let kernel = Kernel { source: barrow_shaders::COPY, entry: "peak_copy", constants: &[] };
        let seconds = self.fastest(&to, |work| {
            for copy in 0..COPIES {
                let buffers = if copy % 2 == 0 { [&from, &to] } else { [&to, &from] };
                let parameters = |first| [first, 0, 0, 0, 0, 0, 0, 0];
                work.run_in_parts(&kernel, parameters, &buffers, groups, 0.5 * count as f64)?;
            }
            Ok(())
        })?;
        let got: Vec<[u32; 4]> = self.download(&to, count)?;
        let error = wrong(&got, &peak_copy(&original));
        // Read and written.
        let bytes = (2 * COPIES * size_of_val(&original[..])) as f64;
        let rate = KernelRate::timed("copies", "bytes", bytes, seconds);
        Ok(KernelRate { bytes: 1.0, error, ..rate })
    }

    /// Times the kernels on two surfaces of so many points each, a sphere and a torus, and checks what they compute.
    ///
    /// Of Sinkhorn the half-step: the soft minimum over all columns, the truncated one at a blur of twice the spacing
    /// with what prepares it, and row means. Pairs are all there are, left out or not; the operations for each are
    /// those of a pair that is not. Of sliced transport what is done along as many directions as fill the device. Of
    /// the search for nearest points and lowest reduced costs its walk on the device.
    ///
    /// ```no_run
    /// let gpu = barrow_geometry::Gpu::open()?;
    /// for rate in gpu.kernel_rates(100_000)? {
    ///     println!("{}: {:.1e} {}/s", rate.kernel, rate.per_second(), rate.unit);
    /// }
    /// # Ok::<(), barrow_geometry::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidOption`] unless `points` is from 64 to 2²⁴; those of a device.
    pub fn kernel_rates(&self, points: usize) -> Result<Vec<KernelRate>> {
        if !(64..=1 << 24).contains(&points) {
            let requirement = "from 64 to 2^24";
            return Err(Error::InvalidOption { name: "points", requirement, got: points as f64 });
        }
        let rooms = [crate::sinkhorn::kernel_rates, crate::sliced::kernel_rates, crate::kdtree::kernel_rates];
        let rates = rooms.into_iter().map(|rates| rates(self, points));
        Ok(rates.collect::<Result<Vec<_>>>()?.concat())
    }

    /// Whether the device is a processor that plays one: what a card does in no time takes long there.
    pub(crate) fn in_software(&self) -> bool {
        self.adapter().kind == AdapterKind::Software
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

/// What every thread of the kernel leaves behind.
fn peak_copy(original: &[[u32; 4]]) -> Vec<[u32; 4]> {
    original.to_vec()
}

/// The part of some values that are not as they should be.
pub(crate) fn wrong<T: PartialEq>(got: &[T], wanted: &[T]) -> f64 {
    let wrong = got.iter().zip(wanted).filter(|(got, wanted)| got != wanted).count();
    wrong as f64 / wanted.len() as f64
}

/// Points evenly spread on a sphere, or on a torus.
pub(crate) fn surface(count: usize, torus: bool) -> Vec<Point3<f64>> {
    let place = |index: usize| {
        let (part, turn) = ((index as f64 + 0.5) / count as f64, index as f64 * 2.399_963_229_728_653);
        let (sin, cos) = turn.sin_cos();
        if torus {
            let around = index as f64 * 0.618_033_988_749_895 * std::f64::consts::TAU;
            let (ring, turn) = (0.3 + 0.1 * around.cos(), part * std::f64::consts::TAU);
            return Point3::new(ring * turn.cos(), ring * turn.sin(), 0.1 * around.sin());
        }
        let z = 1.0 - 2.0 * part;
        let ring = (1.0 - z * z).sqrt();
        Point3::new(0.4 * ring * cos, 0.4 * ring * sin, 0.4 * z)
    };
    (0..count).map(place).collect()
}
