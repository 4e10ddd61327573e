//! The processing operator.

fn main() {}
