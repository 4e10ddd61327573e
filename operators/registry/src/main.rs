//! The registry operator.

fn main() {}
