//! Whether a run can go: its pipeline, its revision, its parameters.

use std::collections::BTreeMap;

use millrace_crds::MLPipelineRun;

use super::observe::{Around, Frozen};
use crate::model::{self, Plan};

/// The answer.
pub(super) enum Start {
    /// Not yet: reason and message.
    Wait(&'static str, String),
    /// Never: reason and message.
    Refuse(&'static str, String),
    /// The revision it had begun is gone: reason and message.
    Lost(&'static str, String),
    /// Now, or it goes already.
    Go(Box<Going>),
}

/// What a run executes.
pub(super) struct Going {
    pub(super) revision: String,
    pub(super) plan: Plan,
    pub(super) params: BTreeMap<String, String>,
}

pub(super) fn start(run: &MLPipelineRun, around: &Around) -> Start {
    let name = &run.spec.pipeline;
    let namespace = run.metadata.namespace.as_deref().unwrap_or_default();
    let begun = run.status.as_ref().is_some_and(|s| s.revision.is_some());
    if !begun {
        let Some(pipeline) = &around.pipeline else {
            let message = format!("there is no MLPipeline {namespace}/{name} yet; the run starts when there is one");
            return Start::Wait("PipelineMissing", message);
        };
        if pipeline.suspended {
            let message = format!("MLPipeline {name} is suspended; the run starts when spec.suspend is false again");
            return Start::Wait("PipelineSuspended", message);
        }
        if run.spec.revision.is_none() && pipeline.revision.is_none() {
            let message = format!("MLPipeline {name} is not Ready: {}", pipeline.message);
            return Start::Wait("PipelineNotReady", message);
        }
    }
    match &around.revision {
        Some(Frozen { name: revision, pipeline, spec: Some(_) }) if pipeline != name => {
            let message = format!(
                "spec.revision: ControllerRevision {revision} is not one of MLPipeline {name}; leave revision out to run its present spec"
            );
            Start::Refuse("RevisionMissing", message)
        }
        Some(Frozen { name: revision, spec: Some(spec), .. }) => match model::parse(spec) {
            Ok(plan) => go(run, revision, plan),
            Err(findings) => Start::Refuse("InvalidRevision", model::told(&findings)),
        },
        Some(Frozen { name: revision, .. }) if begun => {
            let message = format!(
                "ControllerRevision {revision} is gone, and with it what the run executes; was MLPipeline {name} deleted? Its running steps are stopped"
            );
            Start::Lost("RevisionLost", message)
        }
        Some(Frozen { name: revision, .. }) if run.spec.revision.is_some() => {
            let message = format!(
                "spec.revision: there is no ControllerRevision {revision}; leave revision out to run the pipeline's present spec"
            );
            Start::Refuse("RevisionMissing", message)
        }
        _ => Start::Wait("PipelineNotReady", format!("the revision of MLPipeline {name} is not stored yet")),
    }
}

fn go(run: &MLPipelineRun, revision: &str, plan: Plan) -> Start {
    let unknown: Vec<String> = run
        .spec
        .params
        .keys()
        .filter(|name| !plan.params.contains_key(*name))
        .map(|name| format!("spec.params.{name}: MLPipeline {} has no parameter {name}", run.spec.pipeline))
        .collect();
    if !unknown.is_empty() {
        let known: Vec<&str> = plan.params.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Start::Refuse("UnknownParameter", format!("{}; it has {known}", unknown.join("; ")));
    }
    let mut params = plan.params.clone();
    params.extend(run.spec.params.clone());
    Start::Go(Box::new(Going { revision: revision.to_owned(), plan, params }))
}
