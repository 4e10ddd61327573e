//! The Job that brings the database to the schema of an image, before a server of that image starts.

use k8s_openapi::api::{
    batch::v1::{Job, JobSpec},
    core::v1::PodTemplateSpec,
};
use kube::core::ObjectMeta;
use millrace_crds::ModelRegistry;
use millrace_kit::Child;

use super::pod;
use crate::registry::{labels, model::Plan, pods::MIGRATION};

const PROGRAM: &str = include_str!("prepare.py");

/// Longest time one attempt may take, in seconds: the image's pull, the wait for a node, the migration of a large database.
pub(crate) const DEADLINE: i64 = 1_800;

/// The Job of this name.
pub(crate) fn build(registry: &ModelRegistry, plan: &Plan, name: &str) -> Child {
    let mut spec = pod::spec(pod::container("migrate", plan, PROGRAM));
    spec.restart_policy = Some("Never".to_owned());
    let labels = labels(registry, MIGRATION);
    let job = Job {
        metadata: ObjectMeta { name: Some(name.to_owned()), labels: Some(labels.clone()), ..ObjectMeta::default() },
        spec: Some(JobSpec {
            // Attempts are ours: each has a reason in the status.
            backoff_limit: Some(0),
            active_deadline_seconds: Some(DEADLINE),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta { labels: Some(labels), ..ObjectMeta::default() }),
                spec: Some(spec),
            },
            ..JobSpec::default()
        }),
        status: None,
    };
    Child::of(registry, &job)
}
