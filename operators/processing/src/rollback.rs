//! Back to the last spec that was healthy, where a new one does not become so in time.
//!
//! The rejected spec's hash is stored; while it is the object's, decide works on the kept words in its place, and all else
//! follows as from any change of the spec.

use millrace_crds::{
    ProcessingJob, Reason,
    processing_job::{Attempt, StopReason},
};
use millrace_kit::{Action, Effect, conditions, later};

use crate::{
    job::{attempt as attempts, name, outcome::Trouble, restore_point::UNKNOWN},
    model::{Model, section::RollbackAfter},
    objects::revision,
    pass::Pass,
    seen::Observed,
};

/// What the object shall run, in its own words or the kept ones.
pub(crate) enum Spec {
    Own,
    Kept(Box<ProcessingJob>),
    /// Neither may run.
    Lost(Trouble),
}

/// Which spec decide works on.
pub(crate) fn spec(job: &ProcessingJob, own: &Model, seen: &Observed) -> Spec {
    let rejected = job.status.as_ref().and_then(|s| s.state.as_ref()).and_then(|s| s.rejected_hash.as_ref());
    if rejected != Some(&own.hash) {
        return Spec::Own;
    }
    match seen.kept.as_ref().and_then(|kept| revision::apply(job, kept)) {
        Some(kept) => Spec::Kept(Box::new(kept)),
        None => Spec::Lost(Trouble {
            reason: Reason::RolledBack.into(),
            message: "the spec did not become healthy, and the ControllerRevision of the last healthy one is gone; change the spec".to_owned(),
        }),
    }
}

fn after(pass: &Pass<'_>) -> Option<RollbackAfter> {
    pass.model.work.as_ref().ok()?.section.rollback_after()
}

/// A spec that is no longer the object's is not rejected any more.
pub(crate) fn forget(pass: &mut Pass<'_>, own: &str) {
    let rejected = pass.status.state.as_ref().and_then(|s| s.rejected_hash.as_deref());
    if rejected.is_some_and(|hash| hash != own) {
        attempts::state_mut(&mut pass.status).rejected_hash = None;
        conditions::unset(&mut pass.status, "Degraded");
    }
}

/// Whether there is a spec to go back to from that of the live attempt.
pub(crate) fn possible(pass: &Pass<'_>) -> bool {
    let wished = after(pass).is_some();
    let state = pass.status.state.clone().unwrap_or_default();
    let other = state.healthy_hash.is_some_and(|hash| hash != pass.model.hash);
    wished && other && state.rejected_hash.is_none() && state.upgraded_from.is_some_and(|from| from != UNKNOWN)
}

/// Whether what is decided upon is a spec that was rejected in this very pass.
pub(crate) fn rejected(pass: &Pass<'_>) -> bool {
    pass.status.state.as_ref().is_some_and(|s| s.rejected_hash.as_ref() == Some(&pass.model.hash))
}

/// Rejects a spec that has not become healthy in time: its attempt must stop.
pub(crate) fn in_time(pass: &mut Pass<'_>, attempt: &Attempt) -> Option<StopReason> {
    if attempt.spec_hash.as_ref() != Some(&pass.model.hash) || !possible(pass) {
        return None;
    }
    let RollbackAfter { field, limit } = after(pass)?;
    let since = pass.status.started_at.as_ref().map_or(pass.now, |t| t.0);
    let until = later(since, limit);
    if pass.now < until {
        pass.wake_at(until);
        return None;
    }
    let why = conditions::get(&pass.status, "Healthy").or_else(|| conditions::get(&pass.status, "Ready"));
    let why = why.map(|c| c.message.clone()).unwrap_or_default();
    reject(pass, &format!("not healthy within {field}: {why}"));
    Some(StopReason::NotHealthy)
}

/// Stores that the spec is rejected.
pub(crate) fn reject(pass: &mut Pass<'_>, cause: &str) {
    let hash = pass.model.hash.clone();
    let state = attempts::state_mut(&mut pass.status);
    state.rejected_hash = Some(hash);
    state.next_restore.clone_from(&state.upgraded_from);
    let message = format!("the last healthy spec runs instead of this one; change the spec. {cause}");
    conditions::set(&mut pass.status, "Degraded", ("True", Reason::RolledBack, &message), pass.now);
    pass.wake_at(pass.now);
}

/// Keeps the words of the live attempt's spec, and drops what is not needed any more.
pub(crate) fn keep<E: Effect>(pass: &Pass<'_>, attempt: Option<&Attempt>) -> Option<Action<E>> {
    after(pass)?;
    let hash =
        attempt.filter(|a| a.stop_reason.is_none())?.spec_hash.as_ref().filter(|hash| **hash == pass.model.hash)?;
    let own = name::revision(pass.job, hash);
    let there = pass.seen.data.revisions.iter().any(|r| r.name == own);
    let run = pass.status.run_number.unwrap_or(1);
    (!there).then(|| Action::Create(revision::build(pass.job, hash, run)))
}

/// Whether a kept spec is of no use any more.
pub(crate) fn obsolete(pass: &Pass<'_>, revision: &str) -> bool {
    let healthy = pass.status.state.as_ref().and_then(|s| s.healthy_hash.as_ref());
    let of = pass.status.attempt.as_ref().and_then(|a| a.spec_hash.as_ref());
    ![healthy, of, Some(&pass.model.hash)].into_iter().flatten().any(|hash| name::revision(pass.job, hash) == revision)
}
