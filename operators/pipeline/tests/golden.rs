//! Golden folders of both kinds: what is seen in, what is decided out, with the exact words a user reads.

#![allow(clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;

use millrace_kit::sim::golden;
use millrace_pipeline::{pipeline::Pipelines, run::Runs};

fn folder(kind: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(kind)
}

#[test]
fn pipelines() {
    let cases = golden::check::<Pipelines>(&folder("pipeline")).unwrap_or_else(|faults| panic!("{faults}"));
    println!("golden cases: {cases}");
}

#[test]
fn runs() {
    let cases = golden::check::<Runs>(&folder("run")).unwrap_or_else(|faults| panic!("{faults}"));
    println!("golden cases: {cases}");
}
