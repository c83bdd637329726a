//! The command `barrow`.

fn main() {}
