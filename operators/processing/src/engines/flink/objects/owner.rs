//! The Deployment by which Flink owns its TaskManagers: no replicas, paused, a selector that matches nothing else.
//!
//! Flink looks for a Deployment named as its cluster; deleting it collects the TaskManagers.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec},
        core::v1::{Container, PodSpec, PodTemplateSpec},
    },
    apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta},
};

use crate::{build::BuildContext, engines::flink::spec::Flink, job::name::FLINK_CONTAINER, objects::common};

/// Label of the template, which no pod ever has.
const LABEL: &str = "millrace.dev/anchor";

/// The Deployment of one attempt.
pub(crate) fn build(context: &BuildContext<'_>, own: &Flink) -> Deployment {
    let labels = BTreeMap::from([(LABEL.to_owned(), context.attempt.name.clone())]);
    // Never run, but what is checked as a pod must pass as one.
    let container = Container {
        name: FLINK_CONTAINER.to_owned(),
        image: Some(context.fill_file(&own.image)),
        security_context: Some(common::container_wall()),
        ..Container::default()
    };
    let spec = PodSpec { containers: vec![container], restart_policy: None, ..common::pod_spec(context) };
    Deployment {
        metadata: ObjectMeta {
            name: Some(context.attempt.name.clone()),
            labels: Some(common::labels(context.job, context.attempt.number)),
            ..ObjectMeta::default()
        },
        spec: Some(DeploymentSpec {
            replicas: Some(0),
            paused: Some(true),
            selector: LabelSelector { match_labels: Some(labels.clone()), ..LabelSelector::default() },
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta { labels: Some(labels), ..ObjectMeta::default() }),
                spec: Some(spec),
            },
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}
