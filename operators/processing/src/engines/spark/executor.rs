//! The template of executor pods: Spark fills in names, sizes and addresses, the walls are ours.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use millrace_crds::well_known::LABEL_ROLE;
use serde_json::json;

use super::layout::EXECUTOR_CONTAINER;
use crate::{build::BuildContext, objects::common};

/// The template as JSON, which is YAML too.
pub(crate) fn template(context: &BuildContext<'_>) -> String {
    let mut body = serde_json::to_value(pod(context)).unwrap_or_default();
    if let Some(root) = body.as_object_mut() {
        root.insert("apiVersion".to_owned(), json!("v1"));
        root.insert("kind".to_owned(), json!("Pod"));
    }
    format!("{body:#}")
}

/// The template as a pod.
pub(crate) fn pod(context: &BuildContext<'_>) -> Pod {
    let (volumes, mounts) = common::volumes(context);
    let container = Container {
        name: EXECUTOR_CONTAINER.to_owned(),
        // Executors are the driver's pods, and the wall lets a driver's pods read no Secret but its grant's.
        env: Some([common::env(context), common::users_env(context, false)].concat()),
        volume_mounts: Some(mounts),
        security_context: Some(common::container_wall()),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..Container::default()
    };
    let mut labels: BTreeMap<String, String> = common::labels(context.job, context.attempt.number);
    // The pod cache leaves these out by this label.
    labels.insert(LABEL_ROLE.to_owned(), "executor".to_owned());
    Pod {
        metadata: common::pod_meta(context, None, labels),
        spec: Some(PodSpec { containers: vec![container], volumes: Some(volumes), ..common::pod_spec(context) }),
        status: None,
    }
}
