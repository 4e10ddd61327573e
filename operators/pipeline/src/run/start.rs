//! Whether a run can go: its pipeline, its revision, its parameters.

use std::{collections::BTreeMap, time::Duration};

use millrace_crds::{MLPipelineRun, RegisterSpec};

use super::{
    observe::{Around, Frozen},
    status::{PATIENCE, Waiting},
    values,
};
use crate::model::{self, Plan, Scope, Step, Verb, register};

/// How long a pipeline may be on its way: its data may have to wait for a broker or a store.
const NOT_READY: Duration = Duration::from_secs(3_600);
/// How long a pipeline may be suspended before the runs made in the meantime are of no use.
const SUSPENDED: Duration = Duration::from_secs(86_400);

/// The answer.
pub(super) enum Start {
    /// Not yet.
    Wait(Waiting),
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
    pub(super) scope: Scope,
}

pub(super) fn start(run: &MLPipelineRun, around: &Around) -> Start {
    let name = &run.spec.pipeline;
    let namespace = run.metadata.namespace.as_deref().unwrap_or_default();
    let begun = run.status.as_ref().is_some_and(|s| s.revision.is_some());
    if !begun {
        let Some(pipeline) = &around.pipeline else {
            let message = format!("there is no MLPipeline {namespace}/{name}");
            return wait("PipelineMissing", message, "there is one", PATIENCE);
        };
        if pipeline.suspended {
            let message = format!("MLPipeline {name} is suspended");
            return wait("PipelineSuspended", message, "its spec.suspend is false again", SUSPENDED);
        }
        if run.spec.revision.is_none() && pipeline.revision.is_none() {
            let message = format!("MLPipeline {name} is not Ready: {}", pipeline.message);
            return wait("PipelineNotReady", message, "it is Ready", NOT_READY);
        }
    }
    match &around.revision {
        Some(Frozen { name: revision, pipeline, spec: Some(_) }) if pipeline != name => {
            let message = format!(
                "spec.revision: ControllerRevision {revision} is not one of MLPipeline {name}; leave revision out to run its present spec"
            );
            Start::Refuse("RevisionMissing", message)
        }
        Some(Frozen { name: revision, spec: Some(spec), .. }) => match model::thaw(spec) {
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
        _ => {
            let message = format!("the revision of MLPipeline {name} is not stored");
            wait("PipelineNotReady", message, "it is", NOT_READY)
        }
    }
}

fn wait(reason: &'static str, message: String, until: &'static str, limit: Duration) -> Start {
    Start::Wait(Waiting { reason, message, until, limit })
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
    let scope = scope(run, params);
    let wrong = names(&plan, &scope);
    if !wrong.is_empty() {
        return Start::Refuse("InvalidModelName", wrong.join("; "));
    }
    Start::Go(Box::new(Going { revision: revision.to_owned(), plan, scope }))
}

/// The names of models that no result has a part in and the registry would refuse after all the steps before.
fn names(plan: &Plan, scope: &Scope) -> Vec<String> {
    let wrong = |step: &Step| {
        let Verb::Register { spec, .. } = &step.verb else { return None };
        let name = RegisterSpec { model: spec.model.clone(), ..RegisterSpec::default() };
        // What needs a result is looked at when the result is there.
        let name = values::register(&name, scope).ok()?.model;
        let problem = register::model(&name).err()?;
        Some(format!("step {}, register.model {}: {problem}", step.name, spec.model))
    };
    plan.steps.iter().filter_map(wrong).collect()
}

fn scope(run: &MLPipelineRun, params: BTreeMap<String, String>) -> Scope {
    let two = |a: (&str, Option<String>), b: (&str, Option<String>)| {
        [a, b].into_iter().map(|(k, v)| (k.to_owned(), v.unwrap_or_default())).collect()
    };
    let trigger = run.spec.trigger.clone().unwrap_or_default();
    let name = Some(trigger.name).filter(|n| !n.is_empty()).or_else(|| Some("Manual".to_owned()));
    Scope {
        params,
        run: two(("name", run.metadata.name.clone()), ("uid", run.metadata.uid.clone())),
        trigger: two(("name", name), ("id", trigger.id)),
        results: BTreeMap::new(),
        texts: BTreeMap::new(),
    }
}
