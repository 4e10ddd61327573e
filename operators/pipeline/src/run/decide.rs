//! From what a run sees to its next status and the children to make.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{
    MLPipelineRun, MLPipelineRunStatus,
    ml_pipeline_run::{StepPhase, StepStatus},
};
use millrace_kit::{Action, Decision, NoEffect, Seen, Target};

use super::{
    observe::Around,
    start::{Going, Start, start},
    status,
    steps::Walk,
};
use crate::model::Scope;

type Verdict = Decision<MLPipelineRunStatus, NoEffect>;

pub(super) fn decide(run: &MLPipelineRun, seen: &Seen<Around>, now: Timestamp) -> Verdict {
    let mut told = run.status.clone().unwrap_or_default();
    if told.finished_at.is_some() {
        return Decision::of(told);
    }
    match start(run, &seen.data) {
        Start::Wait(reason, message) => status::wait(&mut told, (reason, &message), now),
        Start::Refuse(reason, message) => status::refuse(&mut told, (reason, &message), now),
        Start::Lost(reason, message) => return lost(told, (seen, now), (reason, &message)),
        Start::Go(going) => return go(run, *going, (seen, now)),
    }
    Decision::of(told)
}

fn go(run: &MLPipelineRun, going: Going, (seen, now): (&Seen<Around>, Timestamp)) -> Verdict {
    let mut told = run.status.clone().unwrap_or_default();
    told.revision = Some(going.revision);
    told.started_at.get_or_insert(Time(now));
    let mut walk = Walk::new(run, seen, now);
    walk.scope = scope(run, going.params);
    walk.data_plane = going.plan.data_plane.clone();
    let old: BTreeMap<&str, &StepStatus> = told.steps.iter().map(|s| (s.name.as_str(), s)).collect();
    for step in going.plan.ordered() {
        let before = old.get(step.name.as_str()).map_or_else(|| pending(&step.name), |s| (*s).clone());
        walk.step(step, before);
    }
    let Walk { mut steps, actions, wake, .. } = walk;
    told.steps = going.plan.steps.iter().filter_map(|s| steps.remove(&s.name)).collect();
    status::go(&mut told, now);
    let mut decision = Decision::of(told);
    decision.actions = actions;
    decision.wake = wake;
    decision
}

fn pending(name: &str) -> StepStatus {
    StepStatus { name: name.to_owned(), phase: StepPhase::Pending, ..StepStatus::default() }
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

/// Stops what still runs; the run ends when nothing does.
fn lost(mut told: MLPipelineRunStatus, (seen, now): (&Seen<Around>, Timestamp), why: (&str, &str)) -> Verdict {
    let (reason, message) = why;
    let has = |step: &StepStatus| {
        let job = seen.data.jobs.iter().find(|j| j.metadata.name == step.job).map(Target::of);
        job.or_else(|| seen.data.versions.iter().find(|v| v.metadata.name == step.job).map(Target::of))
    };
    let mut actions = Vec::new();
    for step in told.steps.iter_mut().filter(|s| !status::ended(s.phase)) {
        match has(step).filter(|_| step.phase == StepPhase::Running) {
            Some(target) => actions.push(Action::Delete(target)),
            None => {
                step.phase = StepPhase::Failed;
                step.finished_at = Some(Time(now));
            }
        }
        step.reason = Some(reason.to_owned());
        step.message = Some(message.to_owned());
    }
    status::go(&mut told, now);
    let mut decision = Decision::of(told);
    decision.actions = actions;
    decision
}
