//! Why a live attempt is asked to stop: stored before anything of it is deleted.

use millrace_crds::processing_job::Attempt;

/// A reason, as `status.attempt.stopReason` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// `spec.suspend` is true.
    Suspended,
    /// The spec makes another application of it.
    SpecChanged,
    /// It has run longer than `deadlines.run`.
    RunDeadline,
    /// One of its pods has failed; its verdict is stored.
    Failed,
    /// The job is being deleted.
    Deleted,
    /// Its spec did not become healthy in time.
    NotHealthy,
    /// Flink does not answer.
    Unreachable,
    /// Flink does not know the job any more.
    JobGone,
    /// A reason of another version of Millrace.
    Other,
}

/// All that are stored, each with its word.
const WORDS: [(StopReason, &str); 8] = [
    (StopReason::Suspended, "Suspended"),
    (StopReason::SpecChanged, "SpecChanged"),
    (StopReason::RunDeadline, "RunDeadline"),
    (StopReason::Failed, "Failed"),
    (StopReason::Deleted, "Deleted"),
    (StopReason::NotHealthy, "NotHealthy"),
    (StopReason::Unreachable, "Unreachable"),
    (StopReason::JobGone, "JobGone"),
];

impl StopReason {
    /// Why this attempt is being stopped, if it is.
    pub(crate) fn of(attempt: &Attempt) -> Option<Self> {
        let stored = attempt.stop_reason.as_deref()?;
        Some(WORDS.iter().find(|(_, word)| *word == stored).map_or(Self::Other, |(reason, _)| *reason))
    }

    /// The stored word.
    pub(crate) fn word(self) -> &'static str {
        WORDS.iter().find(|(reason, _)| *reason == self).map_or("Other", |(_, word)| word)
    }
}
