//! A net under the libraries that decode.
//!
//! las, laz and e57 index by numbers of the file in places that no check of ours foresees. A panic inside of them is a malformed
//! file to us: it becomes an error instead of taking the program down.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Fault, Outcome};

/// Runs a decoder; a panic is a fault of the file.
pub(crate) fn guarded<T>(decode: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    // Nothing that the decoder touched is looked at after a panic, so a broken invariant cannot be seen.
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|panic| {
        let reason = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no reason given");
        Err(Fault::file(format!("the content contradicts itself: {reason}")))
    })
}
