//! The operators of jobs, models and data, played: whatever is new becomes good.

use std::time::Duration;

use jiff::Timestamp;
use kube::{Api, Client, api::PostParams, core::NamespaceResourceScope};
use millrace_crds::{DataBucket, DataTopic, ModelVersion, ProcessingJob, Reason, well_known::LABEL_STEP};
use millrace_kit::Object;
use serde_json::{Value, json};

fn good(kind: &str) -> Value {
    let now = Timestamp::UNIX_EPOCH.to_string();
    json!([{"type": kind, "status": "True", "reason": "Simulated", "message": "done", "lastTransitionTime": now}])
}

async fn answer<K: Object + kube::Resource<Scope = NamespaceResourceScope>>(
    client: &Client,
    namespace: &str,
    status: Value,
) {
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let Ok(all) = api.list(&kube::api::ListParams::default()).await else { return };
    let step = |object: &K| object.meta().labels.clone().unwrap_or_default().remove(LABEL_STEP).unwrap_or_default();
    let held = all.iter().any(|object| step(object) == "a");
    for object in all {
        // The step `hold` runs as long as there is a job of the step `a`.
        if held && step(&object) == "hold" {
            continue;
        }
        let mut body = serde_json::to_value(&object).unwrap();
        let generation = body["metadata"]["generation"].clone();
        if body["status"]["observedGeneration"] == generation {
            continue;
        }
        body["status"] = status.clone();
        if step(&object) == "invalid" {
            body["status"] = json!({"conditions": good("Stalled")});
            body["status"]["conditions"][0]["reason"] = json!(Reason::InvalidSpec.word());
        }
        body["status"]["observedGeneration"] = generation;
        let name = object.meta().name.clone().unwrap();
        // A conflict is tried again on the next round.
        let _ = api.replace_status(&name, &PostParams::default(), &serde_json::from_value(body).unwrap()).await;
    }
}

/// Answers until it is dropped.
pub(crate) async fn play(client: Client, namespace: String) {
    let mut rounds = tokio::time::interval(Duration::from_millis(200));
    loop {
        rounds.tick().await;
        let attempt = json!({"number": 1, "name": "a"});
        let results = json!({"auc": 0.81, "model": "s3://b/m"});
        let job =
            json!({"conditions": good("Succeeded"), "attempt": attempt, "results": results, "phase": "Succeeded"});
        answer::<ProcessingJob>(&client, &namespace, job).await;
        let version = json!({"conditions": good("Ready"), "version": 3});
        answer::<ModelVersion>(&client, &namespace, version).await;
        answer::<DataBucket>(&client, &namespace, json!({"conditions": good("Ready")})).await;
        answer::<DataTopic>(&client, &namespace, json!({"conditions": good("Ready")})).await;
    }
}
