//! The local cluster, the demo, stories and benchmarks.
fn main() {}
