//! Bugs of the controller of MLPipelines.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ControllerRevision;
use millrace_crds::{MLPipeline, well_known::ANNOTATION_RUN_REQUESTED};
use millrace_kit::{
    Action, DecisionOf, Operator, Reader, Target,
    sim::{Inputs, Seeded, SeededBug},
};
use millrace_pipeline::pipeline::Pipelines;

use super::of_pipelines;

pub(super) fn all() -> Vec<Seeded> {
    vec![
        of_pipelines::<ForgetsRequest>(),
        of_pipelines::<TakesOver>(),
        of_pipelines::<DataForever>(),
        of_pipelines::<ForgetsPending>(),
        of_pipelines::<ForgetsRuns>(),
    ]
}

/// Does not remember which request it answered.
struct ForgetsRequest;

impl SeededBug for ForgetsRequest {
    type Of = Pipelines;
    const NAME: &'static str = "forgets which request it has answered";
    const SCENARIO: &'static str = "runs on request, with a short history";

    fn decision(decision: &mut DecisionOf<Pipelines>, inputs: &Inputs<'_, Pipelines>) {
        decision.status.last_handled_run_request = None;
        let mut asked = inputs.object.clone();
        asked.status.get_or_insert_default().last_handled_run_request = None;
        if inputs.object.metadata.annotations.as_ref().is_some_and(|a| a.contains_key(ANNOTATION_RUN_REQUESTED)) {
            decision.actions = Pipelines::decide(&asked, inputs.seen, Timestamp::UNIX_EPOCH).actions;
        }
    }
}

/// Takes over what somebody else made under a declared name.
struct TakesOver;

impl SeededBug for TakesOver {
    type Of = Pipelines;
    const NAME: &'static str = "takes over what somebody else made";
    const SCENARIO: &'static str = "a declared bucket belongs to somebody else";

    fn observed(observed: &mut <Pipelines as Operator>::Observed, _: &MLPipeline, _: &Reader) {
        observed.buckets.retain(|b| b.metadata.owner_references.is_some());
    }
}

/// Waits for data as if it had just begun to.
struct DataForever;

impl SeededBug for DataForever {
    type Of = Pipelines;
    const NAME: &'static str = "waits for data for ever";
    const SCENARIO: &'static str = "the data of a pipeline never becomes ready";

    fn decision(decision: &mut DecisionOf<Pipelines>, _: &Inputs<'_, Pipelines>) {
        decision.status.waiting_since = None;
        decision.wake = None;
    }
}

/// Answers a request only while its annotation stands.
struct ForgetsPending;

impl SeededBug for ForgetsPending {
    type Of = Pipelines;
    const NAME: &'static str = "answers a request only while its annotation stands";
    const SCENARIO: &'static str = "a request is taken away before its run can be made";

    fn decision(decision: &mut DecisionOf<Pipelines>, inputs: &Inputs<'_, Pipelines>) {
        if inputs.object.metadata.annotations.is_none() {
            let makes_run = |a: &Action<_>| matches!(a, Action::Create(child) if child.body["kind"] == "MLPipelineRun");
            decision.actions.retain(|a| !makes_run(a));
        }
    }
}

/// Keeps no revision but the present one.
struct ForgetsRuns;

impl SeededBug for ForgetsRuns {
    type Of = Pipelines;
    const NAME: &'static str = "keeps no revision but the present one";
    const SCENARIO: &'static str = "the pipeline changes while a run goes";

    fn decision(decision: &mut DecisionOf<Pipelines>, inputs: &Inputs<'_, Pipelines>) {
        let current = decision.status.revision.clone();
        for old in inputs.seen.data.revisions.iter().filter(|r| Some(&r.name) != current.as_ref()) {
            let metadata = kube::api::ObjectMeta {
                name: Some(old.name.clone()),
                namespace: inputs.object.metadata.namespace.clone(),
                uid: Some(old.uid.clone()),
                ..Default::default()
            };
            let revision = ControllerRevision { metadata, ..ControllerRevision::default() };
            decision.actions.push(Action::Delete(Target::of(&revision)));
        }
    }
}
