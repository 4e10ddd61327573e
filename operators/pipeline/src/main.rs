//! The pipeline operator.

fn main() {}
