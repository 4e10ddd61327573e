//! Single passes as files: object and observed in, decision out; `UPDATE=1` writes the decisions anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;

use millrace_kit::sim::golden;
use millrace_registry::{Registries, Versions};

#[test]
fn registries() {
    let cases =
        golden::check::<Registries>(Path::new("tests/golden/registry")).unwrap_or_else(|faults| panic!("{faults}"));
    println!("cases: {cases}");
}

#[test]
fn versions() {
    let cases =
        golden::check::<Versions>(Path::new("tests/golden/version")).unwrap_or_else(|faults| panic!("{faults}"));
    println!("cases: {cases}");
}
