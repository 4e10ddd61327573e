//! The kinds on a real API server: they install, take what is good, and refuse what is bad in the words recorded.
//!
//! The table is `crds/tests/bad/<kind>/<category>.yaml`: the object, who refuses it, and the exact text of kubectl.
//! Entries that only an operator can refuse must pass admission here; its golden tests prove the rest.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod pages;
mod real;
mod walk;

use std::collections::BTreeMap;
use std::fs;

use millrace_e2e::local::LocalApi;
use millrace_e2e::ui::Ui;
use real::{kubectl, repository, yaml_files};
use serde_json::{Value, json};

/// What the API server adds when a schema error kept it from trying the rules; no error of its own.
const NOT_CHECKED: &str = "some validation rules were not checked";

fn install(api: &LocalApi) {
    let folder = repository().join("crds/manifests");
    api.target.run(&["apply", "--server-side", "-f", &folder.display().to_string()]).unwrap();
    api.target.run(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]).unwrap();
    for namespace in ["ml", "bad"] {
        api.target.run(&["create", "namespace", namespace]).unwrap();
    }
}

/// Objects of our group in these folders and on the pages of the kinds; every one must be taken without a warning about
/// unknown fields.
fn takes_what_is_good(api: &LocalApi) -> usize {
    let mut count = 0;
    let files = ["crds/tests/objects", "examples"].iter().flat_map(|folder| yaml_files(&repository().join(folder)));
    let files = files.map(|path| (fs::read_to_string(&path).unwrap(), path.display().to_string()));
    for (text, path) in files.chain(pages::pages().into_iter().map(|(page, text)| (pages::yaml(&text), page))) {
        for document in serde_saphyr::from_multiple::<Value>(&text).unwrap() {
            if document["apiVersion"] != "millrace.dev/v1alpha1" {
                continue;
            }
            let mut document = document;
            if document["kind"] != "DataPlane" {
                document["metadata"]["namespace"] = json!("ml");
            }
            let taken = kubectl(
                api.target.kubectl(),
                &["create", "--dry-run=server", "--validate=strict", "-o", "name"],
                &document,
            );
            taken.unwrap_or_else(|said| panic!("{path}: {said}"));
            count += 1;
        }
    }
    count
}

/// The status contract: a default nobody mistakes for Ready, a PUT of the status alone, unknown fields kept.
fn keeps_the_status_contract(api: &LocalApi) {
    let head = |rest: Value| {
        let mut object = json!({"apiVersion": "millrace.dev/v1alpha1", "kind": "DataTopic"});
        object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        object
    };
    let topic = head(json!({"metadata": {"name": "fresh", "namespace": "ml"}, "spec": {}}));
    let made: Value =
        serde_json::from_str(&kubectl(api.target.kubectl(), &["create", "-o", "json"], &topic).unwrap()).unwrap();
    assert_eq!(made["status"], json!({"observedGeneration": -1}));
    assert_eq!(made["spec"], json!({"dataPlane": "default"}), "a default is no wish");

    let put = |version: &Value| {
        let body = head(json!({
            "metadata": {"name": "fresh", "namespace": "ml", "resourceVersion": version},
            "status": {"observedGeneration": 1, "topicName": "ml.fresh", "later": {"a": [1]}},
        }));
        let url = "/apis/millrace.dev/v1alpha1/namespaces/ml/datatopics/fresh/status";
        kubectl(api.target.kubectl(), &["replace", "--raw", url], &body)
    };
    let version = &made["metadata"]["resourceVersion"];
    let after: Value = serde_json::from_str(&put(version).unwrap()).unwrap();
    assert_eq!(after["status"]["later"], json!({"a": [1]}), "unknown fields are kept");
    assert_eq!(after["spec"], made["spec"], "the spec is untouched");
    assert_eq!(after["metadata"]["generation"], json!(1));
    let conflict = put(version).expect_err("a PUT with an old resourceVersion is a conflict");
    assert!(conflict.contains("the object has been modified"), "{conflict}");
}

/// One entry of the table; `Err` says what was expected and what came.
fn refused_as_recorded(api: &LocalApi, entry: &Value) -> Result<(), String> {
    let object = &entry["object"];
    if entry["by"] != "admission" {
        return kubectl(api.target.kubectl(), &["create", "--dry-run=server"], object).map(drop);
    }
    let said = if entry["before"].is_null() {
        kubectl(api.target.kubectl(), &["create"], object)
    } else {
        kubectl(api.target.kubectl(), &["create"], &entry["before"])?;
        let said = kubectl(api.target.kubectl(), &["replace"], object);
        kubectl(api.target.kubectl(), &["delete", "--wait=true"], &entry["before"])?;
        said
    };
    let said = match said {
        Ok(taken) => return Err(format!("was taken: {taken}")),
        Err(said) => said,
    };
    let errors = said.lines().filter(|line| line.starts_with("* ") && !line.contains(NOT_CHECKED)).count();
    if errors > 1 {
        return Err(format!("{errors} errors where one is due:\n{said}"));
    }
    let expected = entry["error"].as_str().unwrap_or_default().trim();
    if said == expected { Ok(()) } else { Err(format!("expected:\n{expected}\nfound:\n{said}")) }
}

fn refuses_what_is_bad(api: &LocalApi) -> BTreeMap<String, Vec<String>> {
    let mut table: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for path in yaml_files(&repository().join("crds/tests/bad")) {
        let entry: Value = serde_saphyr::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let category = path.file_stem().unwrap().to_string_lossy().into_owned();
        let kind = path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        if let Err(why) = refused_as_recorded(api, &entry) {
            wrong.push(format!("{}: {why}", path.display()));
        }
        let by = entry["by"].as_str().unwrap();
        let by = if by == "admission" { String::new() } else { format!(" ({by})") };
        table.entry(kind).or_default().push(format!("{category}{by}"));
    }
    assert!(wrong.is_empty(), "{} of the table:\n{}", wrong.len(), wrong.join("\n\n"));
    table
}

#[test]
fn the_api_server_takes_what_is_good_and_refuses_what_is_bad() {
    let api = LocalApi::start(&Ui::plain()).unwrap();
    install(&api);
    keeps_the_status_contract(&api);
    let good = takes_what_is_good(&api);
    let table = refuses_what_is_bad(&api);
    for (kind, categories) in &table {
        println!("{kind}: {}", categories.join(", "));
    }
    let all: Vec<&String> = table.values().flatten().collect();
    let operators = all.iter().filter(|category| category.ends_with(')')).count();
    println!("{good} good objects taken, {} bad ones refused, {operators} left to operators", all.len() - operators);
    assert_eq!(table.len(), 9, "every kind has bad objects");
}
