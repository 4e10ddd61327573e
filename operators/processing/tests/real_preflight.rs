//! A running job is edited on a real API server, whose quota and admission answer the operator's process; a kubelet and
//! the quota's controller are played.
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
use k8s_openapi::api::core::v1::{Pod, ResourceQuota};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use millrace_crds::ProcessingJob;
use process::Operator;
use serde_json::{Value, json};

/// The name tells the kubelet not to end it.
const JOB: &str = "stays";

fn sized(memory: &str) -> Value {
    json!({"container": {"image": "i", "memory": memory}})
}

/// What the quota's controller counts.
async fn counted(cluster: &Cluster, used: &str) {
    let quotas: Api<ResourceQuota> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let status = json!({"status": {"hard": {"requests.memory": "300Mi"}, "used": {"requests.memory": used}}});
    quotas.patch_status("small", &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
}

async fn job(cluster: &Cluster) -> Value {
    let jobs: Api<ProcessingJob> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    serde_json::to_value(jobs.get(JOB).await.unwrap()).unwrap()
}

fn condition<'a>(job: &'a Value, kind: &str) -> &'a Value {
    let all = job["status"]["conditions"].as_array().unwrap();
    all.iter().find(|c| c["type"] == kind).unwrap_or(&Value::Null)
}

/// The edit is refused in these words; the pod with this uid goes on.
async fn refused(cluster: &Cluster, spec: &Value, why: (&str, &str)) {
    let (words, uid) = why;
    cluster.create(JOB, spec).await;
    let held = until(words, || async {
        let job = job(cluster).await;
        let told = condition(&job, "Stalled");
        let refused = told["reason"] == "PreflightFailed" && told["message"].as_str().unwrap().contains(words);
        (refused.then(|| job.clone()), job)
    })
    .await;
    assert_eq!(held["status"]["phase"], "Running", "{held:#}");
    assert_eq!(held["status"]["attempt"]["podUid"], uid, "{held:#}");
    assert_eq!(condition(&held, "Ready")["status"], "False", "{held:#}");
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let pod = pods.get(held["status"]["attempt"]["pod"].as_str().unwrap()).await.unwrap();
    assert_eq!(pod.metadata.uid.as_deref(), Some(uid));
    assert!(pod.metadata.deletion_timestamp.is_none(), "the old pod was told to go");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_server_refuses_stops_nothing() {
    let cluster = Cluster::open().await;
    let quotas: Api<ResourceQuota> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let small = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"},
        "spec": {"hard": {"requests.memory": "300Mi"}}});
    quotas.patch("small", &PatchParams::apply("test"), &Patch::Apply(&small)).await.unwrap();
    counted(&cluster, "0").await;
    let _operator = Operator::start(&cluster);
    let kubelet = tokio::spawn(cluster::kubelet(cluster.client.clone(), cluster.namespace.clone()));
    cluster.create(JOB, &sized("200Mi")).await;
    cluster.phase(JOB, "Running").await;
    let uid = job(&cluster).await["status"]["attempt"]["podUid"].as_str().unwrap().to_owned();

    refused(&cluster, &sized("1Gi"), ("exceeded quota: small", &uid)).await;
    let mut spec = sized("100Mi");
    spec["pod"] = json!({"priorityClassName": "nowhere"});
    refused(&cluster, &spec, ("no PriorityClass with name nowhere", &uid)).await;
    // Refused now and admitted once the old pod has gone, so it has to go.
    cluster.create(JOB, &sized("250Mi")).await;
    until("the second run", || async {
        let job = job(&cluster).await;
        ((job["status"]["runNumber"] == 2).then_some(()), job)
    })
    .await;
    counted(&cluster, "0").await;
    until("the second pod", || async {
        let job = job(&cluster).await;
        let runs = job["status"]["runNumber"] == 2 && job["status"]["phase"] == "Running";
        (runs.then_some(()), job)
    })
    .await;
    kubelet.abort();
}
