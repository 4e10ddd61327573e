//! The pod of a container job: no API token, a read-only root, scratch at /tmp.

use k8s_openapi::api::core::v1::{Container as KubeContainer, Pod, PodSpec};
use millrace_crds::well_known::LABEL_ROLE;

use super::parts;
use crate::{
    engine::{CONTAINERS, Engine, Plan},
    model::Container,
};

/// The pod of one attempt.
pub(crate) fn build(plan: &Plan<'_>, own: &Container) -> Pod {
    let (volumes, mounts) = parts::volumes(plan);
    let fill = |list: &[String]| -> Option<Vec<String>> {
        (!list.is_empty()).then(|| list.iter().map(|text| plan.fill(text)).collect())
    };
    let container = KubeContainer {
        name: CONTAINERS[1].to_owned(),
        image: Some(plan.fill(&own.image)),
        image_pull_policy: Some(parts::pull(own.pull).to_owned()),
        command: fill(&own.command),
        args: fill(&own.args),
        env: Some([parts::env(plan), parts::users_env(plan, true)].concat()),
        resources: Some(parts::resources(&own.cpu.0, &own.memory.0)),
        volume_mounts: Some(mounts),
        security_context: Some(parts::container_wall()),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..KubeContainer::default()
    };
    let mut labels = parts::labels(plan.job, plan.numbers.1);
    labels.insert(LABEL_ROLE.to_owned(), "main".to_owned());
    Pod {
        metadata: parts::pod_meta(plan, Some(format!("{}-{}", plan.base, own.suffix())), labels),
        spec: Some(PodSpec { containers: vec![container], volumes: Some(volumes), ..parts::pod_spec(plan) }),
        status: None,
    }
}
