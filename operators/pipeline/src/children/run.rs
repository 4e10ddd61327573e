//! The MLPipelineRun made on request.

use millrace_crds::{
    MLPipeline, MLPipelineRun, MLPipelineRunSpec, ml_pipeline_run::Trigger, well_known::LABEL_PIPELINE,
};
use millrace_kit::names;

use super::{label, meta};

/// Name of the run that the annotation's value asks for: the same value gives the same run.
#[must_use]
pub fn name(pipeline: &MLPipeline, value: &str) -> String {
    let readable = pipeline.metadata.name.as_deref().unwrap_or_default();
    names::child(readable, pipeline.metadata.uid.as_deref().unwrap_or_default(), &["run-requested", value])
}

/// The run that the annotation's value asks for.
#[must_use]
pub fn requested(pipeline: &MLPipeline, value: &str) -> MLPipelineRun {
    let mut metadata = meta(pipeline, name(pipeline, value));
    label(metadata.labels.get_or_insert_default(), LABEL_PIPELINE, pipeline.metadata.name.as_deref());
    let spec = MLPipelineRunSpec {
        pipeline: pipeline.metadata.name.clone().unwrap_or_default(),
        trigger: Some(Trigger { name: "Annotation".to_owned(), id: Some(value.to_owned()) }),
        ..MLPipelineRunSpec::default()
    };
    MLPipelineRun { metadata, spec, status: None }
}
