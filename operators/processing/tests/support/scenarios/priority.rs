//! A priority of the cluster's own pods.

use k8s_openapi::api::core::v1::{Namespace, Pod};
use millrace_crds::{DataPlane, processing_job::JobPhase};
use serde_json::json;

use super::*;

fn critical() -> Value {
    container(json!({"pod": {"priorityClassName": "system-node-critical"}}))
}

/// The DataPlane lets namespaces with this label have such a priority; the job's has `tier: platform`.
fn plane(world: &World, tier: &str) {
    let labels = json!({"tier": "platform"});
    let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": "ml", "labels": labels}})).unwrap();
    world.apply(&namespace);
    let plane: DataPlane = serde_json::from_value(json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "DataPlane", "metadata": {"name": "default"},
        "spec": {"owner": "o", "systemPriority": {"matchLabels": {"tier": tier}}},
    }))
    .unwrap();
    world.apply(&plane);
}

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        scenario("a priority of the system", critical(), |_, _| OK)
            .given(|w| plane(w, "other"))
            .then(|w| {
                ready(w, "InvalidSpec")?;
                must(w.list::<Pod>().is_empty(), "a pod was made")
            })
            .writes(2),
        scenario("a priority of the system, allowed later", critical(), |_, _| OK)
            .actors(|| vec![once(|w| conditions::is_true(&status(w), "Stalled"), |w| plane(w, "platform"))])
            .then(|w| phase(w, JobPhase::Succeeded))
            .writes(7),
    ]
}
