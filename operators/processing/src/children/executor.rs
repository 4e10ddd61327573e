//! The template of executor pods: Spark fills in names, sizes and addresses, the walls are ours.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use millrace_crds::well_known::LABEL_ROLE;
use serde_json::json;

use super::parts;
use crate::engine::Plan;

/// Name of the executors' container, which Spark looks for in the template.
pub(crate) const CONTAINER: &str = "spark-kubernetes-executor";

/// The template as JSON, which is YAML too.
pub(crate) fn template(plan: &Plan<'_>) -> String {
    let mut body = serde_json::to_value(pod(plan)).unwrap_or_default();
    if let Some(root) = body.as_object_mut() {
        root.insert("apiVersion".to_owned(), json!("v1"));
        root.insert("kind".to_owned(), json!("Pod"));
    }
    format!("{body:#}")
}

/// The template as a pod.
pub(crate) fn pod(plan: &Plan<'_>) -> Pod {
    let (volumes, mounts) = parts::volumes(plan);
    let container = Container {
        name: CONTAINER.to_owned(),
        // Executors are the driver's pods, and the wall lets a driver's pods read no Secret but its grant's.
        env: Some([parts::env(plan), parts::users_env(plan, false)].concat()),
        volume_mounts: Some(mounts),
        security_context: Some(parts::container_wall()),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..Container::default()
    };
    let mut labels: BTreeMap<String, String> = parts::labels(plan.job, plan.numbers.1);
    // The pod cache leaves these out by this label.
    labels.insert(LABEL_ROLE.to_owned(), "executor".to_owned());
    Pod {
        metadata: parts::pod_meta(plan, None, labels),
        spec: Some(PodSpec { containers: vec![container], volumes: Some(volumes), ..parts::pod_spec(plan) }),
        status: None,
    }
}
