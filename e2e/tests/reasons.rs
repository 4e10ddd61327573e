//! Every reason that an operator gives stands in `docs/reasons.md`, and every one that stands there is given.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod walk;

use std::collections::BTreeSet;
use std::fs;

use walk::{repository, texts};

/// What stands before the reason of a condition or of a step in the sources.
const BEFORE: [&str; 12] = [
    "Standing::ready(",
    "Standing::progressing(",
    "Standing::stalled(",
    "Part::ok(",
    "Part::waits(",
    "Part::terminal(",
    "Cause::new(",
    "Wait::new(",
    "(\"True\",",
    "(\"False\",",
    "(\"Unknown\",",
    "Obstacle::new(",
];

/// Words of the API server, which are handed on as they come.
const FOREIGN: [&str; 2] = ["Forbidden", "Invalid"];

/// Reasons that stay inside an operator: no condition has them.
const INSIDE: [&str; 2] = ["LoginSet", "TakingBack"];

fn is_word(text: &str) -> bool {
    text.len() > 3 && text.starts_with(|c: char| c.is_ascii_uppercase()) && text.chars().all(char::is_alphanumeric)
}

/// The literals behind the marks, each within the next argument or two.
fn literals(text: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for mark in BEFORE {
        for rest in text.split(mark).skip(1) {
            // A class comes before the reason of an obstacle.
            let skipped = usize::from(mark.starts_with("Obstacle"));
            let argument = rest.split(',').nth(skipped).unwrap_or_default().trim().trim_end_matches(')');
            let word = argument.strip_prefix('"').and_then(|a| a.strip_suffix('"'));
            found.extend(word.filter(|word| is_word(word)));
        }
    }
    found
}

fn listed() -> BTreeSet<String> {
    let page = fs::read_to_string(repository().join("docs/reasons.md")).unwrap();
    let words = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned));
    words.collect()
}

#[test]
fn every_reason_is_explained() {
    let listed = listed();
    let mut missing = BTreeSet::new();
    for (path, text) in
        texts(&["operators"], |path| path.ends_with(".rs") && path.contains("/src/") && !path.contains("/kit/src/sim"))
    {
        let unknown = literals(&text).into_iter().filter(|word| !listed.contains(*word) && !INSIDE.contains(word));
        missing.extend(unknown.map(|word| format!("{word} in {path}")));
    }
    for (path, text) in texts(&["operators"], |path| path.ends_with("/decision.yaml")) {
        let told = text.lines().filter_map(|line| line.trim().strip_prefix("reason: "));
        let told = told.filter(|word| !FOREIGN.contains(word));
        missing.extend(told.filter(|word| !listed.contains(*word)).map(|word| format!("{word} in {path}")));
    }
    let missing: Vec<String> = missing.into_iter().collect();
    assert!(missing.is_empty(), "not in crds/src/reasons.txt:\n{}", missing.join("\n"));
}

#[test]
fn every_explained_reason_is_given() {
    let sources = texts(&["operators"], |path| path.ends_with(".rs") && path.contains("/src/"));
    let classes = fs::read_to_string(repository().join("crds/src/processing_job.rs")).unwrap();
    let stale: Vec<String> = listed()
        .into_iter()
        .filter(|word| {
            let (quoted, variant) = (format!("\"{word}\""), format!("    {word},"));
            let given = sources.values().any(|text| text.contains(&quoted) || text.lines().any(|line| line == variant));
            !given && !classes.lines().any(|line| line == variant)
        })
        .collect();
    assert!(stale.is_empty(), "no operator gives these; take them out of crds/src/reasons.txt: {}", stale.join(", "));
}

#[test]
fn every_explained_reason_is_reached_by_a_test() {
    let tests = texts(&["operators", "e2e/src/stories"], |path| {
        path.ends_with("/decision.yaml")
            || path.ends_with("/words.yaml")
            || path.contains("/tests/reached/")
            || (path.ends_with(".rs")
                && (path.contains("/tests/") || path.ends_with("/tests.rs") || path.contains("/stories/")))
    });
    let words = |text: &String| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| is_word(word)).map(str::to_owned).collect()
    };
    let reached: BTreeSet<String> = tests.values().flat_map(words).collect();
    let unreached: Vec<String> = listed().into_iter().filter(|word| !reached.contains(word)).collect();
    assert!(unreached.is_empty(), "no golden case, scenario or story leads to these: {}", unreached.join(", "));
}
