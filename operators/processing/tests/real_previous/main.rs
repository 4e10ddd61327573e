//! The operator killed while jobs are in every phase, the previous landing's started in its place, and ours again: as
//! processes on a real API server, with a played kubelet.
//!
//! Needs KUBECONFIG with every right, MILLRACE_AUDIT_LOG, and MILLRACE_PREVIOUS, the other binary;
//! without it ours takes its place.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    dead_code,
    reason = "a test fails by panicking, and plays users and a kubelet, who write; it shares helpers"
)]

#[path = "../real_prometheus/cluster.rs"]
mod cluster;
mod kubelet;
#[path = "../real_prometheus/process.rs"]
mod process;

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, atomic::Ordering},
};

use cluster::Cluster;
use kubelet::Kubelet;
use process::{OURS, Operator};
use serde_json::{Value, json};

fn spec(name: &str, more: &Value) -> Value {
    let mut spec = json!({"container": {"image": "i", "args": [name]}, "deadlines": {"stop": "2m"}});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    spec
}

async fn number(cluster: &Cluster, name: &str) -> i64 {
    cluster.job(name).await["status"]["attempt"]["number"].as_i64().unwrap_or(0)
}

async fn reaches(cluster: &Cluster, name: &str, attempt: i64) {
    cluster::until(name, || async {
        let have = number(cluster, name).await;
        assert!(have <= attempt, "{name} is at attempt {have}, not {attempt}");
        ((have == attempt).then_some(()), json!(have))
    })
    .await;
}

/// Pods that nobody had a reason to touch, with their uids.
async fn quiet(cluster: &Cluster) -> Vec<String> {
    let pods = cluster.pods().await;
    let quiet = |p: &&Value| {
        let name = p["metadata"]["name"].as_str().unwrap();
        ["runs-", "waits-", "later-", "succeeds-"].iter().any(|n| name.starts_with(n))
    };
    pods.iter().filter(quiet).map(|p| format!("{} {}", p["metadata"]["name"], p["metadata"]["uid"])).collect()
}

/// How often each pod of the namespace was created, from the audit log.
fn creations(cluster: &Cluster) -> BTreeMap<String, usize> {
    let file = std::env::var("MILLRACE_AUDIT_LOG").expect("set MILLRACE_AUDIT_LOG: cargo xtask local-api");
    let mut all = BTreeMap::new();
    for line in fs::read_to_string(file).unwrap().lines().filter_map(|l| serde_json::from_str::<Value>(l).ok()) {
        let about = &line["objectRef"];
        let pod = about["resource"] == "pods"
            && about["subresource"].is_null()
            && about["namespace"] == cluster.namespace.as_str();
        if pod && line["verb"] == "create" && line["responseStatus"]["code"] == 201 {
            *all.entry(about["name"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attempt_is_made_twice_by_two_landings() {
    let theirs = std::env::var("MILLRACE_PREVIOUS").unwrap_or_else(|_| OURS.to_owned());
    println!("the other landing: {theirs}");
    let cluster = Cluster::open().await;
    let mut operator = Operator::start(&cluster);
    let kubelet = Arc::new(Kubelet::new(&cluster));
    let at_work = tokio::spawn(Arc::clone(&kubelet).work());

    let patient = json!({"retry": {"limit": 9, "backoff": {"initial": "4s", "max": "4s"}}});
    for (name, more) in [
        ("runs", json!({})),
        ("waits", json!({})),
        ("succeeds", json!({})),
        ("asleep", json!({"suspend": true})),
        ("no-data", json!({"reads": ["bucket/nobody-made"]})),
        ("stops", json!({})),
        ("fails", patient),
    ] {
        cluster.create(name, &spec(name, &more)).await;
    }
    cluster.phase("runs", "Running").await;
    cluster.phase("waits", "Starting").await;
    cluster.phase("succeeds", "Succeeded").await;
    cluster.phase("asleep", "Suspended").await;
    cluster.phase("no-data", "Starting").await;
    let mut failed = 1;
    let mut stopped = 0;
    for (round, binary) in [theirs.as_str(), OURS, theirs.as_str(), OURS].into_iter().enumerate() {
        // Stopping, and told to stop once.
        kubelet.deaf.store(true, Ordering::Relaxed);
        cluster.create("stops", &spec("stops", &json!({"suspend": false}))).await;
        cluster.phase("stops", "Running").await;
        stopped += 1;
        cluster.create("stops", &spec("stops", &json!({"suspend": true}))).await;
        cluster.phase("stops", "Stopping").await;
        cluster.phase("fails", "Retrying").await;
        failed = number(&cluster, "fails").await.max(failed);
        let before = quiet(&cluster).await;

        operator.kill();
        operator.run(&cluster, binary);
        kubelet.deaf.store(false, Ordering::Relaxed);
        cluster.phase("stops", "Suspended").await;
        reaches(&cluster, "fails", failed + 1).await;
        assert_eq!(quiet(&cluster).await, before, "round {round}: pods were touched");
        assert_eq!(number(&cluster, "stops").await, stopped, "round {round}");
        if round == 0 {
            cluster.create("later", &spec("later", &json!({}))).await;
            cluster.phase("later", "Running").await;
        }
    }
    for name in ["runs", "waits", "no-data", "succeeds", "later"] {
        assert_eq!(number(&cluster, name).await, 1, "{name}");
    }
    assert_eq!(number(&cluster, "asleep").await, 0);
    let made = creations(&cluster);
    assert!(made.values().all(|n| *n == 1), "a pod was made twice: {made:#?}");
    let of = |job: &str| made.keys().filter(|name| name.starts_with(&format!("{job}-"))).count() as i64;
    assert_eq!((of("runs"), of("waits"), of("succeeds"), of("later"), of("asleep"), of("no-data")), (1, 1, 1, 1, 0, 0));
    assert_eq!(of("stops"), stopped);
    assert_eq!(of("fails"), number(&cluster, "fails").await);
    println!("{} pods, each made once", made.len());
    at_work.abort();
}
