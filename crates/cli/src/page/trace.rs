//! What an observer saw of a run, in bounded memory.

use std::time::Instant;

/// Steps that are kept at most: more than a curve has pixels.
const CAPACITY: usize = 512;

/// The steps of a run. Where there are more than can be drawn, every second, fourth, … of them, and the last.
#[derive(Debug, Clone)]
pub struct Trace<T> {
    start: Instant,
    kept: Vec<Seen<T>>,
    last: Option<Seen<T>>,
    /// Steps seen, and of how many one is kept.
    count: usize,
    every: usize,
}

/// A step, and when it was seen.
#[derive(Debug, Clone, Copy)]
pub struct Seen<T> {
    /// Steps up to this one, from 1.
    pub number: usize,
    /// Time since the start \[s\].
    pub seconds: f64,
    /// What it was.
    pub step: T,
}

impl<T: Clone> Trace<T> {
    /// A run that starts now.
    pub fn new() -> Self {
        Self { start: Instant::now(), kept: Vec::new(), last: None, count: 0, every: 1 }
    }

    /// Sees a step.
    pub fn push(&mut self, step: T) {
        self.count += 1;
        let seen = Seen { number: self.count, seconds: self.start.elapsed().as_secs_f64(), step };
        if (self.count - 1).is_multiple_of(self.every) {
            if self.kept.len() == CAPACITY {
                self.every *= 2;
                let every = self.every;
                self.kept.retain(|seen| (seen.number - 1).is_multiple_of(every));
            }
            if (self.count - 1).is_multiple_of(self.every) {
                self.kept.push(seen.clone());
            }
        }
        self.last = Some(seen);
    }

    /// The steps kept, in order, and the last one.
    pub fn steps(&self) -> impl Iterator<Item = &Seen<T>> {
        let kept = self.kept.last().map_or(0, |seen| seen.number);
        self.kept.iter().chain(self.last.iter().filter(move |last| last.number > kept))
    }

    /// Steps seen.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Says what was left out, if anything was.
    pub fn thinned(&self) -> String {
        if self.every == 1 { String::new() } else { format!(" One step in {} is drawn.", self.every) }
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, Trace};

    #[test]
    fn a_long_run_is_thinned_evenly_and_keeps_its_ends() {
        for count in [0, 1, CAPACITY, CAPACITY + 1, 10 * CAPACITY + 3] {
            let mut trace = Trace::new();
            (1..=count).for_each(|step| trace.push(step));
            let steps: Vec<usize> = trace.steps().map(|seen| seen.step).collect();
            assert!(steps.len() <= CAPACITY + 1 && trace.len() == count);
            assert_eq!(
                (steps.first(), steps.last()),
                if count == 0 { (None, None) } else { (Some(&1), Some(&count)) }
            );
            assert!(count > CAPACITY || (steps.len() == count && trace.thinned().is_empty()));
            let gaps: Vec<usize> = steps.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let (_, even) = gaps.split_last().unwrap_or((&1, &[]));
            assert!(even.windows(2).all(|pair| pair[0] == pair[1]), "{gaps:?}");
        }
    }
}
