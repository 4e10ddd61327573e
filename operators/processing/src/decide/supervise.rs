//! The live attempt: has it ended, must it stop, does it run, why does it not run yet.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{
    job::Rerun,
    processing_job::{Attempt, AttemptResult, FailureClass, JobPhase, StopReason},
};
use millrace_kit::later;

use super::{
    finish::finish,
    group, preflight, start,
    stop::{self, conclude, gone_by, saw},
    workers,
};
use crate::{
    engines,
    job::{attempt, outcome::Outcome},
    pass::{GIVE_UP, POLL_FAST, Pass},
    seen::WorkloadView,
};

/// Judges the live attempt; the questions' order is fixed.
pub(crate) fn supervise(pass: &mut Pass<'_>) {
    for engine in engines::ALL {
        engine.hear(pass);
    }
    let Some(attempt) = attempt::live(&pass.status).cloned() else { return };
    let seen = &pass.seen.data;
    if group::pods(seen).any(|pod| pod.over() || pod.ended()) {
        // It may have run and ended between two looks.
        saw(pass);
    }
    if attempt.stop_reason.is_some() {
        return stopped(pass, &attempt);
    }
    let going = group::pods(seen).find(|pod| pod.deleted.is_some() && !pod.over() && !pod.ended());
    if let Some(pod) = going.filter(|_| !group::lost(seen)) {
        return leaving(pass, &attempt, pod);
    }
    if let Some(outcome) = group::outcome(pass, &attempt) {
        if engines::of(&attempt).ends_at_once() {
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
    if pass.job.metadata.deletion_timestamp.is_some() {
        return stop::ask(pass, StopReason::Deleted);
    }
    if pass.model.policy.suspend {
        return stop::ask(pass, StopReason::Suspended);
    }
    let changed = attempt.spec_hash.as_ref() != Some(&pass.model.hash);
    // A pod that is not made yet can only be made from the spec of now.
    let replaced = pass.model.policy.rerun == Rerun::OnChange && pass.model.work.is_ok();
    if changed && (replaced || !group::whole(&attempt, seen)) && preflight::clear(pass, &attempt) {
        return stop::ask(pass, StopReason::SpecChanged);
    }
    match group::started(pass, &attempt) {
        Some(since) => running(pass, since),
        None => start::starting(pass, &attempt),
    }
}

/// What a stop that was asked for makes of the attempt.
fn stopping(pass: &Pass<'_>, attempt: &Attempt) -> Option<Outcome> {
    match attempt.stop_reason? {
        StopReason::RunDeadline => {
            let limit = pass.job.spec.job.deadlines.as_ref().and_then(|d| d.run.clone()).unwrap_or_default();
            let told = format!("ran longer than deadlines.run ({})", limit.0);
            Some(Outcome::failed(FailureClass::Deadline, told))
        }
        StopReason::Failed => {
            let verdict = attempt.verdict.clone().unwrap_or_default();
            let (started, finished) = (verdict.started_at.map(|t| t.0), verdict.finished_at.map(|t| t.0));
            let outcome = Outcome::failed(verdict.class.unwrap_or_default(), verdict.message);
            Some(Outcome { exit_code: verdict.exit_code, started, finished, ..outcome })
        }
        reason => {
            let own = engines::of(attempt).stopped_for(reason);
            own.or_else(|| Some(Outcome::stopped(reason)))
        }
    }
}

/// What becomes of an attempt that is being stopped.
fn stopped(pass: &mut Pass<'_>, attempt: &Attempt) {
    let Some(forced) = stopping(pass, attempt) else { return };
    let seen = &pass.seen.data;
    let engine = engines::of(attempt);
    let saved = engine.stopped_half_way(attempt);
    if let Some(own) = engine.told(seen) {
        let by_itself = own.result == AttemptResult::Succeeded && !saved;
        return finish(pass, if by_itself { own } else { forced });
    }
    let ended = group::outcome(pass, attempt);
    if let Some(own) = ended.clone().filter(|own| own.result == AttemptResult::Succeeded && !saved) {
        return finish(pass, own);
    }
    engine.tend_stop(pass, attempt);
    // It may have ended well before it was asked to stop; one that failed has its verdict.
    let open = group::unconfirmed(pass).filter(|_| attempt.stop_reason != Some(StopReason::Failed));
    let Some(pod) = group::pods(seen).find(|pod| !pod.over() || open.is_some()) else {
        let outcome = match ended {
            // The kubelet gives what never ran an exit code as well.
            Some(own) => Outcome {
                exit_code: forced.exit_code.or_else(|| own.exit_code.filter(|_| own.started.is_some())),
                started: forced.started.or(own.started),
                ..forced
            },
            None => forced,
        };
        return finish(pass, outcome);
    };
    if let Some(until) = engine.stops_until(pass, attempt) {
        return pass.wake_at(until.min(later(pass.now, POLL_FAST)));
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
fn leaving(pass: &mut Pass<'_>, attempt: &Attempt, pod: &WorkloadView) {
    let asked = pod.deleted.unwrap_or(pass.now);
    let grace = u64::try_from(pod.grace.unwrap_or(0)).unwrap_or(0);
    let until = later(later(asked, std::time::Duration::from_secs(grace)), GIVE_UP);
    if pass.now >= until {
        let node = pod.node.clone().unwrap_or_default();
        let message = format!("Pod {} was deleted and node {node} does not confirm its end", pod.name);
        let outcome = Outcome::failed(FailureClass::DriverLost, message);
        return if attempt::size(attempt) > 1 { conclude(pass, outcome) } else { finish(pass, outcome) };
    }
    pass.wake_at(until);
}

fn running(pass: &mut Pass<'_>, since: Option<Timestamp>) {
    let now = pass.now;
    saw(pass);
    let Some(attempt) = attempt::live_mut(&mut pass.status) else { return };
    let engine = engines::of(attempt);
    let url = pass.seen.data.workload.as_ref().and_then(|workload| engine.url(workload));
    if attempt.started_at.is_none() {
        attempt.started_at = Some(Time(since.unwrap_or(now)));
        pass.status.phase = Some(JobPhase::Running);
        pass.status.url = url;
    }
    if let Some(reason) = engine.tend(pass) {
        return stop::ask(pass, reason);
    }
    let Some(attempt) = attempt::live(&pass.status).cloned() else { return };
    if let Some(outcome) = workers::check(pass, &attempt) {
        return conclude(pass, outcome);
    }
    let Some(attempt) = attempt::live(&pass.status) else { return };
    let began = attempt.started_at.as_ref().map_or(now, |t| t.0);
    let Some(limit) = pass.model.policy.run else { return };
    let until = later(began, limit);
    if now >= until {
        return stop::ask(pass, StopReason::RunDeadline);
    }
    pass.wake_at(until);
}
