//! Manifests read into the types and written again lose nothing, and no `null` is ever written.
//!
//! Covers every manifest under `examples/` of our group, and the objects of `tests/objects/`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use millrace_crds::{
    DataBucket, DataGrant, DataPlane, DataTopic, MLPipeline, MLPipelineRun, ModelRegistry, ModelVersion, ProcessingJob,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn manifests(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(manifests(&path));
        } else if path.extension().is_some_and(|ext| ext == "yaml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn ours(folder: &str) -> Vec<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    for path in manifests(&folder) {
        let text = fs::read_to_string(&path).unwrap();
        for document in serde_saphyr::from_multiple::<Value>(&text).unwrap() {
            if document["apiVersion"] == "millrace.dev/v1alpha1" {
                found.push((path.clone(), document));
            }
        }
    }
    found
}

fn through<T: DeserializeOwned + Serialize>(object: &Value) -> Value {
    let typed: T = serde_json::from_value(object.clone()).unwrap_or_else(|error| panic!("{error}: {object}"));
    serde_json::to_value(&typed).unwrap()
}

fn typed(object: &Value) -> Value {
    match object["kind"].as_str().unwrap() {
        "MLPipeline" => through::<MLPipeline>(object),
        "MLPipelineRun" => through::<MLPipelineRun>(object),
        "ProcessingJob" => through::<ProcessingJob>(object),
        "ModelRegistry" => through::<ModelRegistry>(object),
        "ModelVersion" => through::<ModelVersion>(object),
        "DataTopic" => through::<DataTopic>(object),
        "DataBucket" => through::<DataBucket>(object),
        "DataGrant" => through::<DataGrant>(object),
        "DataPlane" => through::<DataPlane>(object),
        other => panic!("unknown kind {other}"),
    }
}

/// Everything in `before` is in `after`; numbers where text is expected read back as text.
fn kept(before: &Value, after: &Value, at: &str) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (key, value) in before {
                kept(value, after.get(key).unwrap_or(&Value::Null), &format!("{at}.{key}"));
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len(), "{at}");
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                kept(before, after, &format!("{at}[{index}]"));
            }
        }
        (Value::Number(before), Value::String(after)) => assert_eq!(&before.to_string(), after, "{at}"),
        (before, after) => assert_eq!(before, after, "{at}"),
    }
}

fn without_null(value: &Value, at: &str) {
    match value {
        Value::Null => panic!("null at {at}"),
        Value::Object(object) => object.iter().for_each(|(key, value)| without_null(value, &format!("{at}.{key}"))),
        Value::Array(list) => list.iter().for_each(|value| without_null(value, &format!("{at}[]"))),
        _ => {}
    }
}

#[test]
fn examples_and_objects_read_back_as_written() {
    let mut kinds = std::collections::BTreeSet::new();
    for (path, object) in ours("../examples").into_iter().chain(ours("tests/objects")) {
        let again = typed(&object);
        kept(&object, &again, &path.display().to_string());
        without_null(&again["spec"], &path.display().to_string());
        without_null(&again["status"].as_object().map_or_else(|| json!({}), |status| json!(status)), "status");
        kinds.insert(object["kind"].as_str().unwrap().to_owned());
    }
    assert_eq!(kinds.len(), 9, "every kind has an object here: {kinds:?}");
}

#[test]
fn a_status_of_a_newer_millrace_survives_a_rollback() {
    let topic = json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "DataTopic", "metadata": {"name": "t"}, "spec": {},
        "status": {"topicName": "x", "later": {"a": [1, 2]}},
    });
    let again = typed(&topic);
    assert_eq!(again["status"]["later"], json!({"a": [1, 2]}));
    assert_eq!(again["status"]["observedGeneration"], json!(-1));
}

#[test]
fn an_unknown_word_in_a_status_does_not_stop_the_object() {
    let job = json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob", "metadata": {"name": "j"},
        "spec": {"container": {"image": "x"}}, "status": {"phase": "Upgrading"},
    });
    assert_eq!(typed(&job)["status"]["phase"], "Unknown");
}

/// Every `Option` of the types is left out when it is `None`: the API server refuses a null.
#[test]
fn every_option_is_skipped_when_absent() {
    let mut left = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let mut attributes = String::new();
        for line in text.lines() {
            if line.starts_with("    pub ") && line.contains(": Option<") {
                assert!(attributes.contains("skip_serializing_if"), "{}: {line}", path.display());
            }
            if line.starts_with("    pub ") {
                attributes.clear();
            } else {
                attributes.push_str(line);
            }
        }
    }
}

#[test]
fn durations_count_in_seconds() {
    use millrace_crds::Duration;
    for (text, seconds) in [("30s", Some(30)), ("1h30m", Some(5_400)), ("7d", Some(604_800)), ("", None), ("5", None)] {
        assert_eq!(Duration::from(text).seconds(), seconds, "{text}");
    }
}
