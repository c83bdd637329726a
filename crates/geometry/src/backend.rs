//! Where dense work runs.

#[cfg(feature = "gpu")]
use crate::Gpu;

/// Where dense work runs. An argument of the call, never part of the problem.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Backend {
    /// All threads of the current rayon pool. The specification of every other backend.
    #[default]
    Cpu,
    /// A graphics device.
    #[cfg(feature = "gpu")]
    Gpu(Gpu),
}
