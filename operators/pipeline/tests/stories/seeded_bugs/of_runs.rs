//! Bugs of the controller of MLPipelineRuns.

use std::sync::atomic::{AtomicU64, Ordering};

use k8s_openapi::api::apps::v1::ControllerRevision;
use millrace_crds::{
    MLPipelineRun,
    ml_pipeline_run::{RunPhase, StepPhase},
};
use millrace_kit::{
    Action, DecisionOf, Key, Operator, Reader,
    sim::{Inputs, Seeded, SeededBug},
};
use millrace_pipeline::{
    run::Runs,
    verbs::child_state::{ChildPhase, Progress},
};
use serde_json::json;

use super::of_runs;

pub(super) fn all() -> Vec<Seeded> {
    vec![
        of_runs::<RandomName>(),
        of_runs::<ForgetsRevision>(),
        of_runs::<TrustsCache>(),
        of_runs::<FailureStopsAll>(),
        of_runs::<ForgetsIntent>(),
        of_runs::<ReadsBack>(),
        of_runs::<StalledIsFailed>(),
        of_runs::<VerdictFirst>(),
        of_runs::<DeletesUnseen>(),
        of_runs::<WaitsForever>(),
    ]
}

/// Draws a new name for each create; three of them, so that the world stays small.
struct RandomName;
static DRAWN: AtomicU64 = AtomicU64::new(0);

impl SeededBug for RandomName {
    type Of = Runs;
    const NAME: &'static str = "draws a new name for each child";
    const SCENARIO: &'static str = "one step, made by hand";

    fn decision(decision: &mut DecisionOf<Runs>, _: &Inputs<'_, Runs>) {
        for action in &mut decision.actions {
            if let Action::Create(child) = action {
                child.body["metadata"]["name"] = json!(format!("job-{}", DRAWN.fetch_add(1, Ordering::Relaxed) % 3));
            }
        }
    }
}

/// Does not store which revision a run executes.
struct ForgetsRevision;

impl SeededBug for ForgetsRevision {
    type Of = Runs;
    const NAME: &'static str = "does not store which revision a run executes";
    const SCENARIO: &'static str = "the pipeline changes while a run goes";

    fn decision(decision: &mut DecisionOf<Runs>, _: &Inputs<'_, Runs>) {
        decision.status.revision = None;
    }
}

/// Believes that what the cache misses is gone.
struct TrustsCache;

impl SeededBug for TrustsCache {
    type Of = Runs;
    const NAME: &'static str = "believes that what the cache misses is gone";
    const SCENARIO: &'static str = "a run is pinned to a revision that the cache may miss";

    fn observed(observed: &mut <Runs as Operator>::Observed, run: &MLPipelineRun, reader: &Reader) {
        let namespace = run.metadata.namespace.clone().unwrap_or_default();
        if let Some(revision) = &mut observed.revision
            && reader.cached::<ControllerRevision>(&Key::new(namespace, &revision.name)).is_none()
        {
            revision.spec = None;
        }
    }
}

/// One failed step stops the others.
struct FailureStopsAll;

impl SeededBug for FailureStopsAll {
    type Of = Runs;
    const NAME: &'static str = "lets one failed step stop the others";
    const SCENARIO: &'static str = "a step fails and the others go on";

    fn decision(decision: &mut DecisionOf<Runs>, _: &Inputs<'_, Runs>) {
        if decision.status.steps.iter().any(|s| s.phase == StepPhase::Failed) {
            for step in decision.status.steps.iter_mut().filter(|s| s.phase == StepPhase::Pending) {
                step.phase = StepPhase::Skipped;
            }
        }
    }
}

/// Forgets that a child was asked for.
struct ForgetsIntent;

impl SeededBug for ForgetsIntent {
    type Of = Runs;
    const NAME: &'static str = "forgets that a child was asked for";
    const SCENARIO: &'static str = "three steps over declared data";

    fn decision(decision: &mut DecisionOf<Runs>, _: &Inputs<'_, Runs>) {
        decision.status.steps.retain(|s| s.phase != StepPhase::Running);
    }
}

/// Leaves results in the jobs and reads them there each time.
struct ReadsBack;

impl SeededBug for ReadsBack {
    type Of = Runs;
    const NAME: &'static str = "reads results back from the jobs";
    const SCENARIO: &'static str = "the job of a finished step is deleted while others run";

    fn decision(decision: &mut DecisionOf<Runs>, _: &Inputs<'_, Runs>) {
        decision.status.steps.iter_mut().for_each(|s| s.results = None);
    }
}

/// Takes a child that needs help for one that has failed.
struct StalledIsFailed;

impl SeededBug for StalledIsFailed {
    type Of = Runs;
    const NAME: &'static str = "takes a child that needs help for one that has failed";
    const SCENARIO: &'static str = "a job needs help that comes";

    fn observed(observed: &mut <Runs as Operator>::Observed, _: &MLPipelineRun, _: &Reader) {
        for child in &mut observed.children {
            if let ChildPhase::Running(Progress { waits_for: Some(cause), stalled_since: Some(_), .. }) = &child.phase {
                child.phase = ChildPhase::Failed(cause.clone());
            }
        }
    }
}

/// Calls a step failed and leaves what it started.
struct VerdictFirst;

impl SeededBug for VerdictFirst {
    type Of = Runs;
    const NAME: &'static str = "calls a step failed and leaves what it started";
    const SCENARIO: &'static str = "what a registration needs comes after the run has given it up";

    fn decision(decision: &mut DecisionOf<Runs>, _: &Inputs<'_, Runs>) {
        let status = &mut decision.status;
        for step in status.steps.iter_mut().filter(|s| s.stopping_at.is_some()) {
            step.phase = StepPhase::Failed;
            status.phase = Some(RunPhase::Failed);
            status.finished_at = step.stopping_at.clone();
        }
        decision.actions.retain(|action| !matches!(action, Action::Delete(_)));
    }
}

/// Deletes a child whatever it has become.
struct DeletesUnseen;

impl SeededBug for DeletesUnseen {
    type Of = Runs;
    const NAME: &'static str = "deletes a child whatever it has become";
    const SCENARIO: &'static str = "what a registration needs comes as the run gives it up";

    fn decision(decision: &mut DecisionOf<Runs>, _: &Inputs<'_, Runs>) {
        for action in &mut decision.actions {
            if let Action::Delete(target) = action {
                target.version.clear();
            }
        }
    }
}

/// Waits for a pipeline as if it had just begun to.
struct WaitsForever;

impl SeededBug for WaitsForever {
    type Of = Runs;
    const NAME: &'static str = "waits for a pipeline for ever";
    const SCENARIO: &'static str = "the pipeline of a run never comes";

    fn decision(decision: &mut DecisionOf<Runs>, _: &Inputs<'_, Runs>) {
        decision.status.waiting_since = None;
        decision.wake = None;
    }
}
