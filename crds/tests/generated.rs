//! The manifests, the Helm chart and the API page are generated; this proves them current.
//!
//! `UPDATE=1 cargo test -p millrace-crds` writes them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail by panicking")]

mod generated {
    pub(crate) mod page;
}

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn name(crd: &Value) -> String {
    crd["metadata"]["name"].as_str().unwrap().to_owned()
}

fn yaml(value: &Value) -> String {
    let body = serde_saphyr::to_string(value).unwrap();
    format!("# Generated from crds/src by `UPDATE=1 cargo test -p millrace-crds`; do not edit.\n{body}")
}

fn kept(crd: &Value) -> Value {
    let mut crd = crd.clone();
    crd["metadata"]["annotations"] = json!({"helm.sh/resource-policy": "keep"});
    crd
}

fn current(path: &Path, expected: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, expected).unwrap();
        return;
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    assert!(found == expected, "{} is stale: run UPDATE=1 cargo test -p millrace-crds", path.display());
}

#[test]
fn manifests_are_current() {
    for crd in millrace_crds::manifests::all() {
        current(&root().join(format!("crds/manifests/{}.yaml", name(&crd))), &yaml(&crd));
    }
}

#[test]
fn the_chart_holds_the_same_manifests_and_keeps_them() {
    for crd in millrace_crds::manifests::all() {
        current(&root().join(format!("charts/millrace-crds/templates/{}.yaml", name(&crd))), &yaml(&kept(&crd)));
    }
}

#[test]
fn nothing_in_the_chart_looks_like_a_helm_template() {
    for crd in millrace_crds::manifests::all() {
        assert!(!crd.to_string().contains("{{"), "{}", name(&crd));
    }
}

#[test]
fn the_api_page_is_current() {
    let page = generated::page::of(&millrace_crds::manifests::all());
    current(&root().join("docs/api.md"), &page);
}

#[test]
fn the_page_of_reasons_is_current() {
    let mut page = String::from(
        "# Reasons\n\nWhat the reason of a condition or the class of a failed attempt means. The message beside it names the object and the \
         field; this page says what usually\ncauses it and what to do. A reason that is not here is a word of the API server, of the object \
         store or of Kafka, handed on as it came.\n\nGenerated from `crds/src/reasons.rs` by `UPDATE=1 cargo test -p millrace-crds`; do not \
         edit.\n",
    );
    let mut group = "";
    for reason in millrace_crds::Reason::all() {
        if reason.group() != group {
            group = reason.group();
            page += &format!("\n## {group}\n\n| reason | meaning | usual cause | what to do |\n|---|---|---|---|\n");
        }
        page +=
            &format!("| `{}` | {} | {} | {} |\n", reason.word(), reason.meaning(), reason.cause(), reason.next_step());
    }
    current(&root().join("docs/reasons.md"), &page);
}
