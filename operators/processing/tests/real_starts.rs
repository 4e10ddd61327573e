//! What stands nowhere but in the answers of a real API server: the Events of a pod, by its uid, and a quota's words about a
//! pod that was never made. Kubelet, scheduler and the quota's controller are played.
//!
//! Needs KUBECONFIG with every right as `cargo xtask local-api` prints it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and plays users and a kubelet, who write"
)]

#[allow(dead_code, reason = "another test uses the rest")]
#[path = "real_prometheus/cluster.rs"]
mod cluster;
#[allow(dead_code, reason = "another test uses the rest")]
#[path = "real_prometheus/process.rs"]
mod process;

use cluster::{Cluster, until};
use k8s_openapi::api::core::v1::{Event, Pod, ResourceQuota};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use process::Operator;
use serde_json::{Value, json};

fn condition(job: &Value, kind: &str) -> Value {
    let all = job["status"]["conditions"].as_array().cloned().unwrap_or_default();
    all.into_iter().find(|c| c["type"] == kind).unwrap_or_default()
}

/// The pod of the job's first attempt, once it is there.
async fn pod(cluster: &Cluster, job: &str) -> Value {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    until(job, || async {
        let seen = cluster.job(job).await;
        let name = seen["status"]["attempt"]["pod"].as_str().unwrap_or_default().to_owned();
        let found = if name.is_empty() { None } else { pods.get_opt(&name).await.unwrap() };
        (found.map(|pod| serde_json::to_value(pod).unwrap()), seen)
    })
    .await
}

/// What a kubelet writes about its only container.
async fn stands(cluster: &Cluster, pod: &Value, phase: &str, state: Value) {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let container = pod["spec"]["containers"][0]["name"].clone();
    let one =
        json!({"name": container, "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state});
    let status = json!({"status": {"phase": phase, "containerStatuses": [one]}});
    let name = pod["metadata"]["name"].as_str().unwrap();
    pods.patch_status(name, &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
}

async fn event(cluster: &Cluster, about: &Value, said: (&str, &str, &str)) {
    let (kind, reason, message) = said;
    let at = jiff::Timestamp::now().to_string();
    let event: Event = serde_json::from_value(json!({
        "metadata": {"generateName": "e", "namespace": cluster.namespace}, "involvedObject": about,
        "type": kind, "reason": reason, "message": message, "lastTimestamp": at,
    }))
    .unwrap();
    let events: Api<Event> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    events.create(&PostParams::default(), &event).await.unwrap();
}

fn about(pod: &Value) -> Value {
    let of = |key: &str| pod["metadata"][key].clone();
    json!({"kind": "Pod", "name": of("name"), "namespace": of("namespace"), "uid": of("uid")})
}

#[tokio::test(flavor = "multi_thread")]
async fn events_and_quotas_say_why() {
    let cluster = Cluster::open().await;
    let _operator = Operator::start(&cluster);
    cluster.create("stuck", &json!({"container": {"image": "i"}})).await;
    let executors = json!({"count": 1, "cpu": 1, "memory": "1Gi"});
    cluster.create("lonely", &json!({"spark": {"image": "i", "main": "local:///x.py", "executors": executors}})).await;

    let stuck = pod(&cluster, "stuck").await;
    stands(&cluster, &stuck, "Pending", json!({"waiting": {"reason": "ContainerCreating"}})).await;
    let words = "MountVolume.SetUp failed for volume \"tls\" : secret \"no-such-secret\" not found";
    event(&cluster, &about(&stuck), ("Warning", "FailedMount", words)).await;
    event(&cluster, &about(&stuck), ("Normal", "FailedMount", "secret \"normal\" not found")).await;
    let mut other = about(&stuck);
    other["uid"] = json!("another-incarnation");
    event(&cluster, &other, ("Warning", "FailedMount", "secret \"other\" not found")).await;

    let driver = pod(&cluster, "lonely").await;
    let at = jiff::Timestamp::now().to_string();
    stands(&cluster, &driver, "Running", json!({"running": {"startedAt": at}})).await;
    let quotas: Api<ResourceQuota> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let tight = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tight"},
        "spec": {"hard": {"pods": "1"}}});
    quotas.patch("tight", &PatchParams::apply("test"), &Patch::Apply(&tight)).await.unwrap();
    let counted = json!({"status": {"hard": {"pods": "1"}, "used": {"pods": "1"}}});
    quotas.patch_status("tight", &PatchParams::default(), &Patch::Merge(&counted)).await.unwrap();

    let told = until("the missing Secret", || async {
        let job = cluster.job("stuck").await;
        let told = condition(&job, "Ready");
        ((told["reason"] == "SecretMissing").then_some(told), job)
    })
    .await;
    assert!(told["message"].as_str().unwrap().contains("no-such-secret"), "{told:#}");
    let told = until("the quota's words", || async {
        let job = cluster.job("lonely").await;
        let told = condition(&job, "WorkersReady");
        ((told["reason"] == "QuotaExceeded").then_some(told), job)
    })
    .await;
    let words = told["message"].as_str().unwrap();
    assert!(words.contains("exceeded quota: tight, requested: pods=1, used: pods=1, limited: pods=1"), "{words}");
    assert_eq!(told["status"], "False");
}
