//! Robust kernels: how much a pair with a large residual still counts.

/// A robust kernel ρ, by its weight w(r) = ρ'(r) / r, with w(0) = 1.
///
/// `width` is the residual \[m\] at which the kernel begins to doubt. All weights depend on r / width alone,
/// so that a change of unit changes nothing.
///
/// # References
/// Zhang, *Parameter estimation techniques*, Image and Vision Computing 15 (1997), table 1; Barron, *A
/// general and adaptive robust loss function*, CVPR 2019, whose α is 2, 1 (nearly), 0 and −2 for the
/// first four.
///
/// ```
/// use barrow_registration::Kernel;
///
/// assert_eq!(Kernel::Tukey.weight(2.0, 1.0), 0.0);
/// assert_eq!(Kernel::Huber.weight(2.0, 1.0), 0.5);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kernel {
    /// Least squares: every pair counts in full.
    LeastSquares,
    /// Linear beyond the width: bounded influence, still convex.
    Huber,
    /// Logarithmic growth.
    Cauchy,
    /// Saturating: far pairs fade as the fourth power.
    #[default]
    GemanMcClure,
    /// Exactly zero beyond the width.
    Tukey,
}

impl Kernel {
    /// Weight of a residual \[m\] under a width \[m\] > 0.
    pub fn weight(self, residual: f64, width: f64) -> f64 {
        let ratio = residual / width;
        let squared = ratio * ratio;
        match self {
            Self::LeastSquares => 1.0,
            Self::Huber => 1.0 / ratio.abs().max(1.0),
            Self::Cauchy => 1.0 / (1.0 + squared),
            Self::GemanMcClure => 1.0 / ((1.0 + squared) * (1.0 + squared)),
            Self::Tukey if squared < 1.0 => (1.0 - squared) * (1.0 - squared),
            Self::Tukey => 0.0,
        }
    }
}
