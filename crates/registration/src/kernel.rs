//! Robust kernels: how much a pair with a large residual still counts.

use crate::loss::{fitted_alpha, general_weight};

/// A robust kernel ρ, by its weight w(r) = ρ'(r) / r, with w(0) = 1.
///
/// `width` is the residual \[m\] at which the kernel begins to doubt. All weights depend on r / width alone,
/// so that a change of unit changes nothing.
///
/// # References
/// Zhang, *Parameter estimation techniques*, Image and Vision Computing 15 (1997), table 1; Barron, *A
/// general and adaptive robust loss function*, CVPR 2019, whose α is 2, 1 (nearly), 0 and −2 for the
/// first four; Chebrolu et al., *Adaptive robust kernels for non-linear least squares problems*, RA-L 2021,
/// for the last.
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
    /// Whichever of Barron's kernels makes the residuals likeliest, from least squares where they are normal to
    /// one that forgets what is far where many are. [`fitted`](Self::fitted) chooses it.
    Adaptive,
}

/// Standard deviation of normal residuals in units of the median of their sizes.
const DEVIATIONS: f64 = 1.4826;

/// The width in robust standard deviations.
const WIDTH: f64 = 3.0;

impl Kernel {
    /// Weight of a residual \[m\] under a width \[m\] > 0.
    ///
    /// [`Adaptive`](Self::Adaptive) has no shape before it has seen residuals, and is Cauchy's until then.
    pub fn weight(self, residual: f64, width: f64) -> f64 {
        self.weight_of_square((residual / width).powi(2))
    }

    /// The kernel as the residuals at hand ask for it, given their squares \[m²\].
    ///
    /// Its width is three robust standard deviations, 3 · 1.4826 times the median size, but at least `least_width`
    /// \[m\]: clean data must not make every pair an outlier. [`Adaptive`](Self::Adaptive) chooses its shape then.
    ///
    /// ```
    /// use barrow_registration::Kernel;
    ///
    /// // One in four is far off: the kernel forgets it, and only it.
    /// let squares = (0..400).map(|i| if i % 4 == 0 { 25.0 } else { 1e-4 * (i as f64 / 400.0) }).collect();
    /// let kernel = Kernel::Adaptive.fitted(squares, 1e-3);
    /// assert!(kernel.alpha().is_some_and(|alpha| alpha < 0.0));
    /// assert!(kernel.weight_of_square(25.0) < 1e-3 && kernel.weight_of_square(1e-5) > 0.9);
    /// ```
    pub fn fitted(self, mut squares: Vec<f64>, least_width: f64) -> FittedKernel {
        let middle = squares.len() / 2;
        let median = match squares.len() {
            0 => 0.0,
            _ => squares.select_nth_unstable_by(middle, f64::total_cmp).1.sqrt(),
        };
        let width = (WIDTH * DEVIATIONS * median).max(least_width).max(f64::MIN_POSITIVE);
        let alpha = (self == Self::Adaptive).then(|| fitted_alpha(&squares, width / WIDTH));
        FittedKernel { kernel: self, alpha, width, inverse: 1.0 / width }
    }

    /// Weight by r² / width².
    fn weight_of_square(self, squared: f64) -> f64 {
        match self {
            Self::LeastSquares => 1.0,
            Self::Huber => 1.0 / squared.sqrt().max(1.0),
            Self::Cauchy | Self::Adaptive => 1.0 / (1.0 + squared),
            Self::GemanMcClure => 1.0 / ((1.0 + squared) * (1.0 + squared)),
            Self::Tukey if squared < 1.0 => (1.0 - squared) * (1.0 - squared),
            Self::Tukey => 0.0,
        }
    }
}

/// A kernel with the width, and where it has one the shape, that some residuals asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FittedKernel {
    kernel: Kernel,
    alpha: Option<f64>,
    width: f64,
    /// 1 ÷ width, whose square may not be a number that can be held.
    inverse: f64,
}

impl FittedKernel {
    /// Weight of a residual by its square \[m²\].
    pub fn weight_of_square(&self, squared: f64) -> f64 {
        let ratio = squared * self.inverse * self.inverse;
        match self.alpha {
            // Barron's scale is one standard deviation.
            Some(alpha) => general_weight(WIDTH * WIDTH * ratio, alpha),
            None => self.kernel.weight_of_square(ratio),
        }
    }

    /// Residual at which the kernel begins to doubt \[m\].
    pub fn width(&self) -> f64 {
        self.width
    }

    /// Barron's α of an adaptive kernel: 2 for least squares, 0 for Cauchy's, −2 for Geman and McClure's, less for
    /// kernels that forget still sooner.
    pub fn alpha(&self) -> Option<f64> {
        self.alpha
    }
}
