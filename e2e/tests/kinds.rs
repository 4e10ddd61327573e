//! Each kind has its page, `docs/kinds/KIND.md`: all parts in order, an example that shows every field, every condition. That
//! the API server takes the examples as they stand is the second rung's, with `admission`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod pages;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use pages::{pages, yaml};
use serde_json::Value;
use walk::texts;

const PARTS: [&str; 5] = ["## The smallest", "## With everything", "## Conditions", "## Edits", "## Deletion"];

/// How deep an example shows what a spec may have.
const DEPTH: usize = 2;

/// Fields that a step has in common with a job and that are refused in it.
const REFUSED: [&str; 3] = ["steps.readyWhen", "steps.rerun", "steps.suspend"];

/// The CustomResourceDefinition of each kind, by the kind in small letters.
fn definitions() -> BTreeMap<String, Value> {
    let texts = texts(&["crds/manifests"], |path| path.ends_with(".yaml"));
    let read = texts.values().map(|text| serde_saphyr::from_str::<Value>(text).unwrap());
    read.map(|crd| (crd["spec"]["names"]["kind"].as_str().unwrap().to_lowercase(), crd)).collect()
}

fn documents(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&yaml(text)).unwrap()
}

fn part<'a>(page: &'a str, heading: &str) -> &'a str {
    let rest = page.split(&format!("\n{heading}\n")).nth(1).unwrap_or_else(|| panic!("no `{heading}`"));
    rest.split("\n## ").next().unwrap()
}

/// The paths that a schema knows. A list counts as the fields of its items.
fn paths(schema: &Value, depth: usize) -> BTreeSet<String> {
    let inner = if schema["items"].is_object() { &schema["items"] } else { schema };
    let mut found = BTreeSet::new();
    for (name, field) in inner["properties"].as_object().into_iter().flatten() {
        found.insert(name.clone());
        if depth > 1 {
            found.extend(paths(field, depth - 1).iter().map(|below| format!("{name}.{below}")));
        }
    }
    found
}

/// The paths that a value has. A list counts as the fields of its items.
fn shown(value: &Value, depth: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    match value {
        Value::Array(all) => found.extend(all.iter().flat_map(|one| shown(one, depth))),
        Value::Object(fields) if depth > 0 => {
            for (name, field) in fields {
                found.insert(name.clone());
                found.extend(shown(field, depth - 1).iter().map(|below| format!("{name}.{below}")));
            }
        }
        _ => {}
    }
    found
}

/// What the golden cases of a kind say in conditions, by the kind in small letters.
fn conditions() -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in texts(&["operators"], |path| path.contains("/golden/") && path.ends_with("/decision.yaml")) {
        let folder = path.rsplit('/').nth(2).unwrap();
        let kind = match folder {
            "pipeline" => "mlpipeline",
            "run" => "mlpipelinerun",
            "registry" => "modelregistry",
            "version" => "modelversion",
            kind => kind,
        };
        let decision: Value = serde_saphyr::from_str(&text).unwrap();
        let told = decision["status"]["conditions"].as_array().into_iter().flatten();
        all.entry(kind.to_owned()).or_default().extend(told.map(|c| c["type"].as_str().unwrap().to_owned()));
    }
    all
}

#[test]
fn every_kind_has_its_page_with_all_parts() {
    let (pages, definitions) = (pages(), definitions());
    assert_eq!(pages.keys().collect::<Vec<_>>(), definitions.keys().collect::<Vec<_>>());
    for (name, page) in &pages {
        let headings: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, PARTS, "{name}");
        assert!(documents(part(page, PARTS[0])).len() == 1, "{name}: one smallest example");
        let kind = &definitions[name]["spec"]["names"]["kind"];
        assert!(documents(page).iter().all(|d| d["kind"] == *kind), "{name}: every example is of this kind");
    }
}

#[test]
fn the_full_example_shows_every_field() {
    let definitions = definitions();
    let mut missing = Vec::new();
    for (name, page) in pages() {
        let schema = &definitions[&name]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        let shown: BTreeSet<String> =
            documents(part(&page, PARTS[1])).iter().flat_map(|d| shown(&d["spec"], DEPTH)).collect();
        let wanted = paths(schema, DEPTH).into_iter().filter(|path| !REFUSED.contains(&path.as_str()));
        missing.extend(wanted.filter(|path| !shown.contains(path)).map(|path| format!("{name}: {path}")));
    }
    assert!(missing.is_empty(), "no full example has these fields:\n{}", missing.join("\n"));
}

#[test]
fn every_condition_is_explained() {
    let given = conditions();
    for (name, page) in pages() {
        let rows = part(&page, "## Conditions").lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let told: BTreeSet<String> = rows.map(str::to_owned).collect();
        assert_eq!(told, given[&name], "{name}: what its page explains, and what its golden cases give");
    }
}
