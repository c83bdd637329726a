//! Acceleration of the last, slow part of a run.

/// Nesterov's extrapolation of the target potential, begun anew whenever the residual rises.
///
/// One alternating step is an ascent step of the dual; extrapolating along the last move turns a rate of
/// 1 − δ into about 1 − √δ. The source potential is always the soft minimum of the extrapolated one, so
/// that the plan's source marginal stays exact and the residual means the same.
///
/// # References
/// Guminov et al., *On a combination of alternating minimization and Nesterov's momentum*, ICML 2021;
/// O'Donoghue, Candès, *Adaptive restart for accelerated gradient schemes*, 2015, section 3.2.
#[derive(Debug, Default)]
pub(crate) struct Momentum {
    /// Steps since the last restart.
    age: usize,
    /// The potential before the last extrapolation.
    previous: Vec<f64>,
}

impl Momentum {
    pub fn restart(&mut self) {
        self.age = 0;
    }

    /// Moves a potential further along the way it came.
    pub fn extrapolate(&mut self, potential: &mut [f64]) {
        if self.age == 0 {
            self.previous.clear();
            self.previous.extend_from_slice(potential);
        }
        self.age += 1;
        let weight = (self.age - 1) as f64 / (self.age + 2) as f64;
        for (value, previous) in potential.iter_mut().zip(&mut self.previous) {
            let plain = *value;
            *value += weight * (plain - *previous);
            *previous = plain;
        }
    }

    /// Moves one potential of a measure against itself towards its best answer. The derivative of that answer has
    /// eigenvalues in [−1, 0], as the kernel is positive: averaging leaves at most a half of an error and Chebyshev's
    /// second-order iteration √β ≈ 0.17 of it. The first steps average, which takes a constant error away at once.
    pub fn average(&mut self, potential: &mut [f64], best: impl Iterator<Item = f64>) {
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
