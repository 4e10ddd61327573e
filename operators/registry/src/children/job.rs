//! The Job that brings the database to the schema of an image, before a server of that image starts.

use k8s_openapi::api::{
    batch::v1::{Job, JobSpec},
    core::v1::{PodSpec, PodTemplateSpec},
};
use kube::core::ObjectMeta;
use millrace_crds::ModelRegistry;
use millrace_kit::Child;

use super::pod;
use crate::{
    pods::{MIGRATION, container_of},
    registry::{names::labels, spec::Plan},
};

const PROGRAM: &str = concat!(include_str!("given.py"), "\n\n", include_str!("prepare.py"));

/// Longest time one attempt may take, in seconds: the image's pull, the wait for a node, the migration of a large database.
pub(crate) const DEADLINE: i64 = 1_800;

/// The Job of this name; `served` is the database a server runs on, whose schema must not change.
pub(crate) fn build(registry: &ModelRegistry, plan: &Plan, name: &str, served: Option<&str>) -> Child {
    let mut container = pod::container(container_of(MIGRATION), plan, PROGRAM);
    let mut env = pod::database(registry, plan);
    env.append(container.env.get_or_insert_default());
    env.extend(served.map(|place| pod::plain("MILLRACE_SERVED", place)));
    container.env = Some(env);
    let labels = labels(registry, MIGRATION);
    let meta = ObjectMeta { name: Some(name.to_owned()), labels: Some(labels), ..ObjectMeta::default() };
    Child::of(registry, &job(meta, pod::spec(container, pod::SCRATCH), DEADLINE))
}

/// A Job of one pod that is not repeated by Kubernetes: attempts are ours, each has a reason in a status.
pub(crate) fn job(meta: ObjectMeta, pod: PodSpec, deadline: i64) -> Job {
    let template = ObjectMeta { labels: meta.labels.clone(), ..ObjectMeta::default() };
    Job {
        metadata: meta,
        spec: Some(JobSpec {
            backoff_limit: Some(0),
            active_deadline_seconds: Some(deadline),
            template: PodTemplateSpec {
                metadata: Some(template),
                spec: Some(PodSpec { restart_policy: Some("Never".to_owned()), ..pod }),
            },
            ..JobSpec::default()
        }),
        status: None,
    }
}
