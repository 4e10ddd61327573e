//! What all parts of a decision read, and the status they write.

use std::time::Duration;

use jiff::Timestamp;
use millrace_crds::{ProcessingJob, ProcessingJobStatus};
use millrace_kit::{Seen, Standing};

use crate::{job::outcome::Trouble, model::Model, seen::Observed};

/// How often an application is asked while something is about to happen.
pub(crate) const POLL_FAST: Duration = Duration::from_secs(1);
/// A start that takes longer is told in the status, even if nothing is wrong with it.
pub(crate) const SLOW: Duration = Duration::from_secs(30);
/// How long a pod may be on its way out beyond its grace period before it is given up.
pub(crate) const GIVE_UP: Duration = Duration::from_secs(60);

/// The condition about the pods that an application asks for itself.
pub(crate) const WORKERS_READY: &str = "WorkersReady";

/// One pass over a job.
pub(crate) struct Pass<'a> {
    pub job: &'a ProcessingJob,
    pub model: &'a Model,
    pub seen: &'a Seen<Observed>,
    pub now: Timestamp,
    /// The status as it will be.
    pub status: ProcessingJobStatus,
    /// What holds up the start.
    pub trouble: Option<Trouble>,
    /// How the object stands while a new spec is held back from a running attempt.
    pub held: Option<Standing>,
    /// What no waiting helps against, so that nothing is started.
    pub stuck: Option<Trouble>,
    /// When to look again.
    pub wake: Option<Timestamp>,
}

impl Pass<'_> {
    /// Looks again at `at`, or earlier if already asked.
    pub(crate) fn wake_at(&mut self, at: Timestamp) {
        self.wake = Some(self.wake.map_or(at, |old| old.min(at)));
    }
}
