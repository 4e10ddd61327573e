//! Which attempt is live, and how large it is.

use millrace_crds::{
    ProcessingJobStatus,
    processing_job::{Attempt, AttemptRecord, JobState},
};

/// The attempt that is stored and has no record of its end yet.
pub(crate) fn live(status: &ProcessingJobStatus) -> Option<&Attempt> {
    let attempt = status.attempt.as_ref()?;
    let ended = |r: &AttemptRecord| Some(r.run) == status.run_number && r.number == attempt.number;
    if status.last_attempts.first().is_some_and(ended) { None } else { Some(attempt) }
}

/// As [`live`], to be changed.
pub(crate) fn live_mut(status: &mut ProcessingJobStatus) -> Option<&mut Attempt> {
    live(status)?;
    status.attempt.as_mut()
}

/// What attempts leave to each other, to be changed.
pub(crate) fn state_mut(status: &mut ProcessingJobStatus) -> &mut JobState {
    status.state.get_or_insert_default()
}

/// Whether the present run has ended for good.
pub(crate) fn ended(status: &ProcessingJobStatus) -> bool {
    status.finished_at.is_some()
}

/// How many pods an attempt has.
pub(crate) fn size(attempt: &Attempt) -> usize {
    attempt.replicas.and_then(|n| usize::try_from(n).ok()).unwrap_or(1)
}
