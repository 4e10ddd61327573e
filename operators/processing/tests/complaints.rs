//! What users of other operators complain about, of the objects of all engines and of what is watched; one test a complaint.
//! `docs/processing.md` has the whole table.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::{fs, path::Path};

use millrace_crds::ProcessingJob;
use millrace_kit::{
    Controller,
    sim::{self, Schedule, World},
};
use serde_json::{Value, json};
use support::scenarios;

/// Every object that a golden decision creates, by case, in order.
fn created() -> Vec<(String, Vec<Value>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/processingjob");
    let mut all = Vec::new();
    for case in fs::read_dir(dir).unwrap().flatten() {
        let text = fs::read_to_string(case.path().join("decision.yaml")).unwrap();
        let decision: Value = serde_saphyr::from_str(&text).unwrap();
        let actions = decision["actions"].as_array().cloned().unwrap_or_default();
        let bodies: Vec<Value> = actions.iter().map(|a| a["Create"]["body"].clone()).filter(Value::is_object).collect();
        if !bodies.is_empty() {
            all.push((case.file_name().to_string_lossy().into_owned(), bodies));
        }
    }
    assert!(all.len() > 5, "only {} cases create anything", all.len());
    all
}

fn kinds(bodies: &[Value]) -> Vec<&str> {
    bodies.iter().map(|b| b["kind"].as_str().unwrap()).collect()
}

/// A webhook that is down would stop every pod of a cluster.
#[test]
fn complaint_09_there_is_no_webhook() {
    let mut dirs = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts")];
    let mut files = 0;
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            if entry.path().is_dir() {
                dirs.push(entry.path());
                continue;
            }
            let text = fs::read_to_string(entry.path()).unwrap_or_default();
            assert!(!text.contains("WebhookConfiguration"), "{}", entry.path().display());
            files += 1;
        }
    }
    assert!(files > 20, "only {files} files of charts");
}

/// An object that does not decode is left alone, and hinders no other.
#[test]
fn complaint_10_one_bad_object_stops_nobody() {
    let build =
        |env: &millrace_kit::Env, _: &World| -> Vec<Box<dyn Controller>> { millrace_processing::controllers(env) };
    let scenario = scenarios::named("container ends well").given(|world| {
        let broken = json!({
            "apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob",
            "metadata": {"name": "aaa", "namespace": "ml", "uid": "broken", "resourceVersion": "1", "generation": 1},
            "spec": {"container": "not an object", "deadlines": 7},
        });
        world.restore::<ProcessingJob>(&broken, world.now());
    });
    let outcome = sim::run(&scenario, &build, Schedule::UNDISTURBED);
    assert_eq!(outcome.faults, Vec::<String>::new());
    assert!(outcome.writes.iter().all(|w| !w.contains("ml/aaa")), "{:#?}", outcome.writes);
}

/// The cache grows with our own objects only: every stream but those of Millrace's kinds asks for our labels.
#[test]
fn complaint_11_watches_are_narrow() {
    let narrow = |watch: &millrace_kit::Watch| {
        let ours = watch.kind.group == "millrace.dev";
        assert!(ours || watch.labels.is_some(), "all {} of the cluster are watched", watch.kind.plural);
        assert_ne!(watch.kind.plural, "secrets", "Secrets are watched");
    };
    let build = move |env: &millrace_kit::Env, _: &World| -> Vec<Box<dyn Controller>> {
        let all = millrace_processing::controllers(env);
        all.iter().flat_map(|c| c.watches()).for_each(|watch| narrow(&watch));
        all
    };
    let outcome = sim::run(&scenarios::named("container ends well"), &build, Schedule::UNDISTURBED);
    assert_eq!(outcome.faults, Vec::<String>::new());
}

/// No Service is left behind, since Spark gets none; and no pod is told of others in its environment.
#[test]
fn complaint_13_services_do_not_pile_up() {
    for (case, bodies) in created() {
        let spark = bodies.iter().any(|b| b["metadata"]["name"].as_str().unwrap().ends_with("-driver"));
        assert!(!spark || !kinds(&bodies).contains(&"Service"), "{case} makes a Service");
        for body in &bodies {
            let name = body["metadata"]["name"].as_str().unwrap();
            assert!(name.len() <= 63, "{case}: {name} is too long for a label");
            let owned = body["metadata"]["ownerReferences"].is_array()
                || body["metadata"]["labels"]["app.kubernetes.io/managed-by"].is_string();
            assert!(owned, "{case}: {name} outlives its job");
            if body["kind"] == "Pod" {
                assert_eq!(body["spec"]["enableServiceLinks"], false, "{case}: {name}");
            }
        }
    }
}

/// A pod never waits for what is made after it.
#[test]
fn complaint_24_what_a_pod_mounts_is_made_before_it() {
    for (case, bodies) in created() {
        let kinds = kinds(&bodies);
        let first_pod = kinds.iter().position(|k| ["Pod", "Deployment"].contains(k)).unwrap_or(kinds.len());
        let late: Vec<_> = kinds[first_pod..]
            .iter()
            .filter(|k| ["ConfigMap", "ServiceAccount", "RoleBinding", "DataGrant"].contains(*k))
            .collect();
        assert!(late.is_empty(), "{case}: {late:?} after the pod");
    }
}

/// What anybody may read who may read ConfigMaps holds no key.
#[test]
fn complaint_15_no_secret_is_in_a_config_map() {
    let mut seen = 0;
    for (case, bodies) in created() {
        for conf in bodies.iter().filter(|b| b["kind"] == "ConfigMap") {
            let text = conf["data"].to_string().to_lowercase();
            for word in ["secret.key", "access.key", "secret_access_key", "password", "s3.secret-key"] {
                assert!(!text.contains(word), "{case}: {word}");
            }
            seen += 1;
        }
    }
    assert!(seen > 1, "only {seen} ConfigMaps");
}
