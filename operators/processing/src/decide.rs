//! One pass of a job: judge the live attempt, start the next one if it is due, say what must exist.
//!
//! The attempt is stored before anything of it is created, and its end before anything of it is deleted. Everything
//! below is pure.

mod actions;
mod begin;
mod finish;
mod group;
mod preflight;
mod supervise;

use std::time::Duration;

use jiff::Timestamp;
use millrace_crds::{ProcessingJob, ProcessingJobStatus, processing_job::JobPhase};
use millrace_kit::{Decision, NoEffect, Seen, Standing, conditions};

use crate::{
    model::Model,
    observe::Observed,
    status::{self, Trouble},
};

/// A start that takes longer is told in the status, even if nothing is wrong with it.
pub(crate) const SLOW: Duration = Duration::from_secs(30);
/// How long a pod may be on its way out beyond its grace period before it is given up.
pub(crate) const GIVE_UP: Duration = Duration::from_secs(60);

/// What all parts of decide read, and the status they write.
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
    /// When to look again.
    pub wake: Option<Timestamp>,
}

impl Pass<'_> {
    /// Looks again at `at`, or earlier if already asked.
    pub(crate) fn wake_at(&mut self, at: Timestamp) {
        self.wake = Some(self.wake.map_or(at, |old| old.min(at)));
    }
}

/// See the module.
pub(crate) fn decide(
    job: &ProcessingJob,
    seen: &Seen<Observed>,
    now: Timestamp,
) -> Decision<ProcessingJobStatus, NoEffect> {
    let model = Model::of(job);
    let status = job.status.clone().unwrap_or_default();
    if job.metadata.deletion_timestamp.is_some() {
        // Everything of a job goes by owner reference.
        return Decision::of(status);
    }
    let had = status::live(&status).map(|a| a.name.clone());
    let mut pass = Pass { job, model: &model, seen, now, status, trouble: None, held: None, wake: None };
    if had.is_some() {
        supervise::supervise(&mut pass);
    }
    if status::live(&pass.status).is_none() {
        begin::begin(&mut pass);
    }
    let trouble = pass.trouble.take();
    match pass.held.take().filter(|_| pass.status.phase == Some(JobPhase::Running)) {
        Some(standing) => conditions::stand(&mut pass.status, &standing, now),
        None => status::stand(&mut pass.status, &model, (trouble, now)),
    }
    let actions = actions::actions(&pass, had.as_deref());
    Decision { status: pass.status, hold: false, actions, wake: pass.wake }
}
