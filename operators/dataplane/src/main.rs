//! The dataplane operator.

fn main() {}
