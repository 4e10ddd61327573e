//! From what a run sees to its next status and the children to make.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{
    MLPipelineRun, MLPipelineRunStatus,
    ml_pipeline_run::{StepPhase, StepStatus},
};
use millrace_kit::{Decision, NoEffect, Seen, conditions};

use super::{
    admit::{Admission, Execution, admit},
    advance::{self, Advance},
    seen::Observed,
    status,
};
use crate::verbs::child_state::{Cause, ChildPhase};

type RunDecision = Decision<MLPipelineRunStatus, NoEffect>;

pub(super) fn decide(run: &MLPipelineRun, seen: &Seen<Observed>, now: Timestamp) -> RunDecision {
    let mut told = run.status.clone().unwrap_or_default();
    if told.finished_at.is_some() {
        return Decision::of(told);
    }
    match admit(run, &seen.data) {
        Admission::Wait(what) => {
            let wake = status::wait(&mut told, &what, now);
            Decision { wake, ..Decision::of(told) }
        }
        // What has begun has children: they are stopped first.
        Admission::Refuse(cause) if told.revision.is_some() => lost(run, &seen.data, now, &cause),
        Admission::Refuse(cause) => {
            status::refuse(&mut told, &cause, now);
            Decision::of(told)
        }
        Admission::Lost(cause) => lost(run, &seen.data, now, &cause),
        Admission::Go(execution) => go(run, *execution, seen, now),
    }
}

fn go(run: &MLPipelineRun, execution: Execution, seen: &Seen<Observed>, now: Timestamp) -> RunDecision {
    let mut told = run.status.clone().unwrap_or_default();
    told.revision = Some(execution.revision);
    told.started_at.get_or_insert(Time(now));
    let plan = &execution.plan;
    let mut advance = Advance::new(run, seen, plan.data_plane.as_deref(), now);
    advance.scope = execution.scope;
    let old: BTreeMap<&str, &StepStatus> = told.steps.iter().map(|s| (s.name.as_str(), s)).collect();
    for step in plan.ordered() {
        let before = old.get(step.name.as_str()).map_or_else(|| pending(&step.name), |s| (*s).clone());
        advance.step(step, before);
    }
    let Advance { mut steps, actions, wake, .. } = advance;
    told.steps = plan.steps.iter().filter_map(|s| steps.remove(&s.name)).collect();
    status::go(&mut told, now);
    let mut decision = Decision::of(told);
    decision.actions = actions;
    decision.wake = wake;
    decision
}

fn pending(name: &str) -> StepStatus {
    StepStatus { name: name.to_owned(), phase: StepPhase::Pending, ..StepStatus::default() }
}

/// Stops what still runs; the run ends when nothing does. What has ended well all the same did so.
fn lost(run: &MLPipelineRun, seen: &Observed, now: Timestamp, why: &Cause) -> RunDecision {
    let mut told = run.status.clone().unwrap_or_default();
    let mut actions = Vec::new();
    for step in told.steps.iter_mut().filter(|s| !status::ended(s.phase)) {
        let child = seen.child(run, step).filter(|_| step.phase == StepPhase::Running);
        step.reason = Some(why.reason.to_string());
        step.message = Some(conditions::cut(&why.message, status::MAX_MESSAGE).to_owned());
        match child.map(|child| (child, &child.phase)) {
            Some((_, ChildPhase::Succeeded(_))) => {
                step.phase = StepPhase::Succeeded;
                (step.reason, step.message, step.stopping_at) = (None, None, None);
                step.finished_at = Some(Time(now));
            }
            Some((child, ChildPhase::Running(_) | ChildPhase::Refused(_))) => {
                step.stopping_at.get_or_insert(Time(now));
                actions.extend(advance::deletion(run, child));
            }
            Some((_, ChildPhase::Failed(_))) | None => {
                step.phase = StepPhase::Failed;
                step.finished_at = Some(Time(now));
            }
        }
    }
    status::go(&mut told, now);
    Decision { actions, ..Decision::of(told) }
}
