//! The iteration of one measure against itself.

/// Chebyshev's second-order iteration of a single potential towards its own best answer.
///
/// The derivative of that answer has eigenvalues in [−1, 0], as the kernel is positive: averaging leaves at most a half
/// of an error, and this √β ≈ 0.17 of it, for every blur. The first steps average, which takes a constant error away at
/// once.
///
/// # References
/// Golub, Varga, *Chebyshev semi-iterative methods, successive overrelaxation iterative methods, and second order
/// Richardson iterative methods*, Numerische Mathematik 1961.
#[derive(Debug, Default)]
pub(super) struct Averaging {
    /// Steps so far.
    age: usize,
    /// The potential before the last step.
    previous: Vec<f64>,
}

impl Averaging {
    /// Moves a potential towards its best answer.
    pub fn step(&mut self, potential: &mut [f64], best: impl Iterator<Item = f64>) {
        // With κ = 2, the ratio of the extreme eigenvalues of 1 − T′: 4 / (√κ + 1)² and ((√κ − 1) / (√κ + 1))².
        let root = std::f64::consts::SQRT_2;
        let (step, inertia) = if self.age < 2 {
            (0.5, 0.0)
        } else {
            (4.0 / (root + 1.0).powi(2), ((root - 1.0) / (root + 1.0)).powi(2))
        };
        self.age += 1;
        self.previous.resize(potential.len(), 0.0);
        for ((value, previous), best) in potential.iter_mut().zip(&mut self.previous).zip(best) {
            let next = *value + step * (best - *value) + inertia * (*value - *previous);
            *previous = *value;
            *value = next;
        }
    }
}
