//! Pure builders of what pipelines create, one kind in each file, and the names and labels of all children.
//!
//! Names are derived from the owner's uid, so a repeated create asks for the same object. Never copies a user's labels.

pub mod data;
pub mod revision;
pub mod run;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use millrace_crds::{
    MLPipelineRun,
    well_known::{LABEL_OWNER_KIND, LABEL_OWNER_NAME, LABEL_OWNER_UID, LABEL_PIPELINE, LABEL_RUN, LABEL_STEP},
};
use millrace_kit::{Object, names};

/// Selects what runs make.
pub const OF_RUNS: &str = "millrace.dev/owner-kind=MLPipelineRun";
/// Selects what pipelines make.
pub const OF_PIPELINES: &str = "millrace.dev/owner-kind=MLPipeline";

/// Name and labels of a child of `owner`. A label value has at most 63 characters; a longer name is left out.
fn meta<P: Object + Resource>(owner: &P, name: String) -> ObjectMeta {
    let mut labels = BTreeMap::from([(LABEL_OWNER_KIND.to_owned(), P::kind(&()).into_owned())]);
    label(&mut labels, LABEL_OWNER_NAME, owner.meta().name.as_deref());
    label(&mut labels, LABEL_OWNER_UID, owner.meta().uid.as_deref());
    ObjectMeta {
        name: Some(name),
        namespace: owner.meta().namespace.clone(),
        labels: Some(labels),
        ..ObjectMeta::default()
    }
}

fn label(labels: &mut BTreeMap<String, String>, key: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|v| v.len() <= 63) {
        labels.insert(key.to_owned(), value.to_owned());
    }
}

/// Name and labels of the child of one step.
pub(crate) fn step_meta(run: &MLPipelineRun, step: &str) -> ObjectMeta {
    let mut meta = meta(run, step_child(run, step));
    let labels = meta.labels.get_or_insert_default();
    label(labels, LABEL_PIPELINE, Some(&run.spec.pipeline));
    label(labels, LABEL_RUN, run.metadata.name.as_deref());
    label(labels, LABEL_STEP, Some(step));
    meta
}

/// Name of the child of one step.
#[must_use]
pub fn step_child(run: &MLPipelineRun, step: &str) -> String {
    let readable = format!("{}-{step}", run.metadata.name.as_deref().unwrap_or_default());
    names::child(&readable, run.metadata.uid.as_deref().unwrap_or_default(), &["step", step])
}
