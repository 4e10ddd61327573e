//! The ControllerRevision that freezes a pipeline's spec for its runs.

use k8s_openapi::{api::apps::v1::ControllerRevision, apimachinery::pkg::runtime::RawExtension};
use millrace_crds::{MLPipeline, MLPipelineSpec, well_known::LABEL_PIPELINE};
use millrace_kit::names;
use serde_json::Value;

use super::{label, meta};

/// What of a spec a run depends on: pausing a pipeline or keeping fewer runs makes no new revision.
fn frozen(spec: &MLPipelineSpec) -> Value {
    let spec = MLPipelineSpec { suspend: None, history: None, ..spec.clone() };
    serde_json::to_value(spec).unwrap_or_default()
}

/// Name of the revision of the pipeline's present spec.
#[must_use]
pub fn name(pipeline: &MLPipeline) -> String {
    let readable = pipeline.metadata.name.as_deref().unwrap_or_default();
    let uid = pipeline.metadata.uid.as_deref().unwrap_or_default();
    names::child(readable, uid, &["revision", &frozen(&pipeline.spec).to_string()])
}

/// The revision of the pipeline's present spec.
#[must_use]
pub fn build(pipeline: &MLPipeline) -> ControllerRevision {
    let mut metadata = meta(pipeline, name(pipeline));
    label(metadata.labels.get_or_insert_default(), LABEL_PIPELINE, pipeline.metadata.name.as_deref());
    ControllerRevision {
        metadata,
        revision: pipeline.metadata.generation.unwrap_or(0),
        data: Some(RawExtension(frozen(&pipeline.spec))),
    }
}

/// The spec a revision holds; `None` if it is not a pipeline's.
#[must_use]
pub fn spec(revision: &ControllerRevision) -> Option<MLPipelineSpec> {
    serde_json::from_value(revision.data.as_ref()?.0.clone()).ok()
}
