//! Every string, list and map a user may write has a maximum, so that the cost of CEL stays bounded.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail by panicking")]

use serde_json::Value;

fn unlimited(schema: &Value, at: &str, found: &mut Vec<String>) {
    let missing = |key: &str| schema.get(key).is_none();
    match schema["type"].as_str() {
        Some("string") if missing("maxLength") && missing("enum") => found.push(format!("{at}: maxLength")),
        Some("array") if missing("maxItems") => found.push(format!("{at}: maxItems")),
        Some("object") if missing("properties") && missing("maxProperties") => {
            found.push(format!("{at}: maxProperties"));
        }
        None if missing("maxLength") => found.push(format!("{at}: maxLength of a quantity")),
        _ => {}
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        unlimited(property, &format!("{at}.{name}"), found);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(key) {
            unlimited(inner, &format!("{at}[]"), found);
        }
    }
}

#[test]
fn every_string_list_and_map_of_a_spec_has_a_maximum() {
    let mut found = Vec::new();
    for crd in millrace_crds::manifests::all() {
        let kind = crd["spec"]["names"]["kind"].as_str().unwrap().to_owned();
        let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        unlimited(spec, &kind, &mut found);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_field_says_what_it_means() {
    fn silent(schema: &Value, at: &str, found: &mut Vec<String>) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{at}.{name}");
            if property["description"].as_str().is_none_or(|text| text.len() < 8) {
                found.push(path.clone());
            }
            silent(property, &path, found);
            silent(&property["items"], &path, found);
        }
    }
    let mut found = Vec::new();
    for crd in millrace_crds::manifests::all() {
        let kind = crd["spec"]["names"]["kind"].as_str().unwrap().to_owned();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
        silent(&schema["spec"], &kind, &mut found);
        silent(&schema["status"], &kind, &mut found);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
