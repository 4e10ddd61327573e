//! The MLPipelineRun that a trigger starts.

use millrace_crds::{MLPipeline, MLPipelineRun, MLPipelineRunSpec, ml_pipeline_run, well_known::LABEL_PIPELINE};
use millrace_kit::names;

use super::{label, meta};
use crate::triggers::Trigger;

/// Name of the run that a trigger starts for an event: the same event gives the same run.
#[must_use]
pub fn name(pipeline: &MLPipeline, trigger: &dyn Trigger, event: &str) -> String {
    let readable = pipeline.metadata.name.as_deref().unwrap_or_default();
    names::child(readable, pipeline.metadata.uid.as_deref().unwrap_or_default(), &[trigger.salt(), event])
}

/// The run that a trigger starts for an event.
#[must_use]
pub fn build(pipeline: &MLPipeline, trigger: &dyn Trigger, event: &str) -> MLPipelineRun {
    let mut metadata = meta(pipeline, name(pipeline, trigger, event));
    label(metadata.labels.get_or_insert_default(), LABEL_PIPELINE, pipeline.metadata.name.as_deref());
    let started_by = ml_pipeline_run::Trigger { name: trigger.name().to_owned(), id: Some(event.to_owned()) };
    let spec = MLPipelineRunSpec {
        pipeline: pipeline.metadata.name.clone().unwrap_or_default(),
        trigger: Some(started_by),
        ..MLPipelineRunSpec::default()
    };
    MLPipelineRun { metadata, spec, status: None }
}
