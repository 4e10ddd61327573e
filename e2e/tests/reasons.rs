//! Every reason that an operator gives stands in `docs/reasons.md`, and every one that stands there is given by an operator and
//! reached by a test.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod walk;

use std::collections::BTreeSet;
use std::fs;

use walk::{repository, texts};

/// Words of the API server, which are handed on as they come.
const FOREIGN: [&str; 2] = ["Forbidden", "Invalid"];

fn is_word(text: &str) -> bool {
    text.len() > 3 && text.starts_with(|c: char| c.is_ascii_uppercase()) && text.chars().all(char::is_alphanumeric)
}

fn listed() -> BTreeSet<String> {
    let page = fs::read_to_string(repository().join("docs/reasons.md")).unwrap();
    let words = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned));
    words.collect()
}

/// The compiler refuses a literal; this refuses a word that was handed on although it is nobody else's.
#[test]
fn every_reason_of_a_golden_case_is_explained() {
    let listed = listed();
    let mut missing = BTreeSet::new();
    for (path, text) in texts(&["operators"], |path| path.ends_with("/decision.yaml")) {
        let given = text.lines().filter_map(|line| line.trim().strip_prefix("reason: "));
        let unknown = given.filter(|word| !FOREIGN.contains(word) && !listed.contains(*word));
        missing.extend(unknown.map(|word| format!("{word} in {path}")));
    }
    let missing: Vec<String> = missing.into_iter().collect();
    assert!(missing.is_empty(), "not in crds/src/reasons.rs:\n{}", missing.join("\n"));
}

#[test]
fn no_source_hands_on_a_word_of_its_own() {
    let sources =
        texts(&["operators"], |path| path.ends_with(".rs") && path.contains("/src/") && !path.contains("/sim"));
    let own: Vec<String> =
        sources.into_iter().filter(|(_, text)| text.contains("as_given(\"")).map(|(path, _)| path).collect();
    assert!(
        own.is_empty(),
        "a literal is no word of somebody else; give it a row in crds/src/reasons.rs: {}",
        own.join(", ")
    );
}

#[test]
fn every_explained_reason_is_given() {
    let sources = texts(&["operators", "crds"], |path| path.ends_with(".rs") && path.contains("/src/"));
    let stale: Vec<String> = listed()
        .into_iter()
        .filter(|word| {
            let given = [format!("Reason::{word}"), format!("Self::{word}")];
            let uses = |text: &String| given.iter().any(|given| named(text, given));
            !sources.iter().any(|(path, text)| !path.ends_with("/reasons.rs") && uses(text))
        })
        .collect();
    assert!(stale.is_empty(), "no operator gives these; take them out of crds/src/reasons.rs: {}", stale.join(", "));
}

/// Whether a text has this path, and not only a longer one.
fn named(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| !text[at + path.len()..].starts_with(char::is_alphanumeric))
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
