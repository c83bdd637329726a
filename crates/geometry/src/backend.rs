//! Where dense work runs.

/// Where dense work runs. An argument of the call, never part of the problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Backend {
    /// All threads of the current rayon pool. The specification of every other backend.
    #[default]
    Cpu,
}
