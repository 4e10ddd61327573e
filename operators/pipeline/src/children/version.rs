//! The ModelVersion of a `register` step.

use millrace_crds::{MLPipelineRun, ModelVersion, ModelVersionSpec, RegisterSpec, model_version::RunRef};

use super::step_meta;

/// The version of `step`; its references are substituted and its registry is known already.
#[must_use]
pub fn build(run: &MLPipelineRun, step: &str, what: (RegisterSpec, String)) -> ModelVersion {
    let (register, registry) = what;
    let origin = RunRef {
        pipeline: run.spec.pipeline.clone(),
        name: run.metadata.name.clone().unwrap_or_default(),
        step: step.to_owned(),
        uid: run.metadata.uid.clone(),
    };
    let spec = ModelVersionSpec {
        registry,
        model: register.model,
        source: register.source,
        aliases: register.aliases,
        tags: register.tags,
        description: register.description,
        run: Some(origin),
    };
    ModelVersion { metadata: step_meta(run, step), spec, status: None }
}
