//! One pass of a job: judge the live attempt, start the next one if it is due, say what must exist.
//!
//! The attempt is stored before anything of it is created, and its end before anything of it is deleted. Everything
//! below is pure.

mod actions;
mod begin;
mod finish;
mod flink;
mod group;
mod keeper;
mod preflight;
mod standing;
mod start;
mod stop;
mod supervise;
mod workers;

use std::time::Duration;

use jiff::Timestamp;
use millrace_crds::{ProcessingJob, ProcessingJobStatus, processing_job::JobPhase};
use millrace_kit::{Decision, Seen, conditions, later};

use crate::{
    job::{attempt, outcome::Trouble},
    model::Model,
    pass::Pass,
    rest::FlinkCall,
    seen::Observed,
};
use flink::rollback::Spec;

/// When to look again whether the DataPlane allows what it did not: nobody watches it.
const ASK_AGAIN: Duration = Duration::from_secs(300);

/// See the module.
pub(crate) fn decide(
    job: &ProcessingJob,
    seen: &Seen<Observed>,
    now: Timestamp,
) -> Decision<ProcessingJobStatus, FlinkCall> {
    let status = job.status.clone().unwrap_or_default();
    let deleting = job.metadata.deletion_timestamp.is_some();
    if deleting && !flink::holds(&status) {
        // Everything else of a job goes by owner reference.
        return Decision::of(status);
    }
    let read = |job: &ProcessingJob| Model::of(job).permitted(job, seen.data.system_priority);
    let own = read(job);
    match flink::rollback::spec(job, &own, &seen.data) {
        Spec::Own => pass((job, &own), (&own.hash, None), (seen, now)),
        Spec::Kept(kept) => pass((&kept, &read(&kept)), (&own.hash, None), (seen, now)),
        Spec::Lost(stuck) => pass((job, &own), (&own.hash, Some(stuck)), (seen, now)),
    }
}

/// One pass over the spec that counts; `own` is the hash of the object's.
fn pass(
    spec: (&ProcessingJob, &Model),
    own: (&str, Option<Trouble>),
    around: (&Seen<Observed>, Timestamp),
) -> Decision<ProcessingJobStatus, FlinkCall> {
    let ((job, model), (own, stuck), (seen, now)) = (spec, own, around);
    let status = job.status.clone().unwrap_or_default();
    let had = attempt::live(&status).map(|a| a.name.clone());
    let mut pass = Pass { job, model, seen, now, status, trouble: None, held: None, stuck, wake: None };
    if model.unpermitted {
        pass.wake_at(later(now, ASK_AGAIN));
    }
    begin::hear(&mut pass);
    flink::rollback::forget(&mut pass, own);
    if had.is_some() {
        supervise::supervise(&mut pass);
    }
    let deleting = job.metadata.deletion_timestamp.is_some();
    if attempt::live(&pass.status).is_none() && !deleting && pass.stuck.is_none() {
        begin::begin(&mut pass);
    }
    let left = flink::leftovers::clean(&mut pass);
    let (trouble, stuck) = (pass.trouble.take(), pass.stuck.take());
    match pass.held.take().filter(|_| pass.status.phase == Some(JobPhase::Running)) {
        Some(standing) => conditions::stand(&mut pass.status, &standing, now),
        None => standing::stand(&mut pass.status, model, (trouble, stuck, now)),
    }
    let mut actions = actions::actions(&pass, had.as_deref());
    actions.extend(left);
    let hold = flink::holds(&pass.status);
    Decision { status: pass.status, hold, actions, wake: pass.wake }
}
