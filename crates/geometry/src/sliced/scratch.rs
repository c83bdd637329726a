//! Buffers that are used again.

use std::sync::Mutex;

use super::body::{Line, Shadow};

/// As many buffers as there have ever been threads at work at once. What they hold is overwritten before it is read,
/// so that it does not matter who gets which.
#[derive(Default)]
pub(super) struct Pool(Mutex<Vec<Scratch>>);

/// Both sides along one direction.
#[derive(Default)]
pub(super) struct Scratch {
    pub shadows: [Shadow; 2],
    pub lines: [Line; 2],
}

impl Pool {
    /// Lends buffers to `work`.
    pub fn with<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        // Nothing that is left half done in a buffer is ever read: a panic elsewhere does no harm.
        let lock = || self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let free = lock().pop();
        let mut scratch = free.unwrap_or_default();
        let result = work(&mut scratch);
        lock().push(scratch);
        result
    }
}
