//! The table of bad objects (`tests/bad/<kind>/<category>.yaml`) is whole, and what only an operator can refuse is proven.
//!
//! `by: admission` entries run on a real API server in the end-to-end crate. Any other `by` names an operator; `golden`
//! is its golden folder: the same spec goes in, and the decision is Stalled with exactly the recorded text.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn yaml(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every entry as (kind, category, content).
fn entries() -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for kind in fs::read_dir(here().join("tests/bad")).unwrap() {
        let kind = kind.unwrap();
        for entry in fs::read_dir(kind.path()).unwrap() {
            let path = entry.unwrap().path();
            let category = path.file_stem().unwrap().to_string_lossy().into_owned();
            found.push((kind.file_name().to_string_lossy().into_owned(), category, yaml(&path)));
        }
    }
    found.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    found
}

/// Puts another text into an entry, leaving the rest as it is.
fn rewrite(path: &Path, error: &str) {
    let text = fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once("\nerror: ").unwrap();
    let (_, after) = rest.split_once("\ngolden: ").unwrap();
    // JSON text is YAML too.
    fs::write(path, format!("{before}\nerror: {}\ngolden: {after}", Value::from(error))).unwrap();
}

#[test]
fn every_category_of_mistake_is_in_the_table() {
    let have: BTreeSet<String> = entries().into_iter().map(|(_, category, _)| category).collect();
    for category in [
        "missing",
        "out-of-range",
        "two-engines",
        "no-engine",
        "bad-reference",
        "bad-reference-to-data",
        "cycle",
        "dollar-brace",
        "shrinking-partitions",
        "immutable",
        "over-maximum",
        "name-clash",
    ] {
        assert!(have.contains(category), "{category}");
    }
}

#[test]
fn every_kind_is_in_the_table_and_every_entry_says_its_error() {
    let entries = entries();
    let kinds: BTreeSet<&String> = entries.iter().map(|(kind, _, _)| kind).collect();
    assert_eq!(kinds.len(), 9, "{kinds:?}");
    for (kind, category, entry) in &entries {
        assert!(entry["error"].as_str().is_some_and(|text| !text.is_empty()), "{kind}/{category}: error");
        assert_eq!(entry["object"]["kind"].as_str().unwrap().to_lowercase(), *kind, "{kind}/{category}");
    }
}

#[test]
fn what_operators_refuse_is_proven_by_their_golden_folders() {
    for (kind, category, entry) in entries().iter().filter(|(_, _, entry)| entry["by"] != "admission") {
        let at = format!("{kind}/{category}");
        let golden = here().parent().unwrap().join(entry["golden"].as_str().unwrap_or_else(|| panic!("{at}: golden")));
        let object = yaml(&golden.join("object.yaml"));
        assert_eq!(object["spec"], entry["object"]["spec"], "{at}: the golden folder has another spec");
        let decision = yaml(&golden.join("decision.yaml"));
        let conditions = decision["status"]["conditions"].as_array().unwrap();
        let of = |type_: &str| conditions.iter().find(|condition| condition["type"] == type_);
        let stalled = of("Stalled").unwrap_or_else(|| panic!("{at}: not Stalled"));
        assert_eq!(stalled["status"], "True", "{at}");
        assert_eq!(of("Ready").map(|ready| &ready["status"]), Some(&Value::from("False")), "{at}");
        let said = stalled["message"].as_str().unwrap().trim();
        if std::env::var_os("UPDATE").is_some() {
            rewrite(&here().join(format!("tests/bad/{at}.yaml")), said);
        } else {
            assert_eq!(Some(said), entry["error"].as_str().map(str::trim), "{at}: UPDATE=1 takes over the new text");
        }
    }
}
