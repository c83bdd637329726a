//! What the benchmarks of barrow share.

mod formats;
mod made;

pub use formats::write_formats;
pub use made::{made, save};

use std::sync::OnceLock;
use std::time::Instant;

/// The median of measurements; the upper one of an even number.
///
/// # Panics
/// If there are none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Most memory that this process has held so far, in units of 10⁶ bytes: the high-water mark of resident memory, which
/// Linux keeps in kibibytes. `None` where the system does not tell.
pub fn peak_rss_mb() -> Option<f64> {
    memory("VmHWM:")
}

/// A line of what Linux says of this process, in units of 10⁶ bytes.
fn memory(name: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? * 1024.0 / 1e6)
}

/// The most memory that a call holds beyond what was held before it.
#[derive(Debug)]
pub struct MemoryOfCall {
    before: Option<f64>,
}

impl MemoryOfCall {
    /// Begins anew with the high-water mark.
    pub fn begin() -> Self {
        let forgotten = std::fs::write("/proc/self/clear_refs", "5").is_ok();
        Self { before: memory("VmRSS:").filter(|_| forgotten) }
    }

    /// In units of 10⁶ bytes; `None` where the system does not tell.
    pub fn end(self) -> Option<f64> {
        Some(peak_rss_mb()? - self.before?)
    }
}

/// Time that the threads of this process have run so far \[s\], on all cores together: what else runs on the machine
/// does not count. Time on the clock where the system does not tell.
pub fn cpu_seconds() -> f64 {
    running().unwrap_or_else(|| START.get_or_init(Instant::now).elapsed().as_secs_f64())
}

static START: OnceLock<Instant> = OnceLock::new();

/// The sum over threads of what Linux keeps in nanoseconds.
fn running() -> Option<f64> {
    let mut nanoseconds = 0;
    for thread in std::fs::read_dir("/proc/self/task").ok()? {
        let line = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        nanoseconds += line.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(nanoseconds as f64 * 1e-9)
}
