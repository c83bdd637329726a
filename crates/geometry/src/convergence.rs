//! Why a solver stopped, as part of its answer.

/// Why a solver stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// The residual fell below the tolerance.
    Converged,
    /// The iterations ran out before the residual fell below the tolerance.
    MaxIterations,
    /// The caller stopped the run. The answer is valid for what was done until then.
    Stopped,
}

impl std::fmt::Display for Status {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Converged => "converged",
            Self::MaxIterations => "max_iterations",
            Self::Stopped => "stopped",
        })
    }
}

/// How far a solver came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Convergence {
    /// Why it stopped.
    pub status: Status,
    /// Iterations done.
    pub iterations: usize,
    /// The number that was compared with the tolerance, at the last iteration.
    pub residual: f64,
}

impl Convergence {
    /// Whether the residual fell below the tolerance.
    pub fn converged(&self) -> bool {
        self.status == Status::Converged
    }
}
