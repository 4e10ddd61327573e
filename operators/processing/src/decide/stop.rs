//! The live attempt is asked to stop, or has come to its end.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{
    Reason,
    processing_job::{AttemptResult, JobPhase, StopReason, Verdict},
};
use millrace_kit::{conditions, later};

use super::{
    finish::{MAX_RECORD, finish},
    group,
};
use crate::{
    engines,
    job::{attempt, outcome::Outcome},
    pass::{GIVE_UP, Pass},
};

/// Stops the live attempt; one without any pod has ended with that.
pub(crate) fn ask(pass: &mut Pass<'_>, reason: StopReason) {
    if group::pods(&pass.seen.data).next().is_none() {
        return finish(pass, Outcome::stopped(reason));
    }
    tell_to_go(pass, reason);
}

/// The end of the attempt. What still runs of one that failed is stopped before the next may start, and the reason is
/// stored before that; what still runs after all programs have succeeded is deleted with the verdict.
pub(crate) fn conclude(pass: &mut Pass<'_>, outcome: Outcome) {
    if outcome.result == AttemptResult::Succeeded || !group::alive(&pass.seen.data) {
        return finish(pass, outcome);
    }
    let verdict = Verdict {
        class: outcome.class,
        message: conditions::cut(&outcome.message, MAX_RECORD).to_owned(),
        exit_code: outcome.exit_code,
        started_at: outcome.started.map(Time),
        finished_at: outcome.finished.map(Time),
    };
    if let Some(attempt) = attempt::live_mut(&mut pass.status) {
        attempt.verdict = Some(verdict);
    }
    tell_to_go(pass, StopReason::Failed);
}

fn tell_to_go(pass: &mut Pass<'_>, reason: StopReason) {
    let now = pass.now;
    saw(pass);
    if let Some(engine) = attempt::live(&pass.status).map(engines::of) {
        engine.prepare_stop(pass, reason);
    }
    if let Some(attempt) = attempt::live_mut(&mut pass.status) {
        attempt.stop_reason = Some(reason);
        attempt.stopping_at = Some(Time(now));
    }
    pass.status.phase = Some(JobPhase::Stopping);
    let until = gone_by(pass, now);
    pass.wake_at(until);
}

/// When a workload that was asked to stop is given up.
pub(crate) fn gone_by(pass: &Pass<'_>, since: Timestamp) -> Timestamp {
    let periods = attempt::live(&pass.status).map_or(1, |attempt| engines::of(attempt).stop_periods());
    later(later(since, pass.model.policy.stop * periods), GIVE_UP)
}

/// Stores that there are pods: their uids, that the job counts as submitted, and that its data was there.
pub(crate) fn saw(pass: &mut Pass<'_>) {
    let (seen, now) = (&pass.seen.data, pass.now);
    if group::pods(seen).next().is_none() {
        return;
    }
    let Some(attempt) = attempt::live_mut(&mut pass.status) else { return };
    group::store(attempt, seen);
    let granted = attempt.grant.clone();
    pass.status.submitted = Some(true);
    if let Some(grant) = granted {
        conditions::set(&mut pass.status, "DataReady", ("True", Reason::Granted, &format!("DataGrant {grant}")), now);
    }
}
