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
}
