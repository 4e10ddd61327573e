//! Whether a run can go: its pipeline, its revision, its parameters.

use std::{collections::BTreeMap, time::Duration};

use millrace_crds::{MLPipelineRun, Reason};

use super::{
    seen::{Frozen, Observed},
    status::{STALL_AFTER, Waiting},
};
use crate::{
    spec::{
        finding,
        plan::{self, Plan},
        scope::Scope,
    },
    verbs::child_state::Cause,
};

/// How long a pipeline may be on its way: its data may have to wait for a broker or a store.
const NOT_READY: Duration = Duration::from_secs(3_600);
/// How long a pipeline may be suspended before the runs made in the meantime are of no use.
const SUSPENDED: Duration = Duration::from_secs(86_400);

/// Whether a run can go.
pub(super) enum Admission {
    /// Not yet.
    Wait(Waiting),
    /// Never.
    Refuse(Cause),
    /// The revision it had begun is gone.
    Lost(Cause),
    /// Now, or it goes already.
    Go(Box<Execution>),
}

/// What a run executes.
pub(super) struct Execution {
    pub(super) revision: String,
    pub(super) plan: Plan,
    pub(super) scope: Scope,
}

pub(super) fn admit(run: &MLPipelineRun, around: &Observed) -> Admission {
    let name = &run.spec.pipeline;
    let namespace = run.metadata.namespace.as_deref().unwrap_or_default();
    let begun = run.status.as_ref().is_some_and(|s| s.revision.is_some());
    if !begun {
        let Some(pipeline) = &around.pipeline else {
            let message = format!("MLPipeline {namespace}/{name} does not exist");
            return wait(Reason::PipelineMissing, message, "it exists", STALL_AFTER);
        };
        if pipeline.suspended {
            let message = format!("MLPipeline {name} is suspended");
            return wait(Reason::PipelineSuspended, message, "its spec.suspend is false again", SUSPENDED);
        }
        if run.spec.revision.is_none() && pipeline.revision.is_none() {
            let message = format!("MLPipeline {name} is not Ready: {}", pipeline.message);
            return wait(Reason::PipelineNotReady, message, "it is Ready", NOT_READY);
        }
    }
    match &around.revision {
        Some(Frozen { name: revision, pipeline, spec: Some(_) }) if pipeline != name => {
            let message = format!(
                "spec.revision: ControllerRevision {revision} does not belong to MLPipeline {name}; remove revision to run its current spec"
            );
            Admission::Refuse(Cause::new(Reason::RevisionMissing, message))
        }
        Some(Frozen { name: revision, spec: Some(spec), .. }) => match plan::thaw(spec) {
            Ok(plan) => go(run, revision, plan),
            Err(findings) => Admission::Refuse(Cause::new(Reason::InvalidRevision, finding::joined(&findings))),
        },
        Some(Frozen { name: revision, .. }) if begun => {
            let message = format!(
                "ControllerRevision {revision} is gone, and the run cannot go on without it; was MLPipeline {name} deleted? Running steps are being stopped"
            );
            Admission::Lost(Cause::new(Reason::RevisionLost, message))
        }
        Some(Frozen { name: revision, .. }) if run.spec.revision.is_some() => {
            let message = format!(
                "spec.revision: ControllerRevision {revision} does not exist; remove revision to run the pipeline's current spec"
            );
            Admission::Refuse(Cause::new(Reason::RevisionMissing, message))
        }
        _ => {
            let message = format!("the revision of MLPipeline {name} is not stored");
            wait(Reason::PipelineNotReady, message, "it is", NOT_READY)
        }
    }
}

fn wait(reason: Reason, message: String, until: &'static str, limit: Duration) -> Admission {
    Admission::Wait(Waiting { reason, message, until, limit })
}

fn go(run: &MLPipelineRun, revision: &str, plan: Plan) -> Admission {
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
        let message = format!("{}; it has {known}", unknown.join("; "));
        return Admission::Refuse(Cause::new(Reason::UnknownParameter, message));
    }
    let mut params = plan.params.clone();
    params.extend(run.spec.params.clone());
    let scope = scope(run, params);
    match refusal(&plan, &scope) {
        Some(cause) => Admission::Refuse(cause),
        None => Admission::Go(Box::new(Execution { revision: revision.to_owned(), plan, scope })),
    }
}

/// What the verbs refuse now that the parameters are known, all in one message.
fn refusal(plan: &Plan, scope: &Scope) -> Option<Cause> {
    let causes: Vec<Cause> = plan.steps.iter().filter_map(|step| step.verb.refusal(&step.spec, scope)).collect();
    let messages: Vec<&str> = causes.iter().map(|cause| cause.message.as_str()).collect();
    let message = messages.join("; ");
    causes.first().map(|first| Cause::new(&first.reason, message))
}

fn scope(run: &MLPipelineRun, params: BTreeMap<String, String>) -> Scope {
    let trigger = run.spec.trigger.clone().unwrap_or_default();
    let name = Some(trigger.name).filter(|n| !n.is_empty()).or_else(|| Some("Manual".to_owned()));
    Scope {
        params,
        run: words([("name", run.metadata.name.clone()), ("uid", run.metadata.uid.clone())]),
        trigger: words([("name", name), ("id", trigger.id)]),
        results: BTreeMap::new(),
        texts: BTreeMap::new(),
    }
}

fn words(pairs: [(&str, Option<String>); 2]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.unwrap_or_default())).collect()
}
