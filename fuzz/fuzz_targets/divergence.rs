#![no_main]
#![allow(missing_docs)]

libfuzzer_sys::fuzz_target!(init: barrow_fuzz::quiet(), |bytes: &[u8]| (barrow_fuzz::target("divergence").run)(bytes));
