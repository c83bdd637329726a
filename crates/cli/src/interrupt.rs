//! Ctrl-C: the first asks for the answer so far, the second leaves at once.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

/// Exit code of an interrupted command.
const INTERRUPTED: i32 = 130;

static HELD: AtomicBool = AtomicBool::new(false);
static ASKED: AtomicBool = AtomicBool::new(false);

/// Takes over the interrupt and termination signals.
///
/// While nothing that could answer is running (a file is being read, say), the first signal ends the
/// process too: there is no answer so far, and nothing is written outside of [`hold`].
pub fn listen() {
    let installed = ctrlc::set_handler(|| {
        if !HELD.load(Ordering::SeqCst) || ASKED.swap(true, Ordering::SeqCst) {
            std::process::exit(INTERRUPTED);
        }
    });
    // Without a handler the signal ends the process, as it does for any program.
    drop(installed);
}

/// From here to the end of the process a first signal only asks: an answer will come, and files are
/// written whole.
pub fn hold() {
    HELD.store(true, Ordering::SeqCst);
}

/// Whether the user asked for the answer so far.
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// What an observer tells its solver.
pub fn flow() -> ControlFlow<()> {
    if asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}
