//! From what a pipeline sees to its next status and the objects to make.

use jiff::Timestamp;
use millrace_crds::{MLPipeline, MLPipelineStatus};
use millrace_kit::{Action, Child, Decision, NoEffect, Seen, Standing, conditions};

use super::{
    data::{self, Data},
    history,
    observe::{Around, asked},
    status,
};
use crate::{
    children,
    model::{self, Plan},
};

type Verdict = Decision<MLPipelineStatus, NoEffect>;

pub(super) fn decide(pipeline: &MLPipeline, seen: &Seen<Around>, now: Timestamp) -> Verdict {
    let mut told = pipeline.status.clone().unwrap_or_default();
    let around = &seen.data;
    let mut actions = history::old_runs(pipeline, around);
    match model::parse(&pipeline.spec) {
        Ok(plan) => actions.extend(valid(&mut told, (pipeline, &plan), (seen, now))),
        // What it made for its last valid spec stays as it is.
        Err(findings) => {
            conditions::stand(&mut told, &Standing::stalled("InvalidSpec", model::told(&findings)), now);
        }
    }
    // A failure of an action that is no longer asked for tells nothing.
    let failed = actions.iter().rev().find_map(|a| seen.failures.of(&a.id()));
    if let Some(last) = failed {
        conditions::stand(&mut told, &Standing::failed(&last.failure), now);
    }
    let mut decision = Decision::of(told);
    decision.actions = actions;
    decision
}

fn valid(
    told: &mut MLPipelineStatus,
    (pipeline, plan): (&MLPipeline, &Plan),
    (seen, now): (&Seen<Around>, Timestamp),
) -> Vec<Action<NoEffect>> {
    let around = &seen.data;
    let revision = children::revision::name(pipeline);
    let stored = around.revisions.iter().any(|r| r.name == revision);
    let data = data::plan(pipeline, around);
    let mut standing = match data.standing() {
        Data::Ready => status::ready(pipeline),
        Data::Waiting(reason, message) => Standing::progressing(reason, message),
        Data::Stalled(reason, message) => Standing::stalled(reason, message),
    };
    status::data(told, &data.standing(), now);
    let mut actions = data.actions;
    if let Some(registry) = registry(plan, around).filter(|_| matches!(standing, Standing::Ready { .. })) {
        standing = registry;
    }
    if !stored {
        actions.insert(0, Action::Create(Child::of(pipeline, &children::revision::build(pipeline))));
        if matches!(standing, Standing::Ready { .. }) {
            standing = Standing::progressing("RevisionMissing", "the spec is being stored for its runs");
        }
    }
    told.revision = Some(revision.clone());
    conditions::stand(told, &standing, now);
    actions.extend(history::old_revisions(pipeline, around, &revision));
    actions.extend(requested(told, pipeline, around));
    actions
}

/// A step that leaves its registry to the namespace needs the namespace to have exactly one.
fn registry(plan: &Plan, around: &Around) -> Option<Standing> {
    match around.registries.as_slice() {
        _ if !plan.any_registry => None,
        [_] => None,
        [] => {
            let message = "a register step names no registry and the namespace has none yet; name one or make one";
            Some(Standing::progressing("RegistryMissing", message))
        }
        all => {
            let message = format!(
                "a register step names no registry and the namespace has {}; name one in register.registry",
                all.join(", ")
            );
            Some(Standing::stalled("RegistryAmbiguous", message))
        }
    }
}

/// The run the annotation asks for. Its name follows from the value, so asking again makes no second one; the value is
/// remembered when the run exists, and from then on the run may be deleted without coming back.
fn requested(told: &mut MLPipelineStatus, pipeline: &MLPipeline, around: &Around) -> Option<Action<NoEffect>> {
    let value = asked(pipeline).filter(|v| told.last_handled_run_request.as_ref() != Some(v))?;
    if around.requested {
        told.last_handled_run_request = Some(value);
        return None;
    }
    let suspended = pipeline.spec.suspend == Some(true);
    let run = children::run::requested(pipeline, &value);
    (!suspended).then(|| Action::Create(Child::of(pipeline, &run)))
}
