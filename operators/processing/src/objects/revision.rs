//! A spec as the user wrote it, kept so that the job can go back to it: a ControllerRevision, which never changes.

use k8s_openapi::{
    api::apps::v1::ControllerRevision,
    apimachinery::pkg::{apis::meta::v1::ObjectMeta, runtime::RawExtension},
};
use millrace_crds::{JobSpec, ProcessingJob};
use millrace_kit::Child;
use serde_json::Value;

use super::common;
use crate::{job::name, model::is_application};

/// The job's spec of now, which this run is of.
pub(crate) fn build(job: &ProcessingJob, hash: &str, run: i64) -> Child {
    let mut words = serde_json::to_value(&job.spec.job).unwrap_or_default();
    if let Some(map) = words.as_object_mut() {
        map.retain(|field, _| is_application(field));
    }
    let revision = ControllerRevision {
        metadata: ObjectMeta {
            name: Some(name::revision(job, hash)),
            labels: Some(common::owner_labels(job)),
            ..ObjectMeta::default()
        },
        data: Some(RawExtension(words)),
        revision: run,
    };
    Child::of(job, &revision)
}

/// The job with the kept words in the place of its own; `None` if they cannot be read.
pub(crate) fn apply(job: &ProcessingJob, kept: &Value) -> Option<ProcessingJob> {
    let mut words = serde_json::to_value(&job.spec.job).ok()?;
    let map = words.as_object_mut()?;
    map.retain(|field, _| !is_application(field));
    map.extend(kept.as_object()?.clone());
    let spec: JobSpec = serde_json::from_value(words).ok()?;
    let mut job = job.clone();
    job.spec.job = spec;
    Some(job)
}
