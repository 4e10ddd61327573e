//! State that must not be lost from one attempt to the next. An attempt keeps state iff `restoredFrom` is stored with it.

pub(crate) mod health;
pub(crate) mod orphans;
pub(crate) mod rescale;
pub(crate) mod restore;
pub(crate) mod restore_points;
pub(crate) mod savepoint;

use std::time::Duration;

use millrace_crds::{
    ProcessingJobStatus,
    engines::FlinkMode,
    processing_job::{Attempt, FlinkAttempt},
};
use millrace_kit::later;

use crate::{
    engines::flink::spec::{Flink, State},
    job::attempt,
    pass::{GIVE_UP, Pass},
};

/// How often it is asked while its job runs.
pub(crate) const POLL_IDLE: Duration = Duration::from_secs(10);

/// The section of the spec, if the job is one of Flink.
pub(crate) fn spec<'a>(pass: &Pass<'a>) -> Option<&'a Flink> {
    pass.model.work.as_ref().ok()?.section_of()
}

/// What the spec says of state.
pub(crate) fn state_spec<'a>(pass: &Pass<'a>) -> Option<&'a State> {
    spec(pass)?.state.as_ref()
}

/// How the spec's job runs.
pub(crate) fn mode(pass: &Pass<'_>) -> FlinkMode {
    spec(pass).map_or(FlinkMode::Streaming, |own| own.mode)
}

/// What a live attempt that keeps state has stored.
pub(crate) fn keeps(attempt: &Attempt) -> Option<&FlinkAttempt> {
    attempt.flink.as_ref().filter(|own| own.restored_from.is_some())
}

/// Whether something of the job has to be undone before it may be forgotten.
pub(crate) fn holds(status: &ProcessingJobStatus) -> bool {
    let uncleaned = status.state.as_ref().is_some_and(|state| !state.leftovers.is_empty());
    uncleaned || attempt::live(status).is_some_and(|attempt| keeps(attempt).is_some())
}

/// Whether a new attempt must wait for the JobManager of the last one, which could still write.
pub(crate) fn waits_for_the_last(pass: &mut Pass<'_>) -> bool {
    let seen = &pass.seen.data;
    let last = seen.workload.as_ref().filter(|_| !seen.lost).or(seen.previous.as_ref());
    let Some(attempt) = pass.status.attempt.as_ref().filter(|a| a.flink.is_some()) else { return false };
    if last.is_none_or(|pod| pod.over() || Some(pod.name.as_str()) != attempt.pod.as_deref()) {
        return false;
    }
    let ended = pass.status.last_attempts.first().and_then(|r| r.finished_at.as_ref());
    let since = attempt.stopping_at.as_ref().or(ended).map_or(pass.now, |t| t.0);
    let until = later(later(since, pass.model.policy.stop * 2), GIVE_UP);
    if pass.now >= until {
        return false;
    }
    pass.wake_at(until);
    true
}
