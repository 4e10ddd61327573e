//! One pass of a job: judge the live attempt, start the next one if it is due, say what must exist.
//!
//! The attempt is stored before anything of it is created, and its end before anything of it is deleted. Everything
//! below is pure.

mod actions;
mod begin;
mod finish;
mod group;
mod preflight;
mod standing;
mod start;
mod state_guard;
mod stop;
mod supervise;
mod workers;

use std::time::Duration;

use jiff::Timestamp;
use millrace_crds::{ProcessingJob, ProcessingJobStatus, processing_job::JobPhase};
use millrace_kit::{Decision, Seen, conditions, later};

use crate::{
    engine::EngineCall,
    engines,
    job::{attempt, outcome::Trouble},
    model::Model,
    parse,
    pass::Pass,
    rollback::{self, Spec},
    seen::Observed,
};

/// When to look again whether the DataPlane allows what it did not: nobody watches it.
const ASK_AGAIN: Duration = Duration::from_secs(300);

/// See the module.
pub(crate) fn decide(
    job: &ProcessingJob,
    seen: &Seen<Observed>,
    now: Timestamp,
) -> Decision<ProcessingJobStatus, EngineCall> {
    let status = job.status.clone().unwrap_or_default();
    let deleting = job.metadata.deletion_timestamp.is_some();
    if deleting && !engines::hold(&status) {
        // Everything else of a job goes by owner reference.
        return Decision::of(status);
    }
    let read = |job: &ProcessingJob| parse::model(job).permitted(job, seen.data.system_priority);
    let own = read(job);
    match rollback::spec(job, &own, &seen.data) {
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
) -> Decision<ProcessingJobStatus, EngineCall> {
    let ((job, model), (own, stuck), (seen, now)) = (spec, own, around);
    let status = job.status.clone().unwrap_or_default();
    let had = attempt::live(&status).map(|a| a.name.clone());
    let mut pass = Pass { job, model, seen, now, status, trouble: None, held: None, stuck, wake: None };
    if model.unpermitted {
        pass.wake_at(later(now, ASK_AGAIN));
    }
    begin::hear(&mut pass);
    rollback::forget(&mut pass, own);
    if had.is_some() {
        supervise::supervise(&mut pass);
    }
    let deleting = job.metadata.deletion_timestamp.is_some();
    if attempt::live(&pass.status).is_none() && !deleting && pass.stuck.is_none() {
        begin::begin(&mut pass);
    }
    let left: Vec<_> = engines::ALL.iter().flat_map(|engine| engine.clean(&mut pass)).collect();
    let (trouble, stuck) = (pass.trouble.take(), pass.stuck.take());
    match pass.held.take().filter(|_| pass.status.phase == Some(JobPhase::Running)) {
        Some(standing) => conditions::stand(&mut pass.status, &standing, now),
        None => standing::stand(&mut pass.status, model, (trouble, stuck, now)),
    }
    let mut actions = actions::actions(&pass, had.as_deref());
    actions.extend(left);
    let hold = engines::hold(&pass.status);
    Decision { status: pass.status, hold, actions, wake: pass.wake }
}
