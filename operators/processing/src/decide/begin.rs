//! Whether a run or an attempt is due, and its intent.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use millrace_crds::{
    job::Rerun,
    processing_job::{Attempt, FailureCounts, JobPhase},
    well_known::ANNOTATION_RUN_REQUESTED,
};
use millrace_kit::{conditions, later};

use super::finish;
use crate::{
    engines,
    job::{attempt, name},
    model::Work,
    pass::{Pass, SLOW},
    rollback,
};

/// Starts the next attempt if one is due; no attempt is live.
pub(crate) fn begin(pass: &mut Pass<'_>) {
    let model = pass.model;
    let rerun = wants_run(pass);
    if attempt::ended(&pass.status) && !rerun {
        return;
    }
    if model.policy.suspend {
        // A run that has ended stays what it became; a later one waits for the end of the suspension.
        if !attempt::ended(&pass.status) {
            pass.status.phase = Some(JobPhase::Suspended);
            pass.status.next_attempt_at = None;
        }
        return;
    }
    let Ok(work) = &model.work else {
        if !attempt::ended(&pass.status) {
            pass.status.phase = Some(JobPhase::Pending);
            pass.status.next_attempt_at = None;
        }
        return;
    };
    // Only now is it known that this spec may not run.
    let last = pass.status.attempt.as_ref().map(engines::of);
    if rollback::rejected(pass) || last.is_some_and(|engine| engine.holds_up_the_next(pass)) {
        return;
    }
    if rerun {
        new_run(pass);
    } else if let Some(due) = pass.status.next_attempt_at.as_ref().map(|t| t.0).filter(|due| *due > pass.now) {
        return pass.wake_at(due);
    }
    new_attempt(pass, work);
}

/// Whether the next attempt belongs to a new run.
fn wants_run(pass: &Pass<'_>) -> bool {
    let status = &pass.status;
    if status.run_number.is_none() {
        return true;
    }
    let changed = status.spec_hash.as_ref() != Some(&pass.model.hash);
    (changed && pass.model.policy.rerun == Rerun::OnChange) || status.pending_run_request.is_some()
}

/// Takes note of a request for a run: it counts from now on, even if its annotation is gone before a run can begin. A later
/// one takes its place: the next run begins after both.
pub(crate) fn hear(pass: &mut Pass<'_>) {
    let Some(asked) = pass.job.annotations().get(ANNOTATION_RUN_REQUESTED) else { return };
    let asked = conditions::cut(asked, 256);
    if pass.status.last_handled_run_request.as_deref() != Some(asked) {
        pass.status.pending_run_request = Some(asked.to_owned());
    }
}

fn new_run(pass: &mut Pass<'_>) {
    if let Some(answered) = pass.status.pending_run_request.take() {
        pass.status.last_handled_run_request = Some(answered);
    }
    let now = Time(pass.now);
    let status = &mut pass.status;
    status.run_number = Some(status.run_number.unwrap_or(0) + 1);
    status.attempt = None;
    status.failures = None;
    status.submitted = None;
    status.results.clear();
    status.result_texts.clear();
    status.started_at = Some(now);
    status.finished_at = None;
    conditions::unset(status, "Succeeded");
    conditions::unset(status, "DataReady");
}

fn new_attempt(pass: &mut Pass<'_>, work: &Work) {
    let run = pass.status.run_number.unwrap_or(1);
    let number = pass.status.attempt.as_ref().map_or(0, |a| a.number) + 1;
    let own = name::attempt(pass.job, run, number);
    let engine = engines::of_work(work);
    let replicas = work.section.replicas();
    let mut attempt = Attempt {
        number,
        engine: Some(engine.name().to_owned()),
        replicas: (replicas > 1).then_some(replicas),
        pod: Some(format!("{own}-{}", work.section.suffix())),
        spec_hash: Some(pass.model.hash.clone()),
        created_at: Some(Time(pass.now)),
        grant: (!work.access.is_empty()).then(|| name::grant(&own)),
        name: own,
        ..Attempt::default()
    };
    if let Err(trouble) = engine.begin(pass, &mut attempt) {
        pass.status.phase = Some(JobPhase::Pending);
        pass.stuck = Some(trouble);
        return;
    }
    (attempt.memory, attempt.worker_memory) = (finish::grown(pass, false), finish::grown(pass, true));
    let status = &mut pass.status;
    status.attempt = Some(attempt);
    status.spec_hash = Some(pass.model.hash.clone());
    status.phase = Some(JobPhase::Starting);
    status.next_attempt_at = None;
    status.failures.get_or_insert_with(FailureCounts::default);
    let (slow, deadline) = (later(pass.now, SLOW), later(pass.now, pass.model.policy.start));
    pass.wake_at(slow.min(deadline));
}
