//! From what a run sees to its next status and the children to make.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{
    MLPipelineRun, MLPipelineRunStatus,
    ml_pipeline_run::{StepPhase, StepStatus},
};
use millrace_kit::{Action, Decision, NoEffect, Seen, conditions};

use super::{
    child::{Made, Standing, Told},
    observe::Around,
    start::{Going, Start, start},
    status,
    steps::Walk,
};

type Verdict = Decision<MLPipelineRunStatus, NoEffect>;

pub(super) fn decide(run: &MLPipelineRun, seen: &Seen<Around>, now: Timestamp) -> Verdict {
    let mut told = run.status.clone().unwrap_or_default();
    if told.finished_at.is_some() {
        return Decision::of(told);
    }
    match start(run, &seen.data) {
        Start::Wait(what) => {
            let wake = status::wait(&mut told, &what, now);
            Decision { wake, ..Decision::of(told) }
        }
        // What has begun has children: they are stopped first.
        Start::Refuse(reason, message) if told.revision.is_some() => {
            lost(told, &seen.data, now, &Told::new(reason, message))
        }
        Start::Refuse(reason, message) => {
            status::refuse(&mut told, (reason, &message), now);
            Decision::of(told)
        }
        Start::Lost(reason, message) => lost(told, &seen.data, now, &Told::new(reason, message)),
        Start::Go(going) => go(run, *going, seen, now),
    }
}

fn go(run: &MLPipelineRun, going: Going, seen: &Seen<Around>, now: Timestamp) -> Verdict {
    let mut told = run.status.clone().unwrap_or_default();
    told.revision = Some(going.revision);
    told.started_at.get_or_insert(Time(now));
    let mut walk = Walk::new(run, seen, now);
    walk.scope = going.scope;
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

/// Stops what still runs; the run ends when nothing does. What has ended well all the same did so.
fn lost(mut told: MLPipelineRunStatus, around: &Around, now: Timestamp, why: &Told) -> Verdict {
    let mut actions = Vec::new();
    for step in told.steps.iter_mut().filter(|s| !status::ended(s.phase)) {
        let child = Made::find(around, step.job.as_ref()).filter(|_| step.phase == StepPhase::Running);
        step.reason = Some(why.reason.clone());
        step.message = Some(conditions::cut(&why.message, status::MAX_MESSAGE).to_owned());
        match child.map(|child| (child, child.standing())) {
            Some((_, Standing::Succeeded(_))) => {
                step.phase = StepPhase::Succeeded;
                (step.reason, step.message, step.stopping_at) = (None, None, None);
                step.finished_at = Some(Time(now));
            }
            Some((child, Standing::Running(_) | Standing::Refused(_))) => {
                step.stopping_at.get_or_insert(Time(now));
                if !child.going() {
                    actions.push(Action::Delete(child.target()));
                }
            }
            Some((_, Standing::Failed(_))) | None => {
                step.phase = StepPhase::Failed;
                step.finished_at = Some(Time(now));
            }
        }
    }
    status::go(&mut told, now);
    let mut decision = Decision::of(told);
    decision.actions = actions;
    decision
}
