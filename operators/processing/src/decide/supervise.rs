//! The live attempt: has it ended, must it stop, does it run, why does it not run yet.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{
    job::Rerun,
    processing_job::{Attempt, AttemptResult, FailureClass, JobPhase, Verdict},
};
use millrace_kit::{conditions, later};

use super::{
    GIVE_UP, Pass,
    finish::{MAX_RECORD, finish},
    flink, group, preflight, start, workers,
};
use crate::{
    engine,
    evidence::{self, Outcome},
    observe::PodView,
    status,
};

/// Stored stop reasons.
const SUSPENDED: &str = "Suspended";
pub(crate) const SPEC_CHANGED: &str = "SpecChanged";
const RUN_DEADLINE: &str = "RunDeadline";
pub(crate) const FAILED: &str = "Failed";

/// Judges the live attempt; the questions' order is fixed.
pub(crate) fn supervise(pass: &mut Pass<'_>) {
    flink::savepoint::forget(pass);
    flink::savepoint::progress(pass);
    let Some(attempt) = status::live(&pass.status).cloned() else { return };
    let seen = &pass.seen.data;
    if group::pods(seen).any(|pod| pod.over() || pod.ended()) {
        // It may have run and ended between two looks.
        saw(pass);
    }
    if attempt.stop_reason.is_some() {
        return stop(pass, &attempt);
    }
    let going = group::pods(seen).find(|pod| pod.deleted.is_some() && !pod.over() && !pod.ended());
    if let Some(pod) = going.filter(|_| !group::lost(seen)) {
        return leaving(pass, &attempt, pod);
    }
    if let Some(outcome) = group::outcome(pass, &attempt) {
        if attempt.flink.is_some() {
            // What a job of Flink that is over leaves is known now, and its JobManager has nothing left to do.
            saw(pass);
            return finish(pass, outcome);
        }
        return match group::settling(pass, &attempt, &outcome) {
            Some(until) => pass.wake_at(until),
            None => conclude(pass, outcome),
        };
    }
    if let Some(until) = group::unconfirmed(pass) {
        return pass.wake_at(until);
    }
    let exists = group::pods(seen).next().is_some();
    if pass.job.metadata.deletion_timestamp.is_some() {
        return ask_to_stop(pass, flink::DELETED, exists);
    }
    if pass.model.policy.suspend {
        return ask_to_stop(pass, SUSPENDED, exists);
    }
    let changed = attempt.spec_hash.as_ref() != Some(&pass.model.hash);
    // A pod that is not made yet can only be made from the spec of now.
    let replaced = pass.model.policy.rerun == Rerun::OnChange && pass.model.work.is_ok();
    if changed && (replaced || !group::whole(&attempt, seen)) && preflight::clear(pass, &attempt) {
        return ask_to_stop(pass, SPEC_CHANGED, exists);
    }
    match group::started(pass, &attempt) {
        Some(since) => running(pass, since),
        None => start::starting(pass, &attempt),
    }
}

/// What a stop that was asked for makes of the attempt.
fn stopping(pass: &Pass<'_>, attempt: &Attempt) -> Option<Outcome> {
    match attempt.stop_reason.as_deref()? {
        RUN_DEADLINE => {
            let limit = pass.job.spec.job.deadlines.as_ref().and_then(|d| d.run.clone()).unwrap_or_default();
            let told = format!("ran longer than deadlines.run ({})", limit.0);
            Some(Outcome::failed(FailureClass::Deadline, told))
        }
        flink::UNREACHABLE => {
            Some(Outcome::failed(FailureClass::DriverLost, "Flink did not answer for 10 minutes".to_owned()))
        }
        flink::JOB_GONE => {
            Some(Outcome::failed(FailureClass::Infrastructure, "Flink does not know the job any more".to_owned()))
        }
        FAILED => {
            let verdict = attempt.verdict.clone().unwrap_or_default();
            let (started, finished) = (verdict.started_at.map(|t| t.0), verdict.finished_at.map(|t| t.0));
            let outcome = Outcome::failed(verdict.class.unwrap_or_default(), verdict.message);
            Some(Outcome { exit_code: verdict.exit_code, started, finished, ..outcome })
        }
        reason => Some(Outcome::stopped(reason)),
    }
}

pub(crate) fn ask_to_stop(pass: &mut Pass<'_>, reason: &str, exists: bool) {
    if !exists {
        // Nothing to wait for.
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
    if let Some(attempt) = status::live_mut(&mut pass.status) {
        attempt.verdict = Some(verdict);
    }
    tell_to_go(pass, FAILED);
}

fn tell_to_go(pass: &mut Pass<'_>, reason: &str) {
    let now = pass.now;
    saw(pass);
    flink::savepoint::intend(pass, reason);
    if let Some(attempt) = status::live_mut(&mut pass.status) {
        attempt.stop_reason = Some(reason.to_owned());
        attempt.stopping_at = Some(Time(now));
    }
    pass.status.phase = Some(JobPhase::Stopping);
    let until = gone_by(pass, now);
    pass.wake_at(until);
}

/// When a pod that was asked to stop is given up. A job of Flink has one grace period for its savepoint, one for its pod.
fn gone_by(pass: &Pass<'_>, since: Timestamp) -> Timestamp {
    let flink = status::live(&pass.status).is_some_and(|a| a.flink.is_some());
    later(later(since, pass.model.policy.stop * if flink { 2 } else { 1 }), GIVE_UP)
}

fn stop(pass: &mut Pass<'_>, attempt: &Attempt) {
    let Some(forced) = stopping(pass, attempt) else { return };
    let seen = &pass.seen.data;
    let saved = flink::savepoint::saved(attempt);
    if let Some(own) = evidence::flink::told(seen.flink.as_ref()) {
        let by_itself = own.result == AttemptResult::Succeeded && !saved;
        return finish(pass, if by_itself { own } else { forced });
    }
    let ended = group::outcome(pass, attempt);
    if let Some(own) = ended.clone().filter(|own| own.result == AttemptResult::Succeeded && !saved) {
        return finish(pass, own);
    }
    flink::savepoint::insist(pass, attempt);
    // It may have ended well before it was asked to stop; one that failed has its verdict.
    let open = group::unconfirmed(pass).filter(|_| attempt.stop_reason.as_deref() != Some(FAILED));
    let Some(pod) = group::pods(seen).find(|pod| !pod.over() || open.is_some()) else {
        let outcome = match ended {
            // The kubelet gives a container that never ran an exit code as well.
            Some(own) => Outcome {
                exit_code: forced.exit_code.or_else(|| own.exit_code.filter(|_| own.started.is_some())),
                started: forced.started.or(own.started),
                ..forced
            },
            None => forced,
        };
        return finish(pass, outcome);
    };
    if let Some(until) = flink::savepoint::waits(pass, attempt) {
        return pass.wake_at(until.min(later(pass.now, flink::SOON)));
    }
    let until = gone_by(pass, attempt.stopping_at.as_ref().map_or(pass.now, |t| t.0));
    if pass.now >= until {
        let message =
            format!("{}; Pod {} has not gone within deadlines.stop and is left to its node", forced.message, pod.name);
        return finish(pass, Outcome { message, ..forced });
    }
    pass.wake_at(open.map_or(until, |open| open.min(until)));
}

/// Somebody deletes a pod: its last words are worth a wait, but not for ever.
fn leaving(pass: &mut Pass<'_>, attempt: &Attempt, pod: &PodView) {
    let asked = pod.deleted.unwrap_or(pass.now);
    let grace = u64::try_from(pod.grace.unwrap_or(0)).unwrap_or(0);
    let until = later(later(asked, std::time::Duration::from_secs(grace)), GIVE_UP);
    if pass.now >= until {
        let node = pod.node.clone().unwrap_or_default();
        let message = format!("Pod {} was deleted and node {node} does not confirm its end", pod.name);
        let outcome = Outcome::failed(FailureClass::DriverLost, message);
        return if engine::size(attempt) > 1 { conclude(pass, outcome) } else { finish(pass, outcome) };
    }
    pass.wake_at(until);
}

/// Stores that there are pods: their uids, that the job counts as submitted, and that its data was there.
pub(crate) fn saw(pass: &mut Pass<'_>) {
    let (seen, now) = (&pass.seen.data, pass.now);
    if group::pods(seen).next().is_none() {
        return;
    }
    let Some(attempt) = status::live_mut(&mut pass.status) else { return };
    group::store(attempt, seen);
    let granted = attempt.grant.clone();
    pass.status.submitted = Some(true);
    if let Some(grant) = granted {
        conditions::set(&mut pass.status, "DataReady", ("True", "Granted", &format!("DataGrant {grant}")), now);
    }
}

fn running(pass: &mut Pass<'_>, since: Option<Timestamp>) {
    let now = pass.now;
    let work = pass.model.work.as_ref().ok();
    let url = work.zip(pass.seen.data.pod.as_ref()).and_then(|(work, pod)| engine::of(work).url(pod));
    saw(pass);
    let Some(attempt) = status::live_mut(&mut pass.status) else { return };
    if attempt.started_at.is_none() {
        attempt.started_at = Some(Time(since.unwrap_or(now)));
        pass.status.phase = Some(JobPhase::Running);
        pass.status.url = url;
    }
    flink::health::check(pass);
    let Some(attempt) = status::live(&pass.status).filter(|a| a.stop_reason.is_none()).cloned() else { return };
    workers::check(pass, &attempt);
    let Some(attempt) = status::live(&pass.status).filter(|a| a.stop_reason.is_none()) else { return };
    let began = attempt.started_at.as_ref().map_or(now, |t| t.0);
    let Some(limit) = pass.model.policy.run else { return };
    let until = later(began, limit);
    if now >= until {
        return ask_to_stop(pass, RUN_DEADLINE, true);
    }
    pass.wake_at(until);
}
