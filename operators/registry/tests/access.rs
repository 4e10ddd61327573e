//! The chart's rules for the operator are those its code declares.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[test]
fn the_chart_grants_what_the_code_declares() {
    millrace_kit::sim::golden::access("registry", millrace_registry::ACCESS).unwrap_or_else(|e| panic!("{e}"));
}
