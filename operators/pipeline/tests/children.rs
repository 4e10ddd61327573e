//! What a run makes of the children of its steps: whole objects in, one view out.

#![allow(clippy::panic, reason = "a test fails by panicking")]

use millrace_pipeline::verbs::{child_state::ChildState, job, register};
use serde::Deserialize;
use serde_json::Value;

/// A child and its view.
#[derive(Deserialize)]
struct Case {
    object: Value,
    state: ChildState,
}

fn state(object: &Value) -> Result<ChildState, serde_json::Error> {
    if object["kind"] == "ModelVersion" {
        return serde_json::from_value(object.clone()).map(|version| register::state(&version));
    }
    serde_json::from_value(object.clone()).map(|job| job::state(&job))
}

#[test]
fn children_are_seen_as_they_stand() {
    let cases: Vec<Case> = serde_saphyr::from_str(include_str!("children.yaml")).unwrap_or_else(|e| panic!("{e}"));
    assert!(cases.len() > 20, "{} cases", cases.len());
    for Case { object, state: want } in cases {
        let have = state(&object).unwrap_or_else(|e| panic!("{object}: {e}"));
        assert_eq!(have, want, "{object}");
    }
}
