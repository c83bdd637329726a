//! Benchmarks of barrow.
