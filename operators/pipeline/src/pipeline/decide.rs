//! From what a pipeline sees to its next status and the objects to make.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{MLPipeline, MLPipelineStatus, Reason};
use millrace_kit::{Action, Child, Decision, NoEffect, Seen, Standing, Wait, conditions};

use super::{
    data::{self, Data},
    history,
    seen::Observed,
    starts, status,
};
use crate::{
    children,
    spec::{
        finding,
        plan::{self, Plan},
    },
};

/// How long what others make may take, before a person is asked to look.
const STALL_AFTER: Duration = Duration::from_secs(600);

pub(super) fn decide(
    pipeline: &MLPipeline,
    seen: &Seen<Observed>,
    now: Timestamp,
) -> Decision<MLPipelineStatus, NoEffect> {
    let mut told = pipeline.status.clone().unwrap_or_default();
    let around = &seen.data;
    let mut actions = history::old_runs(pipeline, around);
    let mut standing = match plan::parse(&pipeline.spec) {
        Ok(plan) => {
            let valid = valid(pipeline, &plan, around);
            status::data(&mut told, &valid.data, now);
            told.revision = Some(valid.revision);
            actions.extend(valid.actions);
            valid.standing
        }
        // What it made for its last valid spec stays as it is.
        Err(findings) => Standing::stalled(Reason::InvalidSpec, finding::joined(&findings)),
    };
    let starts = starts::starts(&mut told, pipeline, seen, now);
    actions.extend(starts.actions);
    // A failure of an action that is no longer asked for tells nothing.
    let failed = actions.iter().rev().find_map(|a| seen.failures.of(&a.id()));
    if let Some(last) = failed {
        standing = Standing::failed(&last.failure);
    }
    let wake = stand(&mut told, pipeline, standing, now).into_iter().chain(starts.wake).min();
    Decision { actions, wake, ..Decision::of(told) }
}

/// Says how the pipeline stands. It is on its way for a time, then a person is asked; another reason or another spec begins
/// a new wait.
fn stand(told: &mut MLPipelineStatus, pipeline: &MLPipeline, standing: Standing, now: Timestamp) -> Option<Timestamp> {
    let since = told.waiting_since.take();
    let Standing::Progressing { reason, message } = standing else {
        conditions::stand(told, &standing, now);
        return None;
    };
    let same = told.observed_generation == pipeline.metadata.generation.unwrap_or(0)
        && conditions::get(told, "Ready").is_some_and(|c| c.reason == reason);
    let since = since.filter(|_| same).unwrap_or(Time(now));
    let wait = Wait::new(reason, message, since.0, STALL_AFTER);
    told.waiting_since = Some(since);
    conditions::stand(told, &wait.standing(now), now);
    wait.wake(now)
}

/// What follows from a spec that can run.
struct Valid {
    standing: Standing,
    data: Data,
    revision: String,
    actions: Vec<Action<NoEffect>>,
}

fn valid(pipeline: &MLPipeline, plan: &Plan, around: &Observed) -> Valid {
    let revision = children::revision::name(pipeline);
    let stored = around.revisions.iter().any(|r| r.name == revision);
    let data = data::plan(pipeline, around);
    let mut standing = match data.standing() {
        Data::Ready => status::ready(pipeline),
        Data::Waiting(reason, message) => Standing::progressing(reason, message),
        Data::Stalled(reason, message) => Standing::stalled(reason, message),
    };
    if let Some(lacking) = lacks(plan, around).filter(|_| matches!(standing, Standing::Ready { .. })) {
        standing = lacking;
    }
    let mut actions = Vec::new();
    if !stored {
        actions.push(Action::Create(Child::of(pipeline, &children::revision::build(pipeline))));
        if matches!(standing, Standing::Ready { .. }) {
            standing = Standing::progressing(Reason::RevisionMissing, "the spec is being stored for its runs");
        }
    }
    let told = data.standing();
    actions.extend(data.actions);
    actions.extend(history::old_revisions(pipeline, around, &revision));
    Valid { standing, data: told, revision, actions }
}

/// What the namespace lacks for one of the steps.
fn lacks(plan: &Plan, around: &Observed) -> Option<Standing> {
    plan.steps.iter().find_map(|step| step.verb.lacks(&step.spec, &around.namespace))
}
